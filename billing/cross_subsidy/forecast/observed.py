"""Write what the register has seen in the form of assumptions: a ground for those who have no better."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from billing.register.tables import lease, site, tenant
from pricing.eligibility import ELIGIBLE_KINDS, Tenancy, tenancy
from pricing.money import format_quantity
from pricing.period import ONE_DAY, Period, add_months, first_of_month, months

OBSERVED_MONTHS = 24


class _Stay(NamedTuple):
    """A tenant's time in the network: from its first lease to the end of its last, excluded (None: open)."""

    kind: str
    tenancy: Tenancy
    site: str
    area: int
    start: date
    end: date | None


def observed(connection: Connection, today: date) -> dict[str, Any]:
    """Return the last 24 whole months as assumptions, the shares as fractions of what was counted.

    Assumptions that nothing was observed of (no newcomer, nobody at a switch) are left out, and stay as shipped. The
    register does not know what is never paid.
    """
    end = first_of_month(today)
    span = Period(add_months(end, -OBSERVED_MONTHS), end)
    stays = list(_stays(connection))
    return {
        "arrivals": _arrivals(connection, [stay for stay in stays if stay.start in span]),
        "departures": _departures(stays, span),
    }


def _stays(connection: Connection) -> Iterator[_Stay]:
    lets: dict[str, list[Any]] = {}
    for row in connection.execute(select(lease).order_by(lease.c.starts_on, lease.c.code)):
        lets.setdefault(row.tenant, []).append(row)
    t = tenant.c
    rows = connection.execute(select(t.code, t.kind, t.incorporated_on, t.admitted_on).order_by(t.code))
    for code, kind, incorporated_on, admitted_on in rows:
        own = lets.get(code)
        if not own:
            continue
        first = own[0]
        ends = [row.ends_on for row in own]
        end = None if None in ends else max(ends) + ONE_DAY
        terms = tenancy(kind, incorporated_on, admitted_on, [row.starts_on for row in own])
        yield _Stay(kind, terms, first.site, first.area, first.starts_on, end)


def _arrivals(connection: Connection, newcomers: list[_Stay]) -> dict[str, Any]:
    sites = sorted(connection.scalars(select(site.c.code)))
    came = Counter(stay.site for stay in newcomers)
    arrivals: dict[str, Any] = {"a_month": {code: str(Fraction(came[code], OBSERVED_MONTHS)) for code in sites}}
    if not newcomers:
        return arrivals if sites else {}
    arrivals["kinds"] = _shares(Counter(stay.kind for stay in newcomers))
    areas = Counter(stay.area for stay in newcomers)
    arrivals["areas_m2"] = {format_quantity(area): part for area, part in _shares(areas).items()}
    may = [stay for stay in newcomers if stay.kind in ELIGIBLE_KINDS]
    if may:
        young = sum(stay.tenancy.window is not None for stay in may)
        arrivals["young"] = {"share": str(Fraction(young, len(may)))}
    return arrivals


def _shares(counted: Mapping[Any, int]) -> dict[Any, str]:
    whole = sum(counted.values())
    return {key: str(Fraction(counted[key], whole)) for key in sorted(counted)}


def _departures(stays: list[_Stay], span: Period) -> dict[str, str]:
    """Return the part of the tenants there when a month began that was gone when the next did, by what they paid."""
    there: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for first in months(span.start, span.last_day)[:-1]:
        following = add_months(first, 1)
        for stay in stays:
            if stay.start <= first and (stay.end is None or stay.end > first):
                state = _state(stay, following)
                there[state] += 1
                left[state] += stay.end is not None and stay.end <= following
    return {state: str(Fraction(left[state], there[state])) for state in sorted(there)}


def _state(stay: _Stay, month: date) -> str:
    """Return what decides whether a tenant is still there when a month begins, as the assumptions call it."""
    window = stay.tenancy.window
    if window is None or month < window.start:
        return "market"
    if month < window.end:
        return "subsidised"
    return "at_the_switch" if add_months(month, -1) < window.end else "market"


def as_toml(assumptions: Mapping[str, Any], today: date) -> str:
    """Write the assumptions as the file that `forecast --assumptions` reads."""
    lines = [f"# What the register has seen in the {OBSERVED_MONTHS} whole months before {today}."]
    for section, settings in assumptions.items():
        lines += _table(section, {name: value for name, value in settings.items() if isinstance(value, str)})
        for name, table in settings.items():
            if isinstance(table, Mapping):
                lines += _table(f"{section}.{name}", table)
    return "\n".join(lines) + "\n"


def _table(name: str, values: Mapping[str, str]) -> list[str]:
    return ["", f"[{name}]", *(f"{_quoted(key)} = {_quoted(value)}" for key, value in values.items())] if values else []


def _quoted(text: str) -> str:
    """Write a TOML string; codes hold no control characters."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
