"""The waterfall of a run as a file, as the run stored it (R18)."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from billing.frame.errors import Unknown
from billing.frame.reports.formats import require_format
from billing.register.tables import billing_run
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.money import AMOUNT_DECIMALS, parse_decimal
from pricing.period import format_month

_OF_SITE = (
    "contributions", "draws", "earmarked_grants", "own", "network", "reserve", "network_grants", "unfunded",
)  # fmt: skip
_OF_NETWORK = ("advantage", "reserve_before", "surplus", "reserve_after")
# A row a site, a row a grant, one for the network; what a row has no say in is blank.
COLUMNS = (
    Column("period", Kind.MONTH),
    Column("of", Kind.TEXT),
    Column("code", Kind.TEXT),
    *(Column(name, Kind.AMOUNT) for name in _OF_SITE),
    Column("grants_left", Kind.AMOUNT),
    *(Column(name, Kind.AMOUNT) for name in _OF_NETWORK),
)


def stored(connection: Connection, period: date) -> str:
    """Return the outcome of a complete run, as JSON in the contract's shape. Raises Unknown."""
    month = format_month(period)
    run = connection.execute(select(billing_run.c.cross_subsidy).where(billing_run.c.period == period)).one_or_none()
    if run is None:
        raise Unknown(f"{month} has not been run: run it first with `technopark-billing run {month}`")
    if run.cross_subsidy is None:
        raise Unknown(f"the run of {month} is not complete: finish it with `technopark-billing run {month}`")
    return str(run.cross_subsidy)


def _rows(period: date, outcome: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    def amounts(values: Mapping[str, str], names: tuple[str, ...]) -> list[int | None]:
        return [parse_decimal(values[name], AMOUNT_DECIMALS) if name in values else None for name in names]

    no_site, no_network = [None] * len(_OF_SITE), [None] * len(_OF_NETWORK)
    for code, site in outcome["sites"].items():
        yield (period, "site", code, *amounts(site, _OF_SITE), None, *no_network)
    for code, left in outcome["grants_left"].items():
        yield (period, "grant", code, *no_site, parse_decimal(left, AMOUNT_DECIMALS), *no_network)
    yield (period, "network", None, *no_site, None, *amounts(outcome, _OF_NETWORK))


def pieces(connection: Connection, period: date, file_format: str) -> Iterator[bytes]:
    """Return the waterfall of a complete run as pieces of a file. Raises Unknown."""
    require_format(file_format)
    outcome = json.loads(stored(connection, period))
    if file_format == "json":
        return iter([json.dumps(outcome, ensure_ascii=False, indent=2).encode() + b"\n"])
    return table(file_format, "Péréquation", COLUMNS, _rows(period, outcome))
