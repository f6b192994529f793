"""Usage that can hardly be as it was entered: days, quantities, prices that are missing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, not_, or_, select

from billing.frame.errors import Fault
from billing.register.catalogue import load_openings, load_rate_versions, load_vat_book
from billing.register.network_import.layout import LAYOUTS
from billing.register.network_import.plausibility.warning import TOLD_OF_A_KIND_MAX, Unlikely
from billing.register.network_import.reading import NumberedRow, UnreadableFile
from billing.register.tables import lease, service, tenant, usage_event, usage_void
from pricing.errors import PricingError, SiteNotOpen
from pricing.money import QUANTITY_SCALE, format_quantity
from pricing.rates import RateBook

# R24: so many times the tenant's mean is unusual.
UNUSUAL_TIMES = 10
_e = usage_event.c
_BEGUN = "that begins on or before that day"


class Arrived(NamedTuple):
    """The usage events of an import: their file, the key of the last event before them, and their rows once more."""

    file: str
    after: int
    rows: Callable[[], Iterable[NumberedRow]]


class _Doubt(NamedTuple):
    """A cell of an event that is unlikely."""

    event_id: str
    column: str
    value: str
    kind: str
    problem: str
    remedy: str


def review_usage(connection: Connection, arrived: Arrived, today: date, unlikely: Unlikely) -> None:
    """Warn of usage to come, outside every lease, of part of a whole thing, without a price, or ten times too much."""
    new = _e.id > arrived.after
    if connection.scalar(select(_e.id).where(new).limit(1)) is None:
        return
    doubts: list[_Doubt] = []
    unlisted: list[tuple[str, str, int]] = []

    def look(condition: ColumnElement[bool], column: str, kind: str, problem: str, remedy: str) -> None:
        events = connection.execute(
            select(usage_event, func.count().over().label("number"))
            .where(new, condition)
            .order_by(_e.id)
            .limit(TOLD_OF_A_KIND_MAX)
        ).all()
        doubts.extend(_Doubt(event.event_id, column, _shown(event, column), kind, problem, remedy) for event in events)
        if events:
            unlisted.append((column, kind, events[0].number - len(events)))

    void = "void it if it is not meant, and enter the right one"
    look(_e.occurred_on > today, "occurred_on", "is still to come", "is still to come", void)
    let = lease.c
    during = exists().where(
        let.tenant == _e.tenant,
        let.starts_on <= _e.occurred_on,
        or_(let.ends_on.is_(None), let.ends_on >= _e.occurred_on),
    )
    outside = "is a day on which the tenant has no lease"
    look(not_(during), "occurred_on", outside, outside, void)
    whole = select(service.c.code).where(service.c.unit == "each")
    fraction = "is a part of something that is used as a whole"
    look(and_(_e.service.in_(whole), _e.quantity % QUANTITY_SCALE != 0), "quantity", fraction, fraction, void)
    hourly = select(service.c.code).where(service.c.unit == "hour")
    too_long = "is more than a day has hours"
    look(and_(_e.service.in_(hourly), _e.quantity > 24 * QUANTITY_SCALE), "quantity", too_long, too_long, void)
    _look_at_prices(connection, new, look)
    _look_at_quantities(connection, arrived.after, look)
    _note(arrived, doubts, unlikely)
    for column, kind, number in unlisted:
        unlikely.count(arrived.file, column, kind, number)


_Look = Callable[[ColumnElement[bool], str, str, str, str], None]


def _look_at_prices(connection: Connection, new: ColumnElement[bool], look: _Look) -> None:
    """Find usage that has no rate or no VAT on its day: it keeps its tenant from being billed (R6)."""
    rates, vat = RateBook(load_rate_versions(connection), load_openings(connection)), load_vat_book(connection)
    used = (
        select(_e.site, _e.service, tenant.c.kind, _e.occurred_on)
        .join(tenant, tenant.c.code == _e.tenant)
        .where(new)
        .distinct()
        .order_by(_e.site, _e.service, tenant.c.kind, _e.occurred_on)
    )
    for place, of_service, kind, day in connection.execute(used).all():
        try:
            rates.at(place, of_service, kind, day)
            vat.at(of_service, day)
        except PricingError as error:
            of_kind = select(tenant.c.code).where(tenant.c.kind == kind)
            alike = and_(_e.site == place, _e.service == of_service, _e.occurred_on == day, _e.tenant.in_(of_kind))
            problem = f"can't be billed, nor anything else of the tenant: {str(error).partition(':')[0]}"
            cure = "correct the site's opened_on" if isinstance(error, SiteNotOpen) else f"enter a version {_BEGUN}"
            remedy = f"void it, or {cure}"
            look(alike, "occurred_on", "has no price on its day", problem, remedy)


def _look_at_quantities(connection: Connection, after: int, look: _Look) -> None:
    """Find usage more than ten times the tenant's mean of that service; of a newcomer, everybody's mean."""
    counted = (func.count(), func.sum(_e.quantity), func.max(_e.quantity))
    valid = not_(exists().where(usage_void.c.usage_event_id == _e.id))
    of_new = connection.execute(
        select(_e.tenant, _e.service, *counted).where(_e.id > after, valid).group_by(_e.tenant, _e.service)
    ).all()
    users = select(_e.tenant).where(_e.id > after).distinct()
    before: dict[tuple[str, str], tuple[int, int]] = {
        (code, of_service): (number, int(sum_))
        for code, of_service, number, sum_ in connection.execute(
            select(_e.tenant, _e.service, *counted[:2])
            .where(_e.id <= after, _e.tenant.in_(users), valid)
            .group_by(_e.tenant, _e.service)
        )
    }
    everybody: dict[str, tuple[int, int]] | None = None
    for code, of_service, number, sum_, most in of_new:
        others, of_others = before.get((code, of_service), (number - 1, int(sum_) - most))
        if not others:
            if everybody is None:
                everybody = {
                    name: (count, int(total))
                    for name, count, total in connection.execute(
                        select(_e.service, *counted[:2]).where(valid).group_by(_e.service)
                    )
                }
            others, of_others = everybody[of_service][0] - number, everybody[of_service][1] - int(sum_)
        if not others or most * others <= UNUSUAL_TIMES * of_others:
            continue
        mean = of_others // others
        above = and_(_e.tenant == code, _e.service == of_service, _e.quantity > UNUSUAL_TIMES * mean)
        shown = format_quantity(mean - mean % (QUANTITY_SCALE // 100))
        problem = f"is more than ten times the mean, {shown} of {of_service} an event"
        remedy = "void it if it is not meant, and enter the right one"
        look(above, "quantity", "is more than ten times the mean", problem, remedy)


def _shown(event: Row[Any], column: str) -> str:
    return LAYOUTS["usage"].column(column).show(event._mapping[column])


def _note(arrived: Arrived, doubts: Sequence[_Doubt], unlikely: Unlikely) -> None:
    """Note each doubt on the line where its event stands."""
    wanted = {doubt.event_id for doubt in doubts}
    lines: dict[str, int] = {}
    if wanted:
        try:
            for line, row in arrived.rows():
                if row[0] in wanted:
                    lines.setdefault(row[0], line)
                    if len(lines) == len(wanted):
                        break
        except UnreadableFile:
            # It was read before; without the lines the events are still named.
            pass
    for doubt in sorted(doubts, key=lambda doubt: lines.get(doubt.event_id, 0)):
        problem = f"of event {doubt.event_id} {doubt.problem}"
        fault = Fault(arrived.file, lines.get(doubt.event_id), doubt.column, doubt.value, problem, doubt.remedy)
        unlikely.add(doubt.kind, fault)
