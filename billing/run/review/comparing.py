"""Why a tenant's bill differs from the one before, and what of it is unusual; pure (R24)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from billing.run.tenant_bill import TenantBill
from invoices.document import CREDIT_NOTE, DocumentLine
from invoices.issuing import Draft
from invoices.mail import reaches_somebody
from pricing.eligibility import Tenancy
from pricing.period import Period
from pricing.rating import Lease, PricedLine


class Reason(StrEnum):
    """Why a bill differs from the one before (contract)."""

    NEW_TENANT = "new_tenant"
    NEW_LEASE = "new_lease"
    LEASE_ENDED = "lease_ended"
    AREA_CHANGED = "area_changed"
    TIER_CHANGE = "tier_change"
    RATE_CHANGE = "rate_change"
    VAT_CHANGE = "vat_change"
    USAGE = "usage"
    REPAIR = "repair"
    CATCH_UP = "catch_up"


class Flag(StrEnum):
    """What is unusual about a document (contract)."""

    ABOVE_TWICE_LAST = "above_twice_last"
    BELOW_HALF_LAST = "below_half_last"
    FIRST_BILL = "first_bill"
    PRICE_CHANGED_30 = "price_changed_30"
    USAGE_TEN_TIMES = "usage_ten_times"
    CREDIT_NOTE = "credit_note"
    ZERO_TOTAL = "zero_total"
    NO_EMAIL = "no_email"


class LastLine(NamedTuple):
    """What a line of an invoice said, as far as it is compared; units as in `PricedLine`."""

    service: str
    site: str
    lease: str | None
    month: date
    tier: str
    quantity: int
    full_price: int
    unit_price: int
    amount: int
    vat_rate: int
    vat_treatment: str
    vat_reason: str


class LineSums(NamedTuple):
    """The lines of an invoice in sum: where these are as before, nothing has changed that needs a reason."""

    lines: int
    quantity: int
    full_price: int
    unit_price: int
    amount: int
    vat_rate: int


class Standing(NamedTuple):
    """How a tenant stood before the run.

    `previous` is the month of the last run that billed it or found nothing to bill, so neither left it out in error nor
    held; None: there was none. `billed` tells whether any run has billed it. `lines` are what that last run invoiced,
    where they differ. `usage_mean` is its mean usage a month, by service, as (sum, months), where a tenth of what is
    used now may be more.
    """

    previous: date | None
    billed: bool
    lines: Sequence[LastLine]
    usage_mean: Mapping[str, tuple[int, int]]


class Bill(NamedTuple):
    """What a run gives a tenant, as far as it is compared: new lines, and lines taken back.

    `pairs` are the new lines with what was billed last for the same lease, or the same service at the same site.
    """

    new: Sequence[LastLine]
    taken_back: Sequence[LastLine]
    pairs: Sequence[tuple[LastLine, LastLine]]


# In sum as before: nothing of it is compared line by line.
AS_BEFORE = Bill((), (), ())


def bill_of(bill: TenantBill, standing: Standing) -> Bill:
    """Return what is compared of a tenant's bill: what it bills again of a credit note by hand is nothing new."""
    invoice = () if bill.invoice is None else bill.invoice.lines
    new = [last_line(line.priced) for line in invoice if line.withdraws is None]
    back = [] if bill.credit_note is None else [last_line(line.priced) for line in bill.credit_note.lines]
    return Bill(new, back, list(_pairs([*standing.lines, *back], new)))


def sums_of(invoice: Draft | None) -> LineSums:
    """Return the lines of an invoice in sum, but for what it bills again of a credit note by hand."""
    priced = [] if invoice is None else [line.priced for line in invoice.lines if line.withdraws is None]
    return LineSums(
        len(priced),
        sum([line.quantity for line in priced]),
        sum([line.full_price for line in priced]),
        sum([line.unit_price for line in priced]),
        sum([line.amount for line in priced]),
        sum([line.vat_rate for line in priced]),
    )


def last_line(line: PricedLine) -> LastLine:
    """Return what a priced line says, as far as it is compared."""
    return LastLine(
        line.service, line.site, line.lease, line.month, line.tier, line.quantity, line.full_price, line.unit_price,
        line.amount, line.vat_rate, line.vat_treatment, line.vat_reason,
    )  # fmt: skip


def reasons(
    bill: Bill, standing: Standing, leases: Iterable[Lease], tenancy: Tenancy, period: Period
) -> tuple[str, ...]:
    """Return why the bill of the month `period` differs from what the run before billed, in the contract's order."""
    given = set()
    if not standing.billed:
        given.add(Reason.NEW_TENANT)
    elif standing.previous is not None:
        given |= _of_leases(bill, standing, leases, tenancy, Period(standing.previous, period.end))
    given |= _of_prices(bill, standing)
    if _usage(standing.lines) != _usage(bill.new):
        given.add(Reason.USAGE)
    given |= _of_months(bill, standing, period)
    return tuple(reason.value for reason in Reason if reason in given) if given else ()


