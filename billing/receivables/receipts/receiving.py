"""Receipts: money that came in, recorded with what it settles, many at once and all or none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.entries.accounts import UNPLACED
from billing.entries.receivables import (
    CASH_PAID,
    MONEY,
    TO_BE_CLEARED,
    WITHHOLDINGS,
    Held,
    LegKind,
    ReceiptHead,
    Settled,
    allocation_entry,
    receipt_entry,
)
from billing.frame.audit_log import act_of, record_change
from billing.frame.civil_time import today
from billing.frame.codes import BANK_LINE, RECEIPT
from billing.frame.database import among, change_receivables
from billing.frame.errors import Fault, Refused, Taken
from billing.frame.terms import Terms
from billing.frame.undisturbed import undisturbed
from billing.receivables.cash_desk.printout import cash_receipt_letter
from billing.receivables.cash_desk.queries import cash_receipts
from billing.receivables.cash_desk.taking import CashDesk, CashPayment, cash_number
from billing.receivables.mailed_papers import CASH_RECEIPT, mail_paper
from billing.receivables.open_items.standing import OpenDocument, documents_numbered, open_documents_of
from billing.receivables.receipts.judging import Known, OrderFault, order_faults, part_faults
from billing.receivables.receipts.noticing import first_document_day, late_note, warnings_of
from billing.receivables.receipts.orders import AUTOMATIC, NONE, ReceiptOrder, one_line
from billing.receivables.receipts.recognising import KnownReceipt, KnownReceipts, as_known, differing
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.settling_days import SettlingDays
from billing.receivables.receipts.vat_at_issue import let_vat_fall_due
from billing.receivables.receipts.withheld import WithholdingBounds
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import AllocatedBy, placement, receipt, receipt_leg
from billing.register.tables import site, tenant
from invoices.brought import brought_numbers
from invoices.brought_numbers import BroughtNumbers
from invoices.document import INVOICE, Party
from invoices.models import document
from ledger.periods import limits
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal

_GIVEN_AT_ONCE = 500
# The source of receipts that bank lines are.
STATEMENTS = "statements"


@dataclass(slots=True)
class _Ledger:
    """The documents a batch is about, each once however it is reached; and a day by which tenants had an invoice."""

    by_number: dict[str, OpenDocument]
    of_tenant: dict[str, list[OpenDocument]] = field(default_factory=dict)
    invoiced_since: dict[str, date] = field(default_factory=dict)
    brought: BroughtNumbers = field(default_factory=BroughtNumbers)


class Recorded(NamedTuple):
    """A receipt that was ordered: its key, whether it is new or stood already, and what is unlikely of it."""

    key: int
    is_new: bool
    warnings: tuple[str, ...] = ()


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
    """Record receipts as `record_receipts` does; return their keys in the same order."""
    recorded = record_receipts(
        connection, orders, recorded_at=recorded_at, terms=terms, source=source, lines=lines, seller=seller
    )
    return [made.key for made in recorded]


@undisturbed()
def record_receipts(
    connection: Connection,
    orders: Sequence[ReceiptOrder],
    *,
    recorded_at: datetime,
    terms: Terms,
    source: str = "payments",
    lines: Sequence[int] | None = None,
    seller: Party | None = None,
) -> list[Recorded]:
    """Record receipts, allocate and book them, all or none; return them in the same order.

    Cash is acknowledged by a numbered receipt in the name of `seller`; without one it is refused. The same means,
    reference and value date again give the receipt that stands, but for cash and cheques of other tenants. An amount
    that settles nothing is the tenant's credit, or nobody's yet. What lies in a closed month is booked on the first
    open day. More tax withheld than the rates allow or charges than banks keep, and an invoice of another tenant than
    the payer, need a reason: the order's or the act's.

    Raises Refused with every fault of every order: `lines` say on which line of `source` each one stands; a receipt
    that stands with other values is a fault of the kind Taken.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    change_receivables(connection)
    batch = _Batch(connection, orders, recorded_at, terms, seller, source)
    recorded: list[Recorded] = []
    faults: list[Fault] = []
    with batch.records.ahead() as write_ahead:
        for index, order in enumerate(orders):
            line = None if lines is None else lines[index]
            known = batch.receipts.find(order)
            if known is None:
                made, wrong = batch.record(order)
                recorded.append(made)
                faults += [Fault(source, line, *fault) for fault in wrong]
                write_ahead()
                continue
            recorded.append(_found(known))
            if names := differing(known, order):
                problem = f"stands already as {RECEIPT.format(known.key)} with another {', '.join(names)}"
                remedy = "the same money is recorded once: leave it out, or give its own reference"
                faults.append(Taken(source, line, "reference", order.reference, problem, remedy))
        if faults:
            raise Refused(faults)
    _mail_cash_receipts(connection, batch.given, recorded_at)
    return recorded


