"""Word an announcement in the tenant's language: the mail, and the letter it carries, on one page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.cross_subsidy.tier_changes.finding import Bills, Habit, Office, TierChange
from billing.register.catalogue import Catalogue
from billing.run.quotes.quoting import QuotedMonth
from invoices import formats
from invoices.document import Party
from invoices.mail import MailText, shown
from invoices.messages.message import Message, Paper
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import Fact, Note
from invoices.wording import Wording, language_of, paper_language, wording, wording_of
from pricing.period import ONE_DAY, Period, month_period
from pricing.tier_change import Due
from pricing.vat import vat_breakdown


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


def mail_text(announcement: Announcement) -> MailText:
    """Word the mail in the tenant's language."""
    t, former = wording(language_of(announcement.change.party.language)), announcement.due.corrects
    last, first = t.day(announcement.change.last_day), t.day(announcement.change.switches_on)
    operator = t.isolated(shown(announcement.operator.legal_name))
    subject = t("Votre remise pépinière prend fin le {last}", last=last)
    correction: tuple[str, ...] = ()
    if former is not None:
        subject = t("Rectification : votre remise pépinière prend fin le {last}", last=last)
        correction = (
            t(
                "Ce message annule et remplace le précédent, qui annonçait le plein tarif à compter du {former}.",
                former=t.day(former.switches_on),
            ),
        )
    return MailText(
        t.language,
        t("{subject} – {operator}", subject=subject, operator=operator),
        (
            t("Bonjour,"),
            *correction,
            t(
                "La remise pépinière dont bénéficie {buyer} prend fin le {last}. À compter du {first}, le plein tarif "
                "s’applique ; votre bail ne change pas. La lettre jointe montre, bureau par bureau, ce qui vous sera "
                "facturé.",
                buyer=t.isolated(shown(announcement.change.party.legal_name)), last=last, first=first,
            ),
            t("En bref, toutes taxes comprises, aux tarifs connus à ce jour :"),
        ),
        tuple(_mail_facts(announcement, t)),
        (
            t(
                "Les consommations dépendent de votre usage et s’ajoutent aux bureaux. Pour toute question, il suffit "
                "de répondre à ce message."
            ),
            t("Cordialement,"),
            operator,
        ),
    )  # fmt: skip


def _mail_facts(announcement: Announcement, t: Wording) -> Iterator[tuple[str, str]]:
    yield t("Dernier jour de la remise"), t.day(announcement.change.last_day)
    yield t("Premier jour au plein tarif"), t.day(announcement.change.switches_on)
    for month in announcement.bills.months:
        yield t("Bureaux, {month}", month=t.month(month.month)), t.dirhams(_gross(month))
    if announcement.bills.habits:
        before, after = map(t.dirhams, _habits_gross(announcement.bills.habits))
        yield t("Vos consommations habituelles, par mois"), t("{before}, puis {after}", before=before, after=after)


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
    t = wording_of(announcement.operator, paper_language(announcement.operator, change.party))
    former = announcement.due.corrects
    last, first = t.day(change.last_day), t.day(change.switches_on)
    return Letter(
        issued_on=announcement.on,
        seller=announcement.operator,
        buyer=change.party,
        subject=t("Fin de la remise pépinière le {day}", day=last),
        title=t("Fin de votre remise pépinière")
        if former is None
        else t("Fin de votre remise pépinière : rectification"),
        number=t("Client {code}", code=change.party.code),
        addressee=t("Adressé à"),
        facts=(
            Fact(t("Date"), t.day(announcement.on)),
            Fact(t("Dernier jour de la remise"), last),
            Fact(t("Plein tarif à compter du"), first),
        ),
        paragraphs=tuple(_paragraphs(announcement, t)),
        columns=(
            Column(t("Bureau"), "78mm" if len(months) == 3 else "104mm", True),
            *(
                Column(_sentence(t.month(month.month)), "34mm" if len(months) == 3 else "38mm", False)
                for month in months
            ),
        ),
        rows=(*_office_rows(announcement, months, t), *_total_rows(months, t)),
        sums=(
            (t("Avec remise, TTC"), t.dirhams(_gross(announcement.bills.before))),
            (t("Au plein tarif, TTC"), t.dirhams(_gross(announcement.bills.after))),
        ),
        in_words=None,
        notes=tuple(_notes(announcement, t)),
        language=t.language,
    )