def _of_leases(bill: Bill, standing: Standing, leases: Iterable[Lease], tenancy: Tenancy, span: Period) -> set[Reason]:
    """Return what leases and the window bring about from the first day of the run before to the last one billed."""
    given = set()
    billed_now = {line.lease for line in bill.new}
    billed_before = {line.lease for line in standing.lines} | {line.lease for line in bill.taken_back}
    for lease in leases:
        # What began on that first day was billed whole by both.
        if lease.code in billed_now and (span.start < lease.start or lease.code not in billed_before):
            given.add(Reason.NEW_LEASE)
        if lease.code in billed_before and lease.end is not None and lease.end < span.end:
            given.add(Reason.LEASE_ENDED)
    if tenancy.window is not None and span.start < tenancy.window.end < span.end and billed_before | billed_now:
        given.add(Reason.TIER_CHANGE)
    return given


def _of_prices(bill: Bill, standing: Standing) -> set[Reason]:
    """Return what differs between lines of one lease, or of one service at one site."""
    given: set[Reason] = set()
    for old, new in bill.pairs:
        if old[4:] == new[4:]:
            continue
        if new.lease is not None and old.quantity != new.quantity:
            given.add(Reason.AREA_CHANGED)
        if old[-3:] != new[-3:]:
            given.add(Reason.VAT_CHANGE)
        if old.full_price != new.full_price or (old.tier == new.tier and old.unit_price != new.unit_price):
            given.add(Reason.RATE_CHANGE)
    tiers: dict[str, set[str]] = defaultdict(set)
    for line in (*standing.lines, *bill.taken_back):
        if line.lease is not None:
            tiers[line.lease].add(line.tier)
    if any(line.lease in tiers and {line.tier} != tiers[line.lease] for line in bill.new if line.lease is not None):
        given.add(Reason.TIER_CHANGE)
    return given


def _pairs(before: Sequence[LastLine], now: Sequence[LastLine]) -> Iterable[tuple[LastLine, LastLine]]:
    """Pair each new line with what the same lease, or the same service at the same site, was billed last."""
    latest: dict[tuple[str, str, str | None], LastLine] = {}
    of_month: dict[tuple[str, str, str | None, date], LastLine] = {}
    for line in before:
        key = line.service, line.site, line.lease
        of_month[*key, line.month] = line
        if key not in latest or latest[key].month <= line.month:
            latest[key] = line
    for line in now:
        key = line.service, line.site, line.lease
        old = of_month.get((*key, line.month)) or latest.get(key)
        if old is not None:
            yield old, line


def _usage(lines: Iterable[LastLine]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        if line.lease is None:
            sums[line.service, line.site] += line.amount
    return sums


def _of_months(bill: Bill, standing: Standing, period: Period) -> set[Reason]:
    """Return whether months were repaired, or billed late because no run had billed them to this tenant."""
    given = set()
    if bill.taken_back:
        given.add(Reason.REPAIR)
    late = {line.month for line in bill.new if line.lease is not None and line.month < period.start}
    for month in late:
        was_billed = standing.previous is not None and month <= standing.previous
        given.add(Reason.REPAIR if was_billed else Reason.CATCH_UP)
    return given


def flags(draft: Draft, bill: Bill, sums: tuple[int, int], previous_net: int | None, standing: Standing) -> set[Flag]:
    """Return what is unusual about a document; `sums` are its net and gross, `previous_net` what was billed before."""
    (net, gross), given = sums, set()
    if not reaches_somebody(draft.buyer.email):
        given.add(Flag.NO_EMAIL)
    if gross == 0:
        given.add(Flag.ZERO_TOTAL)
    if draft.kind == CREDIT_NOTE:
        return given | {Flag.CREDIT_NOTE}
    if not standing.billed:
        given.add(Flag.FIRST_BILL)
    if previous_net is not None and previous_net > 0:
        if net > 2 * previous_net:
            given.add(Flag.ABOVE_TWICE_LAST)
        if 2 * net < previous_net:
            given.add(Flag.BELOW_HALF_LAST)
    if any(_is_far(old, new) for old, new in bill.pairs):
        given.add(Flag.PRICE_CHANGED_30)
    if standing.usage_mean and _is_ten_times(draft.lines, standing.usage_mean):
        given.add(Flag.USAGE_TEN_TIMES)
    return given


def _is_far(old: LastLine, new: LastLine) -> bool:
    """Return whether a price is 30 % or more away from the one before; the end of a discount is no new price."""
    pairs = [(old.full_price, new.full_price)]
    if old.tier == new.tier:
        if old.unit_price == new.unit_price and old.full_price == new.full_price:
            return False
        pairs.append((old.unit_price, new.unit_price))
    return any(10 * abs(price - former) >= 3 * former and price != former for former, price in pairs)


def most_used(lines: Iterable[DocumentLine]) -> int:
    """Return no less than the most that the lines bill of a service in a month."""
    return sum([line.priced.quantity for line in lines if line.priced.lease is None])


def _is_ten_times(lines: Iterable[DocumentLine], mean: Mapping[str, tuple[int, int]]) -> bool:
    """Return whether a service was used in a month more than ten times as much as on the mean of the months before."""
    used: dict[tuple[str, date], int] = defaultdict(int)
    for line in lines:
        used_up = line.priced
        if used_up.lease is None and line.withdraws is None:
            used[used_up.service, used_up.month] += used_up.quantity
    for (service, _), quantity in used.items():
        total, count = mean.get(service, (0, 0))
        if total > 0 and quantity * count > 10 * total:
            return True
    return False


def ordered(given: Collection[Flag]) -> tuple[str, ...]:
    """Return flags in the contract's order."""
    return tuple(flag.value for flag in Flag if flag in given) if given else ()
