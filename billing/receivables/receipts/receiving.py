"""Receipts: money that came in, recorded with what it settles, many at once and all or none."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, func, select

from billing.entries.accounts import UNPLACED
from billing.entries.receivables import (
    CASH_PAID,
    MONEY,
    TO_BE_CLEARED,
    Held,
    ReceiptHead,
    Settled,
    allocation_entry,
    receipt_entry,
)
from billing.frame.civil_time import today
from billing.frame.codes import BANK_LINE, RECEIPT
from billing.frame.database import among, change_receivables
from billing.frame.errors import Fault, Refused, Taken
from billing.frame.terms import Terms
from billing.receivables.cash_desk.taking import CashDesk, CashPayment
from billing.receivables.open_items.standing import OpenDocument, documents_numbered, open_documents_of
from billing.receivables.receipts.judging import Known, OrderFault, order_faults, part_faults
from billing.receivables.receipts.orders import AUTOMATIC, NONE, ReceiptOrder, one_line
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.settling_days import SettlingDays
from billing.receivables.receipts.vat_at_issue import let_vat_fall_due
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import AllocatedBy, placement, receipt, receipt_cancellation, receipt_leg
from billing.register.tables import site, tenant
from invoices.document import INVOICE, Party
from invoices.models import document
from invoices.structured_reference import mentions_in, numbers_in
from ledger.periods import limits

# The source of receipts that bank lines are.
STATEMENTS = "statements"
# Means, reference, value date: the same money is one receipt.
_Identity: TypeAlias = tuple[str, str, date]


@dataclass(slots=True)
class _Ledger:
    """The documents a batch is about, each once however it is reached; and since when tenants have had invoices."""

    by_number: dict[str, OpenDocument]
    of_tenant: dict[str, list[OpenDocument]] = field(default_factory=dict)
    invoiced_since: dict[str, date] = field(default_factory=dict)


def receive(
    connection: Connection,
    orders: Sequence[ReceiptOrder],
    *,
    recorded_at: datetime,
    terms: Terms,
    source: str = "payments",
    lines: Sequence[int] | None = None,
    seller: Party | None = None,
) -> list[int]:
    """Record receipts, allocate and book them, all or none; return their keys in the same order.

    Cash is acknowledged by a numbered receipt in the name of `seller`; without one it is refused. The same means,
    reference and value date again give the receipt that stands. An amount that settles nothing is the tenant's credit,
    or nobody's yet.

    Raises Refused with every fault of every order: `lines` say on which line of `source` each one stands; a receipt
    that stands with other values is a fault of the kind Taken.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    change_receivables(connection)
    faults: list[Fault] = []
    standing, counted = _standing(connection, orders)
    ledger = _ledger(connection, orders, standing)
    known = _known(connection, orders, today(recorded_at))
    payments = [payment for payment in map(_cash, orders) if payment is not None]
    days = SettlingDays(connection, None, recorded_at)
    days.look_at(ledger.by_number.values(), ())
    desk = CashDesk(connection, payments, terms=terms, seller=seller)
    records = Records(connection, recorded_at)
    keys: list[int] = []
    recorded: dict[_Identity, tuple[int, ReceiptOrder]] = {}
    for index, order in enumerate(orders):
        line = None if lines is None else lines[index]
        identity = (order.means, order.reference, order.value_date)
        wrong = list(order_faults(order, known))
        stands = standing.get(identity)
        if stands is None and identity in recorded:
            stands = _as_standing(*recorded[identity])
        if stands is None:
            key = 0
            payment = _cash(order)
            wrong = wrong or _name_faults(order, source) or _settling_faults(order, ledger, desk, payment)
            if not wrong:
                counted[identity] += 1
                key, settled = _record(records, order, ledger, days, terms, counted[identity])
                if payment is not None:
                    row, stamp = desk.acknowledge(key, payment, order.reference, settled)
                    records.add(cash_receipt, *row, recorded_at)
                    records.book(stamp)
            recorded[identity] = key, order
        else:
            key = stands.key
            if differing := _differing(stands, order):
                problem = f"stands already as {RECEIPT.format(key)} with another {', '.join(differing)}"
                remedy = "the same money is recorded once: leave it out, or give its own reference"
                faults.append(Taken(source, line, "reference", order.reference, problem, remedy))
        keys.append(key)
        faults += [Fault(source, line, *fault) for fault in wrong]
    if faults:
        raise Refused(faults)
    records.write()
    return keys


def _cash(order: ReceiptOrder) -> CashPayment | None:
    """Return the cash of an order, if it is one of cash and says who pays."""
    if order.means != CASH_PAID or order.tenant is None:
        return None
    money = sum([leg.amount for leg in order.legs if leg.kind == MONEY])
    return CashPayment(order.tenant, order.value_date, money, order.site)


