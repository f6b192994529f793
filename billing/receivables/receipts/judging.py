"""Faults of receipts to be recorded, each with its column, value, problem and remedy."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import NamedTuple, TypeAlias

from billing.entries.receivables import CASH_PAID, DEPOSIT, MEANS_LABELS, MONEY
from billing.receivables.open_items.standing import OpenDocument
from billing.receivables.receipts.orders import (
    LEG_KINDS,
    PAYER_TEXT_LENGTH_MAX,
    REFERENCE_LENGTH_MAX,
    Part,
    ReceiptOrder,
    one_line,
)
from invoices.document import CURRENCY, INVOICE
from ledger.errors import BeforeTheBooks
from ledger.periods import Limits
from pricing.money import AMOUNT_MAX, format_amount
from pricing.period import first_of_month, format_month

# Column, value, problem, remedy.
OrderFault: TypeAlias = tuple[str, str | None, str, str]


class Known(NamedTuple):
    """The facts that orders are judged by: codes that exist, the day of recording, the open days."""

    tenants: AbstractSet[str]
    sites: AbstractSet[str]
    today: date
    open_days: Limits


def order_faults(order: ReceiptOrder, known: Known) -> Iterator[OrderFault]:
    """Yield the faults of a receipt by itself."""
    yield from _text_faults(order)
    yield from _party_faults(order, known)
    yield from _leg_faults(order)
    yield from _day_faults(order.value_date, known)


def _text_faults(order: ReceiptOrder) -> Iterator[OrderFault]:
    if order.means not in MEANS_LABELS:
        yield "means", order.means, "is no means of payment", f"these are {', '.join(MEANS_LABELS)}"
    elif (order.means == DEPOSIT) != (order.deposit is not None):
        remedy = "`technopark-billing deposits set-off LEASE`, or POST /v1/deposits/LEASE/set-offs"
        yield "means", order.means, "is set off where deposits are", remedy
    if not 0 < len(order.reference) <= REFERENCE_LENGTH_MAX or not order.reference.isprintable():
        problem = f"must be 1 to {REFERENCE_LENGTH_MAX} characters that can be printed"
        yield "reference", order.reference, problem, "give the bank's or the drawer's own"
    text = one_line(order.payer_text)
    if len(text) > PAYER_TEXT_LENGTH_MAX or not text.isprintable():
        problem = f"must be at most {PAYER_TEXT_LENGTH_MAX} characters that can be printed"
        yield "payer_text", None, problem, "shorten it"
    if order.currency != CURRENCY:
        yield "currency", order.currency, f"is not {CURRENCY}", "books are kept in dirhams: give what the bank credited"


def _party_faults(order: ReceiptOrder, known: Known) -> Iterator[OrderFault]:
    if order.means == CASH_PAID and order.tenant is None:
        yield "tenant", None, "is missing", "say who pays: the receipt for cash names the payer"
    if order.tenant is not None and order.tenant not in known.tenants:
        yield "tenant", order.tenant, "is unknown", "leave it blank if nobody knows whose it is"
    if order.site is not None and order.site not in known.sites:
        yield "site", order.site, "is unknown", "give the till's site, or none"


def _leg_faults(order: ReceiptOrder) -> Iterator[OrderFault]:
    if not order.legs:
        yield "amount", None, "is missing", "give what came in, and what was withheld"
    for kind, amount in order.legs:
        if kind not in LEG_KINDS:
            yield "legs", kind, "is no kind of leg", f"these are {', '.join(LEG_KINDS)}"
        elif not 0 < amount <= AMOUNT_MAX:
            column = "amount" if kind == MONEY else kind
            yield column, format_amount(amount), "must be more than 0.00", "leave out what is zero"
    kinds = [leg.kind for leg in order.legs]
    if len(set(kinds)) < len(kinds):
        yield "legs", None, "name a kind twice", "give the sum of each kind"


def _day_faults(day: date, known: Known) -> Iterator[OrderFault]:
    open_days = known.open_days
    if day > known.today:
        yield "value_date", str(day), "is still to come", "record it once the money is there"
    elif open_days.begun_on is not None and day < open_days.begun_on:
        early = BeforeTheBooks(day, open_days.begun_on)
        yield "value_date", str(day), early.problem, early.remedy
    elif open_days.open_through is not None and day > open_days.open_through:
        month = format_month(first_of_month(day))
        yield "value_date", str(day), f"lies in {month}, which is not open yet", "close the months before"


def part_faults(parts: Sequence[Part], by_number: Mapping[str, OpenDocument], most: int) -> Iterator[OrderFault]:
    """Yield the faults of allocating so much to invoices, where at most `most` can be allocated."""
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
            yield "amount", format_amount(amount), f"for {number} must be more than 0.00", "leave the invoice out"
        elif amount > target.open:
            problem = f"is more than what is open of {number}"
            yield "amount", format_amount(amount), problem, f"at most {format_amount(target.open)} can be allocated"
        seen.add(number)
    if (asked := sum(amount for _, amount in parts)) > most:
        yield "amount", format_amount(asked), "is more than there is", f"at most {format_amount(most)} can be allocated"
