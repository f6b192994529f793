"""The acknowledgement of a payment (*accusé de réception*), on demand: what came, and what it settles by now."""

from sqlalchemy import Connection, select

from billing.entries.receivables import BILL, CARD, CASH_PAID, CHEQUE, TRANSFER
from billing.frame.errors import Fault, Refused
from billing.receivables.receipts.queries import receipt_story
from billing.receivables.receipts.shapes import ReceiptState, ReceiptStory
from billing.register.parties import buyer_of
from billing.register.tables import tenant
from invoices.document import Party
from invoices.rendering.letter import Column, Letter
from invoices.rendering.sheet import Fact, amount_in_words
from invoices.wording import Wording, paper_language, wording_of
from pricing.money import AMOUNT_DECIMALS, parse_decimal


def acknowledgement(connection: Connection, key: int, operator: Party) -> Letter:
    """Lay out the acknowledgement of a receipt to the tenant whose it is. Raises Unknown, Refused where nobody's is."""
    story = receipt_story(connection, key)
    codes = {placement.tenant for placement in story.placements}
    code = story.tenant or (codes.pop() if len(codes) == 1 else None)
    if code is None:
        problem = "is of several tenants" if codes else "is nobody's yet"
        raise Refused([Fault("payments", None, "receipt", story.number, problem, "place it with one tenant first")])
    buyer = buyer_of(connection.execute(select(tenant).where(tenant.c.code == code)).one())
    return acknowledgement_letter(story, operator, buyer)


def acknowledgement_letter(story: ReceiptStory, seller: Party, buyer: Party) -> Letter:
    """Lay out the acknowledgement: the payment, what it settles of this tenant's, what is left to its credit."""
    t = wording_of(seller, paper_language(seller, buyer))
    stands = story.state not in (ReceiptState.BOUNCED, ReceiptState.CANCELLED)
    rows = _rows(story, buyer.code, t) if stands else []
    total = sum(amount for _, amount in rows) if stands else _centimes(story.amount)
    facts = [Fact(t("Date"), t.day(story.value_date)), Fact(t("Mode"), _means(story.means, t))]
    facts.append(Fact(t("Référence"), t.isolated(story.reference)))
    sentence = t("Reçu la somme de : {words}.", words="{words}")
    return Letter(
        issued_on=story.value_date,
        seller=seller,
        buyer=buyer,
        subject=t("Accusé de réception du paiement {number}", number=story.number),
        title=t("Accusé de réception"),
        number=t("N° {number}", number=story.number),
        addressee=t("Reçu de"),
        facts=tuple(facts),
        paragraphs=(_state(story, t),),
        columns=(Column(t("Objet du règlement"), "140mm", True), Column(t("Montant (DH)"), "40mm", False)),
        rows=tuple((about, t.amount(amount)) for about, amount in rows),
        sums=((t("Montant réglé") if stands else t("Montant"), t.dirhams(total)),),
        in_words=amount_in_words(total, sentence, t.language) if stands else None,
        notes=(),
        language=t.language,
    )


def _centimes(amount: str) -> int:
    return parse_decimal(amount, AMOUNT_DECIMALS)


def _rows(story: ReceiptStory, code: str, t: Wording) -> list[tuple[str, int]]:
    settled = [
        (t("Facture {number}", number=t.isolated(part.invoice)), _centimes(part.amount))
        for part in story.allocations
        if part.undone_on is None and part.tenant == code
    ]
    left = sum(_centimes(placement.left) for placement in story.placements if placement.tenant == code)
    refunded = sum(_centimes(part.amount) for part in story.refunds if part.tenant == code and not part.cancelled_on)
    others = (t("À valoir sur votre compte"), left), (t("Remboursé depuis"), refunded)
    return [*settled, *(row for row in others if row[1])]


def _means(means: str, t: Wording) -> str:
    named: dict[str, str] = {
        TRANSFER: t("Virement"), CARD: t("Carte"), CASH_PAID: t("Espèces"), CHEQUE: t("Chèque"), BILL: t("Effet"),
    }  # fmt: skip
    return named.get(means, t("Autre"))


def _state(story: ReceiptStory, t: Wording) -> str:
    if story.cancellation is not None:
        return t("Ce paiement a été annulé le {day} : il ne règle rien.", day=t.day(story.cancellation.cancelled_on))
    if story.state == ReceiptState.BOUNCED:
        back = max(event.happened_on for event in story.events)
        return t("Ce paiement est revenu impayé le {day} : il ne règle rien.", day=t.day(back))
    if story.state == ReceiptState.TO_CLEAR:
        return t("Nous accusons réception de ce paiement, sous réserve de son encaissement.")
    return t("Nous accusons réception de ce paiement et vous en remercions.")
