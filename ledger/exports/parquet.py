"""Parquet: the journal's columns with exact decimals and days, for analysts' tools."""

import io
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from ledger.exports.columns import Kind
from ledger.exports.journal_lines import JOURNAL_COLUMNS, journal_cells
from pricing.money import AMOUNT_DECIMALS

ROW_GROUP = 50_000
_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.COUNT: pa.int64(),
    Kind.AMOUNT: pa.decimal128(19, AMOUNT_DECIMALS),
    Kind.DAY: pa.date32(),
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
}
_SCHEMA = pa.schema([(column.name, _TYPES[column.kind]) for column in JOURNAL_COLUMNS])


class _Pieces(io.RawIOBase):
    """A file that is only written, taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._written.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        piece, self._written = b"".join(self._written), []
        return piece


def _array(cells: tuple[Any, ...], kind: Kind) -> pa.Array:
    if kind is not Kind.AMOUNT:
        return pa.array(cells, _TYPES[kind])
    # Whole centimes are the unscaled values of the decimals: no number is converted, none can be rounded.
    centimes = pa.array(cells, pa.int64()).cast(pa.decimal128(19, 0))
    return pa.Array.from_buffers(_TYPES[kind], len(cells), centimes.buffers())


def journal(connection: Connection, start: date | None, until: date | None) -> Iterator[bytes]:
    """Yield the journal by number, a row a posting, as pieces of a Parquet file: a row group is held, no more."""
    rows = journal_cells(connection, start, until)
    pieces = _Pieces()
    with pq.ParquetWriter(pa.PythonFile(pieces, mode="w"), _SCHEMA, compression="zstd") as writer:
        while group := list(islice(rows, ROW_GROUP)):
            arrays = [
                _array(cells, column.kind)
                for cells, column in zip(zip(*group, strict=True), JOURNAL_COLUMNS, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), row_group_size=ROW_GROUP)
            yield pieces.take()
    yield pieces.take()
