"""Prices far from those before them, and VAT rates that change what is past."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from billing.register.network_import.plausibility.warning import Unlikely
from billing.register.network_import.sheet import Row, Sheet
from billing.register.network_import.stored import Key, Values, rows_of_services
from pricing.money import format_price, format_rate
from pricing.rates import EVERY_KIND
from pricing.vat import STANDARD, TREATMENTS

# R24: a price so far from the one before it is unusual.
UNUSUAL_PERCENT = 30
_PRICES = (("market", "market"), ("subsidised", "subsidised_price"), ("full_cost", "full_cost"))


def review_rates(connection: Connection, sheet: Sheet, unlikely: Unlikely) -> None:
    """Warn of prices 30 % or more away from what stood there, or from the version before."""
    news = [(key, row) for key, row in sheet.by_key.items() if row.is_news]
    if not news:
        return
    versions = rows_of_services(connection, "rates", {key[1] for key, _ in news})
    for key, row in news:
        former = _former(key, row, versions)
        if former is not None:
            _compare(sheet, row, former, unlikely)


def _former(key: Key, row: Row, versions: Mapping[Key, Values]) -> Values | None:
    """Return what the version was before it was corrected; else the one in force on the day before it (R6)."""
    if row.before is not None:
        return row.before
    site, service, kind, effective_from = key
    for of_kind in dict.fromkeys((kind, EVERY_KIND)):
        earlier = [other for other in versions if other[:3] == (site, service, of_kind) and other[3] < effective_from]
        if earlier:
            return versions[max(earlier, key=lambda other: other[3])]
    return None


def _compare(sheet: Sheet, row: Row, former: Values, unlikely: Unlikely) -> None:
    for column, field in _PRICES:
        old, new = former[field], row.values[field]
        if not is_unusual(old, new):
            continue
        distance = f"{abs(new - old) * 100 // old} %" if old else "all"
        where = "above" if new > old else "below"
        problem = f"is {distance} {where} {format_price(old)}, the price before it"
        if column == "subsidised":
            problem = f"makes {format_price(new)}, which {problem}"
        unlikely.note(
            sheet,
            row,
            column,
            f"is {UNUSUAL_PERCENT} % or more away from the price before",
            (problem, "correct it if it is not meant: it is billed from its first day on"),
        )
        if column == "market" and "/" in row.values["subsidised"]:
            # The part of a wrong price is no second fault.
            break


def _vat(version: Values) -> str:
    treatment, reason = version["treatment"], version["reason"]
    return format_rate(version["rate"]) if treatment == STANDARD else f"{treatment}: {reason}"


def is_unusual(old: int, new: int) -> bool:
    """Return whether a price is 30 % or more away from another (R24)."""
    return abs(new - old) * 100 >= old * UNUSUAL_PERCENT and new != old


def review_vat_rates(connection: Connection, sheet: Sheet, today: date, unlikely: Unlikely) -> None:
    """Warn of a rate of 0 that says no reason, and of one that changes days gone by: bills are repaired (R13)."""
    for row in sheet.by_key.values():
        if row.is_news and not row.values["rate"] and row.values["treatment"] == STANDARD:
            problem = "is 0 without a treatment: invoices would say 0 %, not why no VAT is charged"
            remedy = f"write {', '.join(TREATMENTS[1:-1])} or {TREATMENTS[-1]} as treatment, and the reason"
            unlikely.note(sheet, row, "rate", "charges no VAT and does not say why", (problem, remedy))
    news = {key: row for key, row in sheet.by_key.items() if row.is_news and key[1] < today}
    if not news:
        return
    versions = rows_of_services(connection, "vat_rates", {service for service, _ in news})
    stood = {key[0] for key in versions if key not in sheet.by_key or sheet.by_key[key].before is not None}
    for (service, effective_from), row in news.items():
        if row.before is None and service not in stood:
            continue
        was = "" if row.before is None else f" (it was {_vat(row.before)})"
        problem = f"changes the VAT of {service} for days gone by, from {effective_from} on{was}"
        remedy = "correct it if it is not meant: the next run credits what was billed since and bills it again"
        unlikely.note(sheet, row, "rate", "changes the VAT of days gone by", (problem, remedy))
