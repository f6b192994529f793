"""Write a tenant's account of the péréquation on one page, in its language: its words and its charts."""

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
from invoices.wording import Wording, paper_language, wording_of
from pricing.funding_matrix import TENANT
from pricing.money import share_of
from pricing.period import ONE_DAY, add_months, first_of_month

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
    fields = (
        "code", "legal_name", "legal_form", "address", "city", "ice", "tax_id", "trade_register", "email", "language",
    )  # fmt: skip
    names = {code: name for code, name in connection.execute(select(site.c.code, site.c.name))}  # noqa: C416
    return Addressee(Party(**{name: row._mapping[name] for name in fields}), names)


def account_pdf(account: Account, seller: Party, to: Addressee) -> bytes:
    """Write the account as PDF: the same bytes for the same account. Raises RenderingFailed."""
    return render_figures(account_paper(account, seller, to))


def account_paper(account: Account, seller: Party, to: Addressee) -> FigurePaper:
    """Lay out the page: what was received, what was brought, from whom and for whom, and the prices."""
    t = wording_of(seller, paper_language(seller, to.party))
    until = t.month(account.until)
    name = t.isolated(account.legal_name)
    return FigurePaper(
        issued_on=add_months(account.until, 1) - ONE_DAY,
        seller=seller,
        buyer=to.party,
        addressee=t("À l’attention de"),
        subject=t("Compte de péréquation de {name}, {month}", name=name, month=until),
        title=t("Compte de péréquation"),
        number=t("{tenant} · situation à fin {month}", tenant=account.tenant, month=until),
        facts=_facts(account, t),
        blocks=_blocks(account, to.sites, t),
        language=t.language,
    )


def _facts(account: Account, t: Wording) -> tuple[Fact, ...]:
    window = account.terms.window
    ends = t("plein tarif dès l’entrée") if window is None else t.day(window.end - ONE_DAY)
    first = account.months[0].period if account.months else account.until
    counted = t.month(first)
    if first != account.until:
        counted = t("{first} à {last}", first=counted, last=t.month(account.until))
    return (
        Fact(t("Admission"), "–" if account.admission is None else t.day(account.admission)),
        Fact(t("Dernier jour de remise"), ends),
        Fact(t("Mois comptés"), counted),
    )


def _blocks(account: Account, sites: Mapping[str, str], t: Wording) -> tuple[Block, ...]:
    blocks: list[Block] = [Lead(_lead(account, t)), _key_figures(account, t)]
    if account.received or account.contributed:
        blocks.append(Charts((_month_chart(account, t),)))
    pair = tuple(chart for chart in (_share_chart(account, sites, t), _price_chart(account, t)) if chart is not None)
    if pair:
        blocks.append(Charts(pair))
    blocks.append(_years(account, t))
    blocks.append(Notes((*_named(account, t), _note(account, t))))
    return tuple(blocks)


def _firms(months: Iterable[AccountMonth], account: Account, *, received: bool) -> int:
    """Count the other firms that gave, or were helped."""
    parts = (part for month in months for part in (month.received if received else month.contributed))
    return len({part.code for part in parts if part.kind == TENANT and part.code != account.tenant})


def _helped(number: int, t: Wording) -> str:
    return _unbroken(t.plural("{number} jeune entreprise", "{number} jeunes entreprises", number), number)


def _unbroken(text: str, number: int) -> str:
    return text.replace(f"{number} ", f"{number}{formats.SPACE}", 1)


def _lead(account: Account, t: Wording) -> tuple[str, ...]:
    """Say what the account comes to, in two sentences."""
    window, until = account.terms.window, account.until
    received, brought = t.dirhams(account.received), t.dirhams(account.contributed)
    givers = _firms(account.months, account, received=True)
    number = _firms(account.months, account, received=False)
    helped = _helped(number, t)
    if not account.received and not account.contributed:
        return (t("Sur les mois comptés, rien n’a été reçu du réseau et rien ne lui a été apporté."),)
    if not account.received:
        paid = t("Par le prix que vous payez, vous avez apporté {amount} au réseau.", amount=brought)
        if number:
            return paid, t(
                "{helped} y ont trouvé, pour une part, de quoi payer leurs bureaux et leurs services.", helped=helped
            )
        return paid, t(
            "Rien n’en a encore été demandé par de jeunes entreprises : cela attend dans la réserve du réseau."
        )
    if givers:
        firms = _unbroken(t.plural("{number} entreprise", "{number} entreprises", givers), givers)
        first = t(
            "Le réseau a porté pour vous {amount} du coût de vos bureaux et services ; {firms} y ont pris part.",
            amount=received, firms=firms,
        )  # fmt: skip
    else:
        first = t("Le réseau a porté pour vous {amount} du coût de vos bureaux et services.", amount=received)
    if window is not None and window.end >= add_months(until, 1):
        last = t.day(window.end - ONE_DAY)
        return first, t(
            "Votre remise court jusqu’au {last} ; ensuite, votre prix aidera à accueillir les suivants.", last=last
        )
    if not account.contributed:
        return first, t("Votre remise a pris fin ; votre prix n’a pas encore dépassé le coût complet.")
    part = t.percentage(share_of(account.contributed, account.received))
    if number:
        return first, t(
            "De votre côté, vous avez apporté {amount} pour {helped} : {part} de ce que vous aviez reçu.",
            amount=brought, helped=helped, part=part,
        )  # fmt: skip
    return first, t(
        "De votre côté, vous avez apporté {amount} : {part} de ce que vous aviez reçu.", amount=brought, part=part
    )


