"""The words of a reminder: its mail in the tenant's language, its letter in French; pure.

Each invoice is spoken of in its own tone: the first reminder after the due date, a further one, the last of the
ladder. What is not overdue is announced apart, never asked for nor counted. None speaks of earlier letters that were
never sent.
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from invoices import formats, mail
from invoices.document import Party
from invoices.mail import MailText, language_of, shown
from invoices.messages.message import Message, Paper
from invoices.plurals import form
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import RIB_GROUPS, Fact, Note
from pricing.dunning.ladder import Claimed, Reached, Reminder
from pricing.dunning.late_payment import FineRates

AHEAD, FIRST, FURTHER, LAST = "ahead", "first", "further", "last"
_COLUMNS = (
    Column("Facture", "34mm", True),
    Column("Date", "28mm", True),
    Column("Échéance", "28mm", True),
    Column("Retard", "24mm", False),
    Column("Montant TTC", "32mm", False),
    Column("Reste dû (DH)", "34mm", False),
)


class Cost(NamedTuple):
    """The cost of late payment of an invoice by a day, as information: the fine with its rates, and interest."""

    fine: int
    rates: FineRates | None
    interest: int


class Dunned(NamedTuple):
    """A reminder with all that its letters say: the day, sender and addressee, the costs, the account statement."""

    reminder: Reminder
    on: date
    seller: Party
    buyer: Party
    costs: tuple[Cost, ...]
    statement: Letter


def tone_of(reached: Reached) -> str:
    """Return the tone of an overdue invoice, by what came before and by the place of its step in the ladder."""
    claimed, step = reached
    # A step before the due date, or on it, announced the invoice and was no reminder of it.
    if claimed.sent is None or claimed.sent <= 0:
        return FIRST
    return LAST if step.days == claimed.ladder[-1] else FURTHER


def by_tone(reminder: Reminder) -> dict[str, tuple[Reached, ...]]:
    """Return the overdue invoices of a reminder by their tones, the gravest first: none is spoken of as another is."""
    tones = {tone: tuple(each for each in reminder.overdue if tone_of(each) == tone) for tone in (LAST, FURTHER, FIRST)}
    return {tone: reached for tone, reached in tones.items() if reached}


def _title_tone(reminder: Reminder) -> str:
    """Return the tone of a title: the mildest of what is overdue, which holds of all of it."""
    return list(by_tone(reminder))[-1] if reminder.overdue else AHEAD


def message_of(dunned: Dunned) -> Message:
    """Return the mail with its letters: the reminder once something is overdue, and always the account statement.

    It carries a copy of each invoice that it names, but of those that were issued before this service began.
    """
    on = dunned.on.isoformat()
    letters = [Paper(f"Releve-de-compte-{on}.pdf", dunned.statement)]
    if dunned.reminder.overdue:
        letters.insert(0, Paper(f"Relance-{on}.pdf", letter_of(dunned)))
    return Message(
        key=key_of(dunned.reminder.tenant, dunned.on),
        tenant=dunned.reminder.tenant,
        recipient=dunned.buyer.email,
        recipient_name=dunned.buyer.legal_name,
        text=mail_of(dunned),
        papers=tuple(letters),
        copies=tuple(reached.claimed.number for reached in copied(dunned.reminder)),
    )


def copied(reminder: Reminder) -> tuple[Reached, ...]:
    """Return the invoices of which a reminder carries a copy."""
    return tuple(reached for reached in reminder.reached if reached.claimed.is_printed)


def key_of(tenant: str, on: date) -> str:
    """Return the key of a reminder: a tenant, on a day."""
    return f"{on.isoformat()} {tenant}"


def mail_of(dunned: Dunned) -> MailText:
    """Return the text of the mail, in the tenant's language: what is overdue by its tones, what is not, apart."""
    reminder, language = dunned.reminder, language_of(dunned.buyer.language)
    texts = _texts(language)
    names = {"operator": shown(dunned.seller.legal_name), "buyer": shown(dunned.buyer.legal_name)}

    def said(text: str | Mapping[str, str], reached: Sequence[Reached]) -> str:
        """Return a text about some invoices, in the form for so many."""
        return form(text, len(reached), language).format_map(names | _words(reached, language))

    counted = reminder.overdue or reminder.to_come
    labels = texts["overdue" if reminder.overdue else "to_come"]
    words = _words(counted, language)
    paragraphs = [said(texts[tone]["paragraph"], reached) for tone, reached in by_tone(reminder).items()]
    if not reminder.overdue:
        paragraphs.append(said(texts[AHEAD]["paragraph"], counted))
    copies = copied(reminder)
    attached = said(labels["attached"], copies) if copies else labels["attached_without_copies"]
    apart = [said(texts["apart"], reminder.to_come)] if reminder.overdue and reminder.to_come else []
    return MailText(
        language,
        said(texts[_title_tone(reminder)]["subject"], counted),
        (texts["greeting"], *paragraphs),
        tuple((form(labels[name], len(counted), language), words[name]) for name in ("numbers", "due", "amount")),
        (*apart, attached, *(text.format_map(names) for text in texts["closing"])),
    )


