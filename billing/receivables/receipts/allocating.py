"""What money and credit notes settle after they came in: by a person's word, or by themselves; and taken back again."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from billing.entries.receivables import (
    TO_BE_CLEARED,
    Held,
    Settled,
    allocation_entry,
    number_of,
    placement_entry,
    undoing_entry,
    withdrawal_entry,
)
from billing.frame.civil_time import TIME_ZONE
from billing.frame.database import among, change_receivables
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import Credit, credit_of, placements_left, unplaced_left
from billing.receivables.open_items.standing import OpenDocument, documents_keyed, documents_numbered, open_documents_of
from billing.receivables.open_items.unsettled import open_credits
from billing.receivables.receipts.receiving import Part, credit_account, invoiced_since, part_faults
from billing.receivables.receipts.recording import Records, sign_of
from billing.receivables.receipts.vat_at_issue import let_vat_fall_due
from billing.receivables.tables.receipts import (
    allocation,
    allocation_undoing,
    placement,
    placement_withdrawal,
    receipt,
    receipt_event,
    settlement,
)
from billing.register.tables import tenant as tenant_table
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import credited_part, document, document_line
from ledger.periods import first_open_day, limits, require_open
from pricing.money import format_amount
from pricing.vat_shares import Share, alike_of, netted_of, taken_of, whole

REASON_LENGTH_MAX = 500


# What of a credit note and of an invoice settle each other, by rate; both amount to the same.
Netting: TypeAlias = Callable[[OpenDocument, OpenDocument], tuple[list[Share], list[Share]]]


def allocate(
    connection: Connection,
    key: int,
    parts: Sequence[Part] | Literal["automatic"],
    *,
    recorded_at: datetime,
    terms: Terms,
    on: date | None = None,
) -> list[int]:
    """Let a receipt settle invoices with what it has left; gives the allocations' keys.

    Named with amounts, invoices may be of any tenant: what nobody had placed becomes their tenant's by it.
    `automatic` settles the oldest due of the tenants it is placed on. On the first open day from `on` (today unless
    given), or the invoice's own if that is later. Raises Unknown, Refused with every fault, Conflict for a cheque
    that came back.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    change_receivables(connection)
    require_receipt(connection, key)
    day = acting_day(connection, on, recorded_at)
    records = Records(connection, recorded_at)
    purses, unplaced = _left_of(connection, key)
    if parts == "automatic":
        made = _fill(connection, records, purses, day, "oldest")
    else:
        made = _allocate_named(connection, records, key, list(parts), purses, unplaced, day, terms)
    records.write()
    return made


def _allocate_named(
    connection: Connection,
    records: Records,
    key: int,
    parts: list[Part],
    purses: list[Credit],
    unplaced: int,
    day: date,
    terms: Terms,
) -> list[int]:
    by_number = documents_numbered(connection, [part.invoice for part in parts])
    if not parts:
        raise _refused("invoice", None, "is missing", "name the invoices, or ask for automatic allocation")
    most = sum(purse.left for purse in purses) + unplaced
    faults = [_fault(column, value, *rest) for column, value, *rest in part_faults(parts, by_number, most)]
    if faults:
        raise Refused(faults)
    asked: dict[str, int] = {}
    for number, amount in parts:
        code = by_number[number].tenant
        asked[code] = asked.get(code, 0) + amount
    lefts = {code: sum(purse.left for purse in purses if purse.tenant == code) for code in asked}
    lacking = {code: amount - lefts[code] for code, amount in asked.items() if amount > lefts[code]}
    if sum(lacking.values()) > unplaced:
        for code in lacking:
            may = format_amount(lefts[code] + unplaced)
            problem = f"is more than {number_of(key)} has for {code}"
            remedy = f"at most {may} can be allocated to its invoices; what is placed on others is theirs"
            faults.append(_fault("amount", format_amount(asked[code]), problem, remedy))
        raise Refused(faults)
    for code, amount in lacking.items():
        purses.append(_place(connection, records, _one_receipt(connection, key), code, amount, day, terms))
    made = []
    for number, amount in parts:
        target = by_number[number]
        for index, purse in enumerate(purses):
            part = min(amount, purse.left) if purse.tenant == target.tenant else 0
            if part:
                made.append(_pay(records, purse, target, part, day, "explicit"))
                purses[index] = purse._replace(left=purse.left - part)
                amount -= part
    return made


def _pay(records: Records, purse: Credit, target: OpenDocument, amount: int, day: date, how: str) -> int:
    """Settle so much of an invoice from a tenant's money, by an entry of its own."""
    on = max(day, target.issued_on, purse.since)
    key, settled = records.allocate(
        purse.placement or 0, target, amount, on, how, in_receipt=False, is_money=purse.is_money
    )
    records.book(allocation_entry(key, on, settled, purse.account, number_of(purse.receipt)))
    return key


