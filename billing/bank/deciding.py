"""What lines of statements are found to be: certain ones by themselves, the others by a person; each decision is kept.

A line is decided while its latest decision is none that undoes. Whatever it was found to be, entries that move the
bank's account book it, and the decision names them: so the bank's balance can be reconciled line by line.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, func, select, tuple_

from billing.bank.formats.statement import BankLine
from billing.bank.importing import line_name
from billing.bank.matching import BOOKED, BOUNCED, CLEARED, RECEIVED, RECORDED, Proposal
from billing.bank.pool import BANK_ACCOUNT, bank_postings, is_latest, is_unlinked, load_pool
from billing.bank.tables import bank_line, line_decision, line_entry
from billing.entries.accounts import CLIENTS, DEPOSITS_HELD, DOUBTFUL_CLIENTS, UNPLACED, VAT_DUE, VAT_NOT_YET_DUE
from billing.entries.receivables import TRANSFER
from billing.frame.audit_log import record_change
from billing.frame.codes import RECEIPT
from billing.frame.database import change_receivables, insert_rows
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import placements_left
from billing.receivables.receipts.acting import acting_day, require_reason_text
from billing.receivables.receipts.allocating import allocate
from billing.receivables.receipts.clearing import bounce, clear
from billing.receivables.receipts.orders import AUTOMATIC, NONE, PAYER_TEXT_LENGTH_MAX, Leg, Part, ReceiptOrder
from billing.receivables.receipts.placing import place, withdraw
from billing.receivables.receipts.receiving import receive
from billing.receivables.receipts.undoing import undo
from billing.receivables.tables.receipts import allocation, allocation_undoing, placement, placement_withdrawal, receipt
from ledger.accounts import label_of
from ledger.entry import BANK, Entry, Posting
from ledger.errors import UnknownAccount
from ledger.journal import load_entry, post, reversal
from ledger.models import entry, posting
from ledger.periods import first_open_day, limits
from pricing.money import format_amount

UNDONE = "undone"
LineKey: TypeAlias = tuple[int, int]
_DECISION_COLUMNS = (
    "statement_id", "line_no", "decision_no", "kind", "confidence", "why", "decided_on", "tenant", "recorded_at",
)  # fmt: skip
_ENTRY_COLUMNS = ("statement_id", "line_no", "decision_no", "entry", "receipt_id")
# Accounts that documents, receipts and deposits prove to the centime: nothing else is booked to them.
PROVED_ACCOUNTS = frozenset(
    {CLIENTS, DOUBTFUL_CLIENTS, VAT_NOT_YET_DUE, VAT_DUE, DEPOSITS_HELD, UNPLACED, BANK_ACCOUNT, "3942", "4421", "4428",
     "5111", "3425", "5161"}
)  # fmt: skip
WHY_LENGTH_MAX = 1000


class LineRow(NamedTuple):
    """A line with its key."""

    key: LineKey
    line: BankLine


class Choice(NamedTuple):
    """What a person says a line is; as `Proposal`, but cleared and bounced name any number of receipts.

    `automatic`: what the tenant has open is paid oldest first, named ones before; else `parts` alone.
    """

    kind: str
    tenant: str | None = None
    parts: tuple[Part, ...] = ()
    rent_withheld: int = 0
    vat_withheld: int = 0
    receipts: tuple[int, ...] = ()
    entry: str | None = None
    account: str | None = None
    automatic: bool = False


class _Decided(NamedTuple):
    key: LineKey
    decision_no: int
    kind: str
    confidence: int | None
    why: str
    decided_on: date
    tenant: str | None
    entries: tuple[tuple[str, int | None], ...]


# --- reading -----------------------------------------------------------------------------------------


def lines_keyed(connection: Connection, keys: Sequence[LineKey]) -> list[LineRow]:
    """Those lines, in order; keys that are none's are left out."""
    x = bank_line.c
    found = select(bank_line).where(tuple_(x.statement_id, x.line_no).in_(keys)).order_by(x.statement_id, x.line_no)
    return [line_row(row) for row in connection.execute(found)]


def line_row(row: Row[Any]) -> LineRow:
    """A row of `bank_line` as a value with its key."""
    fields = {name: getattr(row, name) for name in BankLine._fields}
    return LineRow((row.statement_id, row.line_no), BankLine(**{**fields, "is_reversal": bool(row.is_reversal)}))


def lines_of_statements(connection: Connection, statements: Sequence[int]) -> list[LineRow]:
    """Every line of statements, in order."""
    x = bank_line.c
    found = select(bank_line).where(x.statement_id.in_(statements)).order_by(x.statement_id, x.line_no)
    return [line_row(row) for row in connection.execute(found)]


