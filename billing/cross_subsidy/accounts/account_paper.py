"""Write a tenant's account of the péréquation on one page, in French: its words and its charts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.cross_subsidy.accounts.account import (
    FROM_OPERATOR,
    FROM_RESERVE,
    GRANTS,
    ITSELF,
    OTHER_SITES,
    OWN_SITE,
    Account,
    AccountMonth,
    Part,
    PricedMonth,
)
from billing.register.tables import site, tenant
from invoices import formats
from invoices.document import Party
from invoices.rendering.charts import Bar, Mark, Months, Share, Shares, Step, Steps
from invoices.rendering.figures import (
    Block,
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
from invoices.rendering.sheet import Fact, Note
from pricing.funding_matrix import TENANT
from pricing.money import share_of
from pricing.period import ONE_DAY, add_months, first_of_month

_SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
# The months a chart shows at most; those before are in the table, by year.
_MONTHS_MAX = 30
_SOURCES = (OWN_SITE, OTHER_SITES, GRANTS, FROM_RESERVE, FROM_OPERATOR, ITSELF)
_USES = (OWN_SITE, OTHER_SITES, FROM_RESERVE, ITSELF)
_SHARES_MAX = 6
_SHARE_MM = 6.8
_YEARS_MAX = 4
_NAMES_MAX = 3
_NAME_LENGTH_MAX = 24


class Addressee(NamedTuple):
    """The tenant of the page, as printed, and the names of the sites by code."""

    party: Party
    sites: Mapping[str, str]


def addressee_of(connection: Connection, code: str) -> Addressee:
    """Read the tenant as the register has it today, and the sites' names."""
    row = connection.execute(select(tenant).where(tenant.c.code == code)).one()
    fields = ("code", "legal_name", "legal_form", "address", "city", "ice", "tax_id", "trade_register", "email")
    names = {code: name for code, name in connection.execute(select(site.c.code, site.c.name))}  # noqa: C416
    return Addressee(Party(**{name: row._mapping[name] for name in fields}, language="fr"), names)


def account_pdf(account: Account, seller: Party, to: Addressee) -> bytes:
    """Write the account as PDF: the same bytes for the same account. Raises RenderingFailed."""
    return render_figures(account_paper(account, seller, to))


def account_paper(account: Account, seller: Party, to: Addressee) -> FigurePaper:
    """Lay out the page: what was received, what was brought, from whom and for whom, and the prices."""
    return FigurePaper(
        issued_on=add_months(account.until, 1) - ONE_DAY,
        seller=seller,
        buyer=to.party,
        addressee="À l’attention de",
        subject=f"Compte de péréquation de {account.legal_name}, {formats.month(account.until)}",
        title="Compte de péréquation",
        number=f"{account.tenant} · situation à fin {formats.month(account.until)}",
        facts=_facts(account),
        blocks=_blocks(account, to.sites),
    )


def _facts(account: Account) -> tuple[Fact, ...]:
    window = account.terms.window
    ends = "plein tarif dès l’entrée" if window is None else formats.day(window.end - ONE_DAY)
    first = account.months[0].period if account.months else account.until
    counted = (
        formats.month(first) if first == account.until else f"{formats.month(first)} à {formats.month(account.until)}"
    )
    return (
        Fact("Admission", "–" if account.admission is None else formats.day(account.admission)),
        Fact("Dernier jour de remise", ends),
        Fact("Mois comptés", counted),
    )


def _blocks(account: Account, sites: Mapping[str, str]) -> tuple[Block, ...]:
    blocks: list[Block] = [Lead(_lead(account)), _key_figures(account)]
    if account.received or account.contributed:
        blocks.append(Charts((_month_chart(account),)))
    pair = tuple(chart for chart in (_share_chart(account, sites), _price_chart(account)) if chart is not None)
    if pair:
        blocks.append(Charts(pair))
    blocks.append(_years(account))
    blocks.append(Notes((*_named(account), _note(account))))
    return tuple(blocks)


