"""The words of a reminder: its mail in the tenant's language, its letter in French; pure.

The tone is that of the highest step: a reminder of what is not due yet, the first after the due date, a further one,
the last of the ladder. None speaks of earlier letters that were never sent.
"""

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from invoices import formats, mail
from invoices.document import Party
from invoices.mail import MailText, language_of, shown
from invoices.messages.message import Message, Paper
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


def tone(reached: Reached) -> str:
    """Return the tone of an invoice's step, by what came before it and by its place among those after the due date."""
    claimed, step = reached
    if step.is_ahead:
        return AHEAD
    if claimed.sent is None or claimed.sent < 0:
        return FIRST
    return LAST if step.days == claimed.ladder[-1] else FURTHER


def tone_of(reminder: Reminder) -> str:
    """Return the tone of a reminder: of the highest step that any of its invoices has reached."""
    return tone(max(reminder.reached, key=lambda reached: reached.step.days))


def message_of(dunned: Dunned) -> Message:
    """Return the mail with its letters: the reminder once something is late, and always the account statement."""
    on = dunned.on.isoformat()
    letters = [Paper(f"Releve-de-compte-{on}.pdf", dunned.statement)]
    if tone_of(dunned.reminder) != AHEAD:
        letters.insert(0, Paper(f"Relance-{on}.pdf", letter_of(dunned)))
    return Message(
        key=key_of(dunned.reminder.tenant, dunned.on),
        tenant=dunned.reminder.tenant,
        recipient=dunned.buyer.email,
        recipient_name=dunned.buyer.legal_name,
        text=mail_of(dunned),
        papers=tuple(letters),
    )


def key_of(tenant: str, on: date) -> str:
    """Return the key of a reminder: a tenant, on a day."""
    return f"{on.isoformat()} {tenant}"


def mail_of(dunned: Dunned) -> MailText:
    """Return the text of the mail, in the tenant's language."""
    reminder, language = dunned.reminder, language_of(dunned.buyer.language)
    texts = _texts(language)
    said = texts[tone_of(reminder)]
    earliest = min(reached.claimed.due_on for reached in reminder.reached)
    words = {
        "total": mail.amount(reminder.total, language),
        "due": mail.day(earliest, language),
        "operator": shown(dunned.seller.legal_name),
        "buyer": shown(dunned.buyer.legal_name),
    }
    facts = (
        (texts["invoices"], ", ".join(reached.claimed.number for reached in reminder.reached)),
        (texts["oldest"], words["due"]),
        (texts["total"], words["total"]),
    )
    return MailText(
        language,
        said["subject"].format_map(words),
        tuple(paragraph.format_map(words) for paragraph in said["paragraphs"]),
        facts,
        tuple(paragraph.format_map(words) for paragraph in texts["closing"]),
    )


def letter_of(dunned: Dunned) -> Letter:
    """Return the letter, in French like the operator's other letters."""
    reminder, texts = dunned.reminder, _texts("letter")
    said = texts[tone_of(reminder)]
    headed = f"{said['title']} du {formats.day(dunned.on)}"
    return Letter(
        issued_on=dunned.on,
        seller=dunned.seller,
        buyer=dunned.buyer,
        subject=headed,
        title=said["title"],
        number=formats.day(dunned.on),
        addressee="Adressée à",
        facts=(
            Fact("Compte client", reminder.tenant),
            Fact("Factures", str(len(reminder.reached))),
            Fact("Reste dû", formats.dirhams(reminder.total)),
        ),
        paragraphs=(texts["salutation"], said["paragraph"]),
        columns=_COLUMNS,
        rows=tuple(_row(reached.claimed, dunned.on) for reached in reminder.reached),
        sums=(("Reste dû", formats.dirhams(reminder.total)),),
        in_words=None,
        notes=(_payment(dunned), *_information(dunned)),
        continued=f"{headed}, suite",
    )


def _row(claimed: Claimed, on: date) -> tuple[str, ...]:
    late = (on - claimed.due_on).days
    return (
        claimed.number,
        formats.numeric_day(claimed.issued_on),
        formats.numeric_day(claimed.due_on),
        f"{late}{formats.SPACE}{'jour' if late == 1 else 'jours'}" if late > 0 else "à échoir",
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