def _paragraphs(announcement: Announcement, t: Wording) -> Iterator[str]:
    change, bills, former = announcement.change, announcement.bills, announcement.due.corrects
    if former is not None:
        yield t(
            "Cette lettre annule et remplace la précédente, qui annonçait le plein tarif à compter du {day}.",
            day=t.day(former.switches_on),
        )
    yield t(
        "La remise pépinière est accordée pour une durée limitée, comptée depuis votre admission, le {start}. Elle "
        "prend fin le {last} ; à compter du {first}, vos bureaux vous sont facturés au plein tarif. Votre bail, lui, "
        "ne change pas.",
        start=t.day(change.window.start), last=t.day(change.last_day), first=t.day(change.switches_on),
    )  # fmt: skip
    yield t(
        "Voici ce que vous coûteront vos bureaux, en dirhams, aux tarifs connus à ce jour : {before} est le dernier "
        "mois entièrement remisé, {after} le premier entièrement au plein tarif.",
        before=t.month(bills.before.month), after=t.month(bills.after.month),
    )  # fmt: skip


def _office_rows(announcement: Announcement, months: tuple[QuotedMonth, ...], t: Wording) -> Iterator[tuple[str, ...]]:
    for office in announcement.change.offices:
        amounts = [sum(line.amount for line in month.lines if line.lease == office.lease.code) for month in months]
        if any(amounts):
            yield (_named(office, t), *map(t.amount, amounts))


def _named(office: Office, t: Wording) -> str:
    area = t("{quantity} m²", quantity=t.quantity(office.lease.area)).replace(" ", formats.SPACE)
    return t("{office}, {area}", office=t.paired(office.unit, office.site_name), area=area)


def _total_rows(months: tuple[QuotedMonth, ...], t: Wording) -> Iterator[tuple[str, ...]]:
    yield (t("Total hors taxe"), *(t.amount(month.net) for month in months))
    yield (t("TVA"), *(t.amount(month.tax) for month in months))
    yield (t("Total TTC"), *(t.amount(_gross(month)) for month in months))


def _notes(announcement: Announcement, t: Wording) -> Iterator[Note]:
    between = announcement.bills.between
    if between is not None:
        whole = month_period(between.month)
        last, first = announcement.change.last_day, announcement.change.switches_on
        parts = (Period(whole.start, first), Period(first, whole.end))
        yield Note(
            t("Le mois de {month}", month=t.month(between.month)),
            (
                t(
                    "{days} : avec remise, {share}.",
                    days=_sentence(t.days(whole.start, last)), share=_days(parts[0], whole, t),
                ),
                t(
                    "{days} : plein tarif, {share}.",
                    days=_sentence(t.days(first, whole.end - ONE_DAY)), share=_days(parts[1], whole, t),
                ),
            ),
        )  # fmt: skip
    if announcement.bills.habits:
        lines = [_habit(habit, announcement.catalogue, t) for habit in announcement.bills.habits]
        before, after = map(t.dirhams, _habits_gross(announcement.bills.habits))
        yield Note(
            t("Vos consommations habituelles, en plus"),
            (*lines, t("Par mois, TTC : {before}, puis {after}.", before=before, after=after)),
        )
    question = t("Il suffit de répondre au message qui accompagne cette lettre.")
    yield Note(t("Une question ?"), (question,))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _days(part: Period, whole: Period, t: Wording) -> str:
    return t.plural("{number} jour sur {whole}", "{number} jours sur {whole}", part.days, whole=whole.days)


def _habit(habit: Habit, catalogue: Catalogue, t: Wording) -> str:
    before, after = habit
    return t(
        "{label} : {quantity} × {was}, puis {becomes} DH HT.",
        label=t.isolated(catalogue.services[before.service].label), quantity=t.quantity(before.quantity),
        was=t.price(before.unit_price), becomes=t.price(after.unit_price),
    )  # fmt: skip