def _firms(months: Iterable[AccountMonth], account: Account, *, received: bool) -> int:
    """Count the other firms that gave, or were helped."""
    parts = (part for month in months for part in (month.received if received else month.contributed))
    return len({part.code for part in parts if part.kind == TENANT and part.code != account.tenant})


def _counted(number: int, singular: str, plural: str) -> str:
    return f"{number}{formats.SPACE}{singular if number == 1 else plural}"


def _lead(account: Account) -> tuple[str, ...]:
    """Say what the account comes to, in two sentences."""
    window, until = account.terms.window, account.until
    received, brought = formats.dirhams(account.received), formats.dirhams(account.contributed)
    givers = _counted(_firms(account.months, account, received=True), "entreprise", "entreprises")
    helped = _counted(_firms(account.months, account, received=False), "jeune entreprise", "jeunes entreprises")
    if not account.received and not account.contributed:
        return ("Sur les mois comptés, rien n’a été reçu du réseau et rien ne lui a été apporté.",)
    if not account.received:
        return (
            f"Par le prix que vous payez, vous avez apporté {brought} au réseau.",
            f"{helped} y ont trouvé, pour une part, de quoi payer leurs bureaux et leurs services." if helped[0] != "0"
            else "Rien n’en a encore été demandé par de jeunes entreprises : cela attend dans la réserve du réseau.",
        )  # fmt: skip
    first = f"Le réseau a porté pour vous {received} du coût de vos bureaux et services"
    first += f" ; {givers} y ont pris part." if givers[0] != "0" else "."
    if window is not None and window.end >= add_months(until, 1):
        last = formats.day(window.end - ONE_DAY)
        return first, f"Votre remise court jusqu’au {last} ; ensuite, votre prix aidera à accueillir les suivants."
    if not account.contributed:
        return (first, "Votre remise a pris fin ; votre prix n’a pas encore dépassé le coût complet.")
    part = formats.percentage(share_of(account.contributed, account.received))
    whom = f" pour {helped}" if helped[0] != "0" else ""
    return first, f"De votre côté, vous avez apporté {brought}{whom} : {part} de ce que vous aviez reçu."


def _key_figures(account: Account) -> Figures:
    net = account.net
    brought = Figure("Apporté au réseau", formats.dirhams(account.contributed), "compte 9201, hors taxe")
    if not account.received and account.contributed:
        helped = str(_firms(account.months, account, received=False))
        to_reserve = sum(part.amount for part in account.parts_contributed if part.group == FROM_RESERVE)
        return Figures(
            (
                brought,
                Figure("Jeunes entreprises aidées", helped, "chacune pour une part, tous sites confondus"),
                Figure("Dont mis en réserve", formats.dirhams(to_reserve), "pour celles qui viendront"),
            )
        )
    says = "plus reçu qu’apporté" if net > 0 else "plus apporté que reçu" if net < 0 else "autant reçu qu’apporté"
    worth = sum(month.advantage for month in account.months)
    return Figures(
        (
            Figure("Reçu du réseau", formats.dirhams(account.received), "compte 9202, hors taxe"),
            brought,
            Figure("Solde", formats.dirhams(abs(net)), says),
            Figure("Remises accordées", formats.dirhams(worth), "sur le plein tarif, hors taxe"),
        )
    )


def _by_group(parts: Sequence[Part], groups: Sequence[str]) -> tuple[int, ...]:
    return tuple(sum(part.amount for part in parts if part.group == group) for group in groups)


