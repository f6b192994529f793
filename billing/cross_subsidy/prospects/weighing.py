"""An application weighed: the quote of its office, and the admission dial for exactly this firm and place."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, Row, or_, select

from billing.cross_subsidy.forecast import forecasting
from billing.cross_subsidy.forecast.register import first_run_ahead
from billing.frame.computed import Computed
from billing.register.applications.queries import waiting_list
from billing.register.applications.shapes import APPLICATIONS
from billing.register.catalogue import load_openings
from billing.register.occupancy.queries import occupancy
from billing.register.occupancy.shapes import Occupied
from billing.register.queries import find_row
from billing.register.tables import lease, tenant
from billing.run.quotes import quoting
from pricing.forecast.dial import DIAL_MONTHS, Weighed, weigh
from pricing.forecast.newcomers import average_usage
from pricing.forecast.simulation import Chance
from pricing.projection import Stay
from pricing.rating import Lease

# The window, and the month after it.
MONTHS = DIAL_MONTHS + 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an application: its first day (None: the next run's, or the site's opening), how many months.

    `incorporated_on` stands for that of a firm that has none on record.
    """

    starts_on: date | None = None
    incorporated_on: date | None = None
    months: int = MONTHS


class Prospect(NamedTuple):
    """The answer: the row, its place on the waiting list (None: it is not on it), the site on that day, both weights.

    `is_age_known` is False where nothing says how old the firm is: it is then quoted at the market price (R4).
    """

    application: Row[tuple[object, ...]]
    starts_on: date
    place: int | None
    site: Occupied
    quote: quoting.Quote
    first: date
    weighed: Weighed
    is_age_known: bool


def weigh_application(
    connection: Connection,
    code: str,
    asked: Asked,
    question: forecasting.Question,
    today: date,
    computed: Computed | None = None,
) -> Prospect:
    """Quote the office that a firm applies for, and weigh its admission; writes nothing.

    In the pool a newcomer uses the site's services as its firms of that tier do on average, as the dial's. Raises
    Unknown, Refused, RunRefused, PricingError.
    """
    row = find_row(connection, APPLICATIONS, (code,))
    opened_on = load_openings(connection).get(row.site, date.min)
    starts_on = asked.starts_on or max(first_run_ahead(connection, today, question.first), opened_on)
    firm = connection.execute(select(tenant).where(tenant.c.code == row.tenant)).one_or_none()
    office = {"site": row.site, "area": row.area, "starts_on": starts_on, "months": asked.months}
    if firm is None:
        founded = asked.incorporated_on or row.incorporated_on
        quoted = quoting.quote(connection, quoting.Question(kind=row.kind, incorporated_on=founded, **office))
    else:
        founded = firm.incorporated_on
        quoted = quoting.quote(connection, quoting.Question(tenant=row.tenant, **office))
    outlook, path = forecasting.look_ahead(connection, question, today, DIAL_MONTHS, computed)
    x = lease.c
    rents = (x.tenant == row.tenant) & or_(x.ends_on.is_(None), x.ends_on >= starts_on)
    # Who rents already uses the services already.
    is_newcomer = connection.scalar(select(x.code).where(rents).limit(1)) is None
    usual = average_usage(outlook, row.site, quoted.tenancy.window is not None) if is_newcomer else ()
    stay = Stay(quoted.tenancy, (Lease("", row.site, row.area, starts_on, None),), (), usual, is_resident=True)
    weighed = weigh(outlook, path, question.assumptions, Chance(question.draws, question.seed), stay)
    waiting = {firm.code: firm.place for firm in waiting_list(connection, row.site).waiting}
    return Prospect(
        application=row,
        starts_on=starts_on,
        place=waiting.get(code),
        site=occupancy(connection, starts_on).sites[row.site],
        quote=quoted,
        first=path.months[0],
        weighed=weighed,
        is_age_known=founded is not None,
    )
