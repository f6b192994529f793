"""Rows written for good: the act of a transaction names each that it added, by its key and a digest of what it holds.

So each row is part of a record of the log (`billing.proof`), and `check` finds one that was changed, lost or added by
nobody. Every table is recorded so but those that `EXEMPT` lists, whose rows are proved otherwise or prove nothing.

A row's digest is the first half of the SHA-256 of JSON: its table, then its columns by name. A blank column is left
out, so that one added later changes no digest. Days and instants (UTC, to the microsecond) are ISO texts, yes and no
are 1 and 0, bytes hexadecimal. What was digested once must have the same digest for ever.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from itertools import chain, groupby, islice, repeat
from json.encoder import encode_basestring
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Column, Connection, Date, DateTime, Insert, Integer, Table, event

# Collects what a transaction changes and adds, in the options of its connection.
CHANGES = "changes"
# The subject of the changes that name added rows; their key is the table.
ROWS = "rows"
# Rows an audit change names, and rows read at once.
NAMED_AT_ONCE = 1_000

_IN_THE_LOG = "a record of the log (`billing.proof.forms`)"
_REGISTER = "replayed from the acts' changes, column by column"
_SERVICE = "tells who works on what at this moment, no fact"
# Tables whose rows no act names, and why.
EXEMPT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "document", "document_line", "document_vat", "party", "credit_reason", "credited_part",
            "credit_withdrawal", "document_file", "entry", "posting", "period_act", "period_balance", "usage_event",
            "audit_event", "audit_change",
        ),
        _IN_THE_LOG,
    ),
    **dict.fromkeys(
        ("site", "unit", "service", "vat_rate", "rate", "tenant", "lease", "subsidy_grant", "survey", "application"),
        _REGISTER,
    ),
    **dict.fromkeys(("proof_leaf", "proof_node", "proof_checkpoint", "proof_timestamp"), "the log itself"),
    **dict.fromkeys(("idempotency_key", "alembic_version", "webhook_progress", "job"), _SERVICE),
    "webhook_attempt": "a log that housework shortens",
    **dict.fromkeys(("unsettled_document", "unsettled_placement", "looked_through"), "an index, computed again"),
    **dict.fromkeys(("entry_counter", "audit_counter", "number_series"), "counters, counted again"),
    **dict.fromkeys(("account", "account_day"), "computed again from the entries"),
    **dict.fromkeys(("delivery", "message_delivery"), "states, proved by the attempts and the acts' changes"),
    **dict.fromkeys(("run_position", "usage_billing", "usage_rebilling"), "computed again from documents and usage"),
    "funding_matrix": "computed again from positions and the posted waterfall",
    "link_secret": "made by an upgrade, before any act; bears its own digest",
}  # fmt: skip

# Tables whose rows move on, each time by an act that names them again: the last naming counts.
RESTATED = frozenset(("billing_run", "run_batch", "run_outcome", "app_user", "api_token", "webhook_endpoint"))

Key: TypeAlias = tuple[Any, ...]


class Added(NamedTuple):
    """Rows that a transaction added to a table, each with its key: with their digests, or to be read at its end."""

    table: Table
    digests: Mapping[str, str]
    unread: Sequence[Key] = ()


def note_rows(connection: Connection, table: Table, keys: Iterable[Any]) -> None:
    """Note rows whose keys the database made, or that are changed; they are read when the transaction's act is sealed.

    A key of several columns is a tuple.
    """
    if unread := [key if isinstance(key, tuple) else (key,) for key in keys]:
        _note(connection, Added(table, {}, unread))


def noted_as_inserted(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterable[Sequence[Any]]:
    """Note rows that are about to be inserted, and return them.

    Those whose key the database makes are left to `note_rows`.
    """
    plan = _plan(table)
    if plan is None or CHANGES not in connection.get_execution_options() or not plan.key <= {*columns}:
        return rows
    row_list = list(rows)
    if row_list:
        by_column = dict(zip(columns, zip(*row_list, strict=True), strict=True))
        if plan.required <= by_column.keys():
            _note(connection, Added(table, _digests(table, by_column)))
        else:
            keys = zip(*(by_column[column.name] for column in table.primary_key.columns), strict=True)
            _note(connection, Added(table, {}, list(keys)))
    return row_list


def _note(connection: Connection, added: Added) -> None:
    changes = connection.get_execution_options().get(CHANGES)
    if changes is not None:
        changes.append(added)


class _Plan(NamedTuple):
    key: frozenset[str]
    # What a row must be inserted with, so that nothing is left to the database.
    required: frozenset[str]


@cache
def _plan(table: Table) -> _Plan | None:
    if table.name in EXEMPT:
        return None
    required = frozenset(column.name for column in table.columns if not column.nullable)
    return _Plan(frozenset(table.primary_key.columns.keys()), required)


def note_statements(dispatcher: Any) -> None:
    """Have every INSERT that SQLAlchemy writes noted, where it gives the keys of its rows."""
    event.listen(dispatcher, "after_execute", _noted)


def _noted(connection: Connection, statement: Any, _many: Any, _one: Any, _options: Any, result: Any) -> None:
    if not isinstance(statement, Insert) or CHANGES not in connection.get_execution_options():
        return
    table: Any = statement.table
    plan = _plan(table)
    if plan is None:
        return
    keys = table.primary_key.columns.keys()
    given = result.context.compiled_parameters
    if all(values.get(key) is not None for values in given for key in keys):
        # Read at the end, since defaults may have been filled in, and a row left out that stood already.
        _note(connection, Added(table, {}, [tuple(values[key] for key in keys) for values in given]))


def named_rows(connection: Connection, noted: Iterable[Added]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the digests of what a transaction added, by key, table by table; a thousand at most at a time."""
    in_order = sorted(noted, key=lambda added: added.table.name)
    for name, of_table in groupby(in_order, key=lambda added: added.table.name):
        rows = chain.from_iterable(_digests_of(connection, added).items() for added in of_table)
        while some := dict(islice(rows, NAMED_AT_ONCE)):
            yield name, some


