"""The index of open items: the documents and placements that may have something open.

What is settled for good is not read again. Facts only grow, so an open item can't be marked on them. The tables
`unsettled_document` and `unsettled_placement` name what was not settled at the last refresh, up to the keys that
`looked_through` keeps; documents and placements that came later may be open as well. So the index holds more than what
is open, never less: an item settled in between drops out at the next refresh, and an act that takes a settlement back
names what it opens again (`reopen`). `check` proves that nothing open is missing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, CompoundSelect, Connection, Select, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from billing.frame.database import among, change_receivables
from billing.receivables.open_items.open_items import UnallocatedCredit, credit_of, placements_left
from billing.receivables.tables.receipts import (
    allocation,
    looked_through,
    placement,
    settlement,
    unsettled_document,
    unsettled_placement,
)
from invoices.models import document


def documents_maybe_open(connection: Connection, tenants: Sequence[str] | None) -> CompoundSelect[Any]:
    """Select the keys of documents that may be open, of tenants (None: of everybody)."""
    u, d = unsettled_document.c, document.c
    return _indexed_or_later(connection, u.document_id, u.tenant, looked_through.c.document_id, d.id, d.tenant, tenants)


def open_credits(connection: Connection, tenants: Sequence[str] | None) -> list[UnallocatedCredit]:
    """Return tenants' money that settles nothing now, oldest first; `tenants` None: everybody's."""
    u, p = unsettled_placement.c, placement.c
    last = looked_through.c.placement_id
    keys = _indexed_or_later(connection, u.placement_id, u.tenant, last, p.id, p.tenant, tenants)
    rows = connection.execute(placements_left(p.id.in_(keys)).order_by(p.placed_on, p.id))
    return [credit_of(row) for row in rows]


def reopen(connection: Connection, documents: Iterable[int], undone: Iterable[int]) -> None:
    """Add to the index what allocations that are `undone` had settled or drawn on: it may be open again."""
    d, a = document.c, allocation.c
    adding = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    for table, rows in (
        (unsettled_document, select(d.id, d.tenant).where(among(connection, d.id, sorted(set(documents))))),
        (
            unsettled_placement,
            select(a.placement_id, a.tenant)
            .where(among(connection, a.id, sorted(set(undone))), a.placement_id.is_not(None))
            .distinct(),
        ),
    ):
        connection.execute(adding(table).from_select(table.columns.keys(), rows).on_conflict_do_nothing())


def reopen_placements(connection: Connection, placements: Iterable[int | None]) -> None:
    """Add to the index placements whose money is there again, since its refund was cancelled; None names none."""
    p = placement.c
    adding = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    keys = sorted({key for key in placements if key is not None})
    rows = select(p.id, p.tenant).where(among(connection, p.id, keys))
    columns = unsettled_placement.columns.keys()
    connection.execute(adding(unsettled_placement).from_select(columns, rows).on_conflict_do_nothing())


def refresh_index(connection: Connection) -> None:
    """Add what has come since the last refresh and is open, drop what is settled by now. Reads nothing else.

    The scheduler does it each night, and `payments apply`; a run would pay a third of a second for it with 10,000
    documents on PostgreSQL. Documents come meanwhile, but their keys follow the order of commits.
    """
    change_receivables(connection)
    before = connection.execute(select(looked_through)).one()
    newest_document = connection.scalar(select(func.max(document.c.id))) or 0
    newest_placement = connection.scalar(select(func.max(placement.c.id))) or 0
    d, p = document.c, placement.c
    u, v = unsettled_document, unsettled_placement
    new = select(d.id, d.tenant).where(d.id > before.document_id, d.id <= newest_document)
    connection.execute(insert(u).from_select(["document_id", "tenant"], _not_indexed(new, u.c.document_id, d.id)))
    placed = select(p.id, p.tenant).where(p.id > before.placement_id, p.id <= newest_placement)
    connection.execute(insert(v).from_select(["placement_id", "tenant"], _not_indexed(placed, v.c.placement_id, p.id)))
    connection.execute(delete(u).where(u.c.document_id.in_(settled_of(select(u.c.document_id)))))
    left = placements_left(p.id.in_(select(v.c.placement_id))).with_only_columns(p.id)
    connection.execute(delete(v).where(v.c.placement_id.in_(select(v.c.placement_id).except_(left))))
    connection.execute(update(looked_through).values(document_id=newest_document, placement_id=newest_placement))


def settled_of(keys: Select[Any]) -> Select[Any]:
    """Select the documents among `keys` of which nothing is open."""
    d, s = document.c, settlement.c
    sums = (
        select(s.document_id, func.sum(s.base + s.vat).label("settled"))
        .where(s.document_id.in_(keys))
        .group_by(s.document_id)
        .subquery()
    )
    return (
        select(d.id)
        .outerjoin(sums, sums.c.document_id == d.id)
        .where(d.id.in_(keys), d.gross == func.coalesce(sums.c.settled, 0))
    )


def _indexed_or_later(
    connection: Connection,
    indexed: Column[Any],
    its_tenant: Column[Any],
    last_indexed: Column[Any],
    key: Column[Any],
    tenant: Column[Any],
    tenants: Sequence[str] | None,
) -> CompoundSelect[Any]:
    """Select the keys in the index, and those that came after its last refresh."""
    last = connection.scalar(select(last_indexed))
    known, later = select(indexed), select(key).where(key > last)
    if tenants is not None:
        known = known.where(among(connection, its_tenant, tenants))
        # Read by their keys: an index of tenants would lead through all a tenant ever had.
        later = later.where(among(connection, func.coalesce(tenant, ""), tenants))
    return known.union_all(later)


def _not_indexed(rows: Select[Any], indexed: Column[Any], key: Column[Any]) -> Select[Any]:
    """Leave out the rows that the index holds already: those that came and were reopened since its last refresh."""
    return rows.where(~select(literal(1)).where(indexed == key).exists())
