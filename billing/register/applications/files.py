"""Applications and waiting lists as files: JSON as the API answers, or a row each (`csv`, `xlsx`)."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row

from billing.frame.shapes import encode, indented
from billing.register.applications.shapes import APPLICATIONS, WaitingList
from billing.register.shapes import stored_as
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import json_list, table
from pricing.money import QUANTITY_DECIMALS, parse_decimal

_KINDS = {"area_m2": Kind.QUANTITY, "received_on": Kind.DAY, "decided_on": Kind.DAY, "incorporated_on": Kind.DAY}
_COLUMNS = tuple(Column(name, _KINDS.get(name, Kind.TEXT)) for name in APPLICATIONS.layout.names)
_WAITING = (
    Column("place", Kind.COUNT), Column("code", Kind.TEXT), Column("tenant", Kind.TEXT),
    Column("legal_name", Kind.TEXT), Column("kind", Kind.TEXT), Column("area_m2", Kind.QUANTITY),
    Column("received_on", Kind.DAY), Column("accepted_on", Kind.DAY), Column("state", Kind.TEXT),
)  # fmt: skip


def pieces(rows: Sequence[Row[Any]], file_format: str) -> Iterator[bytes]:
    """Return applications as pieces of a file."""
    if file_format == "json":
        return json_list(encode(stored_as(APPLICATIONS, row)) for row in rows)
    fields = [column.field for column in APPLICATIONS.layout.columns]
    return table(file_format, "Candidatures", _COLUMNS, (tuple(getattr(row, name) for name in fields) for row in rows))


def waiting_pieces(waiting: WaitingList, file_format: str) -> Iterator[bytes]:
    """Return a waiting list as pieces of a file."""
    if file_format == "json":
        return iter([indented(waiting)])
    return table(file_format, "Liste d'attente", _WAITING, _waiting_rows(waiting))


def _waiting_rows(waiting: WaitingList) -> Iterator[tuple[Cell, ...]]:
    for x in waiting.waiting:
        area = parse_decimal(x.area_m2, QUANTITY_DECIMALS)
        yield (
            x.place, x.code, x.tenant, x.legal_name, x.kind, area, x.received_on, x.accepted_on, x.state
        )  # fmt: skip
