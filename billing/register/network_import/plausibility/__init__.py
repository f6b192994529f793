"""Warns of what is taken and yet unlikely, with file, line and value, for files and requests alike (R24, R34).

What is impossible is refused (`billing.register.network_import.checks`). Rows are judged once they are written, beside
all that is stored, and only those that are new or changed: the same folder again warns of nothing twice.
"""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from billing.register.network_import.plausibility.applications import review_applications
from billing.register.network_import.plausibility.leases import review_leases
from billing.register.network_import.plausibility.prices import review_rates, review_vat_rates
from billing.register.network_import.plausibility.tenants import review_new_tenants
from billing.register.network_import.plausibility.texts import review_examples, review_texts
from billing.register.network_import.plausibility.units import review_units
from billing.register.network_import.plausibility.usage import Arrived, review_usage
from billing.register.network_import.plausibility.warning import Unlikely
from billing.register.network_import.sheet import Sheet

__all__ = ["Arrived", "Unlikely", "review"]


def review(
    connection: Connection, sheets: Mapping[str, Sheet], arrived: Arrived | None, today: date, unlikely: Unlikely
) -> None:
    """Warn of everything unlikely in the rows just written; `arrived` are the usage events, if any were read."""
    review_examples(sheets.values(), unlikely)
    review_texts(sheets.values(), unlikely)
    review_vat_rates(connection, sheets["vat_rates"], today, unlikely)
    review_rates(connection, sheets["rates"], unlikely)
    review_new_tenants(connection, sheets["tenants"], today, unlikely)
    review_leases(connection, sheets["leases"], today, unlikely)
    review_units(connection, sheets["units"], sheets["leases"], today, unlikely)
    review_applications(connection, sheets["applications"], today, unlikely)
    if arrived is not None:
        review_usage(connection, arrived, today, unlikely)
    unlikely.tell()