def _key_figures(account: Account, t: Wording) -> Figures:
    net = account.net
    brought = Figure(t("Apporté au réseau"), t.dirhams(account.contributed), t("compte 9201, hors taxe"))
    if not account.received and account.contributed:
        helped = str(_firms(account.months, account, received=False))
        to_reserve = sum(part.amount for part in account.parts_contributed if part.group == FROM_RESERVE)
        return Figures(
            (
                brought,
                Figure(t("Jeunes entreprises aidées"), helped, t("chacune pour une part, tous sites confondus")),
                Figure(t("Dont mis en réserve"), t.dirhams(to_reserve), t("pour celles qui viendront")),
            )
        )
    more, less, even = t("plus reçu qu’apporté"), t("plus apporté que reçu"), t("autant reçu qu’apporté")
    worth = sum(month.advantage for month in account.months)
    return Figures(
        (
            Figure(t("Reçu du réseau"), t.dirhams(account.received), t("compte 9202, hors taxe")),
            brought,
            Figure(t("Solde"), t.dirhams(abs(net)), more if net > 0 else less if net < 0 else even),
            Figure(t("Remises accordées"), t.dirhams(worth), t("sur le plein tarif, hors taxe")),
        )
    )


def _by_group(parts: Sequence[Part], groups: Sequence[str]) -> tuple[int, ...]:
    return tuple(sum(part.amount for part in parts if part.group == group) for group in groups)


def _month_chart(account: Account, t: Wording) -> Chart:
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
        bars.append(Bar(formats.short_month(period, t.language), year, up, down))
        period = add_months(period, 1)
    marks = _window_marks(account, first, len(bars), t)
    if not account.received:
        title = t("Ce que vous avez apporté, mois par mois, en dirhams")
        reading = t("C’est ce dont votre prix dépasse le coût complet de vos bureaux et services.")
        return Chart(title, reading, Months(tuple(bars), marks), _height(account, 51))
    title = t("Mois par mois, en dirhams")
    reading = t(
        "Reçu : la part du coût complet de vos bureaux et services que votre prix ne couvre pas, payée par d’autres. "
        "Apporté : ce dont votre prix dépasse ce coût."
    )
    above, below = t("reçu ↑"), t("apporté ↓")
    return Chart(
        title, reading, Months(tuple(bars), marks, above, below if account.contributed else ""), _height(account, 51)
    )


def _height(account: Account, roomy: float) -> float:
    """Return the height of a chart in millimetres: names, where they are given, need a part of the page."""
    return roomy if account.names is None else roomy * 0.65


def _window_marks(account: Account, first: date, count: int, t: Wording) -> tuple[Mark, ...]:
    window = account.terms.window
    if window is None:
        return ()
    place = _months_between(first, window.end)
    if not 0 < place <= count:
        return ()
    return (Mark(place, t("{day} : plein tarif", day=t.day(window.end))),)


def _months_between(first: date, on: date) -> float:
    month = first_of_month(on)
    days = (add_months(month, 1) - month).days
    return (on.year - first.year) * 12 + on.month - first.month + (on.day - 1) / days


def _share_chart(account: Account, sites: Mapping[str, str], t: Wording) -> Chart | None:
    """Chart who gave, by group and site; for whom the tenant gave, where it received nothing."""
    given = not account.received
    parts = account.parts_contributed if given else account.parts_received
    if not parts:
        return None
    groups = _USES if given else _SOURCES
    shares = []
    for part in parts:
        site_name = t.isolated(sites.get(part.site or "", part.site or ""))
        label = _given_to(part.group, site_name, t) if given else _received_from(part.group, site_name, t)
        shares.append(Share(label, part.amount, t.dirhams(part.amount), groups.index(part.group)))
    shares = _at_most(shares, _SHARES_MAX if account.names is None else _SHARES_MAX - 1, t)
    title = t("Pour qui") if given else t("D’où cela vient")
    return Chart(title, "", Shares(tuple(shares)), _SHARE_MM * len(shares))


def _received_from(group: str, site_name: str, t: Wording) -> str:
    return {
        ITSELF: t("Vous-même, d’un service à l’autre"),
        OWN_SITE: t("Entreprises du même site, {site}", site=site_name),
        OTHER_SITES: t("Entreprises de {site}", site=site_name),
        GRANTS: t("Subventions publiques"),
        FROM_RESERVE: t("Réserve du réseau"),
        FROM_OPERATOR: t("Opérateur, sur ses fonds"),
    }[group]


