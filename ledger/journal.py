"""The only way into the journal: entries are posted here, and never changed again (R22)."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any, TypeAlias

from sqlalchemy import Connection, Date, Table, select, text

from ledger.accounts import chart, label_of
from ledger.entry import TAKEN_ON, Entry, Posting
from ledger.errors import ReferenceTaken
from ledger.models import entry, posting
from ledger.periods import NO_LIMITS, Limits, limits, refuse

RowWriter: TypeAlias = Callable[[Connection, Table, Sequence[str], Iterable[Sequence[Any]]], None]

# The sums accounts move, in centimes: day -> (account -> debited, account -> credited).
_Moved: TypeAlias = dict[date, tuple[dict[str, int], dict[str, int]]]

_ENTRY_COLUMNS = ("id", "reference", "journal", "effective_on", "recorded_at", "label", "piece", "posting_count")
_POSTING_COLUMNS = ("entry_id", "line_no", "account", "auxiliary", "site", "effective_on", "amount")
# Many values are one parameter of one statement, as JSON: a list of a thousand parameters costs more to prepare than to
# answer, and an array more to hand over. Each is a list, of which `value ->> 0` is the first item.
_ITEMS = {"sqlite": "json_each(:items)", "postgresql": "json_array_elements(CAST(:items AS json)) AS item(value)"}
_EXISTING = {
    "sqlite": text(f"SELECT id, reference FROM entry WHERE reference IN (SELECT value ->> 0 FROM {_ITEMS['sqlite']})"),  # noqa: S608 - constants, values are bound
    "postgresql": text(
        f"SELECT id, reference FROM entry WHERE reference = ANY (ARRAY(SELECT value ->> 0 FROM {_ITEMS['postgresql']}))"  # noqa: S608 - constants, values are bound
    ),
}
# The days between which entries may be posted, from the newest closing: asked for with the numbers, at no extra cost.
_LIMITS = ", ".join(
    f"(SELECT {limit} FROM period_act ORDER BY id DESC LIMIT 1) AS {limit}"  # noqa: S608 - constants, values are bound
    for limit in ("closed_through", "open_through")
)
# And the day they begin, if with balances from before (`ledger.openings.is_take_on`).
_LIMITS += (
    f", (SELECT effective_on FROM entry WHERE reference BETWEEN '{TAKEN_ON}' AND '{TAKEN_ON}~' "  # noqa: S608 - constants, values are bound
    "ORDER BY reference LIMIT 1) AS begun_on"
)
_TAKE = text("UPDATE entry_counter SET last = last + :count WHERE id = 1 RETURNING last")
# True for a range, (lowest, highest), in which an entry has its reference. It asks for the first from the lowest on:
# for any between the two PostgreSQL may read the whole table.
_IS_USED = "(SELECT reference FROM entry WHERE reference >= value ->> 0 ORDER BY reference LIMIT 1) <= value ->> 1"
# Takes numbers, in one step, if no entry has a reference within the ranges that the new ones span, which takes a tenth
# of the time of a look at each; `seen` is the newest number when that was looked up.
_TAKE_NEW = {
    "sqlite": text(
        "UPDATE entry_counter SET last = last + :count WHERE id = 1 "  # noqa: S608 - constants, values are bound
        f"AND NOT EXISTS (SELECT 1 FROM {_ITEMS['sqlite']} WHERE {_IS_USED}) "
        f"RETURNING last, last - :count AS seen, {_LIMITS}"
    ),
    "postgresql": text(
        "UPDATE entry_counter c SET last = c.last + :count "  # noqa: S608 - constants, values are bound
        "FROM (SELECT last AS seen FROM entry_counter WHERE id = 1) before WHERE c.id = 1 "
        f"AND NOT EXISTS (SELECT 1 FROM {_ITEMS['postgresql']} WHERE {_IS_USED}) "
        f"RETURNING c.last, before.seen, {_LIMITS}"
    ),
}
_TAKE_FOR_NEW = {
    dialect: taking.columns(closed_through=Date, open_through=Date, begun_on=Date)
    for dialect, taking in _TAKE_NEW.items()
}


def insert_by_core(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows through SQLAlchemy, in one statement: the default where nothing faster is handed in."""
    connection.execute(table.insert().values([dict(zip(columns, row, strict=True)) for row in rows]))


