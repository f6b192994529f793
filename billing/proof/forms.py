"""The canonical form of every record under proof: all its columns as RFC 8785 JSON, with a version tag.

A form is frozen: its columns are written out here, never read off the tables, since what was hashed once must hash
the same for ever. A table that gains a column gets a new version of the form; the log says which version each of its
leaves has. Numbers people count with (amounts, prices, quantities) are decimal strings; keys and counts are JSON
numbers; days and instants (UTC) are ISO texts; blank is null.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import Connection, Date, DateTime, Integer, MetaData

import billing.models
import invoices.models
import ledger.models

DOCUMENT, ENTRY, CLOSING, FILE, ACT = "document", "entry", "closing", "file", "act"

Cell: TypeAlias = str | int | None
_Owned: TypeAlias = Iterator[tuple[int, dict[str, Cell]]]


class Part(NamedTuple):
    """Rows that belong to a record: where they come from, which column names the record, in which order they stand.

    `columns` are sorted by name, as RFC 8785 wants them; the record's own key is not repeated in each.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    owner: str
    order: str
    # Where a row is not found by its own columns: SQL for its rows, with `owner` and the columns.
    source: str | None = None


class Form(NamedTuple):
    """What a record is made of, in one version: its own row, and its parts by name."""

    kind: str
    version: int
    table: str
    key: str
    columns: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def tag(self) -> str:
        """What the record says of itself, so that no record can be taken for one of another kind or version."""
        return f"technopark-{self.kind}/{self.version}"


_PARTIES = " UNION ALL ".join(
    f"SELECT document.id AS owner, '{role}' AS role, party.content AS content, party.digest AS digest "
    f"FROM document JOIN party ON party.digest = document.{role}"
    for role in ("buyer", "seller")
)

_DOCUMENT_1 = Form(
    DOCUMENT, 1, "document", "id",
    (
        "advantage", "buyer", "contribution", "discount_ends_on", "due_on", "edition", "gross", "id", "issued_on",
        "kind", "net", "number", "period", "seller", "tax", "tenant",
    ),
    (
        Part("credit_reason", "credit_reason", ("issued_by", "reason"), "document_id", "document_id"),
        Part(
            "credited_parts", "credited_part", ("invoice_id", "invoice_line_no", "line_no"), "document_id", "line_no"
        ),
        Part(
            "lines", "document_line",
            (
                "amount", "corrects_document_id", "corrects_line_no", "cost_amount", "days", "days_in_month",
                "first_day", "full_amount", "full_price", "last_day", "lease", "line_no", "month", "office", "quantity",
                "revenue_account", "service", "service_label", "site", "site_name", "tier", "unit_cost",
                "unit_of_measure", "unit_price", "vat_rate",
            ),
            "document_id", "line_no",
        ),
        Part("parties", "party", ("content", "digest", "role"), "owner", "role", _PARTIES),
        Part("vat", "document_vat", ("amount", "base", "rate"), "document_id", "rate"),
        Part(
            "withdrawals", "credit_withdrawal", ("credit_line_no", "credit_note_id", "line_no"), "document_id",
            "line_no",
        ),
    ),
)  # fmt: skip
_ENTRY_1 = Form(
    ENTRY, 1, "entry", "id",
    ("effective_on", "id", "journal", "label", "piece", "posting_count", "recorded_at", "reference"),
    (
        Part(
            "postings", "posting", ("account", "amount", "auxiliary", "effective_on", "line_no", "site"), "entry_id",
            "line_no",
        ),
    ),
)  # fmt: skip
_CLOSING_1 = Form(
    CLOSING, 1, "period_act", "id",
    ("action", "closed_through", "digest", "id", "month", "open_through", "reason", "recorded_at"),
    (Part("balances", "period_balance", ("account", "credit", "debit"), "closing", "account"),),
)  # fmt: skip
_FILE_1 = Form(
    FILE, 1, "document_file", "document_id", ("document_id", "path", "rendered_at", "sha256", "size_bytes"), ()
)
_ACT_1 = Form(
    ACT, 1, "act", "id",
    (
        "actor", "first_document", "first_entry", "first_import", "first_usage_event", "id", "last_document",
        "last_entry", "last_import", "last_usage_event", "operation", "origin", "reason", "recorded_at", "request_id",
    ),
    (Part("changes", "act_change", ("after", "before", "key", "seq", "subject"), "act_id", "seq"),),
)  # fmt: skip

