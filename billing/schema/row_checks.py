"""Proof that every row written for good is what its act wrote: none changed, none lost, none added by nobody."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Table, func, select

from billing.frame.added_rows import EXEMPT, NAMED_AT_ONCE, RESTATED, ROWS, keys_of, stored_digests
from billing.frame.checking import Proof, Step, by_index, streamed
from billing.frame.tables import audit_change
from billing.schema.tables import all_tables


class _Named(NamedTuple):
    """A row as an act names it."""

    key: str
    digest: str
    act: int


def rows(connection: Connection, _step: Step) -> Iterator[str]:
    """Each row that an act must name stands as one named it, and no other does."""
    tables = {table.name: table for table in all_tables() if table.name not in EXEMPT}
    with by_index(connection):
        left = _counted(connection, tables.values())
        for name, changes in groupby(_changes(connection), key=itemgetter(0)):
            if name in tables:
                yield from _faults(connection, tables[name], _named(changes), left.pop(name))
        for name, standing in left.items():
            if standing:
                yield from _unnamed(connection, tables[name], set())


def _counted(connection: Connection, tables: Iterable[Table]) -> dict[str, int]:
    """Return the number of rows of each table, in one statement."""
    counts = [select(func.count()).select_from(table).scalar_subquery().label(table.name) for table in tables]
    return dict(connection.execute(select(*counts)).one()._mapping)


def _faults(connection: Connection, table: Table, named: Iterator[_Named], count: int) -> Iterator[str]:
    thing, standing = _thing(table), 0
    # Rows that are not as an act named them: the act, and whether they stand. Another act may have named them again.
    other: dict[str, tuple[int, bool]] = {}
    while block := list(islice(named, NAMED_AT_ONCE)):
        stored = stored_digests(connection, table, keys_of(table, (row.key for row in block)))
        for row in block:
            other.pop(row.key, None)
            if stored.get(row.key) == row.digest:
                standing += 1
            else:
                other[row.key] = row.act, row.key in stored
        if table.name not in RESTATED:
            standing += sum(stands for _, stands in other.values())
            yield from _sentences(thing, other)
            other.clear()
    standing += sum(stands for _, stands in other.values())
    yield from _sentences(thing, other)
    if count != standing:
        again = _changes(connection, audit_change.c.key == table.name)
        yield from _unnamed(connection, table, {row.key for row in _named(again)})


def _sentences(thing: str, other: Mapping[str, tuple[int, bool]]) -> Iterator[str]:
    for key, (act, stands) in other.items():
        if stands:
            yield f"{thing} {key} is not what act {act} wrote: it was changed"
        else:
            yield f"{thing} {key} is missing: act {act} wrote it"


def _changes(connection: Connection, *of_table: ColumnElement[bool]) -> Iterator[Any]:
    """Yield the changes that name rows: their table, the rows as JSON, the act."""
    c = audit_change.c
    changes = select(c.key, c.after, c.act_id).where(c.subject == ROWS, *of_table).order_by(c.key, c.act_id, c.seq)
    yield from connection.execute(changes.execution_options(yield_per=_CHANGES_AT_ONCE))


# A change may name a thousand rows.
_CHANGES_AT_ONCE = 100


def _named(changes: Iterable[Any]) -> Iterator[_Named]:
    for _, after, act in changes:
        for key, digest in orjson.loads(after).items():
            yield _Named(key, digest, act)


def _unnamed(connection: Connection, table: Table, known: AbstractSet[str]) -> Iterator[str]:
    """Name the rows that stand and that no act wrote; only where their number says that there are some."""
    own = list(table.primary_key.columns)
    for row in streamed(connection, select(*own).order_by(*own)):
        if (key := "/".join(map(str, row))) not in known:
            yield f"{_thing(table)} {key} stands, and no act wrote it"


def _thing(table: Table) -> str:
    return table.name.replace("_", " ")


CHECKS: tuple[Proof, ...] = (rows,)