def post(
    connection: Connection, entries: Sequence[Entry], *, recorded_at: datetime, insert: RowWriter = insert_by_core
) -> list[int]:
    """Post entries, all or none, and give their numbers in the same order.

    Idempotent by reference: an entry that stands already is left as it is and its number given again;
    raises ReferenceTaken when the reference stands for something else, UnknownAccount for an account
    outside the chart, PeriodClosed or PeriodNotYetOpen for a day that can't be posted to. Numbers have no gap:
    the counter stays locked until the transaction ends.
    `recorded_at` is a UTC instant.
    """
    standing, fresh, first = _numbered(connection, entries)
    if fresh:
        moved = _moved(fresh)
        _open_accounts(connection, {code for amounts in moved.values() for code in chain(*amounts)})
        # Statements that are answered come first, then rows a writer may still be writing when this returns; postings
        # before entries, whose rows seal them.
        _add_to_days(connection, moved)
        insert(connection, posting, _POSTING_COLUMNS, _posting_rows(fresh, first))
        insert(connection, entry, _ENTRY_COLUMNS, _entry_rows(fresh, first, recorded_at))
    if not standing:
        return list(range(first, first + len(fresh)))
    numbers = standing | {e.reference: number for number, e in enumerate(fresh, first)}
    return [numbers[e.reference] for e in entries]


def _moved(entries: Iterable[Entry]) -> _Moved:
    """Sum what the entries move on each account each day."""
    moved: _Moved = defaultdict(lambda: (defaultdict(int), defaultdict(int)))
    for e in entries:
        debited, credited = moved[e.effective_on]
        for p in e.postings:
            if p.amount > 0:
                debited[p.account] += p.amount
            else:
                credited[p.account] -= p.amount
    return moved


def _posting_rows(entries: Iterable[Entry], first: int) -> Iterator[tuple[Any, ...]]:
    """Lay out the postings of entries that are numbered from `first`, while a writer sends those before."""
    for number, e in enumerate(entries, first):
        on = e.effective_on
        for line_no, (code, amount, auxiliary, site) in enumerate(e.postings, 1):
            yield number, line_no, code, auxiliary, site, on, amount


def _entry_rows(entries: Iterable[Entry], first: int, recorded_at: datetime) -> Iterator[tuple[Any, ...]]:
    for number, e in enumerate(entries, first):
        yield number, e.reference, e.journal, e.effective_on, recorded_at, e.label, e.piece, len(e.postings)


def load_entry(connection: Connection, reference: str) -> Entry | None:
    """Return the entry that bears `reference`, as it was posted; None if there is none."""
    head = connection.execute(select(entry).where(entry.c.reference == reference)).one_or_none()
    return None if head is None else _loaded(connection, head)


def _loaded(connection: Connection, head: Any) -> Entry:
    rows = connection.execute(
        select(posting.c.account, posting.c.amount, posting.c.auxiliary, posting.c.site)
        .where(posting.c.entry_id == head.id)
        .order_by(posting.c.line_no)
    )
    postings = tuple(Posting(*row) for row in rows)
    return Entry(
        reference=head.reference,
        journal=head.journal,
        effective_on=head.effective_on,
        label=head.label,
        piece=head.piece,
        postings=postings,
    )


def _numbered(connection: Connection, entries: Sequence[Entry]) -> tuple[dict[str, int], Sequence[Entry], int]:
    """Return the numbers of the entries that stand, those that don't, and the first of the numbers taken for these."""
    if len({e.reference for e in entries}) != len(entries):
        raise ReferenceTaken("the same reference twice in one posting")
    if not entries:
        return {}, (), 0
    wanted = {"count": len(entries), "items": _ranges(entries)}
    taken = connection.execute(_TAKE_FOR_NEW[connection.dialect.name], wanted).one_or_none()
    if taken is not None and taken.last == taken.seen + len(entries):
        _require_open(Limits(taken.closed_through, taken.open_through).from_day(taken.begun_on), entries)
        return {}, entries, taken.seen + 1
    # Some may stand, or others have posted between the look and the lock, perhaps the same. With the
    # lock held it is seen what they did.
    last = _take(connection, len(entries)) if taken is None else int(taken.last)
    standing = _standing(connection, entries)
    if standing:
        _take(connection, -len(standing))
    fresh = [e for e in entries if e.reference not in standing]
    _require_open(limits(connection), fresh)
    return standing, fresh, last - len(entries) + 1


