"""Receipts: money that came in, recorded with what it settles, many at once and all or none."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from billing.entries.receivables import (
    CASH_PAID,
    DEPOSIT,
    MEANS_LABELS,
    MONEY,
    TO_BE_CLEARED,
    UNPLACED,
    Held,
    ReceiptHead,
    Settled,
    allocation_entry,
    number_of,
    receipt_entry,
)
from billing.frame.civil_time import TIME_ZONE
from billing.frame.database import among, change_receivables
from billing.frame.errors import Fault, Refused, Taken
from billing.frame.terms import Terms
from billing.receivables.cash_desk.taking import CashDesk, CashPayment
from billing.receivables.open_items.standing import OpenDocument, documents_numbered, open_documents_of
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.vat_at_issue import let_vat_fall_due
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import placement, receipt, receipt_leg
from billing.register.tables import site, tenant
from invoices.document import CURRENCY, INVOICE, Party
from invoices.models import document
from invoices.structured_reference import numbers_in
from ledger.periods import Limits, limits
from pricing.money import AMOUNT_MAX, format_amount
from pricing.period import first_of_month, format_month

LEG_KINDS = (MONEY, "rent_withholding", "vat_withholding", "bank_charges")
WITHHOLDINGS = ("rent_withholding", "vat_withholding")
REFERENCE_LENGTH_MAX = 100
PAYER_TEXT_LENGTH_MAX = 1000
AUTOMATIC: Literal["automatic"] = "automatic"
NONE: Literal["none"] = "none"


class Leg(NamedTuple):
    """A part of what settles: the money itself, a tax withheld, charges the bank kept; centimes."""

    kind: str
    amount: int


class Part(NamedTuple):
    """So much of a receipt for an invoice, by its number; centimes."""

    invoice: str
    amount: int


Allocations: TypeAlias = tuple[Part, ...] | Literal["automatic", "none"]


@dataclass(frozen=True, slots=True)
class ReceiptOrder:
    """A receipt to be recorded: means, the bank's or drawer's reference, value date, who paid if that is known.

    `allocations` are the invoices it settles with amounts, or `automatic`: those the payer's text names, then the
    oldest due of the tenant; or `none`. `site` is the till that took cash.
    `deposit` is the one whose money pays, where the means is `deposit`: its own act asks for that
    (`billing.receivables.deposits`).
    """

    means: str
    reference: str
    value_date: date
    tenant: str | None
    legs: tuple[Leg, ...]
    allocations: Allocations = AUTOMATIC
    payer_text: str = ""
    currency: str = CURRENCY
    site: str | None = None
    deposit: int | None = None

    @property
    def amount(self) -> int:
        """All that it settles, in centimes."""
        return sum([leg.amount for leg in self.legs])

    @property
    def asked(self) -> str:
        """How it is to be allocated, as it is kept."""
        if isinstance(self.allocations, str):
            return self.allocations
        return " ".join(f"{part.invoice}={format_amount(part.amount)}" for part in self.allocations) or NONE


@dataclass(slots=True)
class _Ledger:
    """The documents a batch is about, each once however it is found; and since when their tenants have had invoices."""

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
    """Record receipts, allocate and book them, all or none; gives their keys in the same order.


    Cash is acknowledged by a numbered receipt in the name of `seller`; without one it is refused.

    The same means, reference and value date again give the receipt that stands. Raises Refused with every fault of
    every order: `lines` say on which line of `source` each one stands; a receipt that stands with other values is a
    fault of the kind Taken. Of sums that settle nothing the rest is the tenant's credit, or nobody's yet.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    change_receivables(connection)
    faults: list[Fault] = []
    standing = _standing(connection, orders)
    ledger = _ledger(connection, orders, standing)
    known = _known(connection, orders)
    day = recorded_at.astimezone(ZoneInfo(TIME_ZONE)).date()
    open_days = limits(connection)
    desk = CashDesk(connection, [p for p in map(_cash, orders) if p is not None], terms=terms, seller=seller)
    records = Records(connection, recorded_at)
    keys: list[int] = []
    of_batch: dict[tuple[str, str, date], tuple[int, ReceiptOrder]] = {}
    for index, order in enumerate(orders):
        line = None if lines is None else lines[index]
        name = (order.means, order.reference, order.value_date)
        found = list(_faults(order, known, day, open_days))
        if name in standing:
            key, differing = standing[name].key, _differing(standing[name], order)
        elif name in of_batch:
            key, differing = of_batch[name][0], _differing_orders(of_batch[name][1], order)
        else:
            key, differing = 0, []
            if not found:
                found = list(_allocation_faults(order, ledger))
            payment = _cash(order)
            if not found and payment is not None and (refused := desk.fault(payment)) is not None:
                found = [(str(refused.column), refused.value, refused.problem, refused.remedy)]
            if not found:
                key, settled = _record(records, order, ledger, terms)
                if payment is not None:
                    _acknowledge(records, desk, key, payment, order.reference, settled)
            of_batch[name] = key, order
        keys.append(key)
        if differing:
            problem = f"stands already as {number_of(key)} with another {', '.join(differing)}"
            remedy = "the same money is recorded once: leave it out, or give its own reference"
            faults.append(Taken(source, line, "reference", order.reference, problem, remedy))
        faults += [Fault(source, line, column, value, *rest) for column, value, *rest in found]
    if faults:
        raise Refused(faults)
    records.write()
    return keys