def _month_chart(account: Account) -> Chart:
    window = account.terms.window
    first = account.months[0].period
    # The months still to come of a window show how far it reaches.
    last = account.until if window is None else max(account.until, first_of_month(window.end))
    first = max(first, add_months(last, 1 - _MONTHS_MAX))
    of_month = {month.period: month for month in account.months}
    bars, period = [], first
    while period <= last:
        month = of_month.get(period)
        up = () if month is None else _by_group(month.received, _SOURCES)
        down = () if month is None else _by_group(month.contributed, _USES)
        if not account.received:
            up, down = down, ()
        year = str(period.year) if period == first or period.month == 1 else ""
        bars.append(Bar(_SHORT[period.month - 1], year, up, down))
        period = add_months(period, 1)
    marks = _window_marks(account, first, len(bars))
    title = "Mois par mois, en dirhams"
    if not account.received:
        return Chart(
            "Ce que vous avez apporté, " + title.lower(), _BROUGHT, Months(tuple(bars), marks), _height(account, 51)
        )
    above, below = "reçu ↑", "apporté ↓"
    return Chart(
        title, _READING, Months(tuple(bars), marks, above, below if account.contributed else ""), _height(account, 51)
    )


def _height(account: Account, roomy: float) -> float:
    """Return the height of a chart in millimetres: names, where they are given, need a part of the page."""
    return roomy if account.names is None else roomy * 0.65


def _window_marks(account: Account, first: date, count: int) -> tuple[Mark, ...]:
    window = account.terms.window
    if window is None:
        return ()
    place = _months_between(first, window.end)
    if not 0 < place <= count:
        return ()
    return (Mark(place, f"{formats.day(window.end)} : plein tarif"),)


def _months_between(first: date, on: date) -> float:
    month = first_of_month(on)
    days = (add_months(month, 1) - month).days
    return (on.year - first.year) * 12 + on.month - first.month + (on.day - 1) / days


def _share_chart(account: Account, sites: Mapping[str, str]) -> Chart | None:
    """Chart who gave, by group and site; for whom the tenant gave, where it received nothing."""
    given = not account.received
    parts = account.parts_contributed if given else account.parts_received
    if not parts:
        return None
    labels = {
        GRANTS: "Subventions publiques",
        FROM_RESERVE: "Réserve du réseau" if not given else "Mis en réserve pour les suivants",
        FROM_OPERATOR: "Opérateur, sur ses fonds",
    }
    own = "Jeunes entreprises du même site, {site}" if given else "Entreprises du même site, {site}"
    other = "Jeunes entreprises de {site}" if given else "Entreprises de {site}"
    groups = _USES if given else _SOURCES
    shares = []
    for part in parts:
        if part.group == ITSELF:
            label = "Vous-même, d’un service à l’autre"
        elif part.group in (OWN_SITE, OTHER_SITES):
            name = own if part.group == OWN_SITE else other
            label = name.format(site=sites.get(part.site or "", part.site or ""))
        else:
            label = labels[part.group]
        shares.append(Share(label, part.amount, formats.dirhams(part.amount), groups.index(part.group)))
    shares = _at_most(shares, _SHARES_MAX if account.names is None else _SHARES_MAX - 1)
    title = "Pour qui" if given else "D’où cela vient"
    return Chart(title, "", Shares(tuple(shares)), _SHARE_MM * len(shares))


def _at_most(shares: list[Share], most: int) -> list[Share]:
    """Keep the largest ones in their order, the others of the tone of other sites as one."""
    if len(shares) <= most:
        return shares
    largest = sorted(range(len(shares)), key=lambda i: -shares[i].amount)[: most - 1]
    rest = sum(share.amount for index, share in enumerate(shares) if index not in largest)
    others = Share("Autres sites", rest, formats.dirhams(rest), 1)
    return [*(shares[index] for index in sorted(largest)), others]


def _price_chart(account: Account) -> Chart | None:
    prices = [price for price in account.prices if price.full]
    if not prices:
        return None
    first, last = prices[0].month, prices[-1].month
    shown = [price for price in account.prices if first <= price.month <= last]
    steps = tuple(_step(price, shown[0].month) for price in shown)
    marks = _window_marks(account, shown[0].month, len(steps))
    drawn = Steps(steps, "votre prix", "plein tarif", "remise", marks)
    subtitle = "Loyer mensuel HT, en dirhams"
    if account.switch is not None:
        before, after = formats.amount(account.switch.before), formats.amount(account.switch.after)
        subtitle = f"Loyer mensuel HT, en dirhams ; TTC {before} avant, {after} après"
    return Chart("Le prix de vos bureaux", subtitle, drawn, _height(account, 39))


