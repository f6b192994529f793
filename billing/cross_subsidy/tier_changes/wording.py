"""Word an announcement: the mail in the tenant's language, and the letter it carries, in French on one page."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from billing.cross_subsidy.tier_changes.finding import Bills, Habit, Office, TierChange
from billing.register.catalogue import Catalogue
from billing.run.quotes.quoting import QuotedMonth
from invoices import formats
from invoices import mail as said
from invoices.document import Party
from invoices.mail import MailText, language_of, shown
from invoices.messages.message import Message, Paper
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import Fact, Note
from pricing.period import ONE_DAY, Period, month_period
from pricing.tier_change import Due
from pricing.vat import vat_breakdown

_MONTHS_OF_WINDOW = "La remise pépinière est accordée pour une durée limitée, comptée depuis votre admission, le {day}."


@dataclass(frozen=True, slots=True)
class Announcement:
    """The parts of an announcement; `on` is the day it bears."""

    on: date
    change: TierChange
    bills: Bills
    due: Due
    catalogue: Catalogue
    operator: Party


def message_key(tenant: str, switches_on: date, step: int, corrects: int | None) -> str:
    """Return a message's key: a tier change at a step, or the correction of a former message."""
    about = f"{tenant}/{switches_on}/{step}"
    return about if corrects is None else f"{about}/{corrects}"


def message_of(announcement: Announcement) -> Message:
    """Return the announcement as it is queued."""
    former, change = announcement.due.corrects, announcement.change
    party = change.party
    return Message(
        key=message_key(
            party.code, change.switches_on, announcement.due.step, None if former is None else former.message
        ),
        tenant=party.code,
        recipient=party.email,
        recipient_name=party.legal_name,
        text=mail_text(announcement),
        papers=(Paper(f"Fin-de-remise-{change.switches_on}.pdf", letter(announcement)),),
    )


@cache
def _texts(language: str) -> Mapping[str, Any]:
    return tomllib.loads(
        (files("billing.cross_subsidy.tier_changes") / "texts" / f"{language}.toml").read_text(encoding="utf-8")
    )


def mail_text(announcement: Announcement) -> MailText:
    """Word the mail in the tenant's language."""
    language = language_of(announcement.change.party.language)
    t, former = _texts(language), announcement.due.corrects
    words = {
        "buyer": shown(announcement.change.party.legal_name),
        "operator": shown(announcement.operator.legal_name),
        "last": said.day(announcement.change.last_day, language),
        "first": said.day(announcement.change.switches_on, language),
        "former": "" if former is None else said.day(former.switches_on, language),
    }
    subject = t["subject"] if former is None else t["subject_correction"]
    names = ("greeting", *(() if former is None else ("correction",)), "announcement", "figures")
    return MailText(
        language,
        subject.format_map(words),
        tuple(t[name].format_map(words) for name in names),
        tuple(_mail_facts(announcement, t, language)),
        tuple(paragraph.format_map(words) for paragraph in t["closing"]),
    )


def _mail_facts(announcement: Announcement, t: Mapping[str, Any], language: str) -> Iterator[tuple[str, str]]:
    yield t["last_day"], said.day(announcement.change.last_day, language)
    yield t["first_day"], said.day(announcement.change.switches_on, language)
    for month in announcement.bills.months:
        yield t["month"].format(month=said.month(month.month, language)), said.amount(_gross(month), language)
    if announcement.bills.habits:
        before, after = (said.amount(amount, language) for amount in _habits_gross(announcement.bills.habits))
        yield t["habits"], t["change"].format(before=before, after=after)


def _gross(month: QuotedMonth) -> int:
    return month.net + month.tax


def _habits_gross(habits: tuple[Habit, ...]) -> tuple[int, int]:
    """Return the usual usage of a month, VAT included (R11), before and after."""
    return (_with_vat([habit.before for habit in habits]), _with_vat([habit.after for habit in habits]))


def _with_vat(lines: Any) -> int:
    return sum(v.base + v.amount for v in vat_breakdown((line.vat_rate, line.amount) for line in lines))