def _cash(order: ReceiptOrder) -> CashPayment | None:
    """The cash of an order, if it is one of cash and says who pays."""
    if order.means != CASH_PAID or order.tenant is None:
        return None
    money = sum([leg.amount for leg in order.legs if leg.kind == MONEY])
    return CashPayment(order.tenant, order.value_date, money, order.site)


def _acknowledge(
    records: Records, desk: CashDesk, key: int, payment: CashPayment, reference: str, settled: Iterable[Settled]
) -> None:
    row, stamp = desk.acknowledge(key, payment, reference, settled)
    records.add(cash_receipt, *row, records.recorded_at)
    records.book(stamp)


class _Standing(NamedTuple):
    """A receipt that stands, as it was ordered."""

    key: int
    tenant: str | None
    site: str | None
    payer_text: str
    asked: str
    legs: tuple[tuple[str, int], ...]


def _standing(connection: Connection, orders: Sequence[ReceiptOrder]) -> dict[tuple[str, str, date], _Standing]:
    c = receipt.c
    rows = connection.execute(
        select(receipt).where(among(connection, c.reference, {o.reference for o in orders}))
    ).all()
    legs: dict[int, list[tuple[str, int]]] = {row.id: [] for row in rows}
    if rows:
        of = select(receipt_leg).where(among(connection, receipt_leg.c.receipt_id, list(legs)))
        for leg in connection.execute(of):
            legs[leg.receipt_id].append((leg.kind, leg.amount))
    return {
        (row.means, row.reference, row.value_date): _Standing(
            row.id, row.tenant, row.site, row.payer_text, row.asked, tuple(sorted(legs[row.id]))
        )
        for row in rows
    }


def _differing(stands: _Standing, order: ReceiptOrder) -> list[str]:
    """The fields in which an order differs from the receipt that stands."""
    mine = _Standing(
        stands.key, order.tenant, order.site, _one_line(order.payer_text), order.asked,
        tuple(sorted((leg.kind, leg.amount) for leg in order.legs)),
    )  # fmt: skip
    names = {"payer_text": "payer's text", "asked": "allocation", "legs": "amount"}
    return [names.get(field, field) for field in _Standing._fields if getattr(stands, field) != getattr(mine, field)]


def _differing_orders(first: ReceiptOrder, again: ReceiptOrder) -> list[str]:
    legs = tuple(sorted((leg.kind, leg.amount) for leg in first.legs))
    return _differing(
        _Standing(0, first.tenant, first.site, _one_line(first.payer_text), first.asked, legs), again
    )  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _known(connection: Connection, orders: Sequence[ReceiptOrder]) -> tuple[set[str], set[str]]:
    """Which of the tenants and sites named there are."""
    tenants = {order.tenant for order in orders if order.tenant is not None}
    sites = {order.site for order in orders if order.site is not None}
    return (
        set(connection.scalars(select(tenant.c.code).where(among(connection, tenant.c.code, tenants)))),
        set(connection.scalars(select(site.c.code).where(among(connection, site.c.code, sites)))) if sites else set(),
    )


_Found: TypeAlias = tuple[str, str | None, str, str]


