"""Ages of debts: the columns of the aged balance (*balance âgée*), in days from the due date."""

from datetime import date, timedelta
from typing import NamedTuple

# The last day of delay of each column after "not due"; beyond the last one comes the last column.
BOUNDS = (30, 60, 90)


class Ages(NamedTuple):
    """Amounts by age, in centimes."""

    not_due: int = 0
    to_30: int = 0
    to_60: int = 0
    to_90: int = 0
    over_90: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)

    def plus(self, other: "Ages") -> "Ages":
        """Add both, age by age."""
        return Ages(*(a + b for a, b in zip(self, other, strict=True)))


LABELS = ("Non échu", "0 à 30 jours", "31 à 60 jours", "61 à 90 jours", "Plus de 90 jours")


def limits(on: date) -> tuple[date, ...]:
    """Return the first due date of each age but the oldest, youngest first: not due from `on`, then 0 to 30 days."""
    return (on, *(on - timedelta(days) for days in BOUNDS))


def aged(open_: int, due_on: date, on: date) -> Ages:
    """Return what is open of one item, in its column; it is not due on its due date itself."""
    column = next((index for index, first in enumerate(limits(on)) if due_on >= first), len(BOUNDS) + 1)
    return Ages(*(open_ if index == column else 0 for index in range(len(BOUNDS) + 2)))
