"""Occupancy as a file: JSON, or a row a site and one for the network (`csv`, `xlsx`)."""

from collections.abc import Iterator

from billing.frame.shapes import indented
from billing.register.occupancy.shapes import Occupancy, Occupied
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.money import QUANTITY_DECIMALS, RATE_DECIMALS, parse_decimal

COLUMNS = (
    Column("on", Kind.DAY),
    Column("of", Kind.TEXT),
    Column("code", Kind.TEXT),
    Column("capacity", Kind.COUNT),
    Column("firms", Kind.COUNT),
    Column("firms_rate", Kind.RATE),
    Column("lettable_m2", Kind.QUANTITY),
    Column("let_m2", Kind.QUANTITY),
    Column("m2_rate", Kind.RATE),
    Column("waiting", Kind.COUNT),
    Column("coming", Kind.COUNT),
    Column("coming_m2", Kind.QUANTITY),
)


def pieces(occupied: Occupancy, file_format: str) -> Iterator[bytes]:
    """Return occupancy as pieces of a file."""
    if file_format == "json":
        return iter([indented(occupied)])
    return table(file_format, "Occupation", COLUMNS, _rows(occupied))


def _rows(occupied: Occupancy) -> Iterator[tuple[Cell, ...]]:
    for code, at in occupied.sites.items():
        yield (occupied.on, "site", code, *_cells(at))
    yield (occupied.on, "network", None, *_cells(occupied.network))


def _cells(at: Occupied) -> tuple[int | None, ...]:
    rate, area = RATE_DECIMALS, QUANTITY_DECIMALS
    return (
        at.capacity, at.firms, _scaled(at.firms_rate, rate), _scaled(at.lettable_m2, area), _scaled(at.let_m2, area),
        _scaled(at.m2_rate, rate), at.waiting, at.coming, _scaled(at.coming_m2, area),
    )  # fmt: skip


def _scaled(text: str | None, decimals: int) -> int | None:
    return None if text is None else parse_decimal(text, decimals)
