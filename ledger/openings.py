"""The two kinds of entries in journal AN: the pairs that open a year, and those by which a park was taken on.

A pair empties the old year's accounts and opens the new one's. It moves nothing but the result, which awaits its
appropriation from then on (R31).
"""

from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, false, func, not_, or_, select

from ledger.entry import OPENING, TAKEN_ON
from ledger.models import entry, posting

# A year's profit, its loss, and the accounts where each awaits its appropriation once the next year is opened (CGNC).
PROFIT, LOSS = "1191", "1199"
AWAITING_APPROPRIATION = {PROFIT: "1181", LOSS: "1189"}


def opens_a_year() -> ColumnElement[bool]:
    """Return the condition that an entry is one of the pair that opens a year."""
    return and_(entry.c.journal == OPENING, not_(is_take_on()))


def is_of_results() -> ColumnElement[bool]:
    """Return the condition that a posting is of an account that a year's opening moves."""
    return posting.c.account.in_([*AWAITING_APPROPRIATION, *AWAITING_APPROPRIATION.values()])


def is_no_movement(start: date | None) -> ColumnElement[bool]:
    """Return the condition that a posting only says what an account opens with, in a report from `start` on.

    Such are the pairs that open a year. What one moves from a result to where it awaits its appropriation is part of
    the opening balance of a report that begins with it, and a movement of any other.
    """
    opened = false() if start is None else entry.c.effective_on == start
    return and_(opens_a_year(), or_(not_(is_of_results()), opened))


def is_take_on() -> ColumnElement[bool]:
    """Return the condition that an entry takes balances on from before this service (R29)."""
    # Said as a range, so that the index of references is used.
    return entry.c.reference.between(TAKEN_ON, f"{TAKEN_ON}~")


def taken_on(connection: Connection) -> date | None:
    """Return the day the books begin with balances from before; None where they began empty."""
    day: date | None = connection.scalar(select(func.min(entry.c.effective_on)).where(is_take_on()))
    return day
