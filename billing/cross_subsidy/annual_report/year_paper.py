"""The annual report on the péréquation as its board and its regions read it, in French: figures, charts, tables."""

from itertools import pairwise

from billing.cross_subsidy.annual_report.year import (
    OF_GRANTS,
    OF_OPERATOR,
    OF_RESERVE,
    OTHER_SITES,
    OWN_SITE,
    YearStatement,
)
from billing.cross_subsidy.annual_report.year_charts import (
    chart_of_months,
    chart_of_reserve,
    chart_of_sources,
    distribution,
    firms,
    flows_between_sites,
    percent,
    uses_of_grants,
)
from billing.cross_subsidy.annual_report.year_rows import table_of_flows, table_of_months, table_of_sites, table_of_ties
from invoices import formats
from invoices.document import Party
from invoices.rendering.figures import Block, Break, Charts, Figure, FigurePaper, Figures, Lead, Notes, render_figures
from invoices.rendering.sheet import Note
from pricing.period import ONE_DAY, add_months


def year_pdf(report: YearStatement, seller: Party) -> bytes:
    """Write the report as PDF: the same bytes for the same figures. Raises RenderingFailed."""
    return render_figures(year_paper(report, seller))


def year_paper(report: YearStatement, seller: Party) -> FigurePaper:
    """Lay out the report: what matters in sentences and three figures, then charts, then tables."""
    names = dict(report.sites)
    return FigurePaper(
        issued_on=add_months(report.months[-1].period, 1) - ONE_DAY,
        seller=seller,
        buyer=None,
        addressee="",
        subject=f"État de la péréquation {report.year}",
        title=f"État de la péréquation {report.year}",
        number=covered(report),
        facts=(),
        blocks=(
            *_title(report),
            Charts((chart_of_months(report),)),
            Charts((chart_of_sources(report), chart_of_reserve(report))),
            Break(),
            *flows_between_sites(report, names),
            *uses_of_grants(report, names),
            *distribution(report),
            Break(),
            table_of_months(report),
            table_of_sites(report, names),
            table_of_flows(report, names),
            Break(),
            table_of_ties(report),
            _NOTES,
        ),
    )


def covered(report: YearStatement) -> str:
    """Say which months the report counts."""
    periods = [month.period for month in report.months]
    if report.is_whole:
        return "de janvier à décembre"
    if len(periods) == 1:
        return f"{formats.month(periods[0])} seulement"
    together = all(add_months(a, 1) == b for a, b in pairwise(periods))
    if together:
        return f"{formats.month_name(periods[0])} à {formats.month(periods[-1])} : {len(periods)} mois"
    names = ", ".join(formats.month_name(period) for period in periods)
    return f"{names} {report.year} : {len(periods)} mois"


def _title(report: YearStatement) -> tuple[Block, ...]:
    """Sum up what a reader who turns no page should know."""
    supported, givers = len(report.supports), len(report.contributions)
    change = report.reserve_after - report.reserve_before
    moved = "de plus" if change > 0 else "de moins"
    support = Figure(
        "Soutien aux jeunes entreprises",
        formats.dirhams(report.support),
        firms(supported, "entreprise", "entreprises"),
    )
    brought = Figure(
        "Apporté par les entreprises installées",
        formats.dirhams(sum(report.contributions)),
        firms(givers, "entreprise", "entreprises")
        + (f" ; {formats.dirhams(report.kept)} vont à la réserve" if report.kept else ""),
    )
    reserve = Figure(
        f"Réserve à fin {formats.month(report.months[-1].period)}",
        formats.dirhams(report.reserve_after),
        f"{formats.dirhams(abs(change))} {moved} qu’avant ces mois" if change else "comme avant ces mois",
    )
    return Lead(_sentences(report)), Figures((support, brought, reserve))


def _sentences(report: YearStatement) -> tuple[str, ...]:
    """Say who was helped, who paid, what the operator bore."""
    span = f"En {report.year}" if report.is_whole else f"Sur les mois comptés de {report.year}"
    if not report.support:
        return (f"{span}, aucune entreprise n’a payé ses bureaux et services moins qu’ils ne coûtent.",)
    supported = firms(len(report.supports), "jeune entreprise a payé", "jeunes entreprises ont payé")
    first = (
        f"{span}, {supported} leurs bureaux et services moins qu’ils ne coûtent. La différence, "
        f"{formats.dirhams(report.support)}, a été payée par d’autres."
    )
    by_firms = report.of(OWN_SITE) + report.of(OTHER_SITES)
    givers = firms(len(report.contributions), "entreprise installée", "entreprises installées")
    parts = [f"{percent(by_firms, report.support)} par {givers}, à travers leur propre prix"] if by_firms else []
    for source, name in ((OF_GRANTS, "les subventions"), (OF_RESERVE, "la réserve des mois passés")):
        if report.of(source):
            parts.append(f"{percent(report.of(source), report.support)} par {name}")
    sentences = [first, f"Elle l’a été à {' ; à '.join(parts)}."] if parts else [first]
    borne = report.of(OF_OPERATOR)
    if borne:
        sentences.append(
            f"L’opérateur a gardé à sa charge {formats.dirhams(borne)}, {percent(borne, report.support)} du total."
        )
    else:
        sentences.append("Rien n’est resté à la charge de l’opérateur.")
    return tuple(sentences)


_NOTES = Notes(
    (
        Note(
            "Ce que compte cet état",
            (
                "Une jeune entreprise paie pendant dix-huit mois un prix inférieur au coût complet ; une entreprise "
                "installée paie le plein tarif, qui le dépasse. La péréquation est le passage de l’un à l’autre.",
            ),
        ),
        Note(
            "Dans quel ordre",
            (
                "Le besoin d’un site est couvert par les subventions qui lui sont affectées, puis par ses propres "
                "entreprises, celles des autres sites, la réserve, les subventions du réseau, enfin l’opérateur.",
            ),
        ),
        Note(
            "D’où viennent ces chiffres",
            ("Du journal de péréquation (classe 9), au centime : voir ci-dessus. Aucune entreprise n’est nommée.",),
        ),
    )
)