# Every version there ever was, by kind and number; the last of a kind is the one that new records get.
FORMS: Mapping[tuple[str, int], Form] = {
    (form.kind, form.version): form for form in (_DOCUMENT_1, _ENTRY_1, _CLOSING_1, _FILE_1, _ACT_1)
}
NEWEST: Mapping[str, Form] = {form.kind: form for form in FORMS.values()}

# Decimals of the columns people count with (`pricing.money`): everything else that is whole is a key or a count.
_DECIMALS = {
    **dict.fromkeys(
        (
            "advantage", "amount", "base", "contribution", "cost_amount", "credit", "debit", "full_amount", "gross",
            "net", "tax",
        ),
        2,
    ),
    **dict.fromkeys(("full_price", "rate", "unit_cost", "unit_price", "vat_rate"), 4),
    "quantity": 6,
}  # fmt: skip
_METADATA: tuple[MetaData, ...] = (ledger.models.metadata, invoices.models.metadata, billing.models.metadata)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?", re.ASCII)
_SECONDS = len("2026-09-01 06:00:00")


def canonical(record: Mapping[str, Any]) -> bytes:
    """A record as RFC 8785 JSON; its names are sorted already.

    orjson writes texts, whole numbers and null as RFC 8785 has them (the tests hold it against the library of that
    name, which is twenty times slower). What a spoilt row may hold instead is written so that it equals nothing else.
    """
    try:
        return orjson.dumps(record)
    except TypeError:
        return orjson.dumps(_harmless(record))


def _harmless(value: Any) -> Any:
    """A value with everything that is no text, number or null in it replaced by a text that says so."""
    if isinstance(value, Mapping):
        return {name: _harmless(found) for name, found in value.items()}
    if isinstance(value, list):
        return [_harmless(found) for found in value]
    is_kept = value is None or (type(value) is int and abs(value) < 1 << 53)
    return value if is_kept or (isinstance(value, str) and _is_text(value)) else _none_such(value)


def _is_text(value: str) -> bool:
    """Whether it is Unicode: bytes that are none are read as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def records(connection: Connection, form: Form, keys: Sequence[int]) -> dict[int, bytes]:
    """The canonical forms of those records of a kind that exist, by key."""
    if not keys:
        return {}
    heads = _rows(connection, form.table, form.table, form.columns, form.key, form.key, keys)
    parts = {part.name: _grouped(_part_rows(connection, part, keys)) for part in form.parts}
    layout = sorted((form.kind, "form", *parts))
    found = {}
    for key, head in heads:
        values: dict[str, Any] = {form.kind: head, "form": form.tag}
        for name, rows in parts.items():
            values[name] = rows.get(key, [])
        found[key] = canonical({name: values[name] for name in layout})
    return found


def _part_rows(connection: Connection, part: Part, keys: Sequence[int]) -> _Owned:
    source = part.table if part.source is None else f"({part.source}) AS found"
    return _rows(connection, part.table, source, part.columns, part.owner, part.order, keys)


def _grouped(rows: _Owned) -> dict[int, list[dict[str, Cell]]]:
    found: dict[int, list[dict[str, Cell]]] = {}
    for owner, row in rows:
        if owner in found:
            found[owner].append(row)
        else:
            found[owner] = [row]
    return found


def _rows(
    connection: Connection,
    table: str,
    source: str,
    columns: Sequence[str],
    owner: str,
    order: str,
    keys: Sequence[int],
) -> _Owned:
    """The rows of those owners, each with its owner's key, in order; cells as they stand in a record."""
    written = {name: _written(connection, table, name) for name in columns}
    cells = ", ".join(sql for sql, _ in written.values())
    low, high = min(keys), max(keys)
    is_range = high - low + 1 == len(keys)
    among, bound = _AMONG[connection.dialect.name, is_range]
    asked = (low, high) if is_range else (bound(list(keys)),)
    query = f'SELECT "{owner}", {cells} FROM {source} WHERE "{owner}" {among} ORDER BY "{owner}", "{order}"'
    rows = _fetched(connection, query, asked)
    if not rows:
        return iter(())
    owners, *by_column = zip(*rows, strict=True)
    converted: list[Iterable[Cell]] = [
        cells if convert is None else map(convert().__getitem__, cells)
        for cells, (_, convert) in zip(by_column, written.values(), strict=True)
    ]
    names = tuple(columns)
    return zip(owners, (dict(zip(names, row, strict=True)) for row in zip(*converted, strict=True)), strict=True)