def _words(reached: Sequence[Reached], language: str) -> dict[str, str]:
    return {
        "numbers": ", ".join(each.claimed.number for each in reached),
        "due": mail.day(min(each.claimed.due_on for each in reached), language),
        "amount": mail.amount(sum(each.claimed.open for each in reached), language),
    }


def letter_of(dunned: Dunned) -> Letter:
    """Return the letter about what is overdue, in French like the operator's other letters."""
    reminder, texts = dunned.reminder, _texts("letter")
    title = texts[_title_tone(reminder)]["title"]
    headed = f"{title} du {formats.day(dunned.on)}"
    paragraphs = (
        form(texts[tone]["paragraph"], len(reached), "fr").format_map(_words(reached, "fr"))
        for tone, reached in by_tone(reminder).items()
    )
    count = len(reminder.overdue)
    return Letter(
        issued_on=dunned.on,
        seller=dunned.seller,
        buyer=dunned.buyer,
        subject=headed,
        title=title,
        number=formats.day(dunned.on),
        addressee="Adressée à",
        facts=(
            Fact("Compte client", reminder.tenant),
            Fact(form(texts["count"], count, "fr"), str(count)),
            Fact(texts["amount"], formats.dirhams(reminder.total)),
        ),
        paragraphs=(texts["salutation"], *paragraphs),
        columns=_COLUMNS,
        rows=tuple(_row(reached.claimed, dunned.on) for reached in reminder.overdue),
        sums=((texts["amount"], formats.dirhams(reminder.total)),),
        in_words=None,
        notes=(_payment(dunned), *_to_come(reminder), *_information(dunned)),
        continued=f"{headed}, suite",
    )


def _to_come(reminder: Reminder) -> list[Note]:
    """Return the invoices that are not due yet, apart: they are not asked for."""
    texts = _texts("letter")
    lines = tuple(
        texts["to_come"].format(
            number=each.claimed.number,
            amount=formats.dirhams(each.claimed.open),
            due=formats.numeric_day(each.claimed.due_on),
        )
        for each in reminder.to_come
    )
    title = form(texts["to_come_title"], len(lines), "fr")
    return [Note(title, lines)] if lines else []


def _row(claimed: Claimed, on: date) -> tuple[str, ...]:
    late = (on - claimed.due_on).days
    return (
        claimed.number,
        formats.numeric_day(claimed.issued_on),
        formats.numeric_day(claimed.due_on),
        f"{late}{formats.SPACE}{'jour' if late == 1 else 'jours'}",
        formats.amount(claimed.gross),
        formats.amount(claimed.open),
    )


def _payment(dunned: Dunned) -> Note:
    seller = dunned.seller
    rib = formats.grouped(seller.rib, RIB_GROUPS)
    lines = ("Par virement, en rappelant le numéro de chaque facture", seller.bank, f"RIB {rib}" if rib else "")
    return Note("Règlement", tuple(line for line in lines if line))


def _information(dunned: Dunned) -> list[Note]:
    """Return the costs of late payment: by law, to the Treasury; by contract, to us, where a clause says so."""
    texts, notes = _texts("letter"), []
    fine = sum([cost.fine for cost in dunned.costs])
    if fine:
        rates = sorted({cost.rates for cost in dunned.costs if cost.rates is not None and cost.fine})
        said = (
            texts["fine_rates"].format(
                first=formats.percentage(of_delay.first_month), further=formats.percentage(of_delay.further_month)
            )
            for of_delay in rates
        )
        text = texts["fine"].format(rates=" ; ".join(said), amount=formats.dirhams(fine))
        notes.append(Note(texts["fine_title"], (text,)))
    interest = sum([cost.interest for cost in dunned.costs])
    if interest:
        text = texts["interest"].format(amount=formats.dirhams(interest))
        notes.append(Note(texts["interest_title"], (text,)))
    return notes


@cache
def _texts(language: str) -> dict[str, Any]:
    return tomllib.loads(
        (files("billing.receivables.dunning") / "texts" / f"{language}.toml").read_text(encoding="utf-8")
    )
