"""The annual report on the péréquation as a workbook: the same figures as on paper, without names."""

from collections.abc import Iterator

from billing.cross_subsidy.annual_report.year import FEWEST, SOURCES, YearStatement
from ledger.exports import spreadsheet
from ledger.exports.columns import Column, Kind


def _columns(text: tuple[str, ...], amounts: tuple[str, ...]) -> tuple[Column, ...]:
    return (*(Column(name, Kind.TEXT) for name in text), *(Column(name, Kind.AMOUNT) for name in amounts))


def year_workbook(report: YearStatement) -> Iterator[bytes]:
    """Write the report as the pieces of a workbook, a sheet a table; headings in French."""
    names = dict(report.sites)
    of_sources = ("Même site", "Autres sites", "Subventions", "Réserve", "Opérateur")
    months = (
        Column("Mois", Kind.MONTH),
        *_columns((), ("Soutien", *of_sources, "Mis en réserve", "Remises accordées", "Réserve après")),
    )
    labels = dict(zip(SOURCES, of_sources, strict=True))
    ranks = [
        (side, rank, amount)
        for side, amounts in (("Reçu", report.supports), ("Apporté", report.contributions))
        for rank, amount in enumerate(amounts if len(amounts) >= FEWEST else (), 1)
    ]
    sheets = [
        spreadsheet.Sheet(
            "Mois",
            months,
            [
                (m.period, m.support, *(m.of(s) for s in SOURCES), m.kept, m.advantage, m.reserve_after)
                for m in report.months
            ],
        ),
        spreadsheet.Sheet(
            "Flux",
            _columns(("Source", "Site d’origine", "Site aidé"), ("Montant",)),
            [
                (labels[f.source], names.get(f.origin or ""), names.get(f.site, f.site), f.amount)
                for f in report.flows()
            ],
        ),
        spreadsheet.Sheet(
            "Mis en réserve",
            _columns(("Site",), ("Montant",)),
            [(names.get(code, code), amount) for code, amount in sorted(report.kept_by_site().items())],
        ),
        spreadsheet.Sheet(
            "Subventions",
            _columns(("Subvention", "Financeur", "Site"), ("Au début", "Reçu", "Utilisé", "Reste")),
            [
                (g.code, g.funder, names.get(g.site or "", g.site), g.before, g.received, g.used, g.left)
                for g in report.grants
            ],
        ),
        spreadsheet.Sheet(
            "Répartition",
            (Column("Sens", Kind.TEXT), Column("Rang", Kind.COUNT), Column("Montant", Kind.AMOUNT)),
            ranks,
        ),
        spreadsheet.Sheet(
            "Rapprochement",
            _columns(
                ("Compte", "Libellé"),
                ("Cet état", "Écritures de ces mois", "Écart", "Datées hors de l’année", "D’autres mois, datées ici"),
            ),
            [
                (t.account, t.label, t.stated, t.booked, t.stated - t.booked, t.dated_elsewhere, t.dated_here)
                for t in report.ties
            ],
        ),
    ]
    return spreadsheet.book(sheets, empty=sheets[0])