def _digests_of(connection: Connection, added: Added) -> Mapping[str, str]:
    return stored_digests(connection, added.table, added.unread) if added.unread else added.digests


def keys_of(table: Table, texts: Iterable[str]) -> list[Key]:
    """Read keys as acts name them; raises ValueError for one that can't be."""
    kinds = [column.type for column in table.primary_key.columns]
    readers = [int if isinstance(k, Integer) else date.fromisoformat if isinstance(k, Date) else str for k in kinds]
    return [
        tuple(read(part) for read, part in zip(readers, text.split("/", len(readers) - 1), strict=True))
        for text in texts
    ]


def stored_digests(connection: Connection, table: Table, keys: Sequence[Key]) -> dict[str, str]:
    """Digest the rows that stand with these keys, by key as acts name them."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), NAMED_AT_ONCE):
        rows = _stored(connection, table, keys[start : start + NAMED_AT_ONCE])
        if rows:
            columns = zip(table.columns, zip(*rows, strict=True), strict=True)
            is_sqlite = connection.dialect.name == "sqlite"
            found |= _digests(
                table,
                {
                    column.name: list(map(_instant_of_sqlite, cells))
                    if is_sqlite and isinstance(column.type, DateTime)
                    else cells
                    for column, cells in columns
                },
            )
    return found


def _stored(connection: Connection, table: Table, keys: Sequence[Key]) -> list[tuple[Any, ...]]:
    """Read rows by their keys as the driver gives them; on SQLite also those with texts that are not Unicode."""
    own = list(table.primary_key.columns)
    names = ", ".join(f'"{column.name}"' for column in own)
    listed = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "sqlite":
        values = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(own)))
        query = f"SELECT {listed} FROM {table.name} WHERE ({names}) IN (SELECT {values} FROM json_each(?))"  # noqa: S608 - our own names
        return _fetched_of_sqlite(connection, query, _json_keys(keys))
    kinds = ", ".join(f"%s::{_array_of(column)}" for column in own)
    query = f"SELECT {listed} FROM {table.name} WHERE ({names}) IN (SELECT * FROM unnest({kinds}))"  # noqa: S608 - our own names
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query, [list(part) for part in zip(*keys, strict=True)])
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _json_keys(keys: Sequence[Key]) -> str:
    cells = [[cell.isoformat() if isinstance(cell, date) else cell for cell in key] for key in keys]
    return json.dumps(cells)


def _array_of(column: Column[Any]) -> str:
    return "bigint[]" if isinstance(column.type, Integer) else "date[]" if isinstance(column.type, Date) else "text[]"


def _fetched_of_sqlite(connection: Connection, query: str, asked: str) -> list[tuple[Any, ...]]:
    driver: Any = connection.connection.driver_connection
    try:
        return list(driver.execute(query, (asked,)).fetchall())
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    usual, driver.text_factory = driver.text_factory, lambda raw: raw.decode("utf-8", "surrogateescape")
    try:
        return list(driver.execute(query, (asked,)).fetchall())
    finally:
        driver.text_factory = usual


def _digests(table: Table, by_column: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Digest rows, by key; a column at a time, which is several times faster than a row at a time."""
    pieces: list[Iterable[str]] = []
    # What all rows have in common up to the next piece.
    common = f'{{"table":"{table.name}"'
    for name in sorted(by_column):
        cells = by_column[name]
        begun, kinds = f',"{name}":', set(map(type, cells))
        if cells[0] == cells[-1] and len(kinds) == 1 and cells.count(cells[0]) == len(cells):
            common += _member(begun, cells[0])
        elif kinds == {int} or kinds == {str}:
            pieces += [repeat(common + begun), map(str if kinds == {int} else encode_basestring, cells)]
            common = ""
        else:
            pieces += [repeat(common), map(_Members(begun).__getitem__, cells)]
            common = ""
    rows = map("".join, zip(*pieces, repeat(f"{common}}}", len(cells)), strict=False))
    digests = [sha256(row.encode("utf-8", "surrogatepass")).hexdigest()[:32] for row in rows]
    own = [_key_texts(by_column[column.name]) for column in table.primary_key.columns]
    keys = own[0] if len(own) == 1 else map("/".join, zip(*own, strict=True))
    return dict(zip(keys, digests, strict=True))


