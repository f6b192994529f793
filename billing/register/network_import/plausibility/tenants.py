"""Tenants that can hardly be as they were entered."""

from datetime import date

from sqlalchemy import Connection, select

from billing.frame.database import among
from billing.register.network_import.plausibility.warning import Unlikely
from billing.register.network_import.sheet import Sheet
from billing.register.tables import tenant


def review_new_tenants(connection: Connection, sheet: Sheet, today: date, unlikely: Unlikely) -> None:
    """Warn of days still to come, of an ICE that another tenant has, and of a buyer without address."""
    news = [row for row in sheet.by_key.values() if row.is_news]
    if not news:
        return
    ices = {row.values["ice"] for row in news if row.values["ice"]}
    bearers: dict[str, list[str]] = {}
    if ices:
        t = tenant.c
        for code, ice in connection.execute(
            select(t.code, t.ice).where(among(connection, t.ice, ices)).order_by(t.code)
        ):
            bearers.setdefault(ice, []).append(code)
    for row in news:
        values = row.values
        for column, what in (("incorporated_on", "was founded"), ("admitted_on", "was admitted")):
            if values[column] is not None and values[column] > today:
                problem = f"is still to come: no firm {what} after today"
                unlikely.note(sheet, row, column, "is still to come", (problem, "check the year"))
        others = [code for code in bearers.get(values["ice"], ()) if code != values["code"]]
        if others:
            problem = f"is the ICE of tenant {others[0]} too"
            unlikely.note(
                sheet, row, "ice", "is another tenant's too", (problem, "compare both with their certificates")
            )
        if not values["address"].strip():
            remedy = "an invoice must name the buyer's address (CGI, art. 145)"
            unlikely.note(sheet, row, "address", "is blank", ("is blank", remedy))