def require_line(connection: Connection, key: LineKey) -> LineRow:
    """One line; raises Unknown."""
    found = lines_keyed(connection, [key])
    if not found:
        raise Unknown(f"there is no line {line_name(*key)} of a statement")
    return found[0]


def latest_decision(connection: Connection, key: LineKey) -> Row[Any] | None:
    """The decision about a line that counts; None where none was taken."""
    d = line_decision.c
    return connection.execute(
        select(line_decision).where(d.statement_id == key[0], d.line_no == key[1], is_latest())
    ).one_or_none()


def entries_of(connection: Connection, key: LineKey, decision_no: int) -> list[tuple[str, int | None]]:
    """The entries a decision names, with their receipts."""
    x = line_entry.c
    rows = connection.execute(
        select(x.entry, x.receipt_id)
        .where(x.statement_id == key[0], x.line_no == key[1], x.decision_no == decision_no)
        .order_by(x.entry)
    )
    return [(reference, receipt_id) for reference, receipt_id in rows]


def propose(connection: Connection, lines: Sequence[BankLine], terms: Terms) -> list[tuple[Proposal, ...]]:
    """What each of those lines may be, as things stand now; each by itself."""
    pool = load_pool(connection, lines, terms)
    return [pool.proposals(line) for line in lines]


# --- certain ones, by themselves ---------------------------------------------------------------------


def decide_certain(
    connection: Connection, lines: Sequence[LineRow], *, recorded_at: datetime, terms: Terms
) -> dict[LineKey, Proposal]:
    """Book the lines that are certain, if the settings of their day let them; gives what they were found to be.

    In the order of the statement: what one line pays is paid for the next. Lines of closed months wait for a person.
    """
    change_receivables(connection)
    known = limits(connection)
    pool = load_pool(connection, [row.line for row in lines], terms)
    sure: dict[LineKey, Proposal] = {}
    by_day: dict[date, tuple[bool, int]] = {}
    for key, line in lines:
        on = line.booked_on
        if on not in by_day:
            is_open = (known.closed_through is None or on > known.closed_through) and (
                known.open_through is None or on <= known.open_through
            )
            by_day[on] = (
                is_open and bool(terms.at("statements.book_certain", on)), int(terms.at("statements.certain_from", on))
            )  # fmt: skip
        allowed, least = by_day[on]
        found = pool.proposals(line) if allowed else ()
        if found and found[0].confidence >= least and found[0].kind in (RECEIVED, CLEARED, BOUNCED, RECORDED):
            sure[key] = found[0]
            pool.take(found[0])
    by_key = {row.key: row for row in lines}
    decided = [*_received(connection, [(by_key[key], p) for key, p in sure.items() if p.kind == RECEIVED],
                          recorded_at=recorded_at, terms=terms)]  # fmt: skip
    for key, proposal in sure.items():
        line = by_key[key].line
        if proposal.kind in (CLEARED, BOUNCED):
            entries = _of_cheques(
                connection, line, proposal.kind, [proposal.receipt or 0], proposal.why.text, recorded_at=recorded_at,
                terms=terms,
            )  # fmt: skip
            decided.append(_decided(key, 1, proposal, line.booked_on, entries))
        elif proposal.kind == RECORDED:
            decided.append(_decided(key, 1, proposal, line.booked_on, [(str(proposal.entry), None)]))
    _write(connection, decided, recorded_at)
    return sure


def _decided(
    key: LineKey, decision_no: int, proposal: Proposal, on: date, entries: Iterable[tuple[str, int | None]]
) -> _Decided:
    return _Decided(
        key=key,
        decision_no=decision_no,
        kind=proposal.kind,
        confidence=proposal.confidence,
        why=proposal.why.text,
        decided_on=on,
        tenant=proposal.tenant,
        entries=tuple(entries),
    )


def _received(
    connection: Connection, found: Sequence[tuple[LineRow, Proposal]], *, recorded_at: datetime, terms: Terms
) -> list[_Decided]:
    """Receipts of lines that bring money, all in one act."""
    orders = [order_of(row, proposal) for row, proposal in found]
    keys = receive(connection, orders, recorded_at=recorded_at, terms=terms, source="statements")
    return [
        _decided(row.key, 1, proposal, row.line.booked_on, [(f"{BANK}/{RECEIPT.format(key)}", key)])
        for (row, proposal), key in zip(found, keys, strict=True)
    ]


