"""What a review compares with, read set-wise: the bills of the run before, who was ever billed, usual usage."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, case, distinct, func, or_, select

from billing.frame.database import among
from billing.register.tables import tenant
from billing.run.review.comparing import LastLine, LineSums
from billing.run.tables import run_outcome
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import document, document_line
from pricing.period import add_months
from pricing.rating import OFFICE

# What a run bills again of a credit note by hand is neither an office nor usage.
_IS_BILLED_ANEW = or_(document_line.c.lease.is_not(None), document_line.c.service != OFFICE)
# Usual usage is that of the runs of so many months before.
USUAL_MONTHS = 12


class LastBill(NamedTuple):
    """What the run before billed a tenant: invoice less credit note, without VAT; whether there was an invoice."""

    net: int
    invoiced: bool


class Before(NamedTuple):
    """How tenants stood before a run, by their codes: what the run before billed, in sum; who had an outcome."""

    bills: Mapping[str, LastBill]
    sums: Mapping[str, LineSums]
    seen: frozenset[str]


def read_before(connection: Connection, previous: date | None) -> Before:
    """Return what the run of the month `previous` billed everybody; None: there was none."""
    if previous is None:
        return Before({}, {}, frozenset())
    d, x = document.c, document_line.c
    net = func.sum(case((d.kind == CREDIT_NOTE, -d.net), else_=d.net))
    invoices = func.sum(case((d.kind == INVOICE, 1), else_=0))
    bills = connection.execute(select(d.tenant, net, invoices).where(d.period == previous).group_by(d.tenant))
    summed = (x.quantity, x.full_price, x.unit_price, x.amount, x.vat_rate)
    sums = connection.execute(
        select(d.tenant, func.count(), *map(func.sum, summed))
        .join(document_line, x.document_id == d.id)
        .where(d.period == previous, d.kind == INVOICE, _IS_BILLED_ANEW)
        .group_by(d.tenant)
    )
    o = run_outcome.c
    seen = connection.scalars(select(o.tenant).where(o.period == previous, o.status != "error"))
    return Before(
        {code: LastBill(int(total), bool(count)) for code, total, count in bills},
        {code: LineSums(*map(int, row)) for code, *row in sums},
        frozenset(seen.all()),
    )


def lines_before(connection: Connection, codes: Iterable[str], previous: date | None) -> Mapping[str, list[LastLine]]:
    """Return the lines that the run of the month `previous` invoiced these tenants."""
    d, x = document.c, document_line.c
    rows = connection.execute(
        select(
            d.tenant, x.service, x.site, x.lease, x.month, x.tier, x.quantity, x.full_price, x.unit_price, x.amount,
            x.vat_rate,
        )
        .join(document_line, x.document_id == d.id)
        .where(d.period == previous, d.kind == INVOICE, among(connection, d.tenant, codes), _IS_BILLED_ANEW)
    )  # fmt: skip
    lines: dict[str, list[LastLine]] = defaultdict(list)
    for row in rows:
        lines[row[0]].append(LastLine._make(row[1:]))
    return lines


def ever_billed(connection: Connection, codes: Iterable[str], period: date) -> frozenset[str]:
    """Return which of these tenants any run before that of `period` gave a document."""
    d = document.c
    given = select(d.id).where(d.tenant == tenant.c.code, d.period < period).exists()
    return frozenset(connection.scalars(select(tenant.c.code).where(among(connection, tenant.c.code, codes), given)))


def usage_means(
    connection: Connection, codes: Iterable[str], period: date
) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """Return the usage that runs billed these tenants, by service: its sum and in how many months there was any."""
    d, x = document.c, document_line.c
    quantity = func.sum(case((d.kind == CREDIT_NOTE, -x.quantity), else_=x.quantity))
    rows = connection.execute(
        select(d.tenant, x.service, quantity, func.count(distinct(x.month)))
        .join(document_line, x.document_id == d.id)
        .where(
            among(connection, d.tenant, codes),
            d.period < period,
            d.period >= add_months(period, -USUAL_MONTHS),
            x.lease.is_(None),
            x.service != OFFICE,
        )
        .group_by(d.tenant, x.service)
    )
    means: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for code, service, total, count in rows:
        means[code][service] = int(total), int(count)
    return means
