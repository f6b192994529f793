"""The year of grants as their givers read it, in French: a workbook, and a paper of figures and tables."""

from collections.abc import Iterator

from billing.cross_subsidy.annual_report.year import GrantYear
from billing.cross_subsidy.grants_report.year import GrantsYear, total
from invoices import formats
from invoices.document import Party
from invoices.rendering.figures import Column, Figure, FigurePaper, Figures, Lead, Notes, Rows, render_figures
from invoices.rendering.sheet import Note
from ledger.exports import columns, spreadsheet
from ledger.exports.columns import Kind
from pricing.period import ONE_DAY, add_months

_TITLE = "Emploi des subventions {year}"
_EVERYWHERE = "Tout le réseau"
_AMOUNTS = ("Au début", "Reçu", "Utilisé", "Reporté")


def grants_workbook(report: GrantsYear) -> Iterator[bytes]:
    """Write the report as the pieces of a workbook, a sheet a table."""
    text, amount = Kind.TEXT, Kind.AMOUNT
    sheets = [
        _sheet(
            "Subventions",
            (("Subvention", text), ("Financeur", text), ("Pour", text), *((name, amount) for name in _AMOUNTS)),
            [(g.code, g.funder, _place(report, g.site), g.before, g.received, g.used, g.left) for g in report.grants],
        ),
        _sheet(
            "Mois",
            (("Mois", Kind.MONTH), ("Subvention", text), ("Utilisé", amount)),
            [(month, code, used) for (month, code), used in report.by_month().items()],
        ),
        _sheet(
            "Bénéficiaires",
            (("Subvention", text), ("Site", text), ("Code", text), ("Entreprise", text), ("Mois", Kind.COUNT),
             ("Utilisé", amount)),
            [
                (code, report.sites.get(site, site), firm, report.firms.get(firm, firm), months, used)
                for (code, site, firm), (months, used) in report.by_firm().items()
            ],
        ),
        _sheet(
            "Détail",
            (("Mois", Kind.MONTH), ("Subvention", text), ("Site", text), ("Code", text), ("Entreprise", text),
             ("Utilisé", amount)),
            [
                (u.period, u.grant, report.sites.get(u.site, u.site), u.tenant, report.firms.get(u.tenant, u.tenant),
                 u.amount)
                for u in report.uses
            ],
        ),
    ]  # fmt: skip
    return spreadsheet.book(sheets, empty=sheets[0])


def _sheet(title: str, named: tuple[tuple[str, Kind], ...], rows: list[tuple[columns.Cell, ...]]) -> spreadsheet.Sheet:
    return spreadsheet.Sheet(title, tuple(columns.Column(*one) for one in named), rows)


def _place(report: GrantsYear, site: str | None) -> str:
    return _EVERYWHERE if site is None else report.sites.get(site, site)


def grants_pdf(report: GrantsYear, seller: Party) -> bytes:
    """Write the report as PDF: the same bytes for the same figures. Raises RenderingFailed."""
    title = _TITLE.format(year=report.year)
    funders = sorted({grant.funder for grant in report.grants})
    return render_figures(
        FigurePaper(
            issued_on=add_months(report.last, 1) - ONE_DAY,
            seller=seller,
            buyer=None,
            addressee="",
            subject=title,
            title=title,
            number=", ".join(funders),
            facts=(),
            blocks=(
                Lead(_sentences(report)),
                _figures(report),
                _table_of_grants(report),
                _table_of_months(report),
                _table_of_firms(report),
                _NOTES,
            ),
        )
    )


def _sentences(report: GrantsYear) -> tuple[str, ...]:
    whole = total(report.grants)
    firms = len({use.tenant for use in report.uses})
    helped = "une entreprise" if firms == 1 else f"{firms} entreprises"
    used = f"{formats.dirhams(whole.used)} ont permis à {helped} de payer moins que le coût complet."
    if not firms:
        used = "Rien n’a été utilisé."
    before = f", en plus de {formats.dirhams(whole.before)} qui restaient des années passées" if whole.before else ""
    left = f"{formats.dirhams(whole.left)} sont reportés." if whole.left else "Rien n’est reporté."
    return f"{formats.dirhams(whole.received)} ont été reçus en {report.year}{before}. {used}", left


def _figures(report: GrantsYear) -> Figures:
    whole = total(report.grants)
    firms = len({use.tenant for use in report.uses})
    received = f"et {formats.dirhams(whole.before)} des années passées" if whole.before else "rien n’était reporté"
    return Figures(
        (
            Figure("Reçu", formats.dirhams(whole.received), received),
            Figure("Utilisé", formats.dirhams(whole.used), f"pour {firms} entreprise{'s' if firms > 1 else ''}"),
            Figure("Reporté", formats.dirhams(whole.left), f"à fin {formats.month(report.last)}"),
        )
    )


def _table_of_grants(report: GrantsYear) -> Rows:
    named = (Column("Subvention", "26mm", True), Column("Pour", "", True))
    headings = (*named, *(Column(name, "27mm", False) for name in _AMOUNTS))

    def amounts(grant: GrantYear) -> tuple[str, ...]:
        return tuple(map(formats.amount, (grant.before, grant.received, grant.used, grant.left)))

    rows = [(grant.code, _place(report, grant.site), *amounts(grant)) for grant in report.grants]
    rows.append(("Total", "", *amounts(total(report.grants))))
    return Rows("Les subventions, en dirhams", headings, tuple(rows), total=True)


def _table_of_months(report: GrantsYear) -> Rows:
    headings = (Column("Mois", "30mm", True), Column("Subvention", "", True), Column("Utilisé", "32mm", False))
    rows = [
        (formats.month_name(month), code, formats.amount(used)) for (month, code), used in report.by_month().items()
    ]
    rows.append(("Total", "", formats.amount(sum(use.amount for use in report.uses))))
    return Rows("Par mois, en dirhams", headings, tuple(rows), total=True)


def _table_of_firms(report: GrantsYear) -> Rows:
    headings = (
        Column("Entreprise", "", True),
        Column("Site", "48mm", True),
        Column("Subvention", "26mm", True),
        Column("Mois", "14mm", False),
        Column("Utilisé", "28mm", False),
    )
    rows = [
        (report.firms.get(firm, firm), report.sites.get(site, site), code, str(months), formats.amount(used))
        for (code, site, firm), (months, used) in report.by_firm().items()
    ]
    rows.append(("Total", "", "", "", formats.amount(sum(use.amount for use in report.uses))))
    return Rows("Pour qui, en dirhams", headings, tuple(rows), total=True)


_NOTES = Notes(
    (
        Note(
            "Ce qui est utilisé",
            (
                "Une jeune entreprise paie ses bureaux et services moins qu’ils ne coûtent. Les subventions affectées "
                "à un site couvrent d’abord cette différence ; celles du réseau, ce que les entreprises installées et "
                "la réserve n’ont pas couvert.",
            ),
        ),
        Note(
            "Ce qui est reporté",
            ("Ce qui n’est pas utilisé en fin d’année reste à la subvention et sert aux mois suivants.",),
        ),
        Note("D’où viennent ces chiffres", ("Du compte 9208 du journal de péréquation, au centime.",)),
    )
)
