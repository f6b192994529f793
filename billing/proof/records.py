"""Records as they are hashed: their rows read set-wise and written as RFC 8785 JSON, a column at a time.

A record is put together from texts, since a dict a row and a list a record cost more than all the rest: names are
written once a block, cells are escaped column by column. A spoilt row may hold something other than texts, whole
numbers and blanks, which is left to `canonical`, record by record: both ways write the same bytes.
"""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import repeat
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import Connection, Date, DateTime, Integer, MetaData

import invoices.models
import ledger.models
from billing.proof.forms import DECIMALS, Form, Part
from billing.register.tables import usage_event

Cell: TypeAlias = str | int | None
# Turns a cell that is not blank into what a record holds.
_Convert: TypeAlias = Callable[[Any], str]

_METADATA: tuple[MetaData, ...] = (ledger.models.metadata, invoices.models.metadata, usage_event.metadata)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?", re.ASCII)
_SECONDS = len("2026-09-01 06:00:00")


class _Rows(NamedTuple):
    """Rows in the order of the records that own them, by column: cells as they came, and what they are converted by."""

    owners: Sequence[int]
    names: Sequence[str]
    columns: Sequence[Sequence[Any]]
    conversions: Sequence[_Convert | None]


class _Spoilt(Exception):
    """A cell holds neither text nor whole number nor blank."""


def records(connection: Connection, form: Form, keys: Sequence[int]) -> dict[int, bytes]:
    """Return the canonical forms of those records of a kind that exist, by key."""
    if not keys:
        return {}
    heads = _rows(connection, form.table, form.table, form.columns, form.key, form.key, keys)
    parts = {part.name: _part_rows(connection, part, keys) for part in form.parts}
    try:
        return _assembled(form, heads, parts)
    except (_Spoilt, UnicodeEncodeError):
        return _one_by_one(form, heads, parts)


def _layout(form: Form) -> list[str]:
    """Sort the names of a record as RFC 8785 wants them."""
    return sorted((form.kind, "form", *(part.name for part in form.parts)))


def _assembled(form: Form, heads: _Rows, parts: Mapping[str, _Rows]) -> dict[int, bytes]:
    """Put the records together from texts; raises _Spoilt, or UnicodeEncodeError where a text is none."""
    members: dict[str, Iterable[str]] = {
        form.kind: _objects(heads),
        "form": repeat(f'"{form.tag}"'),
        **{name: map(_arrays(rows).get, heads.owners, repeat("[]")) for name, rows in parts.items()},
    }
    written = _joined({name: members[name] for name in _layout(form)})
    return dict(zip(heads.owners, map(str.encode, written), strict=True))


def _arrays(rows: _Rows) -> dict[int, str]:
    """Write the rows of each owner as a JSON array."""
    arrays, objects, start = {}, list(_objects(rows)), 0
    for owner, count in Counter(rows.owners).items():
        arrays[owner] = f"[{','.join(objects[start : start + count])}]"
        start += count
    return arrays


def _objects(rows: _Rows) -> Iterator[str]:
    """Write each row as a JSON object."""
    columns = zip(rows.names, rows.columns, rows.conversions, strict=True)
    return _joined({name: _texts(cells, convert) for name, cells, convert in columns})


