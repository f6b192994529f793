"""A file of the audit bundle, and what reads it back."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from billing.audit.bundle.read_back import Reader

# How far a file's sums reach: which of the books' sums it must equal.
GENERAL, ANALYTIC, ALL, AUXILIARIES = "general", "analytic", "all", "auxiliaries"


# Whether a file tells of the balances held before the year.
FROM_OPENINGS, MOVEMENTS, FEC_OPENINGS = "from openings", "movements", "fec openings"


class Bundled(NamedTuple):
    """A file: its path, what it is (French), its pieces; how it is read back and what of the books it tells."""

    path: str
    says: str
    pieces: Callable[[], Iterator[bytes]]
    reader: Reader | None = None
    part: str = ALL
    openings: str = MOVEMENTS
    # A balance tells the year as a whole, not its months.
    is_of_the_year: bool = False
