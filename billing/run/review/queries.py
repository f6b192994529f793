"""What a review compares with, read set-wise: the bills of the run before, who was ever billed, usual usage."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, case, cast, distinct, func, or_, select

from billing.frame.database import among
from billing.register.tables import tenant
from billing.run.review.comparing import LastLine, LineSums
from billing.run.tables import UNBILLED, run_outcome
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import document, document_line
from pricing.period import add_months
from pricing.rating import OFFICE

# What a run bills again of a credit note by hand is neither an office nor usage.
_IS_BILLED_ANEW = or_(document_line.c.lease.is_not(None), document_line.c.service != OFFICE)


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    """Return the sum of whole numbers as one: PostgreSQL's own is a decimal, which takes long to read."""
    return cast(func.sum(column), BigInteger)


_NET = _sum(case((document.c.kind == CREDIT_NOTE, -document.c.net), else_=document.c.net))
_INVOICES = _sum(case((document.c.kind == INVOICE, 1), else_=0))
# Usual usage is that of the runs of so many months before.
USUAL_MONTHS = 12


class LastBill(NamedTuple):
    """What a run billed a tenant: invoice less credit note, without VAT; whether there was an invoice."""

    period: date
    net: int
    invoiced: bool


class Before(NamedTuple):
    """How tenants stood before a run, by their codes: what the run before billed, in sum; whom it had looked at."""

    bills: Mapping[str, LastBill]
    sums: Mapping[str, LineSums]
    seen: frozenset[str]


def read_before(connection: Connection, previous: date | None) -> Before:
    """Return what the run of the month `previous` billed everybody; None: there was none."""
    if previous is None:
        return Before({}, {}, frozenset())
    d, x = document.c, document_line.c
    bills = connection.execute(select(d.tenant, _NET, _INVOICES).where(d.period == previous).group_by(d.tenant)).all()
    summed = (x.quantity, x.full_price, x.unit_price, x.amount, x.vat_rate)
    sums = connection.execute(
        select(d.tenant, func.count(), *map(_sum, summed))
        .join(document_line, x.document_id == d.id)
        .where(d.period == previous, d.kind == INVOICE, _IS_BILLED_ANEW)
        .group_by(d.tenant)
    ).all()
    o = run_outcome.c
    seen = connection.scalars(select(o.tenant).where(o.period == previous, o.status.not_in(UNBILLED)))
    return Before(
        {code: LastBill(previous, total, bool(count)) for code, total, count in bills},
        {row[0]: LineSums._make(row[1:]) for row in sums},
        frozenset(seen.all()),
    )


def last_looked_at(
    connection: Connection, codes: Iterable[str], previous: date
) -> Mapping[str, tuple[date, LastBill | None]]:
    """Return, for tenants that the run of `previous` left out, the last one that did not, and what it billed them."""
    o, d = run_outcome.c, document.c
    last = (
        select(o.tenant, func.max(o.period).label("period"))
        .where(among(connection, o.tenant, codes), o.period < previous, o.status.not_in(UNBILLED))
        .group_by(o.tenant)
        .subquery()
    )
    rows = connection.execute(
        select(last.c.tenant, last.c.period, _NET, _INVOICES)
        .outerjoin(document, and_(d.tenant == last.c.tenant, d.period == last.c.period))
        .group_by(last.c.tenant, last.c.period)
    )
    return {
        code: (month, None if net is None else LastBill(month, net, bool(count))) for code, month, net, count in rows
    }


def lines_before(
    connection: Connection, codes: Iterable[str], runs: Collection[date]
) -> Mapping[tuple[str, date], list[LastLine]]:
    """Return the lines that the runs of these months invoiced these tenants, by tenant and run."""
    d, x = document.c, document_line.c
    rows = connection.execute(
        select(
            d.tenant, d.period, x.service, x.site, x.lease, x.month, x.tier, x.quantity, x.full_price, x.unit_price,
            x.amount, x.vat_rate, x.vat_treatment, x.vat_reason,
        )
        .join(document_line, x.document_id == d.id)
        .where(d.period.in_(runs), d.kind == INVOICE, among(connection, d.tenant, codes), _IS_BILLED_ANEW)
    )  # fmt: skip
    lines: dict[tuple[str, date], list[LastLine]] = defaultdict(list)
    for row in rows:
        lines[row[0], row[1]].append(LastLine._make(row[2:]))
    return lines


def ever_billed(connection: Connection, codes: Iterable[str], period: date) -> frozenset[str]:
    """Return which of these tenants any run before that of `period` gave a document."""
    d = document.c
    given = select(d.id).where(d.tenant == tenant.c.code, d.period < period).exists()
    return frozenset(connection.scalars(select(tenant.c.code).where(among(connection, tenant.c.code, codes), given)))


def usage_means(
    connection: Connection, codes: Collection[str], period: date, *, below: int
) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """Return the usage that runs billed tenants, by service: its sum and in how many months there was any.

    Of those from the first to the last of `codes`: a range is planned well by what knows little of the table, as after
    the first run. Only where ten times the mean of these months is `below` that quantity.
    """
    d, x = document.c, document_line.c
    quantity = _sum(case((d.kind == CREDIT_NOTE, -x.quantity), else_=x.quantity))
    rows = connection.execute(
        select(d.tenant, x.service, quantity, func.count(distinct(x.month)))
        .select_from(tenant)
        .join(document, d.tenant == tenant.c.code)
        .join(document_line, x.document_id == d.id)
        .where(
            tenant.c.code.between(min(codes), max(codes)),
            d.period < period,
            d.period >= add_months(period, -USUAL_MONTHS),
            x.lease.is_(None),
            x.service != OFFICE,
        )
        .group_by(d.tenant, x.service)
        .having(10 * quantity < below * func.count(distinct(x.month)))
    )
    means: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for code, service, total, count in rows:
        means[code][service] = total, count
    return means
