"""Proof that every row written for good is what its act wrote: none changed, none lost, none added by nobody."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Table, func, select

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
    with by_index(connection):
        for table in all_tables():
            if table.name not in EXEMPT:
                yield from _faults(connection, table)


def _faults(connection: Connection, table: Table) -> Iterator[str]:
    thing, standing = table.name.replace("_", " "), 0
    named = _named(connection, table)
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
    if connection.scalar(select(func.count()).select_from(table)) != standing:
        yield from _unnamed(connection, table, thing)


def _sentences(thing: str, other: Mapping[str, tuple[int, bool]]) -> Iterator[str]:
    for key, (act, stands) in other.items():
        if stands:
            yield f"{thing} {key} is not what act {act} wrote: it was changed"
        else:
            yield f"{thing} {key} is missing: act {act} wrote it"


def _named(connection: Connection, table: Table) -> Iterator[_Named]:
    c = audit_change.c
    changes = select(c.after, c.act_id).where(c.subject == ROWS, c.key == table.name).order_by(c.act_id, c.seq)
    for after, act in connection.execute(changes.execution_options(yield_per=_CHANGES_AT_ONCE)):
        for key, digest in orjson.loads(after).items():
            yield _Named(key, digest, act)


# A change may name a thousand rows.
_CHANGES_AT_ONCE = 100


def _unnamed(connection: Connection, table: Table, thing: str) -> Iterator[str]:
    """Name the rows that stand and that no act wrote; only where their number says that there are some."""
    known = {row.key for row in _named(connection, table)}
    own = list(table.primary_key.columns)
    for row in streamed(connection, select(*own).order_by(*own)):
        if (key := "/".join(map(str, row))) not in known:
            yield f"{thing} {key} stands, and no act wrote it"


CHECKS: tuple[Proof, ...] = (rows,)
