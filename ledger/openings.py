"""The two kinds of entries in journal AN: the pairs that open a year, and those by which a park was taken on."""

from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, func, not_, select

from ledger.entry import OPENING, TAKEN_ON
from ledger.errors import BeforeTheBooks
from ledger.models import entry


def opens_a_year() -> ColumnElement[bool]:
    """Return the condition that an entry is one of the pair that opens a year, which moves nothing."""
    return and_(entry.c.journal == OPENING, not_(is_take_on()))


def is_take_on() -> ColumnElement[bool]:
    """Return the condition that an entry takes balances on from before this service (R29)."""
    # Said as a range, so that the index of references is used.
    return entry.c.reference.between(TAKEN_ON, f"{TAKEN_ON}~")


def taken_on(connection: Connection) -> date | None:
    """Return the day the books begin with balances from before; None where they began empty."""
    day: date | None = connection.scalar(select(func.min(entry.c.effective_on)).where(is_take_on()))
    return day


def require_begun(connection: Connection, day: date) -> None:
    """Raise BeforeTheBooks for a day before the books begin with balances from before."""
    begun_on = taken_on(connection)
    if begun_on is not None and day < begun_on:
        raise BeforeTheBooks(day, begun_on)