def _mail_cash_receipts(connection: Connection, keys: Sequence[int], recorded_at: datetime) -> None:
    """Queue the receipts given for cash to those who paid it."""
    for start in range(0, len(keys), _GIVEN_AT_ONCE):
        some = keys[start : start + _GIVEN_AT_ONCE]
        for head in connection.execute(cash_receipts().where(cash_receipt.c.receipt_id.in_(some))):
            number = cash_number(head.year, head.serial)
            letter = cash_receipt_letter(head)
            mail_paper(connection, CASH_RECEIPT, number, letter, is_to_pay=False, queued_at=recorded_at)


def _found(known: KnownReceipt) -> Recorded:
    """Return a receipt that was recorded before."""
    cancelled = f"{RECEIPT.format(known.key)}, which says the same, was cancelled: it is not entered anew"
    return Recorded(known.key, is_new=False, warnings=(cancelled,) if known.is_cancelled else ())


class _Batch:
    """What the receipts of one call are judged by and recorded with; each receipt changes it for the next."""

    def __init__(
        self,
        connection: Connection,
        orders: Sequence[ReceiptOrder],
        recorded_at: datetime,
        terms: Terms,
        seller: Party | None,
        source: str,
    ) -> None:
        self._source = source
        # The receipts that were given for cash.
        self.given: list[int] = []
        self._connection = connection
        self._terms = terms
        self.records = Records(connection, recorded_at)
        self.receipts = KnownReceipts(connection, orders)
        new = [order for order in orders if self.receipts.find(order) is None]
        self._ledger = _ledger(connection, new)
        self._days = SettlingDays(connection, None, recorded_at)
        self._days.look_at(self._ledger.by_number.values(), ())
        self._known = _known(connection, new, today(recorded_at))
        payments = [payment for payment in map(_cash, new) if payment is not None]
        self._desk = CashDesk(connection, payments, terms=terms, seller=seller)
        withholds = any(leg.kind in WITHHOLDINGS for order in new for leg in order.legs)
        keys = [target.key for target in self._ledger.by_number.values()]
        self._bounds = WithholdingBounds(connection, terms, keys) if withholds else None
        self._first_document = first_document_day(connection)
        self._reason = act_of(connection).reason

    def record(self, order: ReceiptOrder) -> tuple[Recorded, list[OrderFault]]:
        """Record a receipt, or return its faults."""
        faults = [*order_faults(order, self._known), *_name_faults(order, self._source)]
        if (missing := self.receipts.missing_before(order)) > 0 or order.occurrence < 1:
            problem = f"says that {order.occurrence - 1} like it stand, {max(missing, 0)} of them do not"
            faults.append(("occurrence", str(order.occurrence), problem, "count from 1, in the order they came"))
        if not faults and not isinstance(order.allocations, str):
            faults = list(part_faults(order.allocations, self._ledger.by_number, order.amount))
        chosen = _Chosen([], None) if faults else _chosen(order, self._ledger)
        if not faults and order.reason is None and self._reason is None:
            faults = self._without_reason(order, chosen)
        payment = _cash(order)
        if not faults and payment is not None and (refused := self._desk.fault(payment)) is not None:
            faults = [(str(refused.column), refused.value, refused.problem, refused.remedy)]
        if faults:
            self.receipts.add(order, as_known(0, order))
            return Recorded(0, is_new=False), faults
        return self._record(order, chosen, payment), []

    def _without_reason(self, order: ReceiptOrder, chosen: "_Chosen") -> list[OrderFault]:
        """Return what needs a reason: others' invoices, more tax withheld than the rates allow, or more charges."""
        others = [target for target, _, _ in chosen.parts if order.tenant not in (None, target.tenant)]
        faults: list[OrderFault] = [
            (
                "invoice", target.number, f"is an invoice of {target.tenant}, the payer is {order.tenant}",
                f"correct it, or give the reason why {order.tenant} pays for {target.tenant}",
            )
            for target in others
        ]  # fmt: skip
        if self._bounds is not None:
            faults += self._bounds.faults(order, *_settled_by(order, chosen))
        charges = [amount for kind, amount in order.legs if kind == LegKind.BANK_CHARGES]
        if charges:
            most = parse_decimal(self._terms.at("receipts.bank_charges_max", order.value_date), AMOUNT_DECIMALS)
            problem = f"is more than the {format_amount(most)} that a bank keeps at most"
            remedy = "compare it with the bank's advice; if it is right, give the reason (receipts.bank_charges_max)"
            kept = LegKind.BANK_CHARGES
            faults += [(str(kept), format_amount(amount), problem, remedy) for amount in charges if amount > most]
        return faults

    def _record(self, order: ReceiptOrder, chosen: "_Chosen", payment: CashPayment | None) -> Recorded:
        namesakes = self.receipts.namesakes(order)
        key = self.records.next_key(receipt)
        known = as_known(key, order)
        booked_on = self._known.open_days.first_open(order.value_date)
        way = _Way(chosen, known, self.receipts.add(order, known), booked_on)
        settled = _record(self.records, order, self._ledger, self._days, self._terms, way)
        if self._bounds is not None:
            self._bounds.count(order, _settled_by(order, chosen)[0])
        if payment is not None:
            row, stamp = self._desk.acknowledge(key, payment, order.reference, settled, booked_on)
            self.records.add(cash_receipt, *row, self.records.recorded_at)
            self.records.book(stamp)
            self.given.append(key)
        if order.reason is not None:
            record_change(self._connection, "receipts", RECEIPT.format(key), None, {"reason": order.reason})
        warnings = warnings_of(order, namesakes, today=self._known.today, first_document=self._first_document)
        late = late_note(order.value_date, booked_on)
        return Recorded(key, is_new=True, warnings=tuple(warnings if late is None else [*warnings, late]))


