"""The tables of the annual report on the péréquation, as they stand on paper."""

from collections.abc import Mapping

from billing.cross_subsidy.annual_report.year import OTHER_SITES, OWN_SITE, SITES_MAX, SOURCES, YearStatement
from invoices import formats
from invoices.rendering.figures import Column, Rows


def table_of_months(report: YearStatement) -> Rows:
    """List each month's support by source, and what went to the reserve."""
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
        for m in report.months
    ]
    total = (report.support, *(report.of(source) for source in SOURCES), report.kept)
    rows.append(("Total", *map(formats.amount, total)))
    return Rows("Par mois, en dirhams", columns, tuple(rows), total=True)


def table_of_sites(report: YearStatement, names: Mapping[str, str]) -> Rows:
    """List what each site's firms received and gave."""
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
    to_reserve = report.kept_by_site()
    for code, _ in report.sites:
        to = [flow for flow in report.flows() if flow.site == code]
        own = sum(flow.amount for flow in to if flow.source == OWN_SITE)
        others = sum(flow.amount for flow in to if flow.source == OTHER_SITES)
        support = sum(flow.amount for flow in to)
        given = sum(flow.amount for flow in report.flows() if flow.origin == code and flow.source == OTHER_SITES)
        amounts = (support, own, others, support - own - others, given, to_reserve.get(code, 0))
        sums = [a + b for a, b in zip(sums, amounts, strict=True)]
        rows.append((names[code], *map(formats.amount, amounts)))
    rows.append(("Total", *map(formats.amount, sums)))
    return Rows("Par site, en dirhams", columns, tuple(rows), total=True)


def table_of_flows(report: YearStatement, names: Mapping[str, str]) -> Rows:
    """List who gave whom, site by site: rows give, columns receive."""
    flows = [flow for flow in report.flows() if flow.origin is not None]
    sites = sorted({code for flow in flows for code in (flow.origin or "", flow.site)})
    title = "D’un site à l’autre, en dirhams : chaque ligne donne, chaque colonne reçoit"
    if len(sites) > SITES_MAX:
        pair_columns = (Column("De", "", True), Column("À", "70mm", True), Column("Montant", "30mm", False))
        largest_first = sorted(flows, key=lambda flow: (-flow.amount, flow.origin or "", flow.site))
        pairs = [
            (names.get(f.origin or "", f.origin or ""), names.get(f.site, f.site), formats.amount(f.amount))
            for f in largest_first
        ]
        pairs.append(("Total", "", formats.amount(sum(flow.amount for flow in flows))))
        return Rows("D’un site à l’autre, en dirhams", pair_columns, tuple(pairs), total=True)
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


def table_of_ties(report: YearStatement) -> Rows:
    """List the accounts of the ledger beside the report's figures."""
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
        for tie in report.ties
    )
    note = (
        "Débit moins crédit, en dirhams. Les écritures de ces mois ont, au journal PER, une référence qui commence par "
        f"PER/{report.year}- ; celles de 9210 sont datées de l’année. 9205 et 9206 sont nuls après chaque mois."
    )
    return Rows("Rapprochement avec le journal de péréquation", columns, rows, total=False, note=note)
