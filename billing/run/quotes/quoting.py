"""Quotes: what a tenant would pay month by month from a given day, priced by the run's own engine, written nowhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.frame.errors import Fault, Refused
from billing.register.catalogue import Catalogue, load_catalogue
from billing.register.tables import lease, service, tenant
from pricing.eligibility import Tenancy, tenancy
from pricing.money import total
from pricing.period import ONE_DAY, add_months, first_of_month, months
from pricing.rating import OFFICE, Lease, PricedLine, UsageEvent, office_lines, usage_lines
from pricing.vat import VatSubtotal, vat_breakdown

# The lease named on the lines of the office asked about: no lease bears it.
QUOTED_LEASE = "quote"
MONTHS_MAX = 36


class Use(NamedTuple):
    """A service used each month; `quantity` in millionths of its unit. Blank site: that of the office."""

    service: str
    quantity: int
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """It says who would rent what, from which day.

    Either `tenant`, a code of the register, whose leases count as well, or `kind` and the two days that
    decide its price (R3, R4). `area` in millionths of a m2, `ends_on` the last day; without an area no office
    is added.
    """

    starts_on: date
    months: int
    tenant: str | None = None
    kind: str | None = None
    incorporated_on: date | None = None
    admitted_on: date | None = None
    site: str | None = None
    area: int | None = None
    ends_on: date | None = None
    usage: tuple[Use, ...] = ()


class QuotedMonth(NamedTuple):
    """One month: its lines, VAT and sums in centimes. Usage stands in the month it is made, not in that of its bill."""

    month: date
    lines: tuple[PricedLine, ...]
    vat: tuple[VatSubtotal, ...]

    @property
    def net(self) -> int:
        """The sum of the lines."""
        return total(line.amount for line in self.lines)

    @property
    def tax(self) -> int:
        """VAT, once a rate (R11)."""
        return total(subtotal.amount for subtotal in self.vat)

    @property
    def advantage(self) -> int:
        """The worth of the discount (R16)."""
        return total(line.advantage for line in self.lines)


class Quote(NamedTuple):
    """The answer: the tenancy it rests on, and its months in order."""

    tenancy: Tenancy
    months: tuple[QuotedMonth, ...]


class _Asker(NamedTuple):
    kind: str
    incorporated_on: date | None
    admitted_on: date | None
    leases: tuple[Lease, ...]


def quote(connection: Connection, question: Question) -> Quote:
    """Price the question by the catalogue and the register as they stand (R3-R11); writes nothing.

    Raises Refused with every fault of the question, and PricingError when a price is missing.
    """
    catalogue = load_catalogue(connection)
    asker = _asker(connection, question)
    faults = [*_faults(connection, question, catalogue), *(asker if isinstance(asker, list) else ())]
    if faults or isinstance(asker, list):
        raise Refused(faults)
    leases = (*asker.leases, *_office(question))
    if question.area is not None and question.site is not None:
        # Months before its site opens would else be quoted as free.
        catalogue.rates.at(question.site, OFFICE, asker.kind, question.starts_on)
    terms = tenancy(asker.kind, asker.incorporated_on, asker.admitted_on, (let.start for let in leases))
    first = first_of_month(question.starts_on)
    return Quote(
        terms,
        tuple(
            _priced(month, leases, question, terms, catalogue)
            for month in months(first, add_months(first, question.months - 1))
        ),
    )


def _asker(connection: Connection, question: Question) -> _Asker | list[Fault]:
    """Return what the price depends on of the firm that asks, or the faults of the question about it."""
    if (question.tenant is None) == (question.kind is None):
        return [_fault("tenant", None, "must be given, or kind, and not both", "give one of the two")]
    if question.kind is not None:
        return _Asker(question.kind, question.incorporated_on, question.admitted_on, ())
    faults = [
        _fault(name, str(value), "stands in the register for this tenant", f"leave {name} out, or give kind")
        for name, value in (("incorporated_on", question.incorporated_on), ("admitted_on", question.admitted_on))
        if value is not None
    ]
    row = connection.execute(select(tenant).where(tenant.c.code == question.tenant)).one_or_none()
    if row is None:
        faults.append(_fault("tenant", question.tenant, "is no known tenant", "correct the code, or give kind"))
    if faults or row is None:
        return faults
    lets = connection.execute(select(lease).where(lease.c.tenant == question.tenant).order_by(lease.c.code))
    return _Asker(
        row.kind,
        row.incorporated_on,
        row.admitted_on,
        tuple(
            Lease(let.code, let.site, let.area, let.starts_on, None if let.ends_on is None else let.ends_on + ONE_DAY)
            for let in lets
        ),
    )


def _faults(connection: Connection, question: Question, catalogue: Catalogue) -> Iterator[Fault]:
    if question.site is not None and question.site not in catalogue.sites:
        yield _fault("site", question.site, "is no known site", "correct the code")
    if question.area is not None and question.site is None:
        yield _fault("site", None, "is missing", "say at which site the office would be")
    if question.ends_on is not None and question.ends_on < question.starts_on:
        yield _fault("ends_on", str(question.ends_on), "is before starts_on", "correct one of the two days")
    services = connection.execute(select(service.c.code, service.c.billing))
    billing = {row.code: row.billing for row in services}
    for index, use in enumerate(question.usage):
        place = f"usage.{index}."
        if billing.get(use.service) != "arrears":
            problem = "is billed from leases" if use.service in billing else "is no known service"
            yield _fault(f"{place}service", use.service, problem, "give a service billed by its use")
        if use.site is None and question.site is None:
            yield _fault(f"{place}site", None, "is missing", "say at which site the service would be used")
        elif use.site is not None and use.site not in catalogue.sites:
            yield _fault(f"{place}site", use.site, "is no known site", "correct the code")


def _fault(field: str, value: str | None, problem: str, remedy: str) -> Fault:
    return Fault("quote", None, field, value, problem, remedy)


def _office(question: Question) -> tuple[Lease, ...]:
    if question.area is None or question.site is None:
        return ()
    end = None if question.ends_on is None else question.ends_on + ONE_DAY
    return (Lease(QUOTED_LEASE, question.site, question.area, question.starts_on, end),)


def _priced(
    month: date, leases: tuple[Lease, ...], question: Question, terms: Tenancy, catalogue: Catalogue
) -> QuotedMonth:
    lines = [line for let in leases for line in office_lines(let, month, terms, catalogue.rates, catalogue.vat)]
    # The first day of the stay in the month decides the tier of its usage.
    day = max(month, question.starts_on)
    if question.ends_on is None or day <= question.ends_on:
        events = (
            UsageEvent(index, use.site or question.site or "", use.service, use.quantity, day)
            for index, use in enumerate(question.usage)
        )
        lines += [line for line, _ in usage_lines(events, terms, catalogue.rates, catalogue.vat)]
    return QuotedMonth(month, tuple(lines), vat_breakdown((line.vat_rate, line.amount) for line in lines))