def _given_to(group: str, site_name: str, t: Wording) -> str:
    return {
        ITSELF: t("Vous-même, d’un service à l’autre"),
        OWN_SITE: t("Jeunes entreprises du même site, {site}", site=site_name),
        OTHER_SITES: t("Jeunes entreprises de {site}", site=site_name),
        FROM_RESERVE: t("Mis en réserve pour les suivants"),
    }[group]


def _at_most(shares: list[Share], most: int, t: Wording) -> list[Share]:
    """Keep the largest ones in their order, the others of the tone of other sites as one."""
    if len(shares) <= most:
        return shares
    largest = sorted(range(len(shares)), key=lambda i: -shares[i].amount)[: most - 1]
    rest = sum(share.amount for index, share in enumerate(shares) if index not in largest)
    others = Share(t("Autres sites"), rest, t.dirhams(rest), 1)
    return [*(shares[index] for index in sorted(largest)), others]


def _price_chart(account: Account, t: Wording) -> Chart | None:
    prices = [price for price in account.prices if price.full]
    if not prices:
        return None
    first, last = prices[0].month, prices[-1].month
    shown = [price for price in account.prices if first <= price.month <= last]
    steps = tuple(_step(price, shown[0].month, t) for price in shown)
    marks = _window_marks(account, shown[0].month, len(steps), t)
    drawn = Steps(steps, t("votre prix"), t("plein tarif"), t("remise"), marks)
    subtitle = t("Loyer mensuel HT, en dirhams")
    if account.switch is not None:
        before, after = t.amount(account.switch.before), t.amount(account.switch.after)
        subtitle = t("Loyer mensuel HT, en dirhams ; TTC {before} avant, {after} après", before=before, after=after)
    return Chart(t("Le prix de vos bureaux"), subtitle, drawn, _height(account, 39))


def _step(price: PricedMonth, first: date, t: Wording) -> Step:
    year = str(price.month.year) if price.month == first or price.month.month == 1 else ""
    return Step(formats.short_month(price.month, t.language), year, price.charged, price.full)


def _years(account: Account, t: Wording) -> Rows:
    columns = (
        Column(t("Année"), "", True),
        Column(t("Remises accordées"), "29mm", False),
        Column(t.sense("du réseau", "Reçu"), "29mm", False),
        Column(t("Apporté"), "29mm", False),
        Column(t("Solde"), "29mm", False),
        Column(t("Solde cumulé"), "29mm", False),
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
        rows.append((_year_label(span, months, t), *map(t.amount, amounts)))
    return Rows("", columns, tuple(rows), total=False)


def _year_label(span: Sequence[int], months: Sequence[AccountMonth], t: Wording) -> str:
    if len(span) > 1:
        return t("{first} à {last}", first=span[0], last=span[-1])
    if len(months) == 12:
        return str(span[0])
    number = len(months)
    counted = _unbroken(t.plural("{number} mois", "{number} mois", number), number)
    return t("{year}, {months}", year=span[0], months=counted)


def _named(account: Account, t: Wording) -> Iterator[Note]:
    """List the largest givers and receivers by name, where the operator allows it."""
    names = account.names or {}
    if account.names is None:
        return
    for title, sides in (
        (t("Les principaux soutiens"), "received"),
        (t("Les principales entreprises aidées"), "contributed"),
    ):
        sums: dict[tuple[str, str], int] = {}
        for month in account.months:
            for part in getattr(month, sides):
                if part.code is not None and part.code != account.tenant:
                    sums[part.kind, part.code] = sums.get((part.kind, part.code), 0) + part.amount
        largest = sorted(sums, key=lambda key: (-sums[key], key))[:_NAMES_MAX]
        if largest:
            lines = (
                t("{label} : {value}", label=t.isolated(shortened(names.get(key, key[1]))), value=t.dirhams(sums[key]))
                for key in largest
            )
            yield Note(title, tuple(lines))


def shortened(name: str) -> str:
    """Shorten a name, to leave room for what stands beside it."""
    return name if len(name) <= _NAME_LENGTH_MAX else f"{name[: _NAME_LENGTH_MAX - 1].rstrip()}…"


def _note(account: Account, t: Wording) -> Note:
    source = [
        t(
            "Du journal de péréquation, au centime : 9202 pour ce qui est reçu, 9201 pour ce qui est apporté. À chaque "
            "étape, chacun donne et reçoit en proportion."
        )
    ]
    first = account.months[0].period if account.months else account.until
    if account.admission is not None and first_of_month(account.admission) < first:
        source.append(t("Les mois d’avant {month} ont été facturés hors de ce système.", month=t.month(first)))
    if account.prices_problem is not None:
        source.append(t("Les prix ne peuvent être donnés : un tarif manque au registre."))
    return Note(t("D’où viennent ces chiffres"), (" ".join(source),))
