"""Leases and units that contradict each other: a unit that is not there, that is not let, or of another area (R34)."""

from datetime import date

from sqlalchemy import Connection, select

from billing.frame.database import among
from billing.register.network_import.layout import LETTABLE
from billing.register.network_import.plausibility.warning import Unlikely
from billing.register.network_import.sheet import Sheet
from billing.register.tables import lease, unit
from pricing.money import format_quantity


def review_units(connection: Connection, units: Sheet, leases: Sheet, today: date, unlikely: Unlikely) -> None:
    """Warn on the new lease, else on the new unit that leases of today or later contradict; without units, never."""
    new_leases = {key[0]: row for key, row in leases.by_key.items() if row.is_news}
    new_units = {key: row for key, row in units.by_key.items() if row.is_news}
    places = {row.values["site"] for row in new_leases.values()} | {place for place, _ in new_units}
    if not places:
        return
    equipped = set(connection.scalars(select(unit.c.site).where(among(connection, unit.c.site, places)).distinct()))
    x, u = lease.c, unit.c
    stays = (
        select(x.code, x.site, x.unit, x.area, x.ends_on, u.kind, u.area.label("unit_area"))
        .outerjoin(unit, (u.site == x.site) & (u.code == x.unit))
        .where(among(connection, x.site, equipped))
        .order_by(x.code)
    )
    for stay in connection.execute(stays) if equipped else ():
        row, of_unit = new_leases.get(stay.code), new_units.get((stay.site, stay.unit))
        if row is not None:
            for column, kind, problem in _contradictions(stay.site, stay.kind, stay.area, stay.unit_area):
                unlikely.note(leases, row, column, kind, (problem, "correct the lease, or the unit"))
        elif of_unit is not None and (stay.ends_on is None or stay.ends_on >= today):
            for column, kind, _ in _contradictions(stay.site, stay.kind, stay.area, stay.unit_area):
                named = f"lease {stay.code} of {format_quantity(stay.area)} m²"
                sentence = f"does not go with {named}", "correct the unit, or the lease"
                unlikely.note(units, of_unit, "kind" if column == "unit" else column, kind, sentence)


def _contradictions(site: str, kind: str | None, area: int, unit_area: int | None) -> list[tuple[str, str, str]]:
    """Return the lease's columns that its unit contradicts: each with the kind of warning and the problem."""
    if kind is None or unit_area is None:
        return [("unit", "is no unit of its site", f"is no unit of {site}")]
    found = []
    if kind not in LETTABLE:
        found.append(("unit", "is not let", f"is a {kind}, which is not let"))
    if area != unit_area:
        found.append(("area_m2", "is not the unit's area", f"is not {format_quantity(unit_area)}, the unit's area"))
    return found
