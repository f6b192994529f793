"""The mails that carry a cash receipt, a call for a deposit or a final statement to the tenant, as they are made."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from billing.frame.messages import MessageKind, queue_messages
from invoices.document import Party
from invoices.mail import MailText, bank_facts, closing, reaches_somebody, shown
from invoices.messages.message import Message, Paper
from invoices.rendering.letter import Letter
from invoices.wording import Wording, language_of, wording

CASH_RECEIPT: Final = "cash_receipt"
DEPOSIT_CALL: Final = "deposit_call"
FINAL_STATEMENT: Final = "final_statement"


def mail_paper(
    connection: Connection, kind: MessageKind, number: str, letter: Letter, *, is_to_pay: bool, queued_at: datetime
) -> None:
    """Queue the mail with a paper to its tenant, if it has an address; what was queued before is left alone."""
    buyer, seller = letter.buyer, letter.seller
    if not reaches_somebody(buyer.email):
        return
    t = wording(language_of(buyer.language))
    text = MailText(
        t.language,
        t("{subject} – {operator}", subject=_named(kind, number, t), operator=t.isolated(shown(seller.legal_name))),
        (t("Bonjour,"), t("Vous trouverez en pièce jointe : {paper}.", paper=_named(kind, number, t))),
        _facts(number, letter, seller, t, is_to_pay=is_to_pay),
        closing(t, seller.legal_name),
        (t("Voir ce document en ligne"), letter.link) if letter.link else (),
    )
    paper = Paper(f"{number}.pdf", letter)
    message = Message(number, buyer.code, buyer.email, buyer.legal_name, text, (paper,))
    queue_messages(connection, kind, [message], written_on=letter.issued_on, queued_at=queued_at)


def _named(kind: str, number: str, t: Wording) -> str:
    if kind == CASH_RECEIPT:
        return t("Reçu d’espèces n° {number}", number=number)
    if kind == DEPOSIT_CALL:
        return t("Appel de dépôt de garantie n° {number}", number=number)
    return t("Arrêté de compte n° {number}", number=number)


def _facts(number: str, letter: Letter, seller: Party, t: Wording, *, is_to_pay: bool) -> tuple[tuple[str, str], ...]:
    """Return the figures of a paper, in the mail's language where the paper has another: date and sums alone."""
    own = letter.sums[-1:] if letter.language == t.language else ()
    said = ((t("Numéro"), number), (t("Date"), t.day(letter.issued_on)), *own)
    return (*said, (t("Référence de paiement"), number), *bank_facts(seller, t)) if is_to_pay else said