def _key_texts(cells: Sequence[Any]) -> Iterable[str]:
    # A day's text is its ISO form.
    return map(str, cells)


class _Members(dict[Any, str]):
    """Cells of a column as members of a row, each value written once."""

    def __init__(self, begun: str) -> None:
        self._begun = begun

    def __missing__(self, cell: Any) -> str:
        text = self[cell] = _member(self._begun, cell)
        return text


def _member(begun: str, cell: Any) -> str:
    return "" if cell is None else begun + _json(cell)


def _json(cell: Any) -> str:
    if isinstance(cell, str):
        return encode_basestring(cell)
    if isinstance(cell, int):
        return str(int(cell))
    if isinstance(cell, bytes):
        return f'"{cell.hex()}"'
    if isinstance(cell, datetime):
        return f'"{cell.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"' if cell.tzinfo else f'"{cell:%Y-%m-%dT%H:%M:%S.%f}Z"'
    # What is none of these, as a spoilt row may hold, is written as nothing else is.
    return f'"{cell.isoformat()}"' if isinstance(cell, date) else f'"?{cell!a}"'


_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?", re.ASCII)
_SECONDS = len("2026-09-01 06:00:00")


def _instant_of_sqlite(cell: Any) -> Any:
    """Write SQLite's text of an instant as every instant is written."""
    if isinstance(cell, str) and _INSTANT.fullmatch(cell):
        return f"{cell[:10]}T{cell[11:]}{'' if len(cell) > _SECONDS else '.000000'}Z"
    return cell if cell is None else f"?{cell!a}"