_AMONG: Mapping[tuple[str, bool], tuple[str, Callable[[list[int]], Any]]] = {
    ("sqlite", True): ("BETWEEN ? AND ?", list),
    ("sqlite", False): ("IN (SELECT value FROM json_each(?))", json.dumps),
    ("postgresql", True): ("BETWEEN %s AND %s", list),
    ("postgresql", False): ("= ANY (%s)", list),
}


def _fetched(connection: Connection, query: str, asked: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows as the driver gives them; on SQLite also those with texts that are none."""
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


class _Texts(dict[Any, Cell]):
    """Cells as a record has them, each value written once."""

    def __missing__(self, cell: Any) -> Cell:
        found = self[cell] = cell if cell is None else self.written(cell)
        return found

    def written(self, cell: Any) -> Cell:
        """The text of a cell that is not blank."""
        raise NotImplementedError


def _decimals(decimals: int) -> type[_Texts]:
    scale = 10**decimals

    class Decimals(_Texts):
        """Whole numbers of the smallest unit as decimal strings: 236250 is `2362.50`."""

        def written(self, cell: Any) -> Cell:
            """`-0.05` of -5."""
            if type(cell) is not int:
                return _none_such(cell)
            sign, size = ("-", -cell) if cell < 0 else ("", cell)
            return f"{sign}{size // scale}.{size % scale:0{decimals}d}"

    return Decimals


class _Instants(_Texts):
    """SQLite's instants as ISO texts."""

    def written(self, cell: Any) -> Cell:
        """`2026-09-01T06:00:00.000000Z` of `2026-09-01 06:00:00.000000`, or of the same to the second."""
        if isinstance(cell, str) and _INSTANT.fullmatch(cell):
            return f"{cell[:10]}T{cell[11:]}{'' if len(cell) > _SECONDS else '.000000'}Z"
        return _none_such(cell)


def _none_such(cell: Any) -> str:
    """What a cell that is not of its kind is written as: nothing that another cell could be."""
    return f"?{cell!a}"


_OF_DECIMALS = {decimals: _decimals(decimals) for decimals in set(_DECIMALS.values())}


def _written(connection: Connection, table: str, name: str) -> tuple[str, type[_Texts] | None]:
    """A column as SQL that gives what a record holds, or what is converted to it."""
    column = next((m.tables[table].c.get(name) for m in _METADATA if table in m.tables), None)
    kind = None if column is None else column.type
    if isinstance(kind, Integer) and name in _DECIMALS:
        return f'"{name}"', _OF_DECIMALS[_DECIMALS[name]]
    if connection.dialect.name == "sqlite":
        return f'"{name}"', _Instants if isinstance(kind, DateTime) else None
    if isinstance(kind, Date):
        return f"to_char(\"{name}\", 'YYYY-MM-DD')", None
    if isinstance(kind, DateTime):
        return f"""to_char("{name}" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""", None
    return f'"{name}"', None
