"""Leases that can hardly be as they were entered: days, areas, tenants, sites, and how many there are."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy import Row as StoredRow

from billing.frame.database import among
from billing.frame.tables import audit_change
from billing.register.catalogue import load_openings, load_rate_versions, load_vat_book
from billing.register.network_import.plausibility.warning import Unlikely
from billing.register.network_import.sheet import Row, Sheet
from billing.register.tables import billing_run, lease, site, tenant
from pricing.errors import PricingError
from pricing.money import format_quantity
from pricing.period import ONE_DAY, add_months, first_of_month
from pricing.rates import RateBook
from pricing.rating import OFFICE

_YEARS_BACK = 30
_YEARS_TO_START = 2
_YEARS_TO_END = 30


def review_leases(connection: Connection, sheet: Sheet, today: date, unlikely: Unlikely) -> None:
    """Warn of leases too early, too late, too large, too many, moved, entered again, or without a price."""
    news = [row for row in sheet.by_key.values() if row.is_news]
    if not news:
        return
    sites = {row.code: row for row in connection.execute(select(site))}
    for row in news:
        _review_days(sheet, row, sites[row.values["site"]], today, unlikely)
        _review_change(sheet, row, unlikely)
    _review_removed(connection, sheet, news, unlikely)
    _review_prices(connection, sheet, news, today, unlikely)
    _review_capacity(connection, sheet, news, sites, unlikely)


def _is_news_in(row: Row, *columns: str) -> bool:
    return row.before is None or any(column.name in columns for column in row.changed)


def _review_days(sheet: Sheet, row: Row, at: StoredRow[Any], today: date, unlikely: Unlikely) -> None:
    starts_on, ends_on = row.values["starts_on"], row.values["ends_on"]
    remedy = "check the year: the tenant's window and what is billed depend on it"
    if _is_news_in(row, "starts_on"):
        if at.opened_on is not None and starts_on < at.opened_on:
            problem = f"is before {at.code} opened on {at.opened_on}"
            remedy = f"{remedy}; nothing is billed before the site opens"
            unlikely.note(sheet, row, "starts_on", "is before its site opened", (problem, remedy))
        elif starts_on < add_months(today, -12 * _YEARS_BACK):
            problem = f"is more than {_YEARS_BACK} years ago"
            unlikely.note(sheet, row, "starts_on", problem, (problem, remedy))
        elif starts_on > add_months(today, 12 * _YEARS_TO_START):
            problem = f"is more than {_YEARS_TO_START} years ahead"
            unlikely.note(sheet, row, "starts_on", problem, (problem, remedy))
    if _is_news_in(row, "ends_on") and ends_on is not None and ends_on > add_months(today, 12 * _YEARS_TO_END):
        problem = f"is more than {_YEARS_TO_END} years ahead"
        unlikely.note(sheet, row, "ends_on", problem, (problem, "check the year; blank means without end"))


def _review_change(sheet: Sheet, row: Row, unlikely: Unlikely) -> None:
    if row.before is None:
        return
    before, values = row.before, row.values
    old, new = before["area"], values["area"]
    if new >= 2 * old or old >= 2 * new:
        size = "twice what it was or more" if new > old else "half of what it was or less"
        problem = f"is {size}, {format_quantity(old)}"
        remedy = "correct it if it is not meant: the next run credits what was billed and bills it again"
        unlikely.note(sheet, row, "area_m2", "is twice or half what it was", (problem, remedy))
    for column in ("tenant", "site"):
        if values[column] != before[column]:
            problem = f"was {before[column]}: a lease is seldom given to another {column}"
            remedy = "correct it if it is not meant, or end this lease and enter another: what was billed is credited"
            unlikely.note(sheet, row, column, f"was another {column}", (problem, remedy))


def _review_removed(connection: Connection, sheet: Sheet, news: Sequence[Row], unlikely: Unlikely) -> None:
    """Warn of leases that were removed as entered by mistake, and come back with an old file."""
    new = {row.values["code"]: row for row in news if row.before is None}
    c = audit_change.c
    removed = select(c.key).where(c.subject == "leases", c.after.is_(None), among(connection, c.key, new))
    for code in connection.scalars(removed.distinct().order_by(c.key)):
        problem = "was removed as entered by mistake, and is entered again"
        unlikely.note(sheet, new[code], "code", problem, (problem, "leave it out if it is not meant"))


def _review_prices(connection: Connection, sheet: Sheet, news: Sequence[Row], today: date, unlikely: Unlikely) -> None:
    """Warn of sites that have no office price or no VAT for a tenant's kind: its month could not be billed (R6)."""
    rates, vat = RateBook(load_rate_versions(connection), load_openings(connection)), load_vat_book(connection)
    codes = {row.values["tenant"] for row in news}
    kinds: dict[str, str] = dict(
        connection.execute(select(tenant.c.code, tenant.c.kind).where(among(connection, tenant.c.code, codes))).all()
    )
    # Nothing before the first run is ever billed (R12).
    first = connection.scalar(select(func.min(billing_run.c.period))) or first_of_month(today)
    for row in news:
        values = row.values
        day = max(values["starts_on"], first, rates.opened_on(values["site"]))
        if values["ends_on"] is not None and values["ends_on"] < day:
            continue
        try:
            rates.at(values["site"], OFFICE, kinds[values["tenant"]], day)
            vat.at(OFFICE, day)
        except PricingError as error:
            problem = f"can't be billed: {str(error).partition(':')[0]}"
            remedy = "enter a version that begins on or before that day"
            unlikely.note(sheet, row, "site", "has no price for the lease", (problem, remedy))