def _faults(order: ReceiptOrder, known: tuple[set[str], set[str]], today: date, open_days: Limits) -> Iterator[_Found]:
    """What is wrong with a receipt by itself, as (column, value, problem, remedy)."""
    if order.means not in MEANS_LABELS:
        yield "means", order.means, "is no means of payment", f"these are {', '.join(MEANS_LABELS)}"
    elif (order.means == DEPOSIT) != (order.deposit is not None):
        remedy = "`technopark-billing deposits set-off LEASE`, or POST /v1/deposits/LEASE/set-offs"
        yield "means", order.means, "is set off where deposits are", remedy
    if not 0 < len(order.reference) <= REFERENCE_LENGTH_MAX or not order.reference.isprintable():
        problem = f"must be 1 to {REFERENCE_LENGTH_MAX} characters that can be printed"
        yield "reference", order.reference, problem, "give the bank's or the drawer's own"
    text = _one_line(order.payer_text)
    if len(text) > PAYER_TEXT_LENGTH_MAX or not text.isprintable():
        problem = f"must be at most {PAYER_TEXT_LENGTH_MAX} characters that can be printed"
        yield "payer_text", None, problem, "shorten it"
    if order.currency != CURRENCY:
        yield "currency", order.currency, f"is not {CURRENCY}", "books are kept in dirhams: give what the bank credited"
    if order.means == CASH_PAID and order.tenant is None:
        yield "tenant", None, "is missing", "say who pays: the receipt for cash names the payer"
    if order.tenant is not None and order.tenant not in known[0]:
        yield "tenant", order.tenant, "is unknown", "leave it blank if nobody knows whose it is"
    if order.site is not None and order.site not in known[1]:
        yield "site", order.site, "is unknown", "give the till's site, or none"
    yield from _leg_faults(order)
    day = order.value_date
    if day > today:
        yield "value_date", str(day), "is still to come", "record it once the money is there"
    elif open_days.closed_through is not None and day <= open_days.closed_through:
        month = format_month(first_of_month(day))
        yield "value_date", str(day), f"lies in {month}, which is closed", "reopen the month, or ask the accountant"
    elif open_days.open_through is not None and day > open_days.open_through:
        month = format_month(first_of_month(day))
        yield "value_date", str(day), f"lies in {month}, which is not open yet", "close the months before"


def _leg_faults(order: ReceiptOrder) -> Iterator[_Found]:
    if not order.legs:
        yield "amount", None, "is missing", "give what came in, and what was withheld"
    for kind, amount in order.legs:
        if kind not in LEG_KINDS:
            yield "legs", kind, "is no kind of leg", f"these are {', '.join(LEG_KINDS)}"
        elif not 0 < amount <= AMOUNT_MAX:
            yield (
                ("amount" if kind == MONEY else kind),
                format_amount(amount),
                "must be above nil",
                "leave out what is nil",
            )
    kinds = [leg.kind for leg in order.legs]
    if len(set(kinds)) < len(kinds):
        yield "legs", None, "name a kind twice", "give the sum of each kind"


def _ledger(connection: Connection, orders: Sequence[ReceiptOrder], standing: Any) -> _Ledger:
    """The documents that orders name or may settle, those of receipts that stand left out."""
    named: set[str] = set()
    said: set[str] = set()
    payers: set[str] = set()
    for order in orders:
        if (order.means, order.reference, order.value_date) in standing:
            continue
        if not isinstance(order.allocations, str):
            named.update(part.invoice for part in order.allocations)
        elif order.allocations == AUTOMATIC:
            said.update(numbers_in(order.payer_text))
            if order.tenant is not None:
                payers.add(order.tenant)
    ledger = _Ledger(documents_numbered(connection, named | said) if named or said else {})
    # Whoever names every invoice with its amount pays no other: what else is open is not asked for.
    payers.update(ledger.by_number[number].tenant for number in said if number in ledger.by_number)
    for one in open_documents_of(connection, INVOICE, payers) if payers else ():
        ledger.of_tenant.setdefault(one.tenant, []).append(ledger.by_number.setdefault(one.number, one))
    payers.update(one.tenant for one in ledger.by_number.values())
    payers.update(order.tenant for order in orders if order.tenant is not None)
    ledger.invoiced_since = invoiced_since(connection, payers)
    return ledger


def _allocation_faults(order: ReceiptOrder, ledger: _Ledger) -> Iterator[_Found]:
    """What is wrong with the invoices an order names."""
    if isinstance(order.allocations, str):
        return
    yield from part_faults(order.allocations, ledger.by_number, order.amount)


