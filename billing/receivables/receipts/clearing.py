"""Cheques and bills: cleared by the bank, whereupon their VAT falls due, or come back unpaid with all they settled."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from billing.entries.accounts import UNPLACED
from billing.entries.receivables import (
    MONEY,
    RETURNABLE,
    TO_BE_CLEARED,
    TRANSFER,
    Held,
    ReceiptHead,
    Settled,
    clearing_entry,
    due_entry,
    return_entry,
)
from billing.frame.codes import RECEIPT
from billing.frame.database import among, change_receivables
from billing.frame.errors import Conflict
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import is_standing_refund, placements_left, unplaced_left
from billing.receivables.open_items.standing import documents_keyed, exact_shares, standing_allocations
from billing.receivables.receipts.acting import (
    acting_day,
    booked_on_of,
    refused,
    require_reason_text,
    require_receipt,
)
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.undoing import last_day_of, take_back
from billing.receivables.tables.receipts import (
    EventKind,
    SettlementAct,
    allocation,
    allocation_undoing,
    placement,
    receipt,
    receipt_event,
    receipt_leg,
    refund,
    settlement,
)


def clear(connection: Connection, key: int, on: date, *, recorded_at: datetime, terms: Terms) -> None:
    """Record that the bank has credited a cheque or bill on a day: its VAT falls due on that day (law.md section 3).

    In a closed month it is booked on the first open day. Cleared on that day already, nothing changes. Raises Unknown,
    Conflict, Refused, PeriodNotYetOpen.
    """
    change_receivables(connection)
    head = require_receipt(connection, key)
    if head.means not in TO_BE_CLEARED:
        raise refused("receipt", RECEIPT.format(key), f"is no cheque or bill but {head.means}", "it is money already")
    standing = connection.scalar(
        select(receipt_event.c.happened_on).where(
            receipt_event.c.receipt_id == key, receipt_event.c.kind == EventKind.CLEARED
        )
    )
    if standing == on:
        return
    if standing is not None:
        raise Conflict(f"{RECEIPT.format(key)} was cleared on {standing} already")
    _require_day(connection, head, on, recorded_at)
    day = max(acting_day(connection, on, recorded_at), booked_on_of(head))
    records = Records(connection, recorded_at)
    vat = _fall_due(connection, records, key, day)
    ((_, from_account, amount),) = [leg for leg in legs_of(connection, key) if leg[0] == MONEY]
    account = terms.at("receipts.accounts", on)[TRANSFER]
    records.add(receipt_event, key, EventKind.CLEARED, on, day, account, None, recorded_at)
    records.entries.insert(0, clearing_entry(head_of(head), day, account, from_account, amount, vat))
    records.write()


def _fall_due(connection: Connection, records: Records, key: int, on: date) -> int:
    """Let the VAT of what a cheque settles fall due; return the part that does on the day itself.

    An allocation of a later day lets it fall due then, by an entry of its own.
    """
    rows = standing_of(connection, key)
    s = settlement.c
    documents = documents_keyed(connection, {row.document_id for row in rows})
    stood: dict[int, list[Any]] = {row.id: [] for row in rows}
    waiting = select(settlement).where(
        among(connection, s.document_id, sorted(documents)), s.act == SettlementAct.ALLOCATED
    )
    for row in connection.execute(waiting):
        if row.act_id in stood:
            stood[row.act_id].append(row)
    at_once = 0
    for row in rows:
        target, day = documents[row.document_id], max(on, row.allocated_on)
        settled_shares, _ = exact_shares(stood[row.id])
        vat = records.settle(target, SettlementAct.CLEARED, row.id, day, target.clear(settled_shares))
        if day == on:
            at_once += vat
        else:
            settled = Settled(target.number, row.tenant, row.amount, row.doubtful, vat)
            records.book(due_entry(row.id, day, settled, RECEIPT.format(key)))
    return at_once


def bounce(connection: Connection, key: int, on: date, reason: str, *, recorded_at: datetime) -> None:
    """Record that a cheque or bill came back unpaid, or a transfer was given back: all it settled is open again.

    `on` is the bank's day; in a closed month it is booked on the first open day. Raises Unknown, Conflict, Refused.
    """
    change_receivables(connection)
    head = require_receipt(connection, key)
    reason = require_reason_text(reason)
    if head.means not in RETURNABLE:
        raise refused(
            "receipt", RECEIPT.format(key), f"never comes back: it is {head.means}", "cancel it, or pay it back"
        )
    refunded = select(refund.c.id).where(refund.c.receipt_id == key, is_standing_refund()).limit(1)
    if connection.scalar(refunded) is not None:
        raise Conflict(f"{RECEIPT.format(key)} was refunded in part: its payer owes what came back")
    _require_day(connection, head, on, recorded_at)
    rows = standing_of(connection, key)
    day = acting_day(connection, on, recorded_at)
    events = events_of(connection, key)
    placed = connection.scalars(select(placement.c.placed_on).where(placement.c.receipt_id == key))
    days = [last_day_of(connection, row) for row in rows] + [row.booked_on for row in events.values()]
    day = max([day, booked_on_of(head), *days, *placed])
    records = Records(connection, recorded_at)
    held = held_of(connection, key)
    settled = take_back(connection, records, rows, day)
    for row in rows:
        records.add(allocation_undoing, row.id, day, reason, 1, recorded_at)
    cleared = events.get(EventKind.CLEARED)
    legs = legs_of(connection, key)
    if cleared is not None:
        legs = [(kind, cleared.account if kind == MONEY else account, amount) for kind, account, amount in legs]
    money = next(account for kind, account, _ in legs if kind == MONEY)
    records.add(receipt_event, key, EventKind.BOUNCED, on, day, money, reason, recorded_at)
    records.book(return_entry(head_of(head), day, legs, settled, held, cleared is not None))
    records.write()


def held_of(connection: Connection, key: int) -> list[Held]:
    """Return the part of a receipt that settles nothing, by the accounts that hold it."""
    rows = connection.execute(placements_left(placement.c.receipt_id == key).order_by(placement.c.id))
    held = [Held(row.account, row.tenant, int(row.left)) for row in rows]
    unplaced = connection.execute(unplaced_left(receipt.c.id == key)).one_or_none()
    return held if unplaced is None else [*held, Held(UNPLACED, None, int(unplaced.left))]


def legs_of(connection: Connection, key: int) -> list[tuple[str, str, int]]:
    """Return a receipt's legs as (kind, account, amount), the money first."""
    c = receipt_leg.c
    rows = connection.execute(select(c.kind, c.account, c.amount).where(c.receipt_id == key).order_by(c.kind))
    legs = [(kind, account, int(amount)) for kind, account, amount in rows]
    return sorted(legs, key=lambda leg: (leg[0] != MONEY, leg[0]))


def head_of(row: Row[Any]) -> ReceiptHead:
    """Return a receipt as its entries name it."""
    return ReceiptHead(row.id, row.means, row.reference, row.tenant, row.site)


def events_of(connection: Connection, key: int) -> dict[str, Row[Any]]:
    """Return the clearing and the return of a cheque or bill, by kind."""
    rows = connection.execute(select(receipt_event).where(receipt_event.c.receipt_id == key))
    return {row.kind: row for row in rows}


def standing_of(connection: Connection, key: int) -> Sequence[Row[Any]]:
    """Return the allocations of a receipt that stand."""
    placements = select(placement.c.id).where(placement.c.receipt_id == key)
    c = allocation.c
    statement = standing_allocations().where(c.placement_id.in_(placements)).order_by(c.id)
    rows: Sequence[Row[Any]] = connection.execute(statement).all()
    return rows


def _require_day(connection: Connection, head: Row[Any], on: date, recorded_at: datetime) -> None:
    acting_day(connection, on, recorded_at)
    if on < head.value_date:
        raise refused("on", str(on), f"comes before {head.value_date}, its value date", "give the bank's day")