def _fill(connection: Connection, records: Records, purses: Iterable[Credit], day: date, how: str) -> list[int]:
    """Settle the oldest due invoices of each tenant with its money, the oldest money first."""
    listed = [purse for purse in purses if purse.tenant is not None]
    if not listed:
        return []
    by_tenant: dict[str, list[OpenDocument]] = {}
    for one in open_documents_of(connection, INVOICE, {purse.tenant for purse in listed if purse.tenant}):
        by_tenant.setdefault(one.tenant, []).append(one)
    return _fill_from(records, listed, by_tenant, day, how)


def _fill_from(
    records: Records, purses: Iterable[Credit], by_tenant: dict[str, list[OpenDocument]], day: date, how: str
) -> list[int]:
    made = []
    for purse in purses:
        left = purse.left
        for target in by_tenant.get(purse.tenant or "", ()):
            part = min(left, target.open)
            if part:
                made.append(_pay(records, purse, target, part, day, how))
                left -= part
            if not left:
                break
    return made


def apply_credits(
    connection: Connection,
    *,
    recorded_at: datetime,
    tenants: Iterable[str] | None = None,
    on: date | None = None,
    netting: Netting | None = None,
) -> list[int]:
    """Let every credit of tenants (None: of everybody) settle what is open: credit notes, then money carried forward.

    A credit note settles the invoices it corrects first, then the tenant's oldest due; what is left of either stays
    the tenant's, for the next invoice, for ever. Gives the allocations' keys; again it changes nothing.
    `netting` says how much of a credit note settles an invoice: over all rates unless given. Reads what is open, and
    what came or was settled since the last look (`unsettled.look_again`): nothing of what was settled before.
    """
    parts_of = netting or over_all_rates
    change_receivables(connection)
    day = acting_day(connection, on, recorded_at)
    concerned = None if tenants is None else sorted(set(tenants))
    notes = open_documents_of(connection, CREDIT_NOTE, concerned)
    purses = open_credits(connection, concerned)
    payers = {note.tenant for note in notes} | {purse.tenant for purse in purses if purse.tenant is not None}
    by_tenant: dict[str, list[OpenDocument]] = {}
    for one in open_documents_of(connection, INVOICE, payers) if payers else ():
        by_tenant.setdefault(one.tenant, []).append(one)
    records = Records(connection, recorded_at)
    corrected = _corrected(connection, [note.key for note in notes])
    made = []
    # The oldest note first: one issued later may credit what an earlier one left.
    for note in sorted(notes, key=lambda note: note.key):
        its = corrected.get(note.key, set())
        candidates = by_tenant.get(note.tenant, [])
        for target in [*(one for one in candidates if one.key in its), *candidates]:
            credit, taken = parts_of(note, target)
            if whole(credit):
                made.append(_net(records, note, target, credit, taken, day))
    made += _fill_from(records, purses, by_tenant, day, "credit")
    records.write()
    return made


def settle_what_was_issued(
    connection: Connection, *, recorded_at: datetime, terms: Terms, tenants: Iterable[str] | None = None
) -> None:
    """What follows a run, or a credit note by hand: VAT due at issue falls due, then credits settle what is open.

    `tenants` None: of everybody. A credit note settles like with like only: no VAT falls due, nor is given back,
    because documents were issued. What is left of it waits for `apply_credits`, a refund, or the next invoice.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    apply_credits(connection, recorded_at=recorded_at, tenants=tenants, netting=like_with_like)


def over_all_rates(note: OpenDocument, target: OpenDocument) -> tuple[list[Share], list[Share]]:
    """All that both have open: rate by rate as far as they have it, then over the others, whose VAT falls due by it."""
    credit = taken_of(note.shares, min(note.open, target.open))
    return credit, netted_of(target.shares, credit)


def like_with_like(note: OpenDocument, target: OpenDocument) -> tuple[list[Share], list[Share]]:
    """What both have open just so, base for base and VAT for VAT."""
    return alike_of(note.shares, target.shares), alike_of(target.shares, note.shares)


def _net(
    records: Records, note: OpenDocument, target: OpenDocument, credit: list[Share], taken: list[Share], day: date
) -> int:
    on = max(day, target.issued_on, note.issued_on)
    key, settled = records.net(note, target, credit, taken, on)
    records.book(allocation_entry(key, on, settled, None, note.number))
    return key


def _corrected(connection: Connection, notes: Sequence[int]) -> dict[int, set[int]]:
    """The invoices that credit notes correct, by run or by hand, by the notes' keys."""
    found: dict[int, set[int]] = {}
    x, part = document_line.c, credited_part.c
    for links in (
        select(x.document_id, x.corrects_document_id).where(
            among(connection, x.document_id, notes), x.corrects_document_id.is_not(None)
        ),
        select(part.document_id, part.invoice_id).where(among(connection, part.document_id, notes)),
    ):
        for note, invoice in connection.execute(links):
            found.setdefault(note, set()).add(invoice)
    return found