def order_of(row: LineRow, proposal: Proposal | Choice) -> ReceiptOrder:
    """The receipt that a line is: on the day the bank booked it, under the line's own name."""
    line = row.line
    legs = [Leg("money", line.amount)]
    if proposal.rent_withheld:
        legs.append(Leg("rent_withholding", proposal.rent_withheld))
    if proposal.vat_withheld:
        legs.append(Leg("vat_withholding", proposal.vat_withheld))
    said = (line.counterparty, line.text, line.structured_reference, line.end_to_end_id, line.bank_reference)
    text = " ".join(part for part in said if part)[:PAYER_TEXT_LENGTH_MAX]
    is_automatic = isinstance(proposal, Choice) and proposal.automatic
    allocations = AUTOMATIC if is_automatic else (proposal.parts or NONE)
    return ReceiptOrder(TRANSFER, line_name(*row.key), line.booked_on, proposal.tenant, tuple(legs), allocations, text)


def _of_cheques(
    connection: Connection, line: BankLine, kind: str, receipts: Sequence[int], why: str, *, recorded_at: datetime,
    terms: Terms,
) -> list[tuple[str, int | None]]:  # fmt: skip
    """Let the bank's word about cheques and bills be known; gives the entries that book the line."""
    entries: list[tuple[str, int | None]] = []
    for key in receipts:
        if kind == CLEARED:
            clear(connection, key, line.booked_on, recorded_at=recorded_at, terms=terms)
            entries.append((f"{BANK}/{RECEIPT.format(key)}/encaissement", key))
        else:
            bounce(connection, key, line.booked_on, why, recorded_at=recorded_at)
            entries.append((f"{BANK}/{RECEIPT.format(key)}/impaye", key))
    return entries


def _write(connection: Connection, decided: Iterable[_Decided], recorded_at: datetime) -> None:
    listed = list(decided)
    insert_rows(
        connection, line_decision, _DECISION_COLUMNS,
        [
            (*one.key, one.decision_no, one.kind, one.confidence, one.why[:WHY_LENGTH_MAX], one.decided_on, one.tenant,
             recorded_at)
            for one in listed
        ],
    )  # fmt: skip
    insert_rows(
        connection, line_entry, _ENTRY_COLUMNS,
        [(*one.key, one.decision_no, reference, key) for one in listed for reference, key in one.entries],
    )  # fmt: skip


# --- the others, by a person -------------------------------------------------------------------------


def decide(
    connection: Connection,
    key: LineKey,
    choice: Choice,
    *,
    why: str,
    recorded_at: datetime,
    terms: Terms,
    confidence: int | None = None,
) -> None:
    """Find a waiting line to be what a person says, and book it. Raises Unknown, Conflict if it is decided, Refused."""
    change_receivables(connection)
    row = require_line(connection, key)
    said = require_reason_text(why)
    latest = latest_decision(connection, key)
    if latest is not None and latest.kind != UNDONE:
        raise Conflict(f"{line_name(*key)} is decided already ({latest.kind}): undo that first")
    decision_no = 1 if latest is None else latest.decision_no + 1
    match choice.kind:
        case "received":
            entries = _receive_one(connection, row, choice, recorded_at=recorded_at, terms=terms)
        case "cleared" | "bounced":
            _require_cheques(row, choice)
            entries = _of_cheques(
                connection, row.line, choice.kind, choice.receipts, said, recorded_at=recorded_at, terms=terms
            )
        case "booked":
            entries = [(_book(connection, row, decision_no, choice.account or "", recorded_at=recorded_at), None)]
        case "recorded":
            entries = [(_require_entry(connection, choice.entry or ""), None)]
        case _:
            raise _refused(
                "kind", choice.kind, "is nothing a line can be", "received, cleared, bounced, booked, recorded"
            )
    _require_bank(connection, row, [reference for reference, _ in entries])
    tenant = choice.tenant or _tenant_of(connection, entries)
    decided = _Decided(
        key=key,
        decision_no=decision_no,
        kind=choice.kind,
        confidence=confidence,
        why=said,
        decided_on=row.line.booked_on,
        tenant=tenant,
        entries=tuple(entries),
    )
    _write(connection, [decided], recorded_at)
    after = {"decision": choice.kind, "why": said, "entries": [reference for reference, _ in entries]}
    record_change(connection, "statement-lines", line_name(*key), None, after)


def accept_proposal(connection: Connection, key: LineKey, number: int, *, recorded_at: datetime, terms: Terms) -> str:
    """Decide a line by one of its proposals as things stand, from 1; gives its kind. Raises as `decide` does."""
    change_receivables(connection)
    (found,) = propose(connection, [require_line(connection, key).line], terms)
    if not 0 < number <= len(found):
        remedy = "say what it is: whose money, which cheque, which account or entry"
        problem = f"there are {len(found)} proposals for {line_name(*key)}" if found else "nothing is proposed"
        raise _refused("proposal", str(number), problem, remedy)
    chosen = found[number - 1]
    decide(
        connection, key, choice_of(chosen), why=chosen.why.text, recorded_at=recorded_at, terms=terms,
        confidence=chosen.confidence,
    )  # fmt: skip
    return chosen.kind


