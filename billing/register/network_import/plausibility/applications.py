"""Applications that can hardly be as they were entered: days to come, admitted without a lease."""

from datetime import date

from sqlalchemy import Connection, select

from billing.frame.database import among
from billing.register.network_import.plausibility.warning import Unlikely
from billing.register.network_import.sheet import Sheet
from billing.register.tables import lease


def review_applications(connection: Connection, sheet: Sheet, today: date, unlikely: Unlikely) -> None:
    """Warn of days that are still to come, and of firms that are admitted at a site where they have no lease."""
    news = [row for row in sheet.by_key.values() if row.is_news]
    admitted = {row.values["tenant"] for row in news if row.values["state"] == "admitted"}
    places = select(lease.c.tenant, lease.c.site).where(among(connection, lease.c.tenant, admitted))
    rented = {(firm, site) for firm, site in connection.execute(places)} if admitted else set()
    for row in news:
        values = row.values
        for column in ("received_on", "decided_on"):
            if values[column] is not None and values[column] > today:
                problem = "is still to come"
                unlikely.note(sheet, row, column, problem, (problem, "check the day"))
        if values["state"] == "admitted" and (values["tenant"], values["site"]) not in rented:
            problem = f"is admitted, and has no lease at {values['site']}"
            unlikely.note(sheet, row, "tenant", "is admitted without a lease", (problem, "enter its lease"))