def _require_open(known: Limits, entries: Sequence[Entry]) -> None:
    """Raise PeriodClosed or PeriodNotYetOpen unless all of them lie in open months."""
    if entries and known != NO_LIMITS:
        refuse(known, min(e.effective_on for e in entries))
        refuse(known, max(e.effective_on for e in entries))


def _take(connection: Connection, count: int) -> int:
    """Return the last of `count` numbers in a row, the counter locked until the transaction ends; negative gives back.

    The database refuses to take back a number that is an entry's.
    """
    last = connection.scalar(_TAKE, {"count": count})
    if last is None:
        raise RuntimeError("the entry counter is missing: the schema is incomplete, run `technopark-billing migrate`")
    return int(last)


def _ranges(entries: Collection[Entry]) -> str:
    """Return the lowest and the highest reference of each journal, as JSON: references of a journal look alike."""
    by_journal = ([e.reference for e in entries if e.journal == journal] for journal in {e.journal for e in entries})
    return json.dumps([(min(references), max(references)) for references in by_journal])


def _standing(connection: Connection, entries: Iterable[Entry]) -> dict[str, int]:
    """Return the numbers of those entries that are posted already; raises ReferenceTaken."""
    wanted = {e.reference: e for e in entries}
    rows = connection.execute(_EXISTING[connection.dialect.name], {"items": json.dumps([(r,) for r in wanted])})
    numbers = {reference: int(number) for number, reference in rows}
    for reference in numbers:
        standing = load_entry(connection, reference)
        if standing != wanted[reference]:
            raise ReferenceTaken(
                f"{reference} stands for another entry ({_difference(standing, wanted[reference])}): "
                "correct it by a reversal and a new one"
            )
    return numbers


def _difference(standing: Entry | None, wanted: Entry) -> str:
    """Name the fields that differ, so that a caller who tries again sees why it isn't the same."""
    differing = [
        name
        for name in ("journal", "effective_on", "label", "piece", "postings")
        if getattr(standing, name) != getattr(wanted, name)
    ]
    return "other " + ", ".join(differing)


_OPEN_ACCOUNT = text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING")


def _open_accounts(connection: Connection, accounts: Iterable[str]) -> None:
    """Add those that are not in the shipped chart, but below one that is; raises UnknownAccount."""
    for code in sorted(set(accounts) - chart().keys()):
        connection.execute(_OPEN_ACCOUNT, {"code": code, "label": label_of(code)})


_ADD_TO_DAYS = {
    dialect: text(
        f"INSERT INTO account_day (account, day, debit, credit) SELECT value ->> 0, CAST(value ->> 1 AS {day}), "  # noqa: S608 - constants, values are bound
        f"CAST(value ->> 2 AS bigint), CAST(value ->> 3 AS bigint) FROM {_ITEMS[dialect]} WHERE true "
        "ON CONFLICT (account, day) DO UPDATE SET debit = account_day.debit + excluded.debit, "
        "credit = account_day.credit + excluded.credit"
    )
    for dialect, day in (("sqlite", "text"), ("postgresql", "date"))
}


def _add_to_days(connection: Connection, moved: _Moved) -> None:
    """Add what accounts moved on a day to what they had."""
    # In one order for everybody, though the counter's lock already keeps writers apart.
    rows = sorted(
        (code, day.isoformat(), debited.get(code, 0), credited.get(code, 0))
        for day, (debited, credited) in moved.items()
        for code in debited.keys() | credited.keys()
    )
    connection.execute(_ADD_TO_DAYS[connection.dialect.name], {"items": json.dumps(rows)})