def _name_faults(order: ReceiptOrder, source: str) -> list[OrderFault]:
    """Return the fault of a reference that is the service's own name for a bank line's money."""
    if source == STATEMENTS or BANK_LINE.fullmatch(order.reference) is None:
        return []
    remedy = "give the bank's or the drawer's own; the line itself is booked by `statements accept`"
    return [("reference", order.reference, "is the name of a bank line here", remedy)]


def _settling_faults(
    order: ReceiptOrder, ledger: _Ledger, desk: CashDesk, payment: CashPayment | None
) -> list[OrderFault]:
    """Return the faults of the invoices an order names, then of its cash; without any, the desk counts the cash."""
    if not isinstance(order.allocations, str):
        faults = list(part_faults(order.allocations, ledger.by_number, order.amount))
        if faults:
            return faults
    refused = None if payment is None else desk.fault(payment)
    return [] if refused is None else [(str(refused.column), refused.value, refused.problem, refused.remedy)]


class _Standing(NamedTuple):
    """A receipt that stands, as it was ordered."""

    key: int
    tenant: str | None
    site: str | None
    payer_text: str
    asked: str
    legs: tuple[tuple[str, int], ...]


def _standing(
    connection: Connection, orders: Sequence[ReceiptOrder]
) -> tuple[dict[_Identity, _Standing], Counter[_Identity]]:
    """Return the receipts that stand under the orders' names; and how many ever bore each name, cancelled ones too."""
    c, x = receipt.c, receipt_cancellation.c
    every = connection.execute(
        select(receipt, x.cancelled_on)
        .outerjoin(receipt_cancellation, x.receipt_id == c.id)
        .where(among(connection, c.reference, {order.reference for order in orders}))
    ).all()
    counted = Counter((row.means, row.reference, row.value_date) for row in every)
    rows = [row for row in every if row.cancelled_on is None]
    legs: dict[int, list[tuple[str, int]]] = {row.id: [] for row in rows}
    if rows:
        of_receipts = select(receipt_leg).where(among(connection, receipt_leg.c.receipt_id, list(legs)))
        for leg in connection.execute(of_receipts):
            legs[leg.receipt_id].append((leg.kind, leg.amount))
    return {
        (row.means, row.reference, row.value_date): _Standing(
            row.id, row.tenant, row.site, row.payer_text, row.asked, tuple(sorted(legs[row.id]))
        )
        for row in rows
    }, counted


def _as_standing(key: int, order: ReceiptOrder) -> _Standing:
    legs = tuple(sorted((leg.kind, leg.amount) for leg in order.legs))
    return _Standing(key, order.tenant, order.site, one_line(order.payer_text), order.asked, legs)


def _differing(stands: _Standing, order: ReceiptOrder) -> list[str]:
    """Return the names of the fields in which an order differs from the receipt that stands."""
    ordered = _as_standing(stands.key, order)
    names = {"payer_text": "payer's text", "asked": "allocation", "legs": "amount"}
    return [names.get(name, name) for name in _Standing._fields if getattr(stands, name) != getattr(ordered, name)]


def _known(connection: Connection, orders: Sequence[ReceiptOrder], day: date) -> Known:
    """Return what the orders are judged by, of the tenants and sites they name."""
    tenants = {order.tenant for order in orders if order.tenant is not None}
    sites = {order.site for order in orders if order.site is not None}
    return Known(
        set(connection.scalars(select(tenant.c.code).where(among(connection, tenant.c.code, tenants)))),
        set(connection.scalars(select(site.c.code).where(among(connection, site.c.code, sites)))) if sites else set(),
        day,
        limits(connection),
    )


def _ledger(connection: Connection, orders: Sequence[ReceiptOrder], standing: Collection[_Identity]) -> _Ledger:
    """Return the documents that orders name or may settle, those of receipts that stand left out."""
    named: set[str] = set()
    in_texts: set[str] = set()
    payers: set[str] = set()
    for order in orders:
        if (order.means, order.reference, order.value_date) in standing:
            continue
        if not isinstance(order.allocations, str):
            named.update(part.invoice for part in order.allocations)
        elif order.allocations == AUTOMATIC:
            in_texts.update(numbers_in(one_line(order.payer_text)))
            if order.tenant is not None:
                payers.add(order.tenant)
    ledger = _Ledger(documents_numbered(connection, named | in_texts) if named or in_texts else {})
    # An order that names every invoice with its amount pays no other: its tenant's open invoices are not read.
    payers.update(ledger.by_number[number].tenant for number in in_texts if number in ledger.by_number)
    for invoice in open_documents_of(connection, INVOICE, payers) if payers else ():
        ledger.of_tenant.setdefault(invoice.tenant, []).append(ledger.by_number.setdefault(invoice.number, invoice))
    payers.update(invoice.tenant for invoice in ledger.by_number.values())
    payers.update(order.tenant for order in orders if order.tenant is not None)
    ledger.invoiced_since = invoiced_since(connection, payers)
    return ledger


