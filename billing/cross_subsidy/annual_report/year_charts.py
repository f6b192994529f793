"""The charts of the annual report on the péréquation, and what is written beside them."""

from collections.abc import Mapping
from datetime import date

from billing.cross_subsidy.annual_report.year import (
    FEWEST,
    OF_GRANTS,
    OF_OPERATOR,
    OF_RESERVE,
    OTHER_SITES,
    OWN_SITE,
    SITES_MAX,
    SOURCES,
    YearMonth,
    YearStatement,
)
from invoices import formats
from invoices.rendering.charts import Band, Bands, Bar, Months, Ranks, Share, Shares, Used, Uses
from invoices.rendering.figures import Block, Chart, Charts, Column, Notes, Rows
from invoices.rendering.sheet import Note
from pricing.money import share_of

_NAMES = {
    OWN_SITE: "Entreprises du même site",
    OTHER_SITES: "Entreprises des autres sites",
    OF_GRANTS: "Subventions publiques",
    OF_RESERVE: "Réserve du réseau",
    OF_OPERATOR: "Opérateur, sur ses fonds",
}
_SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


def percent(part: int, whole: int) -> str:
    """Write a part of a whole in percent."""
    return formats.percentage(share_of(part, whole)) if whole else formats.percentage(0)


def firms(number: int, singular: str, plural: str) -> str:
    """Count firms in words."""
    return f"{number}{formats.SPACE}{singular if number == 1 else plural}"


def chart_of_months(report: YearStatement) -> Chart:
    """Draw each month's support by source, and what went to the reserve."""
    of_period = {month.period: month for month in report.months}
    bars = []
    for number in range(1, 13):
        month = of_period.get(date(report.year, number, 1))
        up = () if month is None else tuple(month.of(source) for source in SOURCES)
        bars.append(
            Bar(_SHORT[number - 1], str(report.year) if number == 1 else "", up, () if month is None else (month.kept,))
        )
    subtitle = "Au-dessus de la ligne, qui a payé le soutien ; au-dessous, ce qui est allé à la réserve."
    return Chart(
        "Mois par mois, en dirhams",
        subtitle,
        Months(tuple(bars), (), "soutien ↑", "réserve ↓" if report.kept else ""),
        62,
    )


def chart_of_sources(report: YearStatement) -> Chart:
    """Draw the shares of the sources."""
    shares = tuple(
        Share(
            _NAMES[source],
            report.of(source),
            f"{formats.dirhams(report.of(source))} · {percent(report.of(source), report.support)}",
            tone,
        )
        for tone, source in enumerate(SOURCES)
    )
    return Chart(
        "Qui a payé",
        "De haut en bas dans l’ordre de la cascade, les teintes du graphique ci-dessus",
        Shares(shares),
        37,
    )


def chart_of_reserve(report: YearStatement) -> Chart:
    """Draw the reserve month by month."""
    of_period = {month.period: month for month in report.months}
    bars = [Bar("début", "", (report.reserve_before,), ())]
    for number in range(1, 13):
        month: YearMonth | None = of_period.get(date(report.year, number, 1))
        bars.append(Bar(_SHORT[number - 1], "", () if month is None else (month.reserve_after,), ()))
    return Chart("La réserve à la fin de chaque mois, en dirhams", "Compte 9207", Months(tuple(bars)), 37)