def place(
    connection: Connection,
    key: int,
    code: str,
    amount: int | None,
    *,
    recorded_at: datetime,
    terms: Terms,
    on: date | None = None,
) -> int:
    """Say that so much of what nobody could place (None: all of it) is a tenant's; gives the placement's key.

    Raises Unknown, Refused, Conflict for a cheque that came back.
    """
    change_receivables(connection)
    head = require_receipt(connection, key)
    if connection.scalar(select(tenant_table.c.code).where(tenant_table.c.code == code)) is None:
        raise _refused("tenant", code, "is unknown", "give the code of a tenant")
    _, unplaced = _left_of(connection, key)
    asked = unplaced if amount is None else amount
    if not 0 < asked <= unplaced:
        problem = f"can't be placed: {number_of(key)} has {format_amount(unplaced)} that nobody has placed"
        raise _refused("amount", format_amount(asked), problem, "give at most that")
    records = Records(connection, recorded_at)
    placed = _place(connection, records, head, code, asked, acting_day(connection, on, recorded_at), terms)
    records.write()
    return placed.placement or 0


def _place(
    connection: Connection, records: Records, head: Row[Any], code: str, amount: int, day: date, terms: Terms
) -> Credit:
    on = max(day, head.value_date)
    key = records.next_key(placement)
    account = credit_account(invoiced_since(connection, [code]).get(code), on, terms)
    records.add(placement, key, head.id, code, amount, account, on, 0, records.recorded_at)
    records.book(placement_entry(key, head.id, on, Held(account, code, amount)))
    _, is_money = state_of(connection, head)
    return Credit(head.id, key, code, account, on, amount, is_money)


def withdraw(
    connection: Connection,
    key: int,
    code: str,
    amount: int | None,
    *,
    reason: str,
    recorded_at: datetime,
    on: date | None = None,
) -> list[int]:
    """Say that so much of a receipt (None: all that is left) is not the tenant's after all; gives what was withdrawn.

    Only what settles nothing can be withdrawn: undo its allocations first. Raises Unknown, Refused, Conflict.
    """
    change_receivables(connection)
    require_receipt(connection, key)
    said = require_said(reason)
    purses, _ = _left_of(connection, key)
    its = [purse for purse in purses if purse.tenant == code]
    most = sum(purse.left for purse in its)
    left = most if amount is None else amount
    if not 0 < left <= most:
        problem = f"can't be withdrawn: {code} has {format_amount(most)} of {number_of(key)} that settles nothing"
        raise _refused("amount", format_amount(left), problem, "undo allocations first, or give at most that")
    day = acting_day(connection, on, recorded_at)
    records, made = Records(connection, recorded_at), []
    for purse in its:
        part = min(left, purse.left)
        if part:
            number, at = records.next_key(placement_withdrawal), max(day, purse.since)
            records.add(placement_withdrawal, number, purse.placement, part, at, said, recorded_at)
            records.book(withdrawal_entry(number, key, at, Held(purse.account, code, part)))
            made.append(number)
            left -= part
    records.write()
    return made