def _record(
    records: Records, order: ReceiptOrder, ledger: _Ledger, days: SettlingDays, terms: Terms, occurrence: int
) -> tuple[int, list[Settled]]:
    """Write one receipt, its legs, placements, allocations and entries; return its key, and what it settles."""
    key, day, at = records.next_key(receipt), order.value_date, records.recorded_at
    records.add(
        receipt, key, order.means, order.reference, day, order.tenant, order.site, order.amount,
        one_line(order.payer_text), order.asked, at, occurrence,
    )  # fmt: skip
    accounts = terms.at("receipts.accounts", day) | terms.at("receipts.withheld_accounts", day)
    legs = [(kind, accounts[order.means if kind == MONEY else kind], amount) for kind, amount in order.legs]
    for kind, account, amount in legs:
        records.add(receipt_leg, key, kind, amount, account)
    parts, payer = _chosen(order, ledger)
    owned: dict[str, int] = {}
    for target, amount, _ in parts:
        owned[target.tenant] = owned.get(target.tenant, 0) + amount
    rest = order.amount - sum(owned.values())
    if payer is not None and rest:
        owned[payer] = owned.get(payer, 0) + rest
    placed: dict[str, tuple[int, str]] = {}
    for code, amount in owned.items():
        placed[code] = records.next_key(placement), credit_account(ledger.invoiced_since.get(code), day, terms)
        records.add(placement, placed[code][0], key, code, amount, placed[code][1], day, 1, at)
    head = ReceiptHead(key, order.means, order.reference, order.tenant, order.site)
    settled: list[Settled] = []
    later: list[Settled] = []
    is_money = order.means not in TO_BE_CLEARED
    for target, amount, how in parts:
        on = days.of_receipt(day, target, amount)
        at_once = on == day
        owner, account = placed[target.tenant]
        allocation_key, allocated = records.allocate(
            owner, target, amount, on, how, in_receipt=at_once, is_money=is_money
        )
        if at_once:
            settled.append(allocated)
            owned[target.tenant] -= amount
        else:
            later.append(allocated)
            records.book(allocation_entry(allocation_key, on, allocated, account, RECEIPT.format(key)))
    held = [Held(placed[code][1], code, amount) for code, amount in owned.items()]
    held.append(Held(UNPLACED, None, rest if payer is None else 0))
    # The receipt's own entry comes before those of what it settles later.
    records.entries.insert(len(records.entries) - len(later), receipt_entry(head, day, legs, settled, held))
    return key, [*settled, *later]


def credit_account(invoiced_since: date | None, day: date, terms: Terms) -> str:
    """Return the account of a tenant's money that settles nothing: an advance before any invoice (law.md section 5)."""
    accounts = terms.at("receipts.credit_accounts", day)
    account: str = accounts["advance" if invoiced_since is None or invoiced_since > day else "overpaid"]
    return account


def _chosen(order: ReceiptOrder, ledger: _Ledger) -> tuple[list[tuple[OpenDocument, int, AllocatedBy]], str | None]:
    """Return what a receipt settles, as (invoice, amount, how), and whose the rest is; None: nobody knows.

    An invoice that the payer's text names is settled first, if it is the tenant's; where the payer is unknown and all
    that are named are one tenant's, it is that tenant. A text with a number that is not whole names nobody (R33).
    """
    if not isinstance(order.allocations, str):
        return [
            (ledger.by_number[number], amount, AllocatedBy.EXPLICIT) for number, amount in order.allocations
        ], order.tenant
    if order.allocations == NONE:
        return [], order.tenant
    payer = order.tenant
    mentions = mentions_in(one_line(order.payer_text))
    if payer is None and mentions.has_cut:
        return [], None
    in_text = [ledger.by_number[number] for number in mentions.numbers if number in ledger.by_number]
    named = [invoice for invoice in in_text if invoice.kind == INVOICE and payer in (None, invoice.tenant)]
    if payer is None and len({invoice.tenant for invoice in named}) == 1:
        payer = named[0].tenant
    oldest = [] if payer is None else ledger.of_tenant.get(payer, [])
    parts: list[tuple[OpenDocument, int, AllocatedBy]] = []
    left = order.amount
    for candidates, how in ((named, AllocatedBy.REFERENCE), (oldest, AllocatedBy.OLDEST)):
        for target in candidates:
            part = min(left, target.open)
            if part and all(target is not other for other, _, _ in parts):
                parts.append((target, part, how))
                left -= part
    return parts, payer


def invoiced_since(connection: Connection, tenants: Iterable[str]) -> dict[str, date]:
    """Return the day of each tenant's first invoice, where it has one."""
    c = document.c
    rows = connection.execute(
        select(c.tenant, func.min(c.issued_on))
        .where(c.kind == INVOICE, among(connection, c.tenant, sorted(set(tenants))))
        .group_by(c.tenant)
    )
    return {code: day for code, day in rows.all()}  # noqa: C416
