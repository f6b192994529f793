"""The papers that an auditor asks for first, as tables: money in, documents line by line, the register's history, acts.

Each is a path, a sentence, columns and rows; the columns are the same whatever the year.
"""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection

from billing.audit.bundle.papers import acts, documents, manual_entries, money_in, register_history
from billing.audit.bundle.papers.paper import Paper
from ledger.balances import last_day


def papers(connection: Connection, year: int) -> Iterator[Paper]:
    """Yield the papers of a year; what is open or held, as it stood on its last day, or on the last one booked."""
    days = date(year, 1, 1), date(year, 12, 31)
    yield from money_in.papers(connection, days[0], min(days[1], last_day(connection) or days[1]))
    yield from documents.papers(connection, *days)
    yield from manual_entries.papers(connection, *days)
    yield from register_history.papers(connection)
    yield from acts.papers(connection, *days)
