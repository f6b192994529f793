"""Proof that every row of the register is exactly what the recorded acts made it (R32).

Usage is not replayed here: its events are records of the log of hashes (`billing.proof`).
"""

import json
from collections.abc import Iterator, Mapping
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from billing.frame.cells import BadCell
from billing.frame.checking import Proof, Step, streamed
from billing.frame.database import among
from billing.frame.tables import audit_change
from billing.register.network_import.grants import BOOKED
from billing.register.network_import.layout import LAYOUTS, Column, Layout, shown
from billing.register.network_import.stored import stored_rows
from billing.register.tables import rate, subsidy_grant
from pricing.rates import subsidised_price

_PROVED = tuple(layout for stem, layout in LAYOUTS.items() if stem != "usage")
_KEYS_AT_A_TIME = 1_000


class _Recorded(NamedTuple):
    """What the acts made of a row: its cells by column, None where it was removed; and the last act that did."""

    key: str
    first_part: str
    cells: Mapping[str, str] | None
    act: int
    # How many acts changed what the books hold of it, the first included.
    booked: int


def register(connection: Connection, _step: Step) -> Iterator[str]:
    """Each row of the register but for usage, sites to applications, is what the acts made it, column by column."""
    for layout in _PROVED:
        matched = 0
        recorded = _recorded(connection, layout)
        while made := list(islice(recorded, _KEYS_AT_A_TIME)):
            rows = _standing(connection, layout, {row.first_part for row in made})
            for row in made:
                stands = rows.get(row.key)
                matched += stands is not None
                yield from _differences(layout, row, stands)
        if connection.scalar(select(func.count()).select_from(layout.table)) != matched:
            yield from _unexplained(connection, layout)


def _recorded(connection: Connection, layout: Layout) -> Iterator[_Recorded]:
    c = audit_change.c
    changes = select(c.key, c.after, c.act_id).where(c.subject == layout.stem).order_by(c.key, c.act_id, c.seq)
    for key, of_row in groupby(streamed(connection, changes), key=attrgetter("key")):
        cells: dict[str, str] | None = None
        first_part, act, booked = key, 0, 0
        for change in of_row:
            act = change.act_id
            after = None if change.after is None else json.loads(change.after)
            if after is None:
                cells = None
                continue
            booked = 1 if cells is None else booked + bool(BOOKED & after.keys())
            cells = {**(cells or {}), **after}
            first_part = cells[layout.key[0]]
        yield _Recorded(key, first_part, cells, act, booked)


def _standing(connection: Connection, layout: Layout, first_parts: set[str]) -> dict[str, Mapping[str, Any]]:
    """Return the rows whose keys begin so, by key as people read it."""
    rows = stored_rows(connection, layout, ((part,) for part in first_parts))
    return {layout.show_key(key): values for key, values in rows.items()}


def _differences(layout: Layout, made: _Recorded, stands: Mapping[str, Any] | None) -> Iterator[str]:
    thing = f"{_singular(layout)} {made.key}"
    if made.cells is None:
        if stands is not None:
            yield f"{thing} stands, though act {made.act} removed it"
        return
    if stands is None:
        yield f"{thing} is missing: act {made.act} wrote it, and none removed it"
        return
    for column in layout.columns:
        recorded = made.cells.get(column.name, "")
        if not _is_recorded(column, stands[column.field], recorded):
            cell = _spelt(column, stands[column.field])
            yield f"{thing}: {column.name} is {cell!r}, act {made.act} left it {recorded!r}"
    for name, value in _derived(layout, made).items():
        if stands[name] != value:
            yield f"{thing}: {name} is {stands[name]!r}, what the acts recorded makes it {value!r}"


def _is_recorded(column: Column, value: Any, recorded: str) -> bool:
    try:
        return bool(value == column.parse(recorded))
    except BadCell:
        # A rule came later than the act: the cell is compared as it was written.
        return _spelt(column, value) == recorded


def _spelt(column: Column, value: Any) -> str:
    """Return a value as the file's cell holds it, or as it stands where it is none of its kind."""
    try:
        return shown(column, value)
    except (AttributeError, TypeError, ValueError):
        return repr(value)


def _derived(layout: Layout, made: _Recorded) -> Mapping[str, Any]:
    """Return what the columns that no file has must hold."""
    if layout.table is subsidy_grant:
        return {"revision": made.booked}
    if layout.table is rate and made.cells is not None:
        market = layout.column("market").parse(made.cells["market"])
        return {"subsidised_price": subsidised_price(made.cells["subsidised"], market)}
    return {}


def _unexplained(connection: Connection, layout: Layout) -> Iterator[str]:
    """Name the rows that no act mentions; a row that stands though it was removed is named already."""
    columns = [layout.table.c[name] for name in layout.key]
    c = audit_change.c
    standing = (layout.show_key(tuple(row)) for row in streamed(connection, select(*columns).order_by(*columns)))
    while keys := list(islice(standing, _KEYS_AT_A_TIME)):
        known = set(connection.scalars(select(c.key).where(c.subject == layout.stem, among(connection, c.key, keys))))
        yield from (f"{_singular(layout)} {key} stands, and no act made it" for key in keys if key not in known)


def _singular(layout: Layout) -> str:
    return layout.stem.removesuffix("s").replace("vat_", "VAT ")


# What they find is named before whatever follows from it (`billing.check`).
CAUSES: tuple[Proof, ...] = (register,)

CHECKS: tuple[Proof, ...] = (register,)
