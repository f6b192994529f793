"""Gives numbers in the issuing transaction, without gap or double, dates never going back (R15)."""

from datetime import date

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from invoices.errors import IssueDateGoesBack
from invoices.models import number_series

# Counts every document for its internal key. Since it is taken first, issuing transactions wait for each other here.
EVERY_DOCUMENT = "DOCUMENT"
EVERY_YEAR = 0


def latest_issue_date(connection: Connection) -> date | None:
    """Return the date of the newest document of any series; None before the first."""
    latest: date | None = connection.scalar(select(func.max(number_series.c.latest_issued_on)))
    return latest


def require_issue_date(connection: Connection, issued_on: date) -> None:
    """Raise IssueDateGoesBack when a document of a later date has been issued (R15)."""
    latest = latest_issue_date(connection)
    if latest is not None and issued_on < latest:
        raise IssueDateGoesBack(issued_on, latest)


def take_numbers(connection: Connection, series: str, year: int, count: int, issued_on: date) -> int:
    """Take `count` places in a row in a series, return the first; the series is locked until the transaction ends."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(number_series).values(series=series, year=year, last=count, latest_issued_on=issued_on)
    statement = statement.on_conflict_do_update(
        index_elements=[number_series.c.series, number_series.c.year],
        set_={
            "last": number_series.c.last + statement.excluded.last,
            "latest_issued_on": statement.excluded.latest_issued_on,
        },
    )
    last = connection.scalar(statement.returning(number_series.c.last))
    if last is None:
        raise RuntimeError(f"no row came back from the number series {series}-{year}")
    return int(last) - count + 1
