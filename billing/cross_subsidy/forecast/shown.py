"""Forecasts, dials and what-ifs as data: JSON for programs, long tables (a figure a row) for CSV and XLSX."""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from billing.cross_subsidy.forecast.assumptions import assumptions_json
from billing.cross_subsidy.forecast.forecasting import Figure, Figures, Forecast, Question
from billing.cross_subsidy.forecast.what_if import MOVERS_SHOWN, Mover, Side, WhatIf
from billing.cross_subsidy.forecast.what_if import Figures as Compared
from billing.frame.reports.formats import require_format
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.forecast.dial import CONFIDENCE, DIAL_MONTHS, Reading
from pricing.money import format_amount, format_quantity, format_rate
from pricing.period import format_month

_SHARE = 10_000

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


def share(found: Fraction) -> str:
    """A share of draws as text: exact to the ten-thousandth, never rounded up."""
    return format_rate(_rate(found))


def _rate(found: Fraction) -> int:
    return found.numerator * _SHARE // found.denominator


def _figure_json(found: Figure) -> dict[str, str]:
    return {"path": format_amount(found.path)} | {
        name: format_amount(value) for name, value in found.drawn._asdict().items()
    }


def _figures_json(found: Figures) -> dict[str, Any]:
    return {
        "sites": {
            code: {name: _figure_json(figure) for name, figure in of_site.items()}
            for code, of_site in found.sites.items()
        },
        "network": {name: _figure_json(figure) for name, figure in found.network.items()},
        "draws_unfunded": share(found.unmet),
    }


def _question_json(question: Question) -> dict[str, Any]:
    return {
        "draws": question.draws,
        "seed": question.seed,
        "usage": question.usage,
        "assumptions": assumptions_json(question.assumptions),
    }


def _unpriced_json(found: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"tenant": code, "message": message} for code, message in found]


def forecast_json(found: Forecast) -> dict[str, Any]:
    """The whole forecast."""
    usual_from = found.outlook.usual_from
    return {
        "first": format_month(found.path.months[0]),
        "last": format_month(found.path.months[-1]),
        **_question_json(found.question),
        "usual_from": None if usual_from is None else usual_from.isoformat(),
        "runs": [
            {"month": format_month(month), **_figures_json(figures)}
            for month, figures in zip(found.path.months, found.months, strict=True)
        ],
        "whole": _figures_json(found.whole),
        "unpriced": _unpriced_json(found.path.unpriced),
    }


def _forecast_rows(found: Forecast) -> Iterator[tuple[Cell, ...]]:
    for month, figures in zip((*found.path.months, None), (*found.months, found.whole), strict=True):
        for code, of_site in (*figures.sites.items(), (None, figures.network)):
            for name, figure in of_site.items():
                yield (month, code, name, figure.path, *figure.drawn)


def forecast_pieces(found: Forecast, file_format: str) -> Iterator[bytes]:
    """The forecast as pieces of a file."""
    require_format(file_format)
    if file_format == "json":
        return _json_pieces(forecast_json(found))
    return table(file_format, "Prévision", FORECAST_COLUMNS, _forecast_rows(found))


def _json_pieces(shape: Mapping[str, Any]) -> Iterator[bytes]:
    yield json.dumps(shape, ensure_ascii=False, indent=2).encode() + b"\n"


def _reading_json(found: Reading) -> dict[str, Any]:
    return {
        "newcomers": found.newcomers,
        "confidence": share(found.confidence),
        "confidence_one_more": None if found.one_more is None else share(found.one_more),
        "free_offices": found.free,
    }


def dial_json(question: Question, area: int, first: Any, readings: tuple[Reading, ...]) -> dict[str, Any]:
    """The dial of every site and of the network."""
    *sites, network = readings
    return {
        "first": format_month(first),
        "months": DIAL_MONTHS,
        "area_m2": format_quantity(area),
        "wanted_confidence": share(CONFIDENCE),
        **_question_json(question),
        "sites": {str(found.site): _reading_json(found) for found in sites},
        "network": {**_reading_json(network), "shares": dict(network.shares)},
    }


def dial_pieces(
    question: Question, area: int, first: Any, readings: tuple[Reading, ...], file_format: str
) -> Iterator[bytes]:
    """The dial as pieces of a file."""
    require_format(file_format)
    if file_format == "json":
        return _json_pieces(dial_json(question, area, first, readings))
    rows = (
        (
            found.site,
            found.newcomers,
            _rate(found.confidence),
            None if found.one_more is None else _rate(found.one_more),
            found.free,
        )
        for found in readings
    )
    return table(file_format, "Admissions", DIAL_COLUMNS, rows)


def _compared_json(today: Compared, asked: Compared) -> dict[str, dict[str, str]]:
    return {
        name: {
            "today": format_amount(before),
            "asked": format_amount(after),
            "difference": format_amount(after - before),
        }
        for name, before, after in zip(Compared._fields, today, asked, strict=True)
    }


def _mover_json(found: Mover) -> dict[str, str]:
    return {
        "tenant": found.tenant,
        "name": found.name,
        "today": format_amount(found.today),
        "asked": format_amount(found.asked),
        "difference": format_amount(found.difference),
    }


def what_if_json(found: WhatIf, movers: int = MOVERS_SHOWN) -> dict[str, Any]:
    """Both sides and their difference; who would pay most more and most less."""
    more, less = found.most(movers)
    counts = [mover.difference for mover in found.movers]
    return {
        "from": format_month(found.months[0]),
        "until": format_month(found.months[-1]),
        "reserve_before": format_amount(found.reserve_before),
        "reserve_after": {
            "today": format_amount(found.today.reserve_after),
            "asked": format_amount(found.asked.reserve_after),
            "difference": format_amount(found.asked.reserve_after - found.today.reserve_after),
        },
        "sites": {code: _compared_json(found.today.sites[code], found.asked.sites[code]) for code in found.today.sites},
        "network": _compared_json(found.today.network, found.asked.network),
        "tenants": {
            "paying_more": sum(difference > 0 for difference in counts),
            "paying_less": sum(difference < 0 for difference in counts),
            "paying_the_same": sum(difference == 0 for difference in counts),
        },
        "most_more": [_mover_json(mover) for mover in more],
        "most_less": [_mover_json(mover) for mover in less],
        "unpriced": _unpriced_json(found.unpriced),
    }


def _what_if_rows(found: WhatIf) -> Iterator[tuple[Cell, ...]]:
    def rows(of: str, code: str | None, before: Compared, after: Compared) -> Iterator[tuple[Cell, ...]]:
        for name, today, asked in zip(Compared._fields, before, after, strict=True):
            yield (of, code, None, name, today, asked, asked - today)

    for code in found.today.sites:
        yield from rows("site", code, found.today.sites[code], found.asked.sites[code])
    yield from rows("network", None, found.today.network, found.asked.network)
    after: tuple[Side, Side] = found.today, found.asked
    today, asked = (side.reserve_after for side in after)
    yield ("network", None, None, "reserve_after", today, asked, asked - today)
    for mover in found.movers:
        yield ("tenant", mover.tenant, mover.name, "income", mover.today, mover.asked, mover.difference)


def what_if_pieces(found: WhatIf, file_format: str, movers: int = MOVERS_SHOWN) -> Iterator[bytes]:
    """The comparison as pieces of a file; the tables hold every tenant, the JSON those who move most."""
    require_format(file_format)
    if file_format == "json":
        return _json_pieces(what_if_json(found, movers))
    return table(file_format, "Et si", WHAT_IF_COLUMNS, _what_if_rows(found))