def undo(connection: Connection, key: int, *, reason: str, recorded_at: datetime, on: date | None = None) -> None:
    """Take an allocation back, in the open period: exactly what it moved moves back, and both acts stay.

    What it had settled is open again, its money the tenant's credit. Raises Unknown; Conflict if it was undone already.
    """
    change_receivables(connection)
    said = require_said(reason)
    c = allocation.c
    row = connection.execute(select(allocation).where(c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no allocation {key}")
    if connection.scalar(select(allocation_undoing.c.undone_on).where(allocation_undoing.c.allocation_id == key)):
        raise Conflict(f"the allocation {key} was undone already")
    records = Records(connection, recorded_at)
    day = max(acting_day(connection, on, recorded_at), last_day_of(connection, row))
    (settled,) = take_back(connection, records, [row], day)
    records.add(allocation_undoing, key, day, said, 0, recorded_at)
    account, source = _source_of(connection, row)
    records.book(undoing_entry(key, day, settled, account, source))
    records.write()


def take_back(connection: Connection, records: Records, rows: Sequence[Row[Any]], day: date) -> list[Settled]:
    """Take back what allocations settled; gives them as they are booked, with the VAT they had moved."""
    s = settlement.c
    keys = {row.document_id for row in rows} | {row.credit_note_id for row in rows if row.credit_note_id is not None}
    documents = documents_keyed(connection, keys)
    stood: dict[int, list[Any]] = {}
    of_documents = select(settlement).where(
        among(connection, s.document_id, sorted(keys)), s.act.in_(("allocated", "cleared"))
    )
    wanted = {row.id for row in rows}
    for found in connection.execute(of_documents):
        if found.act_id in wanted:
            stood.setdefault(found.act_id, []).append(found)
    settled = []
    for row in rows:
        moved = records.take_back(row.id, day, stood[row.id])
        vat = sum(sign_of(documents[document_id].kind) * amount for document_id, amount in moved.items())
        settled.append(Settled(documents[row.document_id].number, row.tenant, row.amount, row.doubtful, vat))
    return settled


def _source_of(connection: Connection, row: Row[Any]) -> tuple[str | None, str]:
    """The account an allocation drew on, None for a credit note's, and what people call its source."""
    if row.credit_note_id is not None:
        return None, str(connection.scalar(select(document.c.number).where(document.c.id == row.credit_note_id)))
    found = connection.execute(select(placement).where(placement.c.id == row.placement_id)).one()
    return found.account, number_of(found.receipt_id)


def last_day_of(connection: Connection, row: Row[Any]) -> date:
    """The last day on which anything was said of an allocation: it can't be undone before."""
    s = settlement.c
    found = connection.scalars(
        select(s.settled_on).where(
            s.document_id == row.document_id, s.act_id == row.id, s.act.in_(("allocated", "cleared"))
        )
    )
    latest: date = max([row.allocated_on, *found])
    return latest


def require_receipt(connection: Connection, key: int) -> Row[Any]:
    """A receipt that still counts; raises Unknown, or Conflict for one that came back unpaid."""
    head = _one_receipt(connection, key)
    bounced, _ = state_of(connection, head)
    if bounced:
        raise Conflict(f"{number_of(key)} came back unpaid: nothing can be done with it any more")
    return head


def _one_receipt(connection: Connection, key: int) -> Row[Any]:
    head = connection.execute(select(receipt).where(receipt.c.id == key)).one_or_none()
    if head is None:
        raise Unknown(f"there is no receipt {number_of(key)}")
    return head


def state_of(connection: Connection, head: Row[Any]) -> tuple[bool, bool]:
    """Whether a receipt came back unpaid, and whether it is money: no cheque or bill still to be cleared."""
    kinds = set(connection.scalars(select(receipt_event.c.kind).where(receipt_event.c.receipt_id == head.id)))
    return "bounced" in kinds, head.means not in TO_BE_CLEARED or "cleared" in kinds


def _left_of(connection: Connection, key: int) -> tuple[list[Credit], int]:
    """What a receipt has left: by placement, oldest first; and what nobody has placed."""
    p = placement.c
    rows = connection.execute(placements_left(p.receipt_id == key).order_by(p.placed_on, p.id))
    nobody = connection.execute(unplaced_left(receipt.c.id == key)).one_or_none()
    return [credit_of(row) for row in rows], 0 if nobody is None else int(nobody.left)


def acting_day(connection: Connection, on: date | None, recorded_at: datetime) -> date:
    """The day an act is booked: `on`, or today in Casablanca; the first open day where its month is closed.

    Where nobody gave a day and this month is not open yet, it is the last open day. Raises Refused for a day that is
    still to come, PeriodNotYetOpen.
    """
    today = recorded_at.astimezone(ZoneInfo(TIME_ZONE)).date()
    if on is not None and on > today:
        raise _refused("on", str(on), "is still to come", f"give {today} or a day before")
    day = first_open_day(connection, on or today)
    open_through = limits(connection).open_through
    if on is None and open_through is not None:
        return min(day, open_through)
    require_open(connection, day)
    return day


def require_said(reason: str) -> str:
    """A reason that can be kept; raises Refused."""
    said = reason.strip()
    if not 0 < len(said) <= REASON_LENGTH_MAX or not said.isprintable():
        problem = f"must be 1 to {REASON_LENGTH_MAX} characters that can be printed"
        raise _refused("reason", None, problem, "say in a sentence why")
    return said


def _fault(column: str, value: str | None, problem: str, remedy: str) -> Fault:
    return Fault("payments", None, column, value, problem, remedy)


def _refused(column: str, value: str | None, problem: str, remedy: str) -> Refused:
    return Refused([_fault(column, value, problem, remedy)])
