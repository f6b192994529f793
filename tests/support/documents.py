"""Documents as they are really issued: lines priced by `pricing.rating`, totals by `pricing.vat`."""

import dataclasses
from collections.abc import Iterable
from datetime import date, timedelta

from invoices.document import CREDIT_NOTE, INVOICE, Correction, Document, DocumentLine, Party, format_number
from invoices.rendering.sheet import LUMP_SUM
from pricing.eligibility import Tenancy, tenancy
from pricing.money import PRICE_SCALE, QUANTITY_SCALE, price_of
from pricing.period import ONE_DAY
from pricing.rates import Rate, RateBook, VatBook, VatRate
from pricing.rating import Lease, PricedLine, UsageEvent, office_lines, usage_lines
from pricing.vat import vat_breakdown

LONG_AGO = date(2015, 1, 1)
SITES = {
    "AGA": "Technopark Agadir",
    "CAS": "Technopark Casablanca",
    "RAB": "Technopark Rabat",
    "SOU": "Cité de l’innovation Souss-Massa",
    "TNG": "Technopark Tanger",
}
SERVICES = {
    "OFFICE": ("Mise à disposition de bureau équipé", "m2_month", "71243"),
    "MEAL": ("Repas", "each", "71243"),
    "MEETING": ("Salle de réunion équipée", "hour", "71271"),
    "TRAINING": ("Salle de formation", "hour", "71271"),
}


def dirhams(whole: int, centimes: int = 0) -> int:
    """A price in ten-thousandths of a dirham."""
    return whole * PRICE_SCALE + centimes * PRICE_SCALE // 100


def _rates() -> RateBook:
    """Casablanca asks 145.00, a third of it of newcomers; Tanger 150.00 and 50.00; the others the same."""
    versions = []
    for site in SITES:
        full, reduced, cost = (150, dirhams(50), 134) if site == "TNG" else (145, dirhams(48, 33), 130)
        versions += [
            (site, "OFFICE", "", Rate(LONG_AGO, dirhams(full), reduced, dirhams(cost))),
            (site, "MEAL", "", Rate(LONG_AGO, dirhams(34), dirhams(17, 50), dirhams(31, 50))),
            (site, "MEETING", "", Rate(LONG_AGO, dirhams(180), dirhams(60), dirhams(150))),
            (site, "TRAINING", "", Rate(LONG_AGO, dirhams(240), dirhams(80), dirhams(205))),
        ]
    return RateBook(versions)


RATES = _rates()
VAT = VatBook([(service, VatRate(LONG_AGO, 1000 if service == "MEAL" else 2000)) for service in SERVICES])

SELLER = Party(
    code="OPERATOR",
    legal_name="Société de Gestion des Parcs Technologiques",
    legal_form="SA",
    address="Route de Nouaceur, angle boulevard Ghandi",
    city="Casablanca",
    ice="001234567000062",
    tax_id="40112233",
    trade_register="123456 Casablanca",
    business_tax="34567890",
    email="facturation@parcs.example",
    share_capital="46000000.00",
    social_security="7654321",
    phone="+212 5 22 00 00 00",
    bank="Banque de démonstration",
    rib="011780000012345678901234",
)
STARTUP = Party(
    code="T0042",
    legal_name="Noor Santé",
    legal_form="SARL AU",
    address="31 avenue Hassan II",
    city="Tanger",
    ice="000380478000073",
    tax_id="83960310",
    trade_register="455140 Tanger",
    email="facturation@t0042.example",
)
MATURE = Party(
    code="T0004",
    legal_name="Yasmine Design",
    legal_form="SAS",
    address="338 boulevard Mohammed V",
    city="Casablanca",
    ice="001797232000053",
    tax_id="93666490",
    trade_register="99570 Casablanca",
    email="facturation@t0004.example",
)

# W1: incorporated on 15 January 2024, in Tanger from 10 March 2025: subsidised up to 9 September 2026.
W1 = tenancy("startup", date(2024, 1, 15), None, [date(2025, 3, 10)])
MARKET_ONLY = Tenancy("sme", None)


def square_metres(whole: int, hundredths: int = 0) -> int:
    """An area in millionths of a m2."""
    return whole * QUANTITY_SCALE + hundredths * QUANTITY_SCALE // 100


def office(site: str, unit: str, area: int, month: date, who: Tenancy, start: date = LONG_AGO,
           end: date | None = None) -> list[DocumentLine]:  # fmt: skip
    """The month's lines of one office."""
    lease = Lease("L00007", site, area, start, end)
    return [_line(line, unit) for line in office_lines(lease, month, who, RATES, VAT)]


