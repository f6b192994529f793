"""The matrix of a run as a file: who funded whom, tenant by tenant, as it was kept."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection

from billing.frame.reports.formats import require_format
from billing.frame.shapes import encode
from billing.run import shapes
from billing.run.matrices import standing_matrix
from billing.run.recomputed_matrices import recomputed_funding
from billing.run.waterfall_export import stored
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.funding_matrix import Funding
from pricing.money import format_amount
from pricing.period import format_month

# A row a cell; what nobody needed has no supported tenant.
TO_RESERVE = "to_reserve"
COLUMNS = (
    Column("period", Kind.MONTH),
    Column("step", Kind.TEXT),
    Column("funder_kind", Kind.TEXT),
    Column("funder_site", Kind.TEXT),
    Column("funder", Kind.TEXT),
    Column("site", Kind.TEXT),
    Column("tenant", Kind.TEXT),
    Column("amount", Kind.AMOUNT),
)


def funding_of_run(connection: Connection, period: date) -> Funding:
    """Return the matrix of a complete run, as kept; computed again for one that was never kept. Raises Unknown."""
    # Says why there is none.
    stored(connection, period)
    matrix = standing_matrix(connection, period)
    return recomputed_funding(connection, period) if matrix is None else matrix.funding


def _rows(period: date, funding: Funding) -> Iterator[tuple[Cell, ...]]:
    for step, funder, supported, amount in funding.cells():
        yield (period, step, *funder, *supported, amount)
    for funder, amount in funding.to_reserve:
        yield (period, TO_RESERVE, *funder, None, None, amount)


def _json_pieces(period: date, funding: Funding) -> Iterator[bytes]:
    """Write a `shapes.FundingMatrix` as pieces of JSON: the pools, what went to the reserve, then every cell."""
    head = {
        "period": format_month(period),
        "pools": [shapes.Pool.of(pool) for pool in funding.pools],
        "to_reserve": shapes.gifts(funding.to_reserve),
    }
    yield encode(head)[:-1] + b',"cells":['
    before = b"\n"
    for step, funder, supported, amount in funding.cells():
        cell = shapes.FundingCell(
            step,  # type: ignore[arg-type]
            shapes.Funder(*funder),  # type: ignore[arg-type]
            shapes.Supported(*supported),
            format_amount(amount),
        )
        yield before + encode(cell)
        before = b",\n"
    yield b"\n]}\n"


def pieces(connection: Connection, period: date, file_format: str) -> Iterator[bytes]:
    """Return the matrix of a complete run as pieces of a file. Raises Unknown."""
    require_format(file_format)
    funding = funding_of_run(connection, period)
    if file_format == "json":
        return _json_pieces(period, funding)
    return table(file_format, "Qui finance qui", COLUMNS, _rows(period, funding))
