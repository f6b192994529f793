"""The shape of a document as it is looked up: as issued, with its buyer, what is open of it, where it was sent."""

from typing import Annotated, Literal

from billing.documents.shapes import Document
from billing.frame.shapes import Instant, MessageNumber, Money, Shape, TenantCode, Text, about
from billing.receivables.open_items.document_states import DocumentState


class Buyer(Shape, frozen=True):
    """A buyer as printed on a document, whatever became of the tenant since."""

    code: TenantCode
    legal_name: Text
    legal_form: Annotated[Text | None, about("SARL, SA …")]
    address: Annotated[Text | None, about("The address")]
    city: Annotated[Text | None, about("The city")]
    ice: Annotated[str | None, about("Identifiant commun de l'entreprise")]
    tax_id: Annotated[str | None, about("Identifiant fiscal")]
    trade_register: Annotated[str | None, about("Number in the trade register")]
    email: Annotated[str | None, about("Where the tenant was reached when it was issued")]
    language: Annotated[str, about("The language it was written to")]


class DocumentDelivery(Shape, frozen=True):
    """How far the mail with a document has come."""

    state: Annotated[
        Literal["queued", "failed", "sent", "unknown"],
        about("failed: a person must look at it; unknown: it may have arrived, a person must settle it"),
    ]
    sent_at: Annotated[Instant | None, about("When the mail server took it; null: it has not")]
    recipient: Annotated[Text | None, about("Where it goes, or went; null: the tenant has no address")]


class ResentDocument(DocumentDelivery, frozen=True):
    """A further mail with the same file, ordered by a person."""

    message: MessageNumber


class DocumentShown(Document, frozen=True):
    """A document as issued, with its buyer, what is open of it and where it was sent (contract)."""

    buyer: Annotated[Buyer, about("Whom it was issued to, as printed")]
    paid: Annotated[Money, about("What money settles of it; on a credit note: what was paid back")]
    credited: Annotated[Money, about("What credit notes settle of it; on a credit note: what it settles of invoices")]
    written_off: Annotated[Money, about("What was written off of it as lost")]
    open: Annotated[Money, about("What is left of it: gross less paid, credited and written off")]
    state: Annotated[
        DocumentState,
        about(
            "`open`: something is open and not overdue; `overdue`: an invoice that was due before today; settled whole "
            "otherwise: `written_off` where a part is lost, `credited` where no money came, else `paid`"
        ),
    ]
    delivery: Annotated[DocumentDelivery | None, about("The mail that brings it; null: none was queued")]
    resent: Annotated[list[ResentDocument], about("The further mails with it, oldest first")]
    link: Annotated[Text | None, about("Where whoever holds it can verify it; null: it bears no link")]