def _joined(members: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Write JSON objects of these members, as many as the shortest of them has values; in half the time of a `%`."""
    pieces: list[Iterable[str]] = []
    for name, texts in members.items():
        pieces += [repeat(f'{"," if pieces else "{"}"{name}":'), texts]
    return map("".join, zip(*pieces, repeat("}"), strict=False))


class _Written(dict[Any, Any]):
    """Cells as they are written, each value once."""

    def __init__(self, write: Callable[[Any], Any]) -> None:
        self._write = write

    def __missing__(self, cell: Any) -> Any:
        text = self[cell] = self._write(cell)
        return text


def _texts(cells: Sequence[Any], convert: _Convert | None) -> Iterable[str]:
    """Write one column as JSON; raises _Spoilt. Both ways write a database's whole numbers (64 bits) in full."""
    if convert is not None:
        return map(_Written(lambda cell: _text(_converted(cell, convert))).__getitem__, cells)
    kinds = set(map(type, cells))
    if kinds == {str}:
        return map(encode_basestring, cells)
    if kinds == {int}:
        return map(str, cells)
    if not kinds <= {str, int, type(None)}:
        raise _Spoilt
    return map(_Written(_text).__getitem__, cells)


def _text(cell: Cell) -> str:
    return "null" if cell is None else encode_basestring(cell) if isinstance(cell, str) else str(cell)


def _one_by_one(form: Form, heads: _Rows, parts: Mapping[str, _Rows]) -> dict[int, bytes]:
    """Write the records of rows of which some are spoilt."""
    of_parts: dict[str, dict[int, list[dict[str, Cell]]]] = {}
    for name, rows in parts.items():
        of_owner = of_parts[name] = {}
        for owner, row in _cells(rows):
            of_owner.setdefault(owner, []).append(row)
    written = {}
    for key, head in _cells(heads):
        values: dict[str, Any] = {form.kind: head, "form": form.tag}
        values |= {name: of_owner.get(key, []) for name, of_owner in of_parts.items()}
        written[key] = canonical({name: values[name] for name in _layout(form)})
    return written


def _cells(rows: _Rows) -> Iterator[tuple[int, dict[str, Cell]]]:
    """Yield each row with its owner, as a record holds it."""
    columns = [
        cells if convert is None else [_converted(cell, convert) for cell in cells]
        for cells, convert in zip(rows.columns, rows.conversions, strict=True)
    ]
    for owner, *row in zip(rows.owners, *columns, strict=True):
        yield owner, dict(zip(rows.names, row, strict=True))


def canonical(record: Mapping[str, Any]) -> bytes:
    """Write a record as RFC 8785 JSON; its names are sorted already.

    orjson writes texts, whole numbers and null as RFC 8785 has them (the tests hold it against the library of that
    name, which is twenty times slower). Other values, which a spoilt row may hold, are written so that they equal
    nothing else.
    """
    try:
        return orjson.dumps(record)
    except TypeError:
        return orjson.dumps(_harmless(record))


def _harmless(value: Any) -> Any:
    """Replace everything in a value that is no text, number or null by a text that says so."""
    if isinstance(value, Mapping):
        return {name: _harmless(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_harmless(member) for member in value]
    is_plain = value is None or (type(value) is int and abs(value) < 1 << 53)
    return value if is_plain or (isinstance(value, str) and _is_text(value)) else _none_such(value)


def _is_text(value: str) -> bool:
    """Return whether a text is Unicode: bytes that are not are read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _part_rows(connection: Connection, part: Part, keys: Sequence[int]) -> _Rows:
    source = part.table if part.source is None else f"({part.source}) AS found"
    return _rows(connection, part.table, source, part.columns, part.owner, part.order, keys)


def _rows(
    connection: Connection,
    table: str,
    source: str,
    columns: tuple[str, ...],
    owner: str,
    order: str,
    keys: Sequence[int],
) -> _Rows:
    """Read the rows of those owners, each with its owner's key, in order."""
    dialect = connection.dialect.name
    read = [_read(dialect, table, name) for name in columns]
    low, high = min(keys), max(keys)
    is_range = high - low + 1 == len(keys)
    among, bound = _AMONG[dialect, is_range]
    asked = (low, high) if is_range else (bound(list(keys)),)
    query = (
        f'SELECT "{owner}", {", ".join(sql for sql, _ in read)} FROM {source} WHERE "{owner}" {among} '  # noqa: S608 - our own names, values are bound
        f'ORDER BY "{owner}", "{order}"'
    )
    rows = _fetched(connection, query, asked)
    # Not by `zip(*rows)`, which would make an iterator for each row.
    owners, *by_column = (list(map(itemgetter(place), rows)) for place in range(len(columns) + 1))
    return _Rows(owners, columns, by_column, [convert for _, convert in read])


_AMONG: Mapping[tuple[str, bool], tuple[str, Callable[[list[int]], Any]]] = {
    ("sqlite", True): ("BETWEEN ? AND ?", list),
    ("sqlite", False): ("IN (SELECT value FROM json_each(?))", json.dumps),
    ("postgresql", True): ("BETWEEN %s AND %s", list),
    ("postgresql", False): ("= ANY (%s)", list),
}


def _fetched(connection: Connection, query: str, asked: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Fetch the rows as the driver gives them; on SQLite also those with texts that are not Unicode."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query, asked)
        return list(cursor.fetchall())
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    finally:
        cursor.close()
    driver: Any = connection.connection.driver_connection
    usual, driver.text_factory = driver.text_factory, lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        return list(driver.execute(query, asked).fetchall())
    finally:
        driver.text_factory = usual


def _converted(cell: Any, convert: _Convert) -> Cell:
    return None if cell is None else convert(cell)


def _decimals(decimals: int) -> _Convert:
    """Write whole numbers of the smallest unit as decimal strings: 236250 is `2362.50`, -5 is `-0.05`."""
    scale = 10**decimals

    def convert(cell: Any) -> str:
        if type(cell) is not int:
            return _none_such(cell)
        sign, size = ("-", -cell) if cell < 0 else ("", cell)
        return f"{sign}{size // scale}.{size % scale:0{decimals}d}"

    return convert


_OF_DECIMALS = {decimals: _decimals(decimals) for decimals in set(DECIMALS.values())}


def _instant(cell: Any) -> str:
    """Write `2026-09-01T06:00:00.000000Z` of SQLite's `2026-09-01 06:00:00.000000`, or of the same to the second."""
    if isinstance(cell, str) and _INSTANT.fullmatch(cell):
        return f"{cell[:10]}T{cell[11:]}{'' if len(cell) > _SECONDS else '.000000'}Z"
    return _none_such(cell)


def _none_such(cell: Any) -> str:
    """Write a cell that is not of its kind as no other cell could be written."""
    return f"?{cell!a}"


@cache
def _read(dialect: str, table: str, name: str) -> tuple[str, _Convert | None]:
    """Write a column as SQL that gives what a record holds, or what is converted to it."""
    # A table that nobody has imported would be written otherwise than by a process that has.
    column = next(m.tables[table] for m in _METADATA if table in m.tables).c.get(name)
    kind = None if column is None else column.type
    if isinstance(kind, Integer) and name in DECIMALS:
        return f'"{name}"', _OF_DECIMALS[DECIMALS[name]]
    if dialect == "sqlite":
        return f'"{name}"', _instant if isinstance(kind, DateTime) else None
    if isinstance(kind, Date):
        return f"to_char(\"{name}\", 'YYYY-MM-DD')", None
    if isinstance(kind, DateTime):
        return f"""to_char("{name}" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""", None
    return f'"{name}"', None
