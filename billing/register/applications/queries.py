"""The queries of applications: looked for, and waiting."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, case, func, select

from billing.frame.errors import Unknown
from billing.frame.listing import Asked
from billing.register.applications.shapes import APPLICATIONS, Waiting, WaitingList
from billing.register.listings import LISTINGS
from billing.register.network_import.layout import ON_THE_LIST
from billing.register.queries import rows_of
from billing.register.tables import application, site, tenant
from pricing.money import format_quantity


def find_applications(connection: Connection, filters: Mapping[str, Any], asked: Asked) -> list[Row[Any]]:
    """Return the applications that are looked for, in the order asked for."""
    rows = LISTINGS["applications"].ordered(connection, rows_of(APPLICATIONS, filters), asked)
    return list(connection.execute(rows))


def waiting_list(connection: Connection, code: str) -> WaitingList:
    """Return who was accepted at a site and is not admitted yet (R35); raises Unknown.

    In order of the day they were accepted; of one day, first who applied first, then by code.
    """
    if connection.scalar(select(site.c.code).where(site.c.code == code)) is None:
        raise Unknown(f"there is no site {code}: `technopark-billing sites occupancy` shows them")
    a, t = application.c, tenant.c
    rows = connection.execute(
        select(
            a.code, a.tenant, a.area, a.received_on, a.decided_on, a.state,
            case((a.legal_name == "", t.legal_name), else_=a.legal_name).label("legal_name"),
            case((a.kind == "", t.kind), else_=a.kind).label("kind"),
        )
        .outerjoin(tenant, t.code == a.tenant)
        .where(a.site == code, a.state.in_(ON_THE_LIST))
        .order_by(a.decided_on, a.received_on, a.code)
    )  # fmt: skip
    waiting = [
        Waiting(
            place=place,
            code=row.code,
            tenant=row.tenant,
            legal_name=row.legal_name,
            kind=row.kind,
            area_m2=format_quantity(row.area),
            received_on=row.received_on,
            accepted_on=row.decided_on,
            state=row.state,
        )
        for place, row in enumerate(rows, 1)
    ]
    return WaitingList(site=code, waiting=waiting)


class Demand(NamedTuple):
    """How many wait at a site, and how many of them, with how much area in millionths of a m², were given a place."""

    waiting: int
    coming: int
    coming_area: int


def demand(on: date) -> Select[Any]:
    """Select by site what was accepted by a day and is not admitted yet, as the applications stand today."""
    a = application.c
    has_place = a.state == "accepted"
    return (
        select(
            a.site,
            func.count().label("waiting"),
            func.sum(case((has_place, 1), else_=0)).label("coming"),
            func.sum(case((has_place, a.area), else_=0)).label("area"),
        )
        .where(a.state.in_(ON_THE_LIST), a.decided_on <= on)
        .group_by(a.site)
    )
