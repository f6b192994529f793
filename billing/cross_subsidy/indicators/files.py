"""The indicators as files: JSON; a row a place (`csv`); a workbook with the definitions and the rows behind."""

from collections.abc import Iterator

from billing.cross_subsidy.indicators.report import IndicatorReport, Place
from billing.cross_subsidy.indicators.shapes import IndicatorsAnswer
from billing.cross_subsidy.indicators.wording import WORDS, label
from billing.frame.shapes import indented
from ledger.exports import spreadsheet
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.indicators import Counted

_RATES = frozenset({"renewal", "departures", "success", "survival_5y", "export_share"})
_COUNTS = frozenset(
    {
        "firms", "entered", "left", "windows_ended", "succeeded", "state_unknown", "admitted_5y", "active_5y",
        "survival_unknown", "surveyed", "jobs",
    }
)  # fmt: skip
_ANSWERS = {True: "oui", False: "non"}


def pieces(report: IndicatorReport, file_format: str, *, rows: bool = False) -> Iterator[bytes]:
    """Return the indicators as pieces of a file; JSON with the rows behind them if they are asked for."""
    if file_format == "json":
        return iter([indented(IndicatorsAnswer.of(report, rows=rows))])
    if file_format == "xlsx":
        return workbook(report)
    columns = (Column("period", Kind.TEXT), Column("of", Kind.TEXT), Column("code", Kind.TEXT), *_columns(named=False))
    places = [("site", code, place) for code, place in report.sites.items()] + [("network", None, report.network)]
    cells = ((report.name, of, code, *_figures(place)) for of, code, place in places)
    return table(file_format, "Indicateurs", columns, cells)


def workbook(report: IndicatorReport) -> Iterator[bytes]:
    """Write the indicators by place, what each counts, and how each firm counts, a sheet each; headings in French."""
    places = [(report.names[code], place) for code, place in report.sites.items()] + [("Réseau", report.network)]
    figures = spreadsheet.Sheet(
        f"Indicateurs {report.name}",
        (Column("Site", Kind.TEXT), *_columns(named=True)),
        [(name, *_figures(place)) for name, place in places],
    )
    definitions = spreadsheet.Sheet(
        "Définitions",
        (Column("Indicateur", Kind.TEXT), Column("Définition", Kind.TEXT)),
        [*WORDS.values(), ("Cellule vide", "non renseigné : aucune donnée")],
    )
    behind = spreadsheet.Sheet(
        "Entreprises",
        (
            Column("Site", Kind.TEXT), Column("Entreprise", Kind.TEXT), Column(label("firms"), Kind.TEXT),
            Column(label("entered"), Kind.TEXT), Column(label("left"), Kind.TEXT),
            Column("Fin de la période aidée", Kind.DAY), Column("Réussie", Kind.TEXT),
            Column("Admise cinq ans plus tôt", Kind.DAY), Column("Active", Kind.TEXT),
            Column(label("jobs"), Kind.COUNT), Column(label("satisfaction"), Kind.QUANTITY),
            Column(label("export_share"), Kind.RATE),
        ),
        [_row(report, row) for row in report.rows],
    )  # fmt: skip
    return spreadsheet.book([figures, definitions, behind], empty=figures)


def _columns(*, named: bool) -> tuple[Column, ...]:
    return tuple(
        Column(
            label(name) if named else name,
            Kind.RATE if name in _RATES else Kind.COUNT if name in _COUNTS else Kind.AMOUNT,
        )
        for name in WORDS
    )


def _figures(place: Place) -> tuple[Cell, ...]:
    """Return the figures of a place in the order of their columns; scores are hundredths, as amounts are."""
    values = place.counted._asdict() | place.money._asdict()
    values |= {"cost_per_job": place.cost_per_job, "cost_per_success": place.cost_per_success}
    return tuple(values[name] for name in WORDS)


def _row(report: IndicatorReport, row: Counted) -> tuple[Cell, ...]:
    answer = row.answer
    return (
        "Réseau" if row.site is None else report.names[row.site],
        row.firm,
        *(_ANSWERS[said] for said in (row.present, row.entered, row.left)),
        row.window_ended,
        _told(row.succeeded, asked=row.window_ended is not None),
        row.admitted,
        _told(row.survives, asked=row.admitted is not None),
        *((None, None, None) if answer is None else (answer.jobs, answer.satisfaction, answer.export_share)),
    )


def _told(said: bool | None, *, asked: bool) -> str | None:
    return (_ANSWERS[said] if said is not None else "inconnu") if asked else None