def part_faults(parts: Sequence[Part], by_number: dict[str, OpenDocument], most: int) -> Iterator[_Found]:
    """What is wrong with allocating so much to invoices, where at most `most` can be allocated."""
    seen: set[str] = set()
    for number, amount in parts:
        target = by_number.get(number)
        if target is None:
            yield "invoice", number, "is unknown", "give the number of an invoice"
        elif target.kind != INVOICE:
            yield "invoice", number, "is no invoice", "a credit note is applied or refunded, not paid"
        elif number in seen:
            yield "invoice", number, "stands twice", "give each invoice once"
        elif amount <= 0:
            yield "amount", format_amount(amount), f"for {number} must be above nil", "leave the invoice out"
        elif amount > target.open:
            problem = f"is more than what is open of {number}"
            yield "amount", format_amount(amount), problem, f"at most {format_amount(target.open)} can be allocated"
        seen.add(number)
    if (asked := sum(amount for _, amount in parts)) > most:
        yield "amount", format_amount(asked), "is more than there is", f"at most {format_amount(most)} can be allocated"


def _record(records: Records, order: ReceiptOrder, ledger: _Ledger, terms: Terms) -> tuple[int, list[Settled]]:
    """Lay down one receipt: its legs, whose it is, what it settles, its entries; gives its key, and what it settles."""
    key, day, at = records.next_key(receipt), order.value_date, records.recorded_at
    records.add(
        receipt, key, order.means, order.reference, day, order.tenant, order.site, order.amount,
        _one_line(order.payer_text), order.asked, at,
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
        at_once = target.issued_on <= day
        on = day if at_once else target.issued_on
        owner, account = placed[target.tenant]
        number, one = records.allocate(owner, target, amount, on, how, in_receipt=at_once, is_money=is_money)
        if at_once:
            settled.append(one)
            owned[target.tenant] -= amount
        else:
            later.append(one)
            records.book(allocation_entry(number, on, one, account, number_of(key)))
    held = [Held(placed[code][1], code, amount) for code, amount in owned.items()]
    held.append(Held(UNPLACED, None, rest if payer is None else 0))
    # The receipt's own entry comes before those of what it settles later.
    records.entries.insert(len(records.entries) - len(later), receipt_entry(head, day, legs, settled, held))
    return key, [*settled, *later]


def credit_account(invoiced_since: date | None, day: date, terms: Terms) -> str:
    """Where a tenant's money lies while it settles nothing: an advance before any invoice (law.md section 5)."""
    accounts = terms.at("receipts.credit_accounts", day)
    account: str = accounts["advance" if invoiced_since is None or invoiced_since > day else "overpaid"]
    return account


def _chosen(order: ReceiptOrder, ledger: _Ledger) -> tuple[list[tuple[OpenDocument, int, str]], str | None]:
    """What a receipt settles, as (invoice, amount, how), and whose the rest is; None: nobody knows.

    An invoice that the payer's text names is settled first, if it is the tenant's; where nobody said who paid and all
    that are named are one tenant's, it is that tenant.
    """
    if not isinstance(order.allocations, str):
        return [(ledger.by_number[number], amount, "explicit") for number, amount in order.allocations], order.tenant
    if order.allocations == NONE:
        return [], order.tenant
    payer = order.tenant
    found = (ledger.by_number.get(number) for number in numbers_in(order.payer_text)) if order.payer_text else ()
    named = [one for one in found if one is not None and one.kind == INVOICE and payer in (None, one.tenant)]
    if payer is None and len({one.tenant for one in named}) == 1:
        payer = named[0].tenant
    oldest = [] if payer is None else ledger.of_tenant.get(payer, [])
    parts: list[tuple[OpenDocument, int, str]] = []
    left = order.amount
    for candidates, how in ((named, "reference"), (oldest, "oldest")):
        for target in candidates:
            part = min(left, target.open)
            if part and all(target is not other for other, _, _ in parts):
                parts.append((target, part, how))
                left -= part
    return parts, payer


def invoiced_since(connection: Connection, tenants: Iterable[str]) -> dict[str, date]:
    """The day of each tenant's first invoice, where it has one."""
    c = document.c
    rows = connection.execute(
        select(c.tenant, func.min(c.issued_on))
        .where(c.kind == INVOICE, among(connection, c.tenant, sorted(set(tenants))))
        .group_by(c.tenant)
    )
    return {code: day for code, day in rows.all()}  # noqa: C416