def letter(announcement: Announcement) -> Letter:
    """Write the letter: what each office costs before, in the month of the change, and after."""
    change, months = announcement.change, announcement.bills.months
    former = announcement.due.corrects
    replaced = (
        ()
        if former is None
        else (
            f"Cette lettre annule et remplace la précédente, qui annonçait le plein tarif à compter du "
            f"{formats.day(former.switches_on)}.",
        )
    )
    return Letter(
        issued_on=announcement.on,
        seller=announcement.operator,
        buyer=change.party,
        subject=f"Fin de la remise pépinière le {formats.day(change.last_day)}",
        title="Fin de votre remise pépinière" if former is None else "Fin de votre remise pépinière : rectification",
        number=f"Client {change.party.code}",
        addressee="Adressé à",
        facts=(
            Fact("Date", formats.day(announcement.on)),
            Fact("Dernier jour de la remise", formats.day(change.last_day)),
            Fact("Plein tarif à compter du", formats.day(change.switches_on)),
        ),
        paragraphs=(
            *replaced,
            f"{_MONTHS_OF_WINDOW.format(day=formats.day(change.window.start))} Elle prend fin le "
            f"{formats.day(change.last_day)} ; à compter du {formats.day(change.switches_on)}, vos bureaux vous sont "
            "facturés au plein tarif. Votre bail, lui, ne change pas.",
            f"Voici ce que vous coûteront vos bureaux, en dirhams, aux tarifs connus à ce jour : "
            f"{formats.month(announcement.bills.before.month)} est le dernier mois entièrement remisé, "
            f"{formats.month(announcement.bills.after.month)} le premier entièrement au plein tarif.",
        ),
        columns=(
            Column("Bureau", "78mm" if len(months) == 3 else "104mm", True),
            *(
                Column(formats.month(month.month).capitalize(), "34mm" if len(months) == 3 else "38mm", False)
                for month in months
            ),
        ),
        rows=(*_office_rows(announcement, months), *_total_rows(months)),
        sums=(
            ("Avec remise, TTC", formats.dirhams(_gross(announcement.bills.before))),
            ("Au plein tarif, TTC", formats.dirhams(_gross(announcement.bills.after))),
        ),
        in_words=None,
        notes=tuple(_notes(announcement)),
    )


def _office_rows(announcement: Announcement, months: tuple[QuotedMonth, ...]) -> Iterator[tuple[str, ...]]:
    for office in announcement.change.offices:
        amounts = [sum(line.amount for line in month.lines if line.lease == office.lease.code) for month in months]
        if any(amounts):
            yield (_named(office), *(formats.amount(amount) for amount in amounts))


def _named(office: Office) -> str:
    area = f"{formats.quantity(office.lease.area)}{formats.SPACE}m²"
    return f"{office.unit}, {office.site_name}, {area}"


def _total_rows(months: tuple[QuotedMonth, ...]) -> Iterator[tuple[str, ...]]:
    yield ("Total hors taxe", *(formats.amount(month.net) for month in months))
    yield ("TVA", *(formats.amount(month.tax) for month in months))
    yield ("Total TTC", *(formats.amount(_gross(month)) for month in months))


def _notes(announcement: Announcement) -> Iterator[Note]:
    between = announcement.bills.between
    if between is not None:
        whole = month_period(between.month)
        last, first = announcement.change.last_day, announcement.change.switches_on
        parts = (Period(whole.start, first), Period(first, whole.end))
        yield Note(
            f"Le mois de {formats.month(between.month)}",
            (
                f"{_sentence(formats.days(whole.start, last))} : avec remise, {_days(parts[0], whole)}.",
                f"{_sentence(formats.days(first, whole.end - ONE_DAY))} : plein tarif, {_days(parts[1], whole)}.",
            ),
        )
    if announcement.bills.habits:
        lines = [_habit(habit, announcement.catalogue) for habit in announcement.bills.habits]
        before, after = _habits_gross(announcement.bills.habits)
        yield Note(
            "Vos consommations habituelles, en plus",
            (*lines, f"Par mois, TTC : {formats.dirhams(before)}, puis {formats.dirhams(after)}."),
        )
    yield Note("Une question ?", ("Il suffit de répondre au message qui accompagne cette lettre.",))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _days(part: Period, whole: Period) -> str:
    return f"{part.days} jour{'s' if part.days > 1 else ''} sur {whole.days}"


def _habit(habit: Habit, catalogue: Catalogue) -> str:
    before, after = habit
    label = catalogue.services[before.service].label
    quantity, was, becomes = (
        formats.quantity(before.quantity), formats.price(before.unit_price), formats.price(after.unit_price),
    )  # fmt: skip
    return f"{label} : {quantity} × {was}, puis {becomes} DH HT."