def _step(price: PricedMonth, first: date) -> Step:
    year = str(price.month.year) if price.month == first or price.month.month == 1 else ""
    return Step(_SHORT[price.month.month - 1], year, price.charged, price.full)


def _years(account: Account) -> Rows:
    columns = (
        Column("Année", "", True),
        Column("Remises accordées", "29mm", False),
        Column("Reçu", "29mm", False),
        Column("Apporté", "29mm", False),
        Column("Solde", "29mm", False),
        Column("Solde cumulé", "29mm", False),
    )
    rows, cumulated = [], 0
    years = sorted({month.period.year for month in account.months})
    # The oldest as one row, so that the page stays one.
    apart = years[-_YEARS_MAX:] if account.names is None else years[-_YEARS_MAX + 2 :]
    spans = [[year for year in years if year < apart[0]], *([year] for year in apart)] if years else []
    for span in filter(None, spans):
        months = [month for month in account.months if month.period.year in span]
        received, brought = sum(m.received_total for m in months), sum(m.contributed_total for m in months)
        cumulated += received - brought
        amounts = (sum(m.advantage for m in months), received, brought, received - brought, cumulated)
        rows.append((_year_label(span, months), *map(formats.amount, amounts)))
    return Rows("", columns, tuple(rows), total=False)


def _year_label(span: Sequence[int], months: Sequence[AccountMonth]) -> str:
    if len(span) > 1:
        return f"{span[0]} à {span[-1]}"
    return str(span[0]) if len(months) == 12 else f"{span[0]}, {_counted(len(months), 'mois', 'mois')}"


def _named(account: Account) -> Iterator[Note]:
    """List the largest givers and receivers by name, where the operator allows it."""
    names = account.names or {}
    if account.names is None:
        return
    for title, sides in (
        ("Les principaux soutiens", "received"),
        ("Les principales entreprises aidées", "contributed"),
    ):
        sums: dict[tuple[str, str], int] = {}
        for month in account.months:
            for part in getattr(month, sides):
                if part.code is not None and part.code != account.tenant:
                    sums[part.kind, part.code] = sums.get((part.kind, part.code), 0) + part.amount
        largest = sorted(sums, key=lambda key: (-sums[key], key))[:_NAMES_MAX]
        if largest:
            lines = (f"{shortened(names.get(key, key[1]))} : {formats.dirhams(sums[key])}" for key in largest)
            yield Note(title, tuple(lines))


def shortened(name: str) -> str:
    """Shorten a name, to leave room for what stands beside it."""
    return name if len(name) <= _NAME_LENGTH_MAX else f"{name[: _NAME_LENGTH_MAX - 1].rstrip()}…"


_READING = (
    "Reçu : la part du coût complet de vos bureaux et services que votre prix ne couvre pas, payée par d’autres. "
    "Apporté : ce dont votre prix dépasse ce coût."
)
_BROUGHT = "C’est ce dont votre prix dépasse le coût complet de vos bureaux et services."
_SOURCE = (
    "Du journal de péréquation, au centime : 9202 pour ce qui est reçu, 9201 pour ce qui est apporté. "
    "À chaque étape, chacun donne et reçoit en proportion."
)


def _note(account: Account) -> Note:
    source = [_SOURCE]
    first = account.months[0].period if account.months else account.until
    if account.admission is not None and first_of_month(account.admission) < first:
        source.append(f"Les mois d’avant {formats.month(first)} ont été facturés hors de ce système.")
    if account.prices_problem is not None:
        source.append("Les prix ne peuvent être donnés : un tarif manque au registre.")
    return Note("D’où viennent ces chiffres", (" ".join(source),))
