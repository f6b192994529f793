"""An explanation as a table: a row a line."""

from collections.abc import Iterator

from billing.documents.explanation.shapes import DocumentExplanation, LineExplanation
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.money import AMOUNT_DECIMALS, PRICE_DECIMALS, QUANTITY_DECIMALS, RATE_DECIMALS, parse_decimal
from pricing.period import parse_month

COLUMNS = (
    Column("number", Kind.TEXT),
    Column("line", Kind.COUNT),
    Column("origin", Kind.TEXT),
    Column("service", Kind.TEXT),
    Column("site", Kind.TEXT),
    Column("month", Kind.MONTH),
    Column("lease", Kind.TEXT),
    Column("first_day", Kind.DAY),
    Column("last_day", Kind.DAY),
    Column("days", Kind.COUNT),
    Column("days_in_month", Kind.COUNT),
    Column("events", Kind.TEXT),
    Column("quantity", Kind.QUANTITY),
    Column("tier", Kind.TEXT),
    Column("window_first_day", Kind.DAY),
    Column("window_last_day", Kind.DAY),
    Column("full_price", Kind.PRICE),
    Column("unit_price", Kind.PRICE),
    Column("unit_cost", Kind.PRICE),
    Column("amount", Kind.AMOUNT),
    Column("rate_from", Kind.DAY),
    Column("rate_source", Kind.TEXT),
    Column("vat_rate", Kind.RATE),
    Column("vat_from", Kind.DAY),
    Column("contribution", Kind.AMOUNT),
    Column("draw", Kind.AMOUNT),
    Column("advantage", Kind.AMOUNT),
    Column("takes_back", Kind.TEXT),
    Column("why", Kind.TEXT),
)


def pieces(explanation: DocumentExplanation, file_format: str) -> Iterator[bytes]:
    """Return an explanation as pieces of a CSV file or a workbook."""
    return table(file_format, explanation.number, COLUMNS, (_row(explanation.number, x) for x in explanation.lines))


def _row(number: str, x: LineExplanation) -> tuple[Cell, ...]:
    lease, part, taken = x.lease, x.cross_subsidy, x.takes_back
    window = None if x.tier_basis is None else x.tier_basis.window
    newest = x.rates[-1] if x.rates else None
    of_lease: tuple[Cell, ...] = (None,) * 5
    if lease is not None:
        of_lease = (lease.code, lease.first_day, lease.last_day, lease.days, lease.days_in_month)
    return (
        number, x.line, x.origin, x.service, x.site, parse_month(x.month), *of_lease,
        " ".join(event.event_id for event in x.events), parse_decimal(x.quantity, QUANTITY_DECIMALS), x.tier,
        *((None, None) if window is None else (window.first_day, window.last_day)),
        *(parse_decimal(price, PRICE_DECIMALS) for price in (x.full_price, x.unit_price, x.unit_cost)),
        parse_decimal(x.amount, AMOUNT_DECIMALS),
        *((None, None) if newest is None else (newest.effective_from, newest.source)),
        parse_decimal(x.vat_rate, RATE_DECIMALS), None if x.vat is None else x.vat.effective_from,
        *(parse_decimal(amount, AMOUNT_DECIMALS) for amount in (part.contribution, part.draw, part.advantage)),
        None if taken is None else f"{taken.document}/{taken.line}", "; ".join(x.why),
    )  # fmt: skip
