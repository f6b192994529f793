"""The year's statement of the péréquation as data and as a workbook: the same figures as on paper, without names."""

from collections.abc import Iterator
from typing import Any

from billing.cross_subsidy.annual_report.year import SOURCES, YearStatement
from billing.cross_subsidy.annual_report.year_paper import FEWEST
from ledger.exports import spreadsheet
from ledger.exports.columns import Column, Kind
from pricing.money import format_amount
from pricing.period import format_month


def year_json(found: YearStatement) -> dict[str, Any]:
    """The statement as data: amounts as decimal strings. A distribution of fewer than five firms is `null`."""
    return {
        "year": found.year,
        "months_counted": [format_month(month.period) for month in found.months],
        "support": format_amount(found.support),
        "sources": {source: format_amount(found.of(source)) for source in SOURCES},
        "contributions": format_amount(sum(found.contributions)),
        "to_reserve": format_amount(found.kept),
        "advantage": format_amount(found.advantage),
        "reserve_before": format_amount(found.reserve_before),
        "reserve_after": format_amount(found.reserve_after),
        "firms_supported": len(found.supports),
        "firms_contributing": len(found.contributions),
        "months": [
            {
                "period": format_month(month.period),
                "support": format_amount(month.support),
                "sources": {source: format_amount(month.of(source)) for source in SOURCES},
                "to_reserve": format_amount(month.kept),
                "advantage": format_amount(month.advantage),
                "reserve_after": format_amount(month.reserve_after),
            }
            for month in found.months
        ],
        "flows": [
            {"source": flow.source, "origin": flow.origin, "site": flow.site, "amount": format_amount(flow.amount)}
            for flow in found.flows()
        ],
        "to_reserve_by_site": {code: format_amount(amount) for code, amount in sorted(found.kept_by_site().items())},
        "grants": [
            {
                "code": grant.code,
                "funder": grant.funder,
                "site": grant.site,
                "before": format_amount(grant.before),
                "received": format_amount(grant.received),
                "used": format_amount(grant.used),
                "left": format_amount(grant.left),
            }
            for grant in found.grants
        ],
        "distribution": {
            "supports": _distribution(found.supports),
            "contributions": _distribution(found.contributions),
        },
        "ledger": [
            {
                "account": tie.account,
                "stated": format_amount(tie.stated),
                "booked": format_amount(tie.booked),
                "difference": format_amount(tie.stated - tie.booked),
                "dated_elsewhere": format_amount(tie.dated_elsewhere),
                "dated_here": format_amount(tie.dated_here),
            }
            for tie in found.ties
        ],
    }


def _distribution(amounts: tuple[int, ...]) -> list[str] | None:
    return [format_amount(amount) for amount in amounts] if len(amounts) >= FEWEST else None


def _columns(text: tuple[str, ...], amounts: tuple[str, ...]) -> tuple[Column, ...]:
    return (*(Column(name, Kind.TEXT) for name in text), *(Column(name, Kind.AMOUNT) for name in amounts))


def year_workbook(found: YearStatement) -> Iterator[bytes]:
    """The statement as pieces of a workbook, a sheet a table; headings in French."""
    names = dict(found.sites)
    of_sources = ("Même site", "Autres sites", "Subventions", "Réserve", "Opérateur")
    months = (
        Column("Mois", Kind.MONTH),
        *_columns((), ("Soutien", *of_sources, "Mis en réserve", "Remises accordées", "Réserve après")),
    )
    labels = dict(zip(SOURCES, of_sources, strict=True))
    ranks = [
        (side, rank, amount)
        for side, amounts in (("Reçu", found.supports), ("Apporté", found.contributions))
        for rank, amount in enumerate(amounts if len(amounts) >= FEWEST else (), 1)
    ]
    sheets = [
        spreadsheet.Sheet(
            "Mois",
            months,
            [
                (m.period, m.support, *(m.of(s) for s in SOURCES), m.kept, m.advantage, m.reserve_after)
                for m in found.months
            ],
        ),
        spreadsheet.Sheet(
            "Flux",
            _columns(("Source", "Site d’origine", "Site aidé"), ("Montant",)),
            [(labels[f.source], names.get(f.origin or ""), names.get(f.site, f.site), f.amount) for f in found.flows()],
        ),
        spreadsheet.Sheet(
            "Mis en réserve",
            _columns(("Site",), ("Montant",)),
            [(names.get(code, code), amount) for code, amount in sorted(found.kept_by_site().items())],
        ),
        spreadsheet.Sheet(
            "Subventions",
            _columns(("Subvention", "Financeur", "Site"), ("Au début", "Reçu", "Utilisé", "Reste")),
            [
                (g.code, g.funder, names.get(g.site or "", g.site), g.before, g.received, g.used, g.left)
                for g in found.grants
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
                for t in found.ties
            ],
        ),
    ]
    return spreadsheet.book(sheets, empty=sheets[0])
