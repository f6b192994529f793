"""Collects warnings: a few of each kind are told row by row, the others are counted."""

from collections import Counter

from billing.frame.errors import Fault
from billing.register.network_import.faults import Faults
from billing.register.network_import.sheet import Row, Sheet

TOLD_OF_A_KIND_MAX = 10


class Unlikely:
    """The unlikely things found so far in the rows of one import."""

    def __init__(self, warnings: Faults) -> None:
        self._warnings = warnings
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def note(self, sheet: Sheet, row: Row, column: str, kind: str, sentence: tuple[str, str]) -> None:
        """Note one cell of a row: its problem and remedy; those of one `kind` beyond a few are only counted."""
        self.add(kind, Fault(sheet.file, row.line, column, sheet.cell(row, column), *sentence))

    def add(self, kind: str, warning: Fault) -> None:
        """Note a warning of that kind."""
        column = warning.column or ""
        self.count(warning.file, column, kind)
        if self._counts[warning.file, column, kind] <= TOLD_OF_A_KIND_MAX:
            self._warnings.add(
                warning.file, warning.line, warning.column, warning.value, warning.problem, warning.remedy
            )

    def count(self, file: str, column: str, kind: str, number: int = 1) -> None:
        """Count rows of a kind that need no sentence of their own."""
        self._counts[file, column, kind] += number

    def tell(self) -> None:
        """Say how many rows of each kind were not told one by one."""
        for (file, column, kind), count in self._counts.items():
            if count > TOLD_OF_A_KIND_MAX:
                problem = f"{kind} in {count - TOLD_OF_A_KIND_MAX} more rows"
                self._warnings.add(file, None, column, None, problem, "the first ones are named above")
