"""The columns of tables that are exported, whatever the format."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum, auto
from typing import Any, NamedTuple, TypeAlias


class Kind(Enum):
    """The kind of value a column holds, in the units of `pricing.money`."""

    TEXT = auto()
    COUNT = auto()
    AMOUNT = auto()
    PRICE = auto()
    QUANTITY = auto()
    RATE = auto()
    DAY = auto()
    MONTH = auto()
    INSTANT = auto()


class Column(NamedTuple):
    """One column: its name, as in the JSON shapes, and what it holds. A cell may always be None."""

    name: str
    kind: Kind


Cell: TypeAlias = str | int | date | datetime | None
Rows: TypeAlias = Iterable[tuple[Any, ...]]