def _receive_one(
    connection: Connection, row: LineRow, choice: Choice, *, recorded_at: datetime, terms: Terms
) -> list[tuple[str, int | None]]:
    """A receipt of one line, or the one it was before its decision was undone, placed anew."""
    if row.line.amount < 0:
        raise _refused("kind", RECEIVED, "is what money that left can't be", "say booked, bounced or recorded")
    standing = connection.scalar(
        select(receipt.c.id).where(
            receipt.c.means == TRANSFER,
            receipt.c.reference == line_name(*row.key),
            receipt.c.value_date == row.line.booked_on,
        )
    )
    if standing is None:
        order = order_of(row, choice)
        (key,) = receive(connection, [order], recorded_at=recorded_at, terms=terms, source="statements")
        return [(f"{BANK}/{RECEIPT.format(key)}", key)]
    if choice.rent_withheld or choice.vat_withheld:
        told = f"is said of {RECEIPT.format(standing)} already, with all that was withheld"
        raise _refused("rent_withheld", None, told, "leave it out: what was withheld stays")
    if choice.parts:
        allocate(connection, standing, choice.parts, recorded_at=recorded_at, terms=terms)
    if choice.tenant is not None and _unplaced(connection, standing):
        place(connection, standing, choice.tenant, None, recorded_at=recorded_at, terms=terms)
    if choice.automatic:
        allocate(connection, standing, AUTOMATIC, recorded_at=recorded_at, terms=terms)
    return [(f"{BANK}/{RECEIPT.format(standing)}", standing)]


def _unplaced(connection: Connection, key: int) -> int:
    """What of a receipt is nobody's."""
    placed = connection.execute(placements_of(key)).all()
    amount = connection.scalar(select(receipt.c.amount).where(receipt.c.id == key)) or 0
    return int(amount) - sum(int(row.amount) - int(row.withdrawn) for row in placed)


def placements_of(key: int) -> Any:
    """The placements of a receipt, with what was withdrawn of each."""
    p, w = placement.c, placement_withdrawal.c
    gone = select(func.coalesce(func.sum(w.amount), 0)).where(w.placement_id == p.id).scalar_subquery()
    return select(p.id, p.tenant, p.amount, gone.label("withdrawn")).where(p.receipt_id == key).order_by(p.id)


def _require_cheques(row: LineRow, choice: Choice) -> None:
    if not choice.receipts:
        raise _refused("receipts", None, "are missing", "name the receipts of the cheques or bills")
    if (row.line.amount > 0) != (choice.kind == CLEARED):
        what = "money that came in" if row.line.amount > 0 else "money that left"
        raise _refused(
            "kind", choice.kind, f"is not what {what} can be", "a cheque is cleared by a credit, bounced by a debit"
        )


def _require_bank(connection: Connection, row: LineRow, entries: Sequence[str]) -> None:
    """Raise Refused unless those entries move the bank's account by what the line does."""
    moved = connection.scalar(
        select(func.coalesce(func.sum(posting.c.amount), 0))
        .join(entry, entry.c.id == posting.c.entry_id)
        .where(entry.c.reference.in_(entries), bank_postings())
    )
    if int(moved or 0) != row.line.amount:
        told = f"move {BANK_ACCOUNT} by {format_amount(int(moved or 0))}, the line is {format_amount(row.line.amount)}"
        raise _refused("amount", None, told, "choose what makes exactly the line, or decide it otherwise")


def _book(connection: Connection, row: LineRow, decision_no: int, account: str, *, recorded_at: datetime) -> str:
    """The bank's own movement, between its account and the one a person names; gives the entry's reference."""
    try:
        label = label_of(account) if account else ""
    except UnknownAccount:
        label = ""
    if not label or not account.isdecimal() or account[0] in "09":
        raise _refused("account", account, "is no account of the chart", "give one of classes 1 to 7, such as 6147")
    if any(account.startswith(proved) for proved in PROVED_ACCOUNTS):
        remedy = "money of tenants is received, placed or refunded; a cheque is cleared"
        raise _refused("account", account, f"({label}) is proved by documents and receipts", remedy)
    name = line_name(*row.key)
    text = row.line.text or row.line.counterparty or row.line.code or label
    made = Entry(
        reference=f"{BANK}/{name}/{decision_no}",
        journal=BANK,
        effective_on=first_open_day(connection, row.line.booked_on),
        label=f"Relevé {name} - {text}"[:200],
        piece=name,
        postings=(Posting(BANK_ACCOUNT, row.line.amount), Posting(account, -row.line.amount)),
    )
    post(connection, [made], recorded_at=recorded_at, insert=insert_rows)
    return made.reference