def usage(site: str, service: str, quantity: int, day: date, who: Tenancy) -> list[DocumentLine]:
    """The line of one use of a service; `quantity` in millionths."""
    events = [UsageEvent(1, site, service, quantity, day)]
    return [_line(line, "") for line, _ in usage_lines(events, who, RATES, VAT)]


def _line(priced: PricedLine, unit: str) -> DocumentLine:
    label, unit_of_measure, account = SERVICES[priced.service]
    return DocumentLine(priced, label, unit_of_measure, SITES[priced.site], unit, account)


def document(
    lines: Iterable[DocumentLine],
    buyer: Party = STARTUP,
    period: date = date(2026, 9, 1),
    kind: str = INVOICE,
    sequence: int = 12,
    window_end: date | None = None,
    seller: Party = SELLER,
) -> Document:
    """A document issued on the first day of its month, due 60 days later."""
    lines = tuple(lines)
    priced = [line.priced for line in lines]
    vat = vat_breakdown((line.vat_rate, line.amount) for line in priced)
    net, tax = sum(line.amount for line in priced), sum(v.amount for v in vat)
    return Document(
        number=format_number(kind, period.year, sequence),
        kind=kind,
        period=period,
        issued_on=period,
        due_on=period + timedelta(days=60) if kind == INVOICE else period,
        seller=seller,
        buyer=buyer,
        lines=lines,
        vat=vat,
        net=net,
        tax=tax,
        gross=net + tax,
        advantage=sum(line.advantage for line in priced),
        contribution=sum(line.contribution for line in priced),
        discount_ends_on=None if window_end is None else window_end - ONE_DAY,
    )