def _settled_by(order: ReceiptOrder, chosen: "_Chosen") -> tuple[list[tuple[int, int]], int]:
    """Return what an order settles, by the invoices' keys, and what of it settles none."""
    parts = [(target.key, amount) for target, amount, _ in chosen.parts]
    return parts, order.amount - sum(amount for _, amount in parts)


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


def _ledger(connection: Connection, orders: Sequence[ReceiptOrder]) -> _Ledger:
    """Return the documents that orders name or may settle."""
    named: set[str] = set()
    in_texts: set[str] = set()
    payers: set[str] = set()
    asks_for_texts = any(order.allocations == AUTOMATIC for order in orders)
    brought = brought_numbers(connection) if asks_for_texts else BroughtNumbers()
    for order in orders:
        if not isinstance(order.allocations, str):
            named.update(part.invoice for part in order.allocations)
        elif order.allocations == AUTOMATIC:
            in_texts.update(brought.mentions_in(one_line(order.payer_text)).numbers)
            if order.tenant is not None:
                payers.add(order.tenant)
    by_number = documents_numbered(connection, named | in_texts) if named or in_texts else {}
    ledger = _Ledger(by_number, brought=brought)
    # An order that names every invoice with its amount pays no other: its tenant's open invoices are not read.
    payers.update(ledger.by_number[number].tenant for number in in_texts if number in ledger.by_number)
    for invoice in open_documents_of(connection, INVOICE, payers) if payers else ():
        ledger.of_tenant.setdefault(invoice.tenant, []).append(ledger.by_number.setdefault(invoice.number, invoice))
    payers.update(invoice.tenant for invoice in ledger.by_number.values())
    payers.update(order.tenant for order in orders if order.tenant is not None)
    # Of a tenant whose invoices of before are here already, no others need to be looked for.
    first = min((order.value_date for order in orders), default=date.min)
    since = {
        target.tenant: target.issued_on
        for target in ledger.by_number.values()
        if target.kind == INVOICE and target.issued_on <= first
    }
    ledger.invoiced_since = since | invoiced_since(connection, payers - since.keys())
    return ledger


