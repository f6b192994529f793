"""The indicators on two pages as the board reads them, in French: the firms, then the money and what figures count."""

from billing.cross_subsidy.annual_report.year_charts import firms
from billing.cross_subsidy.indicators.report import IndicatorReport, Place
from billing.cross_subsidy.indicators.wording import WORDS, label
from billing.register.occupancy.shapes import Occupancy, Occupied
from invoices import formats
from invoices.document import Party
from invoices.rendering.charts import Share, Shares
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
    Rows,
    render_figures,
)
from pricing.money import RATE_DECIMALS, allocate, parse_decimal

UNKNOWN = "non renseigné"
_NONE = "–"
_SOURCES = ("own_site", "other_sites", "grants", "reserve", "operator")
# What a rate is made of, as the table of definitions shows it.
_PARTS = {
    "renewal": ("entered", "firms"), "departures": ("left", "firms"), "success": ("succeeded", "windows_ended"),
    "survival_5y": ("active_5y", "admitted_5y"), "jobs": ("surveyed", "firms"), "satisfaction": ("surveyed", "firms"),
    "export_share": ("surveyed", "firms"),
}  # fmt: skip
# The figures that each page defines; both stay one page with eight sites.
_FIRST_PAGE = ("firms", "renewal", "departures", "success")
_SECOND_PAGE = (
    "survival_5y", "jobs", "satisfaction", "export_share", "income", "advantage", "support", "cost_per_job",
    "cost_per_success",
)  # fmt: skip
_WIDTHS = ("23mm", "20mm", "20mm", "19mm", "18mm", "18mm", "16mm", "17mm")


def indicators_pdf(report: IndicatorReport, occupied: Occupancy, seller: Party) -> bytes:
    """Write the pages as PDF: the same bytes for the same figures. Raises RenderingFailed."""
    return render_figures(indicators_paper(report, occupied, seller))


def indicators_paper(report: IndicatorReport, occupied: Occupancy, seller: Party) -> FigurePaper:
    """Lay out the two pages; `occupied` is how far the sites are let on the period's last day."""
    whole = report.months == 12
    period = str(report.period.start.year) if whole else formats.month(report.period.start)
    return FigurePaper(
        issued_on=report.period.last_day,
        seller=seller,
        buyer=None,
        addressee="",
        subject=f"Indicateurs du réseau {period}",
        title=f"Indicateurs du réseau {period}",
        number=f"au {formats.day(report.period.last_day)}",
        facts=(),
        blocks=(
            Lead(_sentences(report)),
            *_of_firms(report, occupied.network),
            _table_of_firms(report, occupied),
            _definitions(report.network, _FIRST_PAGE),
            Break(),
            *_of_money(report),
            _table_of_money(report),
            _definitions(report.network, _SECOND_PAGE),
        ),
    )


def _sentences(report: IndicatorReport) -> tuple[str, ...]:
    counted = report.network.counted
    there = firms(counted.firms, "entreprise", "entreprises")
    sentences = [
        f"Le {formats.day(report.period.last_day)}, le réseau compte {there}. "
        f"En douze mois, {counted.entered} sont entrées et {counted.left} sont parties."
    ]
    if counted.windows_ended:
        ended = firms(counted.windows_ended, "entreprise a achevé", "entreprises ont achevé")
        sentences.append(
            f"{ended} sa période aidée ; {counted.succeeded} louent encore ou sont parties diplômées."
            if counted.windows_ended == 1
            else f"{ended} leur période aidée ; {counted.succeeded} louent encore ou sont parties diplômées."
        )
    if not counted.surveyed:
        sentences.append("Aucune enquête de l’année n’est enregistrée : emplois, satisfaction et export manquent.")
    return tuple(sentences)


def _of_firms(report: IndicatorReport, occupied: Occupied) -> tuple[Block, ...]:
    counted = report.network.counted
    capacity = (
        "capacité non renseignée" if occupied.capacity is None else f"sur {formats.count(occupied.capacity)} places"
    )
    unknown = f" ; {counted.state_unknown} au devenir inconnu" if counted.state_unknown else ""
    survival = (
        f"{counted.active_5y} sur {counted.admitted_5y}"
        + (f" ; {counted.survival_unknown} sans enquête" if counted.survival_unknown else "")
        if counted.admitted_5y
        else "aucune admise cinq ans plus tôt"
    )
    answered = f"{counted.surveyed} réponses sur {counted.firms}"
    success = f"{counted.succeeded} sur {counted.windows_ended}{unknown}"
    jobs = UNKNOWN if counted.jobs is None else formats.count(counted.jobs)
    return (
        Figures(
            (
                Figure(label("firms"), formats.count(counted.firms), capacity),
                Figure(label("renewal"), _rate(counted.renewal), f"{counted.entered} entrées, {counted.left} parties"),
                Figure(label("success"), _rate(counted.success), success),
            )
        ),
        Figures(
            (
                Figure(label("survival_5y"), _rate(counted.survival_5y), survival),
                Figure(label("jobs"), jobs, answered),
                Figure(label("satisfaction"), _score(counted.satisfaction), "de 0 à 100, moyenne"),
            )
        ),
    )