def subsidised_split_month() -> Document:
    """W1 in September 2026, with August's meals and meeting room: the window ends within the month."""
    lines = office("TNG", "TNG-101", square_metres(22, 50), date(2026, 9, 1), W1)
    lines += usage("TNG", "MEAL", 17 * QUANTITY_SCALE, date(2026, 8, 14), W1)
    lines += usage("TNG", "MEETING", 3 * QUANTITY_SCALE // 2, date(2026, 8, 20), W1)
    assert W1.window is not None
    return document(lines, window_end=W1.window.end)


def w1() -> Document:
    """The worked example W1, alone: net 2 700.00, VAT 540.00, gross 3 240.00."""
    lines = office("TNG", "TNG-101", square_metres(22, 50), date(2026, 9, 1), W1)
    assert W1.window is not None
    return document(lines, window_end=W1.window.end)


def mature() -> Document:
    """A firm that pays the full price for two offices, rooms and meals, and so contributes."""
    lines = office("CAS", "CAS-103", square_metres(36), date(2026, 11, 1), MARKET_ONLY)
    lines += office("RAB", "RAB-204", square_metres(48, 75), date(2026, 11, 1), MARKET_ONLY)
    lines += usage("CAS", "MEAL", 100 * QUANTITY_SCALE, date(2026, 10, 3), MARKET_ONLY)
    lines += usage("CAS", "MEETING", 4 * QUANTITY_SCALE, date(2026, 10, 9), MARKET_ONLY)
    lines += usage("RAB", "TRAINING", 7 * QUANTITY_SCALE, date(2026, 10, 21), MARKET_ONLY)
    return document(lines, MATURE, date(2026, 11, 1), sequence=345)


def credit_note() -> Document:
    """W9: June was billed whole, then the lease ended on the 15th; July's meals of another invoice as well."""
    june = office("CAS", "CAS-103", square_metres(20), date(2026, 6, 1), MARKET_ONLY)
    may = office("CAS", "CAS-104", square_metres(12, 50), date(2026, 5, 1), W1, end=date(2026, 5, 21))
    lines = [june[0]._replace(corrects=Correction("FA-2026-000009", 9, 1, date(2026, 6, 1)))]
    lines += [line._replace(corrects=Correction("FA-2026-000004", 4, 2)) for line in may]
    return document(lines, MATURE, date(2026, 7, 1), CREDIT_NOTE, sequence=3)


def credit_note_by_hand() -> Document:
    """A part of June given back because of a failure, outside any run."""
    june = office("CAS", "CAS-103", square_metres(20), date(2026, 6, 1), MARKET_ONLY)[0]
    price = price_of(50_000)
    priced = june.priced._replace(
        lease=None, first_day=None, last_day=None, days=1, days_in_month=1, quantity=1_000_000, full_price=price,
        unit_price=price, unit_cost=price, amount=50_000, full_amount=50_000, cost_amount=50_000,
    )  # fmt: skip
    part = june._replace(priced=priced, unit_of_measure=LUMP_SUM, revenue_account="7129")
    credited = part._replace(corrects=Correction("FA-2026-000009", 9, 1, date(2026, 6, 1)))
    issued = document([credited], MATURE, date(2026, 7, 1), CREDIT_NOTE, sequence=4)
    reason = "Climatisation en panne du 3 au 9 juin, constatée par la direction du site"
    return dataclasses.replace(issued, period=None, reason=reason, due_on=issued.issued_on, discount_ends_on=None)


def one_off(language: str = "fr") -> Document:
    """A badge and an evening in a room, billed by hand."""
    meals = usage("CAS", "MEETING", 3 * QUANTITY_SCALE // 2, date(2026, 7, 2), MARKET_ONLY)[0]
    badge = meals._replace(
        priced=meals.priced._replace(
            service="OFFICE", quantity=QUANTITY_SCALE, full_price=1_500_000, unit_price=1_500_000,
            unit_cost=1_500_000, amount=15_000, full_amount=15_000, cost_amount=15_000,
        ),
        service_label="Badge perdu ; n° 117",
        unit_of_measure="none",
    )  # fmt: skip
    price = meals.priced.unit_price
    evening = meals.priced._replace(full_price=price, unit_cost=price, full_amount=meals.priced.amount)
    evening = evening._replace(cost_amount=evening.amount)
    lines = [badge, meals._replace(priced=evening, service_label="Salle gardée au-delà de la réservation")]
    issued = document(lines, dataclasses.replace(MATURE, language=language), date(2026, 7, 1), sequence=13)
    return dataclasses.replace(issued, period=None, reason="Badge perdu, salle prolongée le 2 juillet")


def long_invoice(count: int = 40) -> Document:
    """A tenant with offices on every site: `count` lines, so that totals are carried from page to page."""
    sites = list(SITES)
    lines: list[DocumentLine] = []
    for index in range(count):
        site = sites[index % len(sites)]
        area = square_metres(12 + index, 25 * (index % 4))
        lines += office(site, f"{site}-{101 + index}", area, date(2026, 11, 1), MARKET_ONLY)
    return document(lines, MATURE, date(2026, 11, 1), sequence=346)


def hostile() -> Document:
    """Names that would fetch a file, call an address, or break out of the table, if they were markup."""
    buyer = Party(
        code="T0666",
        legal_name='<img src="file:///etc/passwd">',
        legal_form="</td><script>alert(1)</script>",
        address="http://169.254.169.254/ url(file:///etc/hostname) {{ 7 * 7 }} {number} %(x)s",
        city="Ta\u202enger\x00\x1b[31m",
        ice='" data-legal="',
        tax_id="&lt;b&gt;",
        trade_register="\ud800<!-- ",
    )
    unit = '"><link rel=stylesheet href=http://127.0.0.1:9/x.css>'
    lines = office("TNG", unit, square_metres(20), date(2026, 9, 1), W1)
    return document(lines, buyer)


def newcomer() -> Document:
    """A firm in its first months, everything at the discount, which ends a year later."""
    who = tenancy("startup", date(2025, 11, 3), None, [date(2026, 4, 1)])
    assert who.window is not None
    lines = office("CAS", "CAS-218", square_metres(25), date(2026, 9, 1), who)
    lines += usage("CAS", "MEAL", 41 * QUANTITY_SCALE, date(2026, 8, 5), who)
    lines += usage("CAS", "TRAINING", 6 * QUANTITY_SCALE, date(2026, 8, 12), who)
    return document(lines, STARTUP, sequence=27, window_end=who.window.end)


def named_in_other_scripts() -> Document:
    """A buyer whose name is Arabic, and its street Amazigh, with a sign no font of ours has."""
    buyer = Party("T0099", "شركة الأطلس للبرمجيات", "SARL", "ⴰⴱⵔⵉⴷ ⵏ ⵎⵓⵃⵎⵎⴷ ⵡⵉⵙ ⵙⵎⵎⵓⵙ 漢", "Agadir", language="ar")
    return document(office("AGA", "AGA-12", square_metres(20), date(2026, 9, 1), MARKET_ONLY), buyer)


def long_names() -> Document:
    """Names and words longer than any line; figures as large as they come."""
    word = "Développementlogicieletservicesnumériques" * 4
    buyer = Party("T0100", f"{word} {word}", "SARL AU", word, word, ice="9" * 15, trade_register=word)
    lines = office("SOU", word, 10_000 * QUANTITY_SCALE, date(2026, 9, 1), W1)
    lines += usage("SOU", "TRAINING", 9_999_999_999_999, date(2026, 8, 5), MARKET_ONLY)
    return document(lines, buyer, seller=dataclasses.replace(SELLER, legal_name=word))