def _require_entry(connection: Connection, reference: str) -> str:
    """An entry that the books had before, and that no other line stands for."""
    found = connection.scalar(select(entry.c.id).where(entry.c.reference == reference))
    if found is None:
        raise Unknown(f"no entry has the reference {reference}")
    if connection.scalar(select(entry.c.id).where(entry.c.reference == reference, is_unlinked())) is None:
        raise _refused("entry", reference, "is the entry of another line", "an entry stands for one line alone")
    return reference


def _tenant_of(connection: Connection, entries: Iterable[tuple[str, int | None]]) -> str | None:
    """Whose the receipts are, if they are one tenant's."""
    keys = [key for _, key in entries if key is not None]
    codes = (
        set(connection.scalars(select(placement.c.tenant).where(placement.c.receipt_id.in_(keys)))) if keys else set()
    )
    return codes.pop() if len(codes) == 1 else None


def undo_decision(connection: Connection, key: LineKey, *, reason: str, recorded_at: datetime) -> None:
    """Take back what a line was found to be; both decisions stay on record, and the line waits again.

    Money received is nobody's then (4497), until the line is decided anew; what was booked to an account is
    reversed in the open period. A cheque that was cleared or came back can't be undone here. Raises Unknown, Conflict,
    Refused.
    """
    change_receivables(connection)
    require_line(connection, key)
    said = require_reason_text(reason)
    latest = latest_decision(connection, key)
    if latest is None or latest.kind == UNDONE:
        raise Conflict(f"{line_name(*key)} waits for a decision: there is nothing to undo")
    if latest.kind in (CLEARED, BOUNCED):
        raise Conflict(
            f"{line_name(*key)}: a cheque was {latest.kind} by it, which happens once: record what the bank says next"
        )
    for reference, receipt_id in entries_of(connection, key, latest.decision_no):
        if latest.kind == RECEIVED and receipt_id is not None:
            _take_back(connection, receipt_id, said, recorded_at)
        elif latest.kind == BOOKED:
            stands = load_entry(connection, reference)
            if stands is not None:
                day = max(acting_day(connection, None, recorded_at), stands.effective_on)
                back = reversal(stands, f"{reference}/annulation", day, f"Annulation {stands.label}"[:200])
                post(connection, [back], recorded_at=recorded_at, insert=insert_rows)
    decided = _Decided(
        key=key,
        decision_no=latest.decision_no + 1,
        kind=UNDONE,
        confidence=None,
        why=said,
        decided_on=acting_day(connection, None, recorded_at),
        tenant=None,
        entries=(),
    )
    _write(connection, [decided], recorded_at)
    before = {"decision": latest.kind, "why": latest.why}
    record_change(connection, "statement-lines", line_name(*key), before, {"decision": UNDONE, "why": said})


def _take_back(connection: Connection, receipt_id: int, reason: str, recorded_at: datetime) -> None:
    """Undo what a receipt settles, and let it be nobody's again."""
    a, p = allocation.c, placement.c
    standing = (
        select(a.id)
        .join(placement, p.id == a.placement_id)
        .outerjoin(allocation_undoing, allocation_undoing.c.allocation_id == a.id)
        .where(p.receipt_id == receipt_id, allocation_undoing.c.allocation_id.is_(None))
        .order_by(a.id)
    )
    for key in connection.scalars(standing).all():
        undo(connection, key, reason=reason, recorded_at=recorded_at)
    left = connection.execute(placements_left(p.receipt_id == receipt_id)).all()
    for code in sorted({row.tenant for row in left if row.left}):
        withdraw(connection, receipt_id, code, None, reason=reason, recorded_at=recorded_at)


def _refused(column: str, value: str | None, problem: str, remedy: str) -> Refused:
    return Refused([Fault("statements", None, column, value, problem, remedy)])


def choice_of(proposal: Proposal) -> Choice:
    """A proposal as what a person says."""
    return Choice(
        kind=proposal.kind,
        tenant=proposal.tenant,
        parts=proposal.parts,
        rent_withheld=proposal.rent_withheld,
        vat_withheld=proposal.vat_withheld,
        receipts=() if proposal.receipt is None else (proposal.receipt,),
        entry=proposal.entry,
        account=proposal.account,
    )
