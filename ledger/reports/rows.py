"""A report is made of columns that say what they hold, parts that are totalled apart, and rows in order."""

from collections.abc import Iterator
from datetime import date
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

from ledger.exports.columns import Kind

GENERAL, ANALYTIC = "general", "analytic"
PART_TITLES = {GENERAL: "Comptabilité générale", ANALYTIC: "Comptabilité analytique (classe 9)"}


class RowKind(Enum):
    """The kinds of row; sums are made of lines alone."""

    HEADING = "heading"  # names the group that follows, for readers; tables leave it out
    OPENING = "opening"  # the balance before the period
    LINE = "line"
    SUBTOTAL = "subtotal"
    TOTAL = "total"
    MEMO = "memo"  # an amount that a total leaves out, and the total with it


class Carried(Enum):
    """The amount a column carries from the foot of a page to the head of the next one (À reporter, Report)."""

    NOT = "not"
    SUM = "sum"  # of the lines so far
    LAST = "last"  # the cell of the last line: a running balance


class Column(NamedTuple):
    """One column. `group` is a title above several; `on_paper` is false for what a heading says already;
    `once` columns are printed only where one of them changes.
    """

    key: str
    title: str
    kind: Kind
    carried: Carried = Carried.NOT
    group: str | None = None
    on_paper: bool = True
    once: bool = False


# Words and months (their first days), to be written one after the other.
Label: TypeAlias = tuple[str | date, ...]


class Row(NamedTuple):
    """One row: a cell a column, amounts in centimes; `label` is what stands over the text columns on paper."""

    kind: RowKind
    label: Label
    cells: tuple[Any, ...]


class Part(NamedTuple):
    """The general ledger's rows, or class 9's; to be read before the next part is asked for.

    `heading` is what it is called in French where that is another name than its own.
    """

    key: str
    rows: Iterator[Row]
    heading: str = ""

    @property
    def title(self) -> str:
        """Return the part's name in French."""
        return self.heading or PART_TITLES[self.key]


class Report(NamedTuple):
    """A book, ready to be written: each part at most once, one without rows not at all.

    `carries_groups` says that what is carried from page to page begins anew with each heading.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    parts: Iterator[Part]
    carries_groups: bool = False


def part_of(account: str) -> str:
    """Return the part an account belongs to (R21)."""
    return ANALYTIC if account.startswith("9") else GENERAL


def two_sided(balance: int) -> tuple[int, int]:
    """Return a balance as debit balance and credit balance, one of them None."""
    return max(balance, 0), max(-balance, 0)
