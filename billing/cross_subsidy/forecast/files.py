"""Forecasts, dials and comparisons as files: JSON for programs, long tables (a figure a row) for spreadsheets."""

from collections.abc import Iterator
from datetime import date

from billing.cross_subsidy.forecast import shapes
from billing.cross_subsidy.forecast.forecasting import Forecast, Question
from billing.cross_subsidy.forecast.shapes import ten_thousandths
from billing.cross_subsidy.forecast.what_if import MOVERS_SHOWN, Figures, WhatIf
from billing.frame.reports.formats import require_format
from billing.frame.shapes import indented
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.forecast.dial import Reading

FORECAST_COLUMNS = (
    # Blank: all months together.
    Column("month", Kind.MONTH),
    # Blank: the network.
    Column("site", Kind.TEXT),
    Column("figure", Kind.TEXT),
    Column("path", Kind.AMOUNT),
    Column("low", Kind.AMOUNT),
    Column("median", Kind.AMOUNT),
    Column("high", Kind.AMOUNT),
)
DIAL_COLUMNS = (
    # Blank: the network.
    Column("site", Kind.TEXT),
    Column("newcomers", Kind.COUNT),
    Column("confidence", Kind.RATE),
    Column("confidence_one_more", Kind.RATE),
    Column("free_offices", Kind.COUNT),
)
WHAT_IF_COLUMNS = (
    Column("of", Kind.TEXT),
    Column("code", Kind.TEXT),
    Column("name", Kind.TEXT),
    Column("figure", Kind.TEXT),
    Column("today", Kind.AMOUNT),
    Column("asked", Kind.AMOUNT),
    Column("difference", Kind.AMOUNT),
)


def forecast_pieces(ahead: Forecast, file_format: str) -> Iterator[bytes]:
    """Return a forecast as the pieces of a file."""
    require_format(file_format)
    if file_format == "json":
        return iter((indented(shapes.Forecast.of(ahead)),))
    return table(file_format, "Prévision", FORECAST_COLUMNS, _forecast_rows(ahead))


def _forecast_rows(ahead: Forecast) -> Iterator[tuple[Cell, ...]]:
    for month, figures in zip((*ahead.path.months, None), (*ahead.months, ahead.whole), strict=True):
        for code, of_site in (*figures.sites.items(), (None, figures.network)):
            for name, figure in of_site.items():
                yield (month, code, name, figure.path, *figure.drawn)


def dial_pieces(
    question: Question, area: int, first: date, readings: tuple[Reading, ...], file_format: str
) -> Iterator[bytes]:
    """Return the dial as the pieces of a file."""
    require_format(file_format)
    if file_format == "json":
        return iter((indented(shapes.Dial.of(question, area, first, readings)),))
    rows = (
        (
            reading.site,
            reading.newcomers,
            ten_thousandths(reading.confidence),
            None if reading.one_more is None else ten_thousandths(reading.one_more),
            reading.free,
        )
        for reading in readings
    )
    return table(file_format, "Admissions", DIAL_COLUMNS, rows)


def what_if_pieces(both: WhatIf, file_format: str, movers: int = MOVERS_SHOWN) -> Iterator[bytes]:
    """Return a comparison as the pieces of a file; the tables hold every tenant, the JSON those who move most."""
    require_format(file_format)
    if file_format == "json":
        return iter((indented(shapes.WhatIf.of(both, movers)),))
    return table(file_format, "Et si", WHAT_IF_COLUMNS, _what_if_rows(both))


def _what_if_rows(both: WhatIf) -> Iterator[tuple[Cell, ...]]:
    def rows(of: str, code: str | None, before: Figures, after: Figures) -> Iterator[tuple[Cell, ...]]:
        for name, today, asked in zip(Figures._fields, before, after, strict=True):
            yield (of, code, None, name, today, asked, asked - today)

    for code in both.today.sites:
        yield from rows("site", code, both.today.sites[code], both.asked.sites[code])
    yield from rows("network", None, both.today.network, both.asked.network)
    today, asked = both.today.reserve_after, both.asked.reserve_after
    yield ("network", None, None, "reserve_after", today, asked, asked - today)
    for mover in both.movers:
        yield ("tenant", mover.tenant, mover.name, "income", mover.today, mover.asked, mover.difference)