class _Chosen(NamedTuple):
    """What a receipt settles, as (invoice, amount, how), and whose the rest is; None: nobody knows."""

    parts: list[tuple[OpenDocument, int, AllocatedBy]]
    payer: str | None


class _Way(NamedTuple):
    """How a receipt is recorded: what it settles, under which key, which one of its name, and the day it is booked."""

    chosen: _Chosen
    known: KnownReceipt
    occurrence: int
    booked_on: date


def _record(
    records: Records, order: ReceiptOrder, ledger: _Ledger, days: SettlingDays, terms: Terms, way: _Way
) -> list[Settled]:
    """Write one receipt, its legs, placements, allocations and entries; return what it settles."""
    known, day, at = way.known, way.booked_on, records.recorded_at
    key = known.key
    late = None if day == order.value_date else day
    records.add(
        receipt, key, order.means, order.reference, order.value_date, order.tenant, order.site, order.amount,
        known.payer_text, known.asked, at, late, way.occurrence,
    )  # fmt: skip
    legs = [(kind, _leg_account(kind, order, terms), amount) for kind, amount in order.legs]
    for kind, account, amount in legs:
        records.add(receipt_leg, key, kind, amount, account)
    parts, payer = way.chosen
    owned: dict[str, int] = {}
    for target, amount, _ in parts:
        owned[target.tenant] = owned.get(target.tenant, 0) + amount
    rest = order.amount - sum(owned.values())
    if payer is not None and rest:
        owned[payer] = owned.get(payer, 0) + rest
    placed: dict[str, tuple[int, str]] = {}
    for code, amount in owned.items():
        credit = credit_account(ledger.invoiced_since.get(code), order.value_date, terms)
        placed[code] = records.next_key(placement), credit
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
    return [*settled, *later]


def _leg_account(kind: str, order: ReceiptOrder, terms: Terms) -> str:
    """Return the account that money came to by its means, or that of what it was short by."""
    name, of_what = ("receipts.accounts", order.means) if kind == MONEY else ("receipts.withheld_accounts", kind)
    account: str = terms.at(name, order.value_date)[of_what]
    return account


def credit_account(invoiced_since: date | None, day: date, terms: Terms) -> str:
    """Return the account of a tenant's money that settles nothing: an advance before any invoice (law.md section 5)."""
    accounts = terms.at("receipts.credit_accounts", day)
    account: str = accounts["advance" if invoiced_since is None or invoiced_since > day else "overpaid"]
    return account


def _chosen(order: ReceiptOrder, ledger: _Ledger) -> _Chosen:
    """Choose what a receipt settles, and whose the rest is.

    An invoice that the payer's text names is settled first, if it is the tenant's; where the payer is unknown and all
    that are named are one tenant's, it is that tenant. A text with a number that is not whole names nobody (R33).
    """
    if not isinstance(order.allocations, str):
        explicit = AllocatedBy.EXPLICIT
        named_parts = [(ledger.by_number[number], amount, explicit) for number, amount in order.allocations]
        return _Chosen(named_parts, order.tenant)
    if order.allocations == NONE:
        return _Chosen([], order.tenant)
    payer = order.tenant
    mentions = ledger.brought.mentions_in(one_line(order.payer_text))
    if payer is None and mentions.has_cut:
        return _Chosen([], None)
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
    return _Chosen(parts, payer)


def invoiced_since(connection: Connection, tenants: Iterable[str]) -> dict[str, date]:
    """Return the day of each tenant's first invoice, where it has one."""
    c = document.c
    rows = connection.execute(
        select(c.tenant, func.min(c.issued_on))
        .where(c.kind == INVOICE, among(connection, c.tenant, sorted(set(tenants))))
        .group_by(c.tenant)
    )
    return {code: day for code, day in rows.all()}  # noqa: C416
