"""The year's statement of the péréquation as its board and its regions read it, in French: figures, charts, tables."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

from billing.cross_subsidy.annual_report.year import (
    OF_GRANTS,
    OF_OPERATOR,
    OF_RESERVE,
    OTHER_SITES,
    OWN_SITE,
    SOURCES,
    YearMonth,
    YearStatement,
)
from invoices import formats
from invoices.document import Party
from invoices.rendering.charts import Band, Bands, Bar, Months, Ranks, Share, Shares, Used, Uses
from invoices.rendering.figures import (
    Block,
    Break,
    Chart,
    Charts,
    Column,
    Figure,
    FigurePaper,
    Figures,
    Lead,
    Notes,
    Rows,
    render_figures,
)
from invoices.rendering.sheet import Note
from pricing.money import share_of
from pricing.period import ONE_DAY, add_months

NAMES = {
    OWN_SITE: "Entreprises du même site",
    OTHER_SITES: "Entreprises des autres sites",
    OF_GRANTS: "Subventions publiques",
    OF_RESERVE: "Réserve du réseau",
    OF_OPERATOR: "Opérateur, sur ses fonds",
}
_SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
# Of fewer firms no distribution is drawn: each could be told.
FEWEST = 5
# More sites than these are drawn as one.
_SITES_MAX = 8


def year_pdf(found: YearStatement, seller: Party) -> bytes:
    """The statement as PDF: the same bytes for the same figures. Raises RenderingFailed."""
    return render_figures(year_paper(found, seller))


def year_paper(found: YearStatement, seller: Party) -> FigurePaper:
    """The statement: what matters in sentences and three figures, then charts, then tables."""
    names = dict(found.sites)
    return FigurePaper(
        issued_on=add_months(found.months[-1].period, 1) - ONE_DAY,
        seller=seller,
        buyer=None,
        addressee="",
        subject=f"État de la péréquation {found.year}",
        title=f"État de la péréquation {found.year}",
        number=covered(found),
        facts=(),
        blocks=(
            *_title(found),
            Charts((_months(found),)),
            Charts((_sources(found), _reserve(found))),
            Break(),
            *_flows(found, names),
            *_grants(found, names),
            *_distribution(found),
            Break(),
            _table_of_months(found),
            _table_of_sites(found, names),
            _table_of_flows(found, names),
            Break(),
            _ties(found),
            _NOTES,
        ),
    )


def covered(found: YearStatement) -> str:
    """Which months the statement counts."""
    periods = [month.period for month in found.months]
    if found.is_whole:
        return "de janvier à décembre"
    if len(periods) == 1:
        return f"{formats.month(periods[0])} seulement"
    together = all(add_months(a, 1) == b for a, b in pairwise(periods))
    if together:
        return f"{formats.month_name(periods[0])} à {formats.month(periods[-1])} : {len(periods)} mois"
    listed = ", ".join(formats.month_name(period) for period in periods)
    return f"{listed} {found.year} : {len(periods)} mois"


def _percent(part: int, whole: int) -> str:
    return formats.percentage(share_of(part, whole)) if whole else formats.percentage(0)


def _title(found: YearStatement) -> tuple[Block, ...]:
    """What a reader who turns no page should know."""
    supported, givers = len(found.supports), len(found.contributions)
    change = found.reserve_after - found.reserve_before
    moved = "de plus" if change > 0 else "de moins"
    support = Figure(
        "Soutien aux jeunes entreprises",
        formats.dirhams(found.support),
        _firms(supported, "entreprise", "entreprises"),
    )
    brought = Figure(
        "Apporté par les entreprises installées",
        formats.dirhams(sum(found.contributions)),
        _firms(givers, "entreprise", "entreprises")
        + (f" ; {formats.dirhams(found.kept)} vont à la réserve" if found.kept else ""),
    )
    reserve = Figure(
        f"Réserve à fin {formats.month(found.months[-1].period)}",
        formats.dirhams(found.reserve_after),
        f"{formats.dirhams(abs(change))} {moved} qu’avant ces mois" if change else "comme avant ces mois",
    )
    return Lead(_sentences(found)), Figures((support, brought, reserve))


def _sentences(found: YearStatement) -> tuple[str, ...]:
    """Who was helped, who paid, what the operator bore."""
    span = f"En {found.year}" if found.is_whole else f"Sur les mois comptés de {found.year}"
    if not found.support:
        return (f"{span}, aucune entreprise n’a payé ses bureaux et services moins qu’ils ne coûtent.",)
    supported = _firms(len(found.supports), "jeune entreprise a payé", "jeunes entreprises ont payé")
    first = (
        f"{span}, {supported} leurs bureaux et services moins qu’ils ne coûtent. La différence, "
        f"{formats.dirhams(found.support)}, a été payée par d’autres."
    )
    firms = found.of(OWN_SITE) + found.of(OTHER_SITES)
    givers = _firms(len(found.contributions), "entreprise installée", "entreprises installées")
    parts = [f"{_percent(firms, found.support)} par {givers}, à travers leur propre prix"] if firms else []
    for source, name in ((OF_GRANTS, "les subventions"), (OF_RESERVE, "la réserve des mois passés")):
        if found.of(source):
            parts.append(f"{_percent(found.of(source), found.support)} par {name}")
    sentences = [first, f"Elle l’a été à {' ; à '.join(parts)}."] if parts else [first]
    borne = found.of(OF_OPERATOR)
    if borne:
        sentences.append(
            f"L’opérateur a gardé à sa charge {formats.dirhams(borne)}, {_percent(borne, found.support)} du total."
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


def _firms(number: int, one: str, several: str) -> str:
    return f"{number}{formats.SPACE}{one if number == 1 else several}"


def _months(found: YearStatement) -> Chart:
    of_period = {month.period: month for month in found.months}
    bars = []
    for number in range(1, 13):
        month = of_period.get(date(found.year, number, 1))
        up = () if month is None else tuple(month.of(source) for source in SOURCES)
        bars.append(
            Bar(_SHORT[number - 1], str(found.year) if number == 1 else "", up, () if month is None else (month.kept,))
        )
    subtitle = "Au-dessus de la ligne, qui a payé le soutien ; au-dessous, ce qui est allé à la réserve."
    return Chart(
        "Mois par mois, en dirhams",
        subtitle,
        Months(tuple(bars), (), "soutien ↑", "réserve ↓" if found.kept else ""),
        62,
    )


def _sources(found: YearStatement) -> Chart:
    shares = tuple(
        Share(
            NAMES[source],
            found.of(source),
            f"{formats.dirhams(found.of(source))} · {_percent(found.of(source), found.support)}",
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


def _reserve(found: YearStatement) -> Chart:
    of_period = {month.period: month for month in found.months}
    bars = [Bar("début", "", (found.reserve_before,), ())]
    for number in range(1, 13):
        month: YearMonth | None = of_period.get(date(found.year, number, 1))
        bars.append(Bar(_SHORT[number - 1], "", () if month is None else (month.reserve_after,), ()))
    return Chart("La réserve à la fin de chaque mois, en dirhams", "Compte 9207", Months(tuple(bars)), 37)


def _flows(found: YearStatement, names: Mapping[str, str]) -> tuple[Block, ...]:
    """Between sites as bands: what stays at home is pale, what goes to others is dark."""
    flows = found.flows()
    if not flows:
        return ()
    weight: dict[str, int] = {}
    for flow in flows:
        weight[flow.site] = weight.get(flow.site, 0) + flow.amount
        if flow.origin is not None:
            weight[flow.origin] = weight.get(flow.origin, 0) + flow.amount
    for code, amount in found.kept_by_site().items():
        weight[code] = weight.get(code, 0) + amount
    largest = sorted(weight, key=lambda code: (-weight[code], code))
    shown = sorted(largest if len(largest) <= _SITES_MAX else largest[: _SITES_MAX - 1])

    def place(code: str) -> str:
        return names.get(code, code) if code in shown else "Autres sites"

    labels = {OF_GRANTS: "Subventions", OF_RESERVE: "Réserve", OF_OPERATOR: "Opérateur"}
    sums: dict[tuple[str, str], int] = {}
    for flow in flows:
        key = place(flow.origin) if flow.origin is not None else labels[flow.source], place(flow.site)
        sums[key] = sums.get(key, 0) + flow.amount
    for code, amount in found.kept_by_site().items():
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


def _grants(found: YearStatement, names: Mapping[str, str]) -> tuple[Block, ...]:
    if not found.grants:
        return ()
    uses = tuple(
        Used(
            f"{grant.funder}, {names.get(grant.site, grant.site) if grant.site else 'tout le réseau'}",
            grant.used,
            grant.left,
            f"utilisé {formats.dirhams(grant.used)} · reste {formats.dirhams(grant.left)}",
        )
        for grant in found.grants
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
        for grant in found.grants
    ]
    sums = tuple(sum(getattr(grant, name) for grant in found.grants) for name in ("before", "received", "used", "left"))
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


def _distribution(found: YearStatement) -> tuple[Block, ...]:
    charts = []
    for title, amounts in (
        ("Ce que chaque jeune entreprise a reçu", found.supports),
        ("Ce que chaque entreprise installée a apporté", found.contributions),
    ):
        if len(amounts) >= FEWEST:
            middle = amounts[len(amounts) // 2]
            tenth = amounts[: max(len(amounts) // 10, 1)]
            subtitle = (
                f"{_firms(len(amounts), 'entreprise', 'entreprises')}, une barre chacune, en dirhams. "
                f"Les 10{formats.SPACE}% premières : {_percent(sum(tenth), sum(amounts))} du total"
            )
            drawn = Ranks(
                amounts, formats.dirhams(amounts[0]), f"la moitié est au-dessous de {formats.dirhams(middle)}"
            )
            charts.append(Chart(title, subtitle, drawn, 48))
    if not charts:
        few = f"Moins de {FEWEST} entreprises : leurs parts ne sont pas publiées, car chacune s’y reconnaîtrait."
        return (Notes((Note("La répartition", (few,)),)),)
    return (Charts(tuple(charts)),)


def _table_of_months(found: YearStatement) -> Rows:
    columns = (
        Column("Mois", "", True),
        Column("Soutien", "24mm", False),
        Column("Même site", "24mm", False),
        Column("Autres sites", "22mm", False),
        Column("Subventions", "21mm", False),
        Column("Réserve", "20mm", False),
        Column("Opérateur", "20mm", False),
        Column("Mis en réserve", "24mm", False),
    )
    rows = [
        (formats.month_name(m.period), *map(formats.amount, (m.support, *(m.of(s) for s in SOURCES), m.kept)))
        for m in found.months
    ]
    total = (found.support, *(found.of(source) for source in SOURCES), found.kept)
    rows.append(("Total", *map(formats.amount, total)))
    return Rows("Par mois, en dirhams", columns, tuple(rows), total=True)


def _table_of_sites(found: YearStatement, names: Mapping[str, str]) -> Rows:
    columns = (
        Column("Site", "", True),
        Column("Soutien reçu", "25mm", False),
        Column("De son site", "24mm", False),
        Column("D’autres sites", "23mm", False),
        Column("Autres sources", "23mm", False),
        Column("Donné à d’autres", "24mm", False),
        Column("Mis en réserve", "24mm", False),
    )
    rows, sums = [], [0] * 6
    kept = found.kept_by_site()
    for code, _ in found.sites:
        to = [flow for flow in found.flows() if flow.site == code]
        own = sum(flow.amount for flow in to if flow.source == OWN_SITE)
        others = sum(flow.amount for flow in to if flow.source == OTHER_SITES)
        support = sum(flow.amount for flow in to)
        given = sum(flow.amount for flow in found.flows() if flow.origin == code and flow.source == OTHER_SITES)
        amounts = (support, own, others, support - own - others, given, kept.get(code, 0))
        sums = [a + b for a, b in zip(sums, amounts, strict=True)]
        rows.append((names[code], *map(formats.amount, amounts)))
    rows.append(("Total", *map(formats.amount, sums)))
    return Rows("Par site, en dirhams", columns, tuple(rows), total=True)


def _table_of_flows(found: YearStatement, names: Mapping[str, str]) -> Rows:
    """Who gave whom, site by site: rows give, columns receive."""
    flows = [flow for flow in found.flows() if flow.origin is not None]
    sites = sorted({code for flow in flows for code in (flow.origin or "", flow.site)})
    title = "D’un site à l’autre, en dirhams : chaque ligne donne, chaque colonne reçoit"
    if len(sites) > _SITES_MAX:
        listed_columns = (Column("De", "", True), Column("À", "70mm", True), Column("Montant", "30mm", False))
        listed = sorted(flows, key=lambda flow: (-flow.amount, flow.origin or "", flow.site))
        pairs = [
            (names.get(f.origin or "", f.origin or ""), names.get(f.site, f.site), formats.amount(f.amount))
            for f in listed
        ]
        pairs.append(("Total", "", formats.amount(sum(flow.amount for flow in flows))))
        return Rows("D’un site à l’autre, en dirhams", listed_columns, tuple(pairs), total=True)
    width = f"{(180 - 46) / max(len(sites) + 1, 1):.1f}mm"
    columns = (Column("", "", True), *(Column(code, width, False) for code in sites), Column("Total", width, False))
    sums = {(flow.origin, flow.site): flow.amount for flow in flows}
    rows = [
        (
            names.get(origin, origin),
            *(formats.amount(sums[origin, to]) if (origin, to) in sums else "–" for to in sites),
            formats.amount(sum(sums.get((origin, to), 0) for to in sites)),
        )
        for origin in sites
    ]
    rows.append(
        (
            "Total",
            *(formats.amount(sum(sums.get((origin, to), 0) for origin in sites)) for to in sites),
            formats.amount(sum(sums.values())),
        )
    )
    return Rows(title, columns, tuple(rows), total=True)


def _ties(found: YearStatement) -> Rows:
    columns = (
        Column("Compte", "13mm", True),
        Column("", "", True),
        Column("Cet état", "28mm", False),
        Column("Écritures de ces mois", "28mm", False),
        Column("Écart", "14mm", False),
        Column("Datées hors de l’année", "26mm", False),
    )
    rows = tuple(
        (
            tie.account,
            tie.label,
            *map(formats.amount, (tie.stated, tie.booked, tie.stated - tie.booked, tie.dated_elsewhere)),
        )
        for tie in found.ties
    )
    note = (
        "Débit moins crédit, en dirhams. Les écritures de ces mois ont, au journal PER, une référence qui commence par "
        f"PER/{found.year}- ; celles de 9210 sont datées de l’année. 9205 et 9206 sont nuls après chaque mois."
    )
    return Rows("Rapprochement avec le journal de péréquation", columns, rows, total=False, note=note)
