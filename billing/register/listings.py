"""What lists of the register can be asked for, by the stem of their file; prices, of several keys, have none."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, Select, func, literal, or_, select

from billing.frame.listing import Listing, Search, added_since, changed_since, search_of
from billing.frame.searching import Folded, found_in
from billing.register.tables import application, lease, service, site, subsidy_grant, tenant, usage_event, usage_void

_OPEN_END = literal(date.max, Date)
FIRMS = "code, name, ICE or mail address"


def of_firms(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Select the rows of tenants with a text in code, name, ICE or mail address; `column` holds the tenant's code."""
    t = tenant.c
    firms = select(t.code).where(found_in(text, t.legal_name, t.ice, t.email))
    return or_(found_in(text, column), column.in_(firms))


def _searched(tenant_code: ColumnElement[str], *columns: ColumnElement[str]) -> Search:
    return lambda _connection, text: or_(found_in(text, *columns), of_firms(tenant_code, text))


def _changed(
    stem: str, code: ColumnElement[str], _connection: Connection, at: datetime, *, only_added: bool = False
) -> ColumnElement[bool]:
    return code.in_(changed_since(stem, at, only_added=only_added))


def _coded(
    stem: str, code: ColumnElement[str], searched: str, search: Search, sorts: Mapping[str, ColumnElement[Any]]
) -> Listing:
    """Declare a list of what has a code, by which acts name it."""
    return Listing(
        key=(code,),
        sorts={"code": code, **sorts},
        searched=searched,
        search=search,
        created=partial(_changed, stem, code, only_added=True),
        updated=partial(_changed, stem, code),
    )


def _voided_since(at: datetime) -> Select[Any]:
    return select(usage_void.c.usage_event_id).where(usage_void.c.voided_at > at)


_s, _v, _g, _t, _x, _u, _a = site.c, service.c, subsidy_grant.c, tenant.c, lease.c, usage_event.c, application.c
LISTINGS: Mapping[str, Listing] = MappingProxyType(
    {
        "sites": _coded("sites", _s.code, "code, name or city", search_of(_s.code, _s.name, _s.city), {}),
        "services": _coded("services", _v.code, "code or label", search_of(_v.code, _v.label), {}),
        "grants": _coded(
            "grants",
            _g.code,
            "code or funder",
            search_of(_g.code, _g.funder),
            {"granted_on": _g.granted_on, "amount": _g.amount},
        ),
        "tenants": _coded(
            "tenants",
            _t.code,
            FIRMS,
            search_of(_t.code, _t.legal_name, _t.ice, _t.email),
            {"legal_name": Folded(_t.legal_name), "kind": _t.kind},
        ),
        "leases": _coded(
            "leases",
            _x.code,
            f"code or unit, or in the tenant's {FIRMS}",
            _searched(_x.tenant, _x.code, _x.unit),
            {
                "tenant": _x.tenant,
                "site": _x.site,
                "starts_on": _x.starts_on,
                # One without end ends last.
                "ends_on": func.coalesce(_x.ends_on, _OPEN_END),
            },
        ),
        "applications": _coded(
            "applications",
            _a.code,
            f"code or legal name, or in the tenant's {FIRMS}",
            _searched(_a.tenant, _a.code, _a.legal_name),
            {
                "received_on": _a.received_on,
                "decided_on": func.coalesce(_a.decided_on, _OPEN_END),
                "legal_name": Folded(_a.legal_name),
            },
        ),
        "usage": Listing(
            key=(_u.id,),
            sorts={"created": _u.id, "event_id": _u.event_id, "occurred_on": _u.occurred_on, "tenant": _u.tenant},
            searched=f"id, or in the tenant's {FIRMS}",
            search=_searched(_u.tenant, _u.event_id),
            created=lambda _connection, at: added_since("usage_event", _u.id, at),
            updated=lambda _connection, at: _u.id.in_(_voided_since(at)),
        ),
    }
)
