"""The words of a reminder, its mail and its letter, in the tenant's language; pure.

Each invoice is spoken of in its own tone: the first reminder after the due date, a further one, the last of the
ladder. What is not overdue is announced apart, never asked for nor counted. None speaks of earlier letters that were
never sent.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from invoices import formats
from invoices.document import Party
from invoices.mail import MailText, shown
from invoices.messages.message import Message, Paper
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import Fact, Note, payment_note
from invoices.wording import Wording, language_of, paper_language, wording, wording_of
from pricing.dunning.ladder import Claimed, Reached, Reminder
from pricing.dunning.late_payment import FineRates

AHEAD, FIRST, FURTHER, LAST = "ahead", "first", "further", "last"


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
    """Return the text of the mail: what is overdue by its tones, what is not, apart."""
    reminder = dunned.reminder
    t = wording(language_of(dunned.buyer.language))
    operator, buyer = t.isolated(shown(dunned.seller.legal_name)), t.isolated(shown(dunned.buyer.legal_name))
    tones = by_tone(reminder) if reminder.overdue else {AHEAD: reminder.to_come}
    figures = _overdue_figures(reminder.overdue, t) if reminder.overdue else _figures_to_come(reminder.to_come, t)
    apart = (_apart(reminder.to_come, t),) if reminder.overdue and reminder.to_come else ()
    subject = _mail_subject(_title_tone(reminder), reminder.overdue or reminder.to_come, t)
    return MailText(
        t.language,
        t("{subject} – {operator}", subject=subject, operator=operator),
        (t("Bonjour,"), *(_mail_paragraph(tone, reached, buyer, t) for tone, reached in tones.items())),
        figures,
        (
            *apart,
            _attached(reminder, t),
            t(
                "Si votre règlement vient d’être effectué, merci de ne pas tenir compte de ce message. Pour toute "
                "question, il suffit d’y répondre."
            ),
            t("Cordialement,"),
            operator,
        ),
    )


def _numbers(reached: Sequence[Reached], t: Wording) -> str:
    return t.listed(each.claimed.number for each in reached)


def _earliest(reached: Sequence[Reached], t: Wording) -> str:
    return t.day(min(each.claimed.due_on for each in reached))


def _open(reached: Sequence[Reached], t: Wording) -> str:
    return t.dirhams(sum(each.claimed.open for each in reached))


def _mail_subject(tone: str, reached: Sequence[Reached], t: Wording) -> str:
    count = len(reached)
    if tone == AHEAD:
        return t("Rappel : échéance du {due}", due=_earliest(reached, t))
    if tone == FIRST:
        return t.plural("Relance : facture échue", "Relance : factures échues", count)
    if tone == FURTHER:
        return t.plural("Nouvelle relance : facture échue", "Nouvelle relance : factures échues", count)
    return t("Dernière relance avant mise en demeure")


def _mail_paragraph(tone: str, reached: Sequence[Reached], buyer: str, t: Wording) -> str:
    count, numbers, due = len(reached), _numbers(reached, t), _earliest(reached, t)
    if tone == AHEAD:
        return t.plural(
            "Nous vous rappelons que la facture {numbers}, établie au nom de {buyer}, arrive à échéance le {due}.",
            "Nous vous rappelons que les factures suivantes, établies au nom de {buyer}, arrivent prochainement à "
            "échéance : {numbers}.",
            count, numbers=numbers, buyer=buyer, due=due,
        )  # fmt: skip
    if tone == FIRST:
        return t.plural(
            "Sauf erreur de notre part, la facture {numbers}, établie au nom de {buyer}, demeure impayée à ce jour. "
            "Nous vous prions de bien vouloir en effectuer le règlement.",
            "Sauf erreur de notre part, les factures suivantes, établies au nom de {buyer}, demeurent impayées à ce "
            "jour : {numbers}. Nous vous prions de bien vouloir en effectuer le règlement.",
            count, numbers=numbers, buyer=buyer,
        )  # fmt: skip
    if tone == FURTHER:
        return t.plural(
            "Malgré notre précédente relance, la facture {numbers}, établie au nom de {buyer}, demeure impayée à ce "
            "jour. Nous vous prions d’en effectuer le règlement sans délai.",
            "Malgré notre précédente relance, les factures suivantes, établies au nom de {buyer}, demeurent impayées à "
            "ce jour : {numbers}. Nous vous prions d’en effectuer le règlement sans délai.",
            count, numbers=numbers, buyer=buyer,
        )  # fmt: skip
    return t.plural(
        "Malgré notre précédente relance, la facture {numbers}, établie au nom de {buyer}, demeure impayée à ce jour. "
        "À défaut de règlement sous huit jours, ou d’un accord sur un échéancier, nous serons contraints de vous "
        "mettre en demeure.",
        "Malgré notre précédente relance, les factures suivantes, établies au nom de {buyer}, demeurent impayées à ce "
        "jour : {numbers}. À défaut de règlement sous huit jours, ou d’un accord sur un échéancier, nous serons "
        "contraints de vous mettre en demeure.",
        count, numbers=numbers, buyer=buyer,
    )  # fmt: skip


def _overdue_figures(reached: Sequence[Reached], t: Wording) -> tuple[tuple[str, str], ...]:
    count = len(reached)
    return (
        (t.plural("Facture échue", "Factures échues", count), _numbers(reached, t)),
        (t("Échéance") if count == 1 else t("Échéance la plus ancienne"), _earliest(reached, t)),
        (t("Montant échu à régler"), _open(reached, t)),
    )


def _figures_to_come(reached: Sequence[Reached], t: Wording) -> tuple[tuple[str, str], ...]:
    count = len(reached)
    return (
        (t.plural("Facture à échoir", "Factures à échoir", count), _numbers(reached, t)),
        (t("Échéance") if count == 1 else t("Première échéance"), _earliest(reached, t)),
        (t("Montant à échoir"), _open(reached, t)),
    )


def _apart(reached: Sequence[Reached], t: Wording) -> str:
    numbers, due, amount = _numbers(reached, t), _earliest(reached, t), _open(reached, t)
    return t.plural(
        "Par ailleurs, la facture {numbers} arrive à échéance le {due} ({amount}) : elle n’est pas comprise dans ce "
        "montant.",
        "Par ailleurs, les factures suivantes arrivent prochainement à échéance, la première le {due} : {numbers} "
        "({amount} en tout). Elles ne sont pas comprises dans ce montant.",
        len(reached), numbers=numbers, due=due, amount=amount,
    )  # fmt: skip


def _attached(reminder: Reminder, t: Wording) -> str:
    count = len(copied(reminder))
    if reminder.overdue:
        if not count:
            return t("Vous trouverez ci-joint notre lettre et votre relevé de compte.")
        return t.plural(
            "Vous trouverez ci-joint notre lettre, votre relevé de compte et une copie de la facture.",
            "Vous trouverez ci-joint notre lettre, votre relevé de compte et une copie de chaque facture.",
            count,
        )
    if not count:
        return t("Vous trouverez ci-joint votre relevé de compte.")
    return t.plural(
        "Vous trouverez ci-joint votre relevé de compte et une copie de la facture.",
        "Vous trouverez ci-joint votre relevé de compte et une copie de chaque facture.",
        count,
    )


def letter_of(dunned: Dunned) -> Letter:
    """Return the letter about what is overdue."""
    reminder = dunned.reminder
    t = wording_of(dunned.seller, paper_language(dunned.seller, dunned.buyer))
    title = _letter_title(_title_tone(reminder), t)
    headed = t("{title} du {day}", title=title, day=t.day(dunned.on))
    count, left = len(reminder.overdue), t.dirhams(reminder.total)
    return Letter(
        issued_on=dunned.on,
        seller=dunned.seller,
        buyer=dunned.buyer,
        subject=headed,
        title=title,
        number=t.day(dunned.on),
        addressee=t("Adressée à"),
        facts=(
            Fact(t("Compte client"), reminder.tenant),
            Fact(t.plural("Facture échue", "Factures échues", count), str(count)),
            Fact(t("Reste dû"), left),
        ),
        paragraphs=(
            t("Madame, Monsieur,"),
            *(_letter_paragraph(tone, reached, t) for tone, reached in by_tone(reminder).items()),
        ),
        columns=(
            Column(t("Facture"), "34mm", True),
            Column(t("Date"), "28mm", True),
            Column(t("Échéance"), "28mm", True),
            Column(t("Retard"), "24mm", False),
            Column(t("Montant TTC"), "32mm", False),
            Column(t("Reste dû (DH)"), "34mm", False),
        ),
        rows=tuple(_row(reached.claimed, dunned.on, t) for reached in reminder.overdue),
        sums=((t("Reste dû"), left),),
        in_words=None,
        notes=(
            payment_note(t("Par virement, en rappelant le numéro de chaque facture"), dunned.seller, t),
            *_to_come(reminder, t),
            *_information(dunned, t),
        ),
        continued=t("{title}, suite", title=headed),
        language=t.language,
    )


def _letter_title(tone: str, t: Wording) -> str:
    return t("Relance") if tone == FIRST else t("Nouvelle relance") if tone == FURTHER else t("Dernière relance")


def _letter_paragraph(tone: str, reached: Sequence[Reached], t: Wording) -> str:
    count, numbers = len(reached), _numbers(reached, t)
    if tone == FIRST:
        return t.plural(
            "Sauf erreur ou omission de notre part, la facture {numbers} demeure impayée à ce jour. Nous vous prions "
            "de bien vouloir en effectuer le règlement. S’il vient d’être fait, merci de ne pas tenir compte de cette "
            "lettre.",
            "Sauf erreur ou omission de notre part, les factures {numbers} demeurent impayées à ce jour. Nous vous "
            "prions de bien vouloir en effectuer le règlement. S’il vient d’être fait, merci de ne pas tenir compte de "
            "cette lettre.",
            count, numbers=numbers,
        )  # fmt: skip
    if tone == FURTHER:
        return t.plural(
            "Malgré notre précédente relance, la facture {numbers} demeure impayée à ce jour. Nous vous prions d’en "
            "effectuer le règlement sans délai, ou de nous faire connaître ce qui s’y oppose.",
            "Malgré notre précédente relance, les factures {numbers} demeurent impayées à ce jour. Nous vous prions "
            "d’en effectuer le règlement sans délai, ou de nous faire connaître ce qui s’y oppose.",
            count, numbers=numbers,
        )  # fmt: skip
    return t.plural(
        "Malgré notre précédente relance, la facture {numbers} demeure impayée à ce jour. À défaut de règlement sous "
        "huit jours, ou d’un accord écrit sur un échéancier, nous serons contraints de vous mettre en demeure.",
        "Malgré notre précédente relance, les factures {numbers} demeurent impayées à ce jour. À défaut de règlement "
        "sous huit jours, ou d’un accord écrit sur un échéancier, nous serons contraints de vous mettre en demeure.",
        count, numbers=numbers,
    )  # fmt: skip


def _to_come(reminder: Reminder, t: Wording) -> list[Note]:
    """Return the invoices that are not due yet, apart: they are not asked for."""
    lines = tuple(
        t(
            "{number} : {amount}, échéance du {due}",
            number=t.isolated(each.claimed.number), amount=t.dirhams(each.claimed.open),
            due=formats.numeric_day(each.claimed.due_on),
        )
        for each in reminder.to_come
    )  # fmt: skip
    if not lines:
        return []
    title = t.plural("À échoir, non comprise dans le reste dû", "À échoir, non comprises dans le reste dû", len(lines))
    return [Note(title, lines)]


def _row(claimed: Claimed, on: date, t: Wording) -> tuple[str, ...]:
    return (
        claimed.number,
        formats.numeric_day(claimed.issued_on),
        formats.numeric_day(claimed.due_on),
        t.plural("{number} jour", "{number} jours", (on - claimed.due_on).days).replace(" ", formats.SPACE),
        t.amount(claimed.gross),
        t.amount(claimed.open),
    )


def _information(dunned: Dunned, t: Wording) -> list[Note]:
    """Return the costs of late payment: by law, to the Treasury; by contract, to us, where a clause says so."""
    notes = []
    fine = sum([cost.fine for cost in dunned.costs])
    if fine:
        rates = sorted({cost.rates for cost in dunned.costs if cost.rates is not None and cost.fine})
        said = (
            t(
                "{first} le premier mois, {further} par mois suivant entamé",
                first=t.percentage(of_delay.first_month), further=t.percentage(of_delay.further_month),
            )
            for of_delay in rates
        )  # fmt: skip
        text = t(
            "Amende que l’acheteur en retard doit au Trésor (code de commerce, art. 78-1 et suivants, loi n° 69-21) : "
            "{rates} sur le montant TTC impayé, soit {amount} à ce jour. Elle n’est pas due à notre société.",
            rates=" ; ".join(said), amount=t.dirhams(fine),
        )  # fmt: skip
        notes.append(Note(t("Pour information"), (text,)))
    interest = sum([cost.interest for cost in dunned.costs])
    if interest:
        text = t("Prévus par le bail et courus à ce jour : {amount}, en sus du reste dû.", amount=t.dirhams(interest))
        notes.append(Note(t("Intérêts de retard"), (text,)))
    return notes