def flows_between_sites(report: YearStatement, names: Mapping[str, str]) -> tuple[Block, ...]:
    """Draw what goes from site to site as bands: what stays at home is pale, what goes to others is dark."""
    flows = report.flows()
    if not flows:
        return ()
    weight: dict[str, int] = {}
    for flow in flows:
        weight[flow.site] = weight.get(flow.site, 0) + flow.amount
        if flow.origin is not None:
            weight[flow.origin] = weight.get(flow.origin, 0) + flow.amount
    for code, amount in report.kept_by_site().items():
        weight[code] = weight.get(code, 0) + amount
    largest = sorted(weight, key=lambda code: (-weight[code], code))
    shown = sorted(largest if len(largest) <= SITES_MAX else largest[: SITES_MAX - 1])

    def place(code: str) -> str:
        return names.get(code, code) if code in shown else "Autres sites"

    labels = {OF_GRANTS: "Subventions", OF_RESERVE: "Réserve", OF_OPERATOR: "Opérateur"}
    sums: dict[tuple[str, str], int] = {}
    for flow in flows:
        key = place(flow.origin) if flow.origin is not None else labels[flow.source], place(flow.site)
        sums[key] = sums.get(key, 0) + flow.amount
    for code, amount in report.kept_by_site().items():
        sums[place(code), "Mis en réserve"] = sums.get((place(code), "Mis en réserve"), 0) + amount
    order = [*(names.get(code, code) for code in shown), "Autres sites", *labels.values(), "Mis en réserve"]
    left = [name for name in order if any(origin == name for origin, _ in sums)]
    right = [name for name in order if any(target == name for _, target in sums)]
    bands = tuple(
        Band(
            left.index(origin),
            right.index(target),
            amount,
            origin != target and target != "Mis en réserve" and origin not in labels.values(),
        )
        for (origin, target), amount in sums.items()
    )
    drawn = Bands(
        tuple((name, formats.dirhams(sum(a for (o, _), a in sums.items() if o == name))) for name in left),
        tuple((name, formats.dirhams(sum(a for (_, t), a in sums.items() if t == name))) for name in right),
        bands,
    )
    subtitle = "À gauche qui donne, à droite qui reçoit. En foncé, d’un site à un autre."
    return (Charts((Chart("D’un site à l’autre", subtitle, drawn, 84),)),)


def uses_of_grants(report: YearStatement, names: Mapping[str, str]) -> tuple[Block, ...]:
    """Draw and list the use of the grants."""
    if not report.grants:
        return ()
    uses = tuple(
        Used(
            f"{grant.funder}, {names.get(grant.site, grant.site) if grant.site else 'tout le réseau'}",
            grant.used,
            grant.left,
            f"utilisé {formats.dirhams(grant.used)} · reste {formats.dirhams(grant.left)}",
        )
        for grant in report.grants
    )
    columns = (
        Column("Subvention", "24mm", True),
        Column("Pour", "", True),
        Column("Au début", "28mm", False),
        Column("Reçu", "28mm", False),
        Column("Utilisé", "28mm", False),
        Column("Reste", "28mm", False),
    )
    rows = [
        (
            grant.code,
            names.get(grant.site, grant.site) if grant.site else "Tout le réseau",
            *map(formats.amount, (grant.before, grant.received, grant.used, grant.left)),
        )
        for grant in report.grants
    ]
    sums = tuple(
        sum(getattr(grant, name) for grant in report.grants) for name in ("before", "received", "used", "left")
    )
    rows.append(("Total", "", *map(formats.amount, sums)))
    return (
        Charts(
            (
                Chart(
                    "L’emploi des subventions",
                    "Foncé : utilisé sur la période ; pâle : reste",
                    Uses(uses),
                    9 * len(uses),
                ),
            )
        ),
        Rows("", columns, tuple(rows), total=True),
    )


def distribution(report: YearStatement) -> tuple[Block, ...]:
    """Draw what each firm received and brought, largest first, unless there are too few."""
    charts = []
    for title, amounts in (
        ("Ce que chaque jeune entreprise a reçu", report.supports),
        ("Ce que chaque entreprise installée a apporté", report.contributions),
    ):
        if len(amounts) >= FEWEST:
            middle = amounts[len(amounts) // 2]
            tenth = amounts[: max(len(amounts) // 10, 1)]
            subtitle = (
                f"{firms(len(amounts), 'entreprise', 'entreprises')}, une barre chacune, en dirhams. "
                f"Les 10{formats.SPACE}% premières : {percent(sum(tenth), sum(amounts))} du total"
            )
            drawn = Ranks(
                amounts, formats.dirhams(amounts[0]), f"la moitié est au-dessous de {formats.dirhams(middle)}"
            )
            charts.append(Chart(title, subtitle, drawn, 48))
    if not charts:
        few = f"Moins de {FEWEST} entreprises : leurs parts ne sont pas publiées, car chacune s’y reconnaîtrait."
        return (Notes((Note("La répartition", (few,)),)),)
    return (Charts(tuple(charts)),)
