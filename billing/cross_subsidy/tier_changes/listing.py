"""The list for finance: switches by month, with what a whole month's income gains at each site."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from billing.cross_subsidy.tier_changes.finding import runs, switching
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.frame.reports.formats import require_format
from billing.register.catalogue import load_catalogue
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.errors import PricingError
from pricing.money import format_amount, format_quantity, line_amount
from pricing.period import ONE_DAY, add_months, first_of_month, format_month
from pricing.rating import OFFICE

MONTHS = 24
MONTHS_MAX = 60

COLUMNS = (
    Column("month", Kind.MONTH),
    Column("switches_on", Kind.DAY),
    Column("tenant", Kind.TEXT),
    Column("name", Kind.TEXT),
    Column("site", Kind.TEXT),
    Column("lease", Kind.TEXT),
    Column("office", Kind.TEXT),
    Column("area_m2", Kind.QUANTITY),
    Column("before", Kind.AMOUNT),
    Column("after", Kind.AMOUNT),
    Column("difference", Kind.AMOUNT),
    Column("ends_on", Kind.DAY),
    Column("announced", Kind.TEXT),
)


class Switch(NamedTuple):
    """One office that turns to the market price: a whole month's rent without VAT before and after, in centimes.

    The prices are those in force on the last subsidised day, and on the next. `ends_on` is the lease's last day;
    `announced` the steps at which its tenant was told this very day.
    """

    switches_on: date
    tenant: str
    name: str
    site: str
    lease: str
    office: str
    area: int
    before: int
    after: int
    ends_on: date | None
    announced: tuple[int, ...]

    @property
    def month(self) -> date:
        """The month of the switch."""
        return first_of_month(self.switches_on)

    @property
    def difference(self) -> int:
        """What a whole month brings more."""
        return self.after - self.before


class Ahead(NamedTuple):
    """The switches of some months, by day, tenant and site; and who can't be priced, with the reason."""

    first: date
    months: int
    switches: tuple[Switch, ...]
    unpriced: tuple[tuple[str, str], ...]


def switches_ahead(connection: Connection, first: date, months: int) -> Ahead:
    """The switches of `months` months from the one that begins on `first` on."""
    catalogue = load_catalogue(connection)
    told = _announced(connection)
    found, unpriced = [], []
    for one in switching(connection, first, add_months(first, months)):
        code, kind = one.party.code, one.tenancy.kind
        try:
            for office in one.offices:
                let = office.lease
                if not runs(let, one.switches_on):
                    continue
                before = catalogue.rates.at(let.site, OFFICE, kind, one.last_day).subsidised_price
                after = catalogue.rates.at(let.site, OFFICE, kind, one.switches_on).full_price
                found.append(
                    Switch(
                        switches_on=one.switches_on,
                        tenant=code,
                        name=one.party.legal_name,
                        site=let.site,
                        lease=let.code,
                        office=office.unit,
                        area=let.area,
                        before=line_amount(before, let.area),
                        after=line_amount(after, let.area),
                        ends_on=None if let.end is None else let.end - ONE_DAY,
                        announced=told.get((code, one.switches_on), ()),
                    )
                )
        except PricingError as error:
            unpriced.append((code, str(error)))
    return Ahead(first, months, tuple(sorted(found)), tuple(unpriced))


def _announced(connection: Connection) -> dict[tuple[str, date], tuple[int, ...]]:
    c = tier_change_announcement.c
    found: dict[tuple[str, date], tuple[int, ...]] = {}
    for code, day, step in connection.execute(select(c.tenant, c.switches_on, c.step).order_by(c.message_id)):
        found[code, day] = (*found.get((code, day), ()), step)
    return found


class Gain(NamedTuple):
    """What a month's switches change at a site, or in the network: tenants, and whole months' rents in centimes."""

    tenants: int
    before: int
    after: int


def gains(ahead: Ahead) -> dict[date, dict[str | None, Gain]]:
    """By month that has switches, by site, and under None for the network."""
    found: dict[date, dict[str | None, Gain]] = {}
    tenants: dict[tuple[date, str | None], set[str]] = {}
    for switch in ahead.switches:
        for site in (switch.site, None):
            key = switch.month, site
            tenants.setdefault(key, set()).add(switch.tenant)
            so_far = found.setdefault(switch.month, {}).get(site, Gain(0, 0, 0))
            found[switch.month][site] = Gain(
                len(tenants[key]), so_far.before + switch.before, so_far.after + switch.after
            )
    return found


def _gain_json(gain: Gain) -> dict[str, Any]:
    return {
        "tenants": gain.tenants,
        "before": format_amount(gain.before),
        "after": format_amount(gain.after),
        "difference": format_amount(gain.after - gain.before),
    }


def switch_json(found: Switch) -> dict[str, Any]:
    """One office's switch."""
    return {
        "month": format_month(found.month),
        "switches_on": found.switches_on.isoformat(),
        "tenant": found.tenant,
        "name": found.name,
        "site": found.site,
        "lease": found.lease,
        "office": found.office,
        "area_m2": format_quantity(found.area),
        "before": format_amount(found.before),
        "after": format_amount(found.after),
        "difference": format_amount(found.difference),
        "ends_on": None if found.ends_on is None else found.ends_on.isoformat(),
        "announced": list(found.announced),
    }


def ahead_json(ahead: Ahead) -> dict[str, Any]:
    """The whole list."""
    by_month = sorted(gains(ahead).items())
    return {
        "from": format_month(ahead.first),
        "months": ahead.months,
        "by_month": [
            {
                "month": format_month(month),
                "sites": {site: _gain_json(gain) for site, gain in _sites(of_month)},
                "network": _gain_json(of_month[None]),
            }
            for month, of_month in by_month
        ],
        "switches": [switch_json(found) for found in ahead.switches],
        "unpriced": [{"tenant": code, "message": message} for code, message in ahead.unpriced],
    }


def _sites(of_month: Mapping[str | None, Gain]) -> list[tuple[str, Gain]]:
    return sorted((site, gain) for site, gain in of_month.items() if site is not None)


def _rows(ahead: Ahead) -> Iterator[tuple[Cell, ...]]:
    for x in ahead.switches:
        yield (
            x.month, x.switches_on, x.tenant, x.name, x.site, x.lease, x.office, x.area, x.before, x.after,
            x.difference, x.ends_on, " ".join(map(str, x.announced)) or None,
        )  # fmt: skip


def pieces(ahead: Ahead, file_format: str) -> Iterator[bytes]:
    """The list as pieces of a file; the tables have a row an office."""
    require_format(file_format)
    if file_format == "json":
        return iter([json.dumps(ahead_json(ahead), ensure_ascii=False, indent=2).encode() + b"\n"])
    return table(file_format, "Fins de remise", COLUMNS, _rows(ahead))