def _table_of_firms(report: IndicatorReport, occupied: Occupancy) -> Rows:
    columns = (
        Column("Site", "", True),
        *(
            Column(title, width, False)
            for title, width in (
                ("Entre­prises", "15mm"), ("Occu­pation", "15mm"), ("Entrées", "14mm"), ("Parties", "14mm"),
                ("Renou­vellement", "17mm"), ("Réussite", "15mm"), ("Survie à 5 ans", "14mm"), ("Emplois", "15mm"),
                ("Satis­faction", "15mm"), ("Export", "12mm"),
            )
        ),
    )  # fmt: skip
    places = [(report.names[code], place, occupied.sites[code]) for code, place in report.sites.items()]
    rows = []
    for name, place, let in (*places, ("Réseau", report.network, occupied.network)):
        c = place.counted
        full = None if let.firms_rate is None else parse_decimal(let.firms_rate, RATE_DECIMALS)
        rows.append(
            (
                name, formats.count(c.firms), _rate(full, _NONE), formats.count(c.entered), formats.count(c.left),
                _rate(c.renewal, _NONE), _rate(c.success, _NONE), _rate(c.survival_5y, _NONE),
                _NONE if c.jobs is None else formats.count(c.jobs), _score(c.satisfaction, _NONE),
                _rate(c.export_share, _NONE),
            )
        )  # fmt: skip
    note = (
        f"{_NONE} : non renseigné. Une entreprise présente sur deux sites compte sur chacun, une fois dans le réseau ; "
        "celle qui change de site est partie de l’un et entrée dans l’autre, sans entrer dans le réseau ni le quitter."
    )
    return Rows("Par site", columns, tuple(rows), total=True, note=note)


def _of_money(report: IndicatorReport) -> tuple[Block, ...]:
    network = report.network
    money = network.money
    run = f"{report.months_run} mois facturés sur {report.months}"
    figures = (
        Figures(
            (
                Figure(label("income"), _dirhams(money.income), "hors TVA, avoirs déduits"),
                Figure(label("advantage"), _dirhams(money.advantage), run),
            )
        ),
        Figures(
            (
                Figure(label("cost_per_job"), _dirhams(network.cost_per_job), "d’avantage accordé"),
                Figure(label("cost_per_success"), _dirhams(network.cost_per_success), "d’avantage accordé"),
            )
        ),
    )
    if not money.support:
        return figures
    amounts = [(name, getattr(money, name)) for name in _SOURCES]
    # Whole percents that sum to 100.
    percents = allocate(100, [amount for _, amount in amounts])
    shares = tuple(
        Share(label(name), amount, f"{formats.dirhams(amount)} · {percent}{formats.SPACE}%", tone)
        for tone, ((name, amount), percent) in enumerate(zip(amounts, percents, strict=True))
    )
    subtitle = f"Soutien de {formats.dirhams(money.support)} : ce qui manquait au coût complet"
    return (*figures, Charts((Chart("Qui a payé le soutien", subtitle, Shares(shares), 37),)))


def _table_of_money(report: IndicatorReport) -> Rows:
    names = ("income", "advantage", "support", *_SOURCES)
    widths = zip(names, _WIDTHS, strict=True)
    columns = (Column("Site", "", True), *(Column(label(name), width, False) for name, width in widths))
    places = [(report.names[code], place) for code, place in report.sites.items()]
    rows = tuple(
        (
            name,
            *(_NONE if (x := getattr(place.money, money)) is None else formats.amount(x) for money in names),
        )
        for name, place in (*places, ("Réseau", report.network))
    )
    return Rows("Par site, en dirhams", columns, rows, total=True)


def _definitions(network: Place, names: tuple[str, ...]) -> Rows:
    columns = (Column("Indicateur", "38mm", True), Column("Compté", "22mm", False), Column("Ce qu’il compte", "", True))
    counted = network.counted._asdict()
    rows = tuple(
        (
            label(name),
            " / ".join(formats.count(counted[part]) for part in _PARTS[name]) if name in _PARTS else "",
            _defined(name),
        )
        for name in names
    )
    note = "Le détail, entreprise par entreprise : technopark-billing report indicators --format xlsx."
    return Rows("Ce que compte chaque chiffre", columns, rows, total=False, note=note)


def _defined(name: str) -> str:
    """Return what a figure counts, the parts of a rate written out."""
    parts = [
        f"{label(part).lower()} : {WORDS[part][1]}"
        for part in _PARTS.get(name, ())
        if part not in ("firms", "surveyed")
    ]
    return " ; ".join((WORDS[name][1], *parts))


def _rate(rate: int | None, unknown: str = UNKNOWN) -> str:
    return unknown if rate is None else formats.percentage(rate)


def _score(hundredths: int | None, unknown: str = UNKNOWN) -> str:
    return unknown if hundredths is None else formats.amount(hundredths)


def _dirhams(amount: int | None) -> str:
    return UNKNOWN if amount is None else formats.dirhams(amount)