def _review_capacity(
    connection: Connection, sheet: Sheet, news: Sequence[Row], sites: Mapping[str, StoredRow[Any]], unlikely: Unlikely
) -> None:
    """Warn once a site of the first day on which a new lease stands beyond its capacity of firms (R34)."""
    moved = [row for row in news if _is_news_in(row, "tenant", "site", "starts_on", "ends_on")]
    places = sorted({row.values["site"] for row in moved if sites[row.values["site"]].capacity is not None})
    if not places:
        return
    stays = _stays_of_firms(connection, places)
    for place in places:
        here = sorted((row for row in moved if row.values["site"] == place), key=lambda row: row.values["starts_on"])
        capacity = sites[place].capacity
        for row in here:
            day = _first_full(stays[place], capacity, row.values["starts_on"], row.values["ends_on"] or date.max)
            if day is not None:
                number = sum(first <= day <= last for first, last in stays[place])
                problem = f"has room for {capacity}: on {day} there are {number} firms"
                remedy = "check the site and the days, or the site's capacity"
                unlikely.note(sheet, row, "site", "is let beyond its capacity", (problem, remedy))
                break


def _stays_of_firms(connection: Connection, places: Sequence[str]) -> dict[str, list[tuple[date, date]]]:
    """Return the stays of firms at each site: leases of one firm that have a day in common are one, it counts once."""
    c = lease.c
    stays: dict[str, list[tuple[date, date]]] = {place: [] for place in places}
    query = select(c.site, c.tenant, c.starts_on, c.ends_on).where(among(connection, c.site, places))
    latest = None
    for place, firm, starts_on, ends_on in connection.execute(query.order_by(c.site, c.tenant, c.starts_on)):
        first, last = starts_on, ends_on or date.max
        if latest == (place, firm) and first <= stays[place][-1][1]:
            first, last_before = stays[place].pop()
            last = max(last, last_before)
        stays[place].append((first, last))
        latest = place, firm
    return stays


def _first_full(stays: Sequence[tuple[date, date]], capacity: int, first: date, last: date) -> date | None:
    """Return the first day from `first` to `last` with more stays than the capacity, if any."""
    changes: dict[date, int] = {}
    standing = 0
    for starts_on, ends_on in stays:
        if ends_on < first or starts_on > last:
            continue
        if starts_on <= first:
            standing += 1
        else:
            changes[starts_on] = changes.get(starts_on, 0) + 1
        if ends_on < last:
            changes[ends_on + ONE_DAY] = changes.get(ends_on + ONE_DAY, 0) - 1
    if standing > capacity:
        return first
    for day in sorted(changes):
        standing += changes[day]
        if standing > capacity and day <= last:
            return day
    return None
