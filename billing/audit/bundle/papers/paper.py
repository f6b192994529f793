"""A paper of the bundle: a table with the sentence that says what it is."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from ledger.exports.columns import Column, Rows
from ledger.exports.tables import table

# Rows a database hands over at a time.
BATCH = 2_000


class Paper(NamedTuple):
    """A table: its path without ending, what it is (French), its formats, and what writes it in one."""

    path: str
    says: str
    pieces: Callable[[str], Iterator[bytes]]
    formats: tuple[str, ...] = ("csv", "xlsx")


def paper(
    path: str, says: str, columns: Sequence[Column], rows: Callable[[], Rows], formats: tuple[str, ...] = ("csv",)
) -> Paper:
    """Return a paper of columns and rows, which are read when it is written. Long ones are CSV alone."""
    title = path.rpartition("/")[2][:31]
    return Paper(path, says, partial(_pieces, title, columns, rows), formats)


def _pieces(title: str, columns: Sequence[Column], rows: Callable[[], Rows], file_format: str) -> Iterator[bytes]:
    return table(file_format, title, columns, rows())
