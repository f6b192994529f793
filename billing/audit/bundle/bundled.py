"""A file of the audit bundle, and what reads it back."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

from billing.audit.bundle.read_back.reader import Reader

# Bounds of a sample, and the seed it begins with unless another is given.
SAMPLE_MAX, SEED, SEED_MAX = 1_000, 1, 2**63 - 1


class Part(StrEnum):
    """The part of the books that a file sums: it must equal the books' own sums of that part."""

    GENERAL = "general"
    ANALYTIC = "analytic"
    ALL = "all"
    AUXILIARIES = "auxiliaries"


class Openings(StrEnum):
    """The balances that a file begins with: those of the eve, those the year opens with, the FEC's, or none."""

    EVE = "eve"
    OPENED = "opened"
    NONE = "none"
    FEC = "fec"


class Bundled(NamedTuple):
    """A file: its path, what it is (French), its pieces; its reader, and the part of the books it sums."""

    path: str
    says: str
    pieces: Callable[[], Iterator[bytes]]
    reader: Reader | None = None
    part: Part = Part.ALL
    openings: Openings = Openings.NONE
    # A balance sums the year as a whole, not its months.
    is_of_the_year: bool = False
