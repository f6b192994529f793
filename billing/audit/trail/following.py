"""Follow one thing both ways: down to the facts and persons it came from, up to what came of it.

A name is recognised by what bears it, in this order: a receipt (`RG-000012`), a document's number, an entry's
reference, a lease's code, an entry's number. A trail takes as many statements for two lines as for a hundred.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from billing.audit.trail.causes import causes_of, form_of
from billing.audit.trail.documents import follow_document, line_steps
from billing.audit.trail.leases import follow_lease
from billing.audit.trail.queries import entry_trails
from billing.audit.trail.receipts import follow_receipt
from billing.audit.trail.shapes import CauseKind, EntryTrail, StepKind, Trail, TrailStep
from billing.audit.trail.steps import entry_steps, step, step_of, writings
from billing.documents.explanation.explaining import explain
from billing.frame.errors import TooLong, Unknown
from ledger.models import account, entry, posting
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal
from pricing.period import format_month, next_month

# So many entries are followed at once; where more moved a balance, it is asked for by month or by subledger account.
ENTRIES_MAX = 1000
_DIGITS_MAX = 18
# The entries that book what the lines of documents come to: their trails go on into the lines.
_OF_LINES = ("document", "position")


class Place(NamedTuple):
    """A balance: of an account, or of a subledger account or a site of it; what moved it in a month, or ever."""

    account: str
    auxiliary: str | None = None
    site: str | None = None
    month: date | None = None

    def __str__(self) -> str:
        month = None if self.month is None else format_month(self.month)
        return " ".join(filter(None, (self.account, self.auxiliary, self.site, month)))


def follow(connection: Connection, name: str, kind: str | None = None) -> Trail:
    """Return the trail of what is called `name`, of a kind if one is given; raises Unknown."""
    for followed, find in _FINDERS:
        trail = find(connection, name) if kind in (None, followed) else None
        if trail is not None:
            return trail
    raise Unknown(
        f"no {kind or 'entry, document, receipt or lease'} is called {name}: give an entry's reference or number, a "
        "document's number, a receipt's (RG-000012) or a lease's code"
    )


def follow_balance(connection: Connection, place: Place) -> Trail:
    """Return the trail of a balance: the entries that moved it, and what each books; raises Unknown, TooLong."""
    p, e = posting.c, entry.c
    label = connection.scalar(select(account.c.label).where(account.c.code == place.account))
    if label is None:
        raise Unknown(f"there is no account {place.account}: GET /v1/ledger/accounts lists them")
    wanted = {p.account: place.account, p.auxiliary: place.auxiliary, p.site: place.site}
    of_place = [column == value for column, value in wanted.items() if value is not None]
    before, of_time = 0, []
    if place.month is not None:
        before = int(connection.scalar(select(func.sum(p.amount)).where(*of_place, p.effective_on < place.month)) or 0)
        of_time = [p.effective_on >= place.month, p.effective_on < next_month(place.month)]
    sums = select(p.entry_id, func.sum(p.amount).label("moved")).where(*of_place, *of_time).group_by(p.entry_id)
    moves = sums.subquery()
    moving = select(entry, moves.c.moved).join(moves, moves.c.entry_id == e.id).order_by(e.id).limit(ENTRIES_MAX + 1)
    rows = connection.execute(moving).all()
    if len(rows) > ENTRIES_MAX:
        raise TooLong(f"more than {ENTRIES_MAX} entries moved {place}: give a month, a subledger account or a site")
    moved = sum(int(row.moved) for row in rows)
    about = (
        label if place.month is None else f"{label}; {format_amount(before)} from before, {format_amount(moved)} then"
    )
    return Trail(
        kind="balance",
        name=str(place),
        on=None,
        amount=format_amount(before + moved),
        about=about,
        written=None,
        down=list(_moving_steps(connection, rows)),
        up=[],
    )


def _moving_steps(connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[TrailStep]:
    trails = entry_trails(connection, rows)
    by = writings(connection, [trail.act for trail in trails])
    causes = causes_of(connection, [trail.reference for trail in trails])
    for trail, row in zip(trails, rows, strict=True):
        written = by.get(trail.act)
        yield step(0, StepKind.ENTRY, trail.reference, trail.effective_on, int(row.moved), trail.label, written)
        yield from (step_of(1, cause) for cause in causes[trail.reference])


def _entry_called(connection: Connection, reference: str) -> Trail | None:
    return _entry(connection, connection.execute(select(entry).where(entry.c.reference == reference)).all())


def _entry_numbered(connection: Connection, number: str) -> Trail | None:
    if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS_MAX):
        return None
    return _entry(connection, connection.execute(select(entry).where(entry.c.id == int(number))).all())


def _entry(connection: Connection, heads: Sequence[Row[Any]]) -> Trail | None:
    if not heads:
        return None
    (trail,) = entry_trails(connection, heads)
    debits = sum(parse_decimal(posted.debit, AMOUNT_DECIMALS) for posted in trail.postings)
    takes_back = "" if trail.reverses is None else f"; takes entry {trail.reverses} back"
    return Trail(
        kind="entry",
        name=trail.reference,
        on=trail.effective_on,
        amount=format_amount(debits),
        about=f"entry {trail.number}: {trail.label}{takes_back}",
        written=writings(connection, [trail.act]).get(trail.act),
        down=list(_cause_steps(connection, trail)),
        up=[
            *_posting_steps(connection, trail),
            *entry_steps(connection, _numbered(connection, trail.reversed_by)),
        ],
    )


def _numbered(connection: Connection, numbers: Sequence[int]) -> Sequence[str]:
    return connection.scalars(select(entry.c.reference).where(entry.c.id.in_(numbers))).all()


def _cause_steps(connection: Connection, trail: EntryTrail) -> Iterator[TrailStep]:
    """Yield what an entry books; below a document it books, its lines and what those rest on."""
    books_lines = form_of(trail.reference)[0] in _OF_LINES
    for cause in causes_of(connection, [trail.reference])[trail.reference]:
        # A year is nothing that can be followed: whoever ended it is shown at once.
        ends_a_year = cause.kind == CauseKind.FISCAL_YEAR
        yield step_of(0, cause, writings(connection, [trail.act]).get(trail.act) if ends_a_year else None)
        if books_lines and cause.kind == CauseKind.DOCUMENT:
            yield from line_steps(explain(connection, cause.name), 1)


def _posting_steps(connection: Connection, trail: EntryTrail) -> Iterator[TrailStep]:
    """Yield the balances that an entry moved."""
    codes = {posted.account for posted in trail.postings}
    labels = dict(connection.execute(select(account.c.code, account.c.label).where(account.c.code.in_(codes))).all())
    for posted in trail.postings:
        name = str(Place(posted.account, posted.auxiliary, posted.site))
        amount = parse_decimal(posted.debit, AMOUNT_DECIMALS) - parse_decimal(posted.credit, AMOUNT_DECIMALS)
        yield step(0, StepKind.BALANCE, name, trail.effective_on, amount, labels[posted.account])


_FINDERS: tuple[tuple[str, Callable[[Connection, str], Trail | None]], ...] = (
    ("receipt", follow_receipt),
    ("document", follow_document),
    ("entry", _entry_called),
    ("lease", follow_lease),
    ("entry", _entry_numbered),
)
KINDS = tuple(dict.fromkeys(kind for kind, _ in _FINDERS))
