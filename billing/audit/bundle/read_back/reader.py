"""The reader of one file of the bundle: what it is handed, and the sums it keeps."""

import re
from abc import ABC, abstractmethod
from collections import defaultdict
from functools import lru_cache

# Stands for a month where a balance was held before the first one.
OPENING = "ouverture"
# Stands for a month where the file has the year only.
WHOLE_YEAR = "exercice"
_DECIMAL = re.compile(r"(-?)([0-9]+)[.,]([0-9]{2})", re.ASCII)
_FAULTS_NAMED = 10
# Amounts come again and again, zero most of all.
_AMOUNTS_KEPT = 10_000


class ReadBack:
    """The sums a file gives: centimes, debit positive, by account and month (`2026-09`, OPENING, WHOLE_YEAR)."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str], int] = defaultdict(int)
        # The sums of journal VTE on 3421, or of the register of documents, by month.
        self.sales: dict[str, int] = defaultdict(int)
        self.faults: list[str] = []
        self.lines = 0

    def fault(self, sentence: str) -> None:
        """Name what is wrong, a few times."""
        if len(self.faults) < _FAULTS_NAMED:
            self.faults.append(sentence)


@lru_cache(_AMOUNTS_KEPT)
def centimes(text: str) -> int:
    """Read `1234.56` or `1234,56` as 123456; raises ValueError."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no amount")
    value = int(match[2]) * 100 + int(match[3])
    return -value if match[1] else value


class Reader(ABC):
    """Reads one file. Pieces are handed in; `finished` is asked for once, at the end."""

    HAS_ACCOUNTS, HAS_SALES = True, False

    def __init__(self) -> None:
        self.result = ReadBack()

    @abstractmethod
    def read(self, piece: bytes) -> None:
        """Take the next piece of the file."""

    def finished(self) -> ReadBack:
        """Return what the whole file says."""
        return self.result
