"""The queries of documents and deliveries; documents in the contract's shape, set-wise from their rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, and_, bindparam, func, select

from billing.documents.shapes import Delivery, Document, DocumentLine
from billing.frame.errors import Unknown
from billing.register.recipients import present_recipient
from billing.run.shapes import treatment_shapes, vat_shapes
from invoices.delivery import DOCUMENTS
from invoices.document import CURRENCY, payment_reference_of
from invoices.models import credit_withdrawal, credited_part, delivery, document, document_line, document_vat
from pricing.money import format_amount, format_price, format_quantity, format_rate
from pricing.period import format_month
from pricing.vat import VatSubtotal

# Lists of documents and of deliveries are ordered by it.
NUMBER_KEY = (document.c.number,)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_corrected, _withdrawn = document.alias("corrected"), document.alias("withdrawn")
_line = document_line.c
_LINES = (
    select(
        _line.document_id, _line.service, _line.site, _line.lease, _line.month, _line.first_day, _line.last_day,
        _line.tier, _line.quantity, _line.full_price, _line.unit_price, _line.amount, _line.full_amount,
        _line.cost_amount, _line.vat_rate, _corrected.c.number, _withdrawn.c.number.label("withdrawn"),
        _line.revenue_account, _line.service_label, _line.vat_treatment, _line.vat_reason,
    )
    .outerjoin(
        credited_part, and_(credited_part.c.document_id == _line.document_id, credited_part.c.line_no == _line.line_no)
    )
    .outerjoin(_corrected, _corrected.c.id == func.coalesce(_line.corrects_document_id, credited_part.c.invoice_id))
    .outerjoin(
        credit_withdrawal,
        and_(credit_withdrawal.c.document_id == _line.document_id, credit_withdrawal.c.line_no == _line.line_no),
    )
    .outerjoin(_withdrawn, _withdrawn.c.id == credit_withdrawal.c.credit_note_id)
    .where(_line.document_id.in_(_IDS))
    .order_by(_line.document_id, _line.line_no)
)  # fmt: skip
_VAT = (
    select(document_vat.c.document_id, document_vat.c.rate, document_vat.c.base, document_vat.c.amount)
    .where(document_vat.c.document_id.in_(_IDS))
    .order_by(document_vat.c.document_id, document_vat.c.rate)
)


def document_shapes(connection: Connection, heads: Sequence[Row[Any]]) -> list[Document]:
    """Return the documents whose rows are `heads`, in that order, with their lines and VAT."""
    if not heads:
        return []
    ids = [head.id for head in heads]
    lines: dict[int, list[Any]] = {key: [] for key in ids}
    for row in connection.execute(_LINES, {"ids": ids}):
        lines[row[0]].append(row)
    subtotals: dict[int, list[VatSubtotal]] = {key: [] for key in ids}
    for key, *subtotal in connection.execute(_VAT, {"ids": ids}):
        subtotals[key].append(VatSubtotal(*subtotal))
    return [_document_shape(head, lines[head.id], subtotals[head.id]) for head in heads]


def _line_shape(row: Any) -> DocumentLine:
    (
        _, service, site, lease, month, first_day, last_day, tier, quantity, full_price, unit_price, amount,
        full_amount, cost_amount, vat_rate, corrects, withdraws, account, text, treatment, reason,
    ) = row  # fmt: skip
    why = treatment_shapes(treatment, reason)
    return DocumentLine(
        service=service,
        site=site,
        lease=lease,
        month=format_month(month),
        first_day=first_day,
        last_day=last_day,
        tier=tier,
        quantity=format_quantity(quantity),
        full_price=format_price(full_price),
        unit_price=format_price(unit_price),
        amount=format_amount(amount),
        full_amount=format_amount(full_amount),
        cost_amount=format_amount(cost_amount),
        vat_rate=format_rate(vat_rate),
        corrects=corrects,
        withdraws=withdraws,
        account=account,
        text=text,
        vat_treatment=why[0],  # type: ignore[arg-type]
        vat_reason=why[1],
    )


def _document_shape(head: Row[Any], lines: list[Any], vat: list[VatSubtotal]) -> Document:
    return Document(
        number=head.number,
        kind=head.kind,
        period=None if head.period is None else format_month(head.period),
        issued_on=head.issued_on,
        due_on=head.due_on,
        tenant=head.tenant,
        currency=CURRENCY,  # type: ignore[arg-type]
        payment_reference=payment_reference_of(head.number, head.kind, head.edition),
        lines=[_line_shape(row) for row in lines],
        vat=vat_shapes(vat, ((x.vat_rate, x.vat_treatment, x.vat_reason, x.amount) for x in lines)),
        net=format_amount(head.net),
        tax=format_amount(head.tax),
        gross=format_amount(head.gross),
    )


def deliveries(state: str | None, tenant: str | None) -> Select[Any]:
    """Select the documents that were to be sent, with their deliveries."""
    doubt = DOCUMENTS.in_doubt.label("in_doubt")
    columns = delivery, document.c.number, document.c.tenant, present_recipient(DOCUMENTS), doubt
    rows = select(*columns).join(document, document.c.id == delivery.c.document_id)
    if state is not None:
        rows = rows.where(DOCUMENTS.is_in(state))
    return rows if tenant is None else rows.where(document.c.tenant == tenant)


def find_delivery(connection: Connection, number: str) -> Delivery:
    """Return the delivery of a document; raises Unknown."""
    row = connection.execute(deliveries(None, None).where(document.c.number == number)).one_or_none()
    if row is None:
        raise Unknown(f"{number} is no document that was to be sent")
    return Delivery.of(row)


def heads(connection: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Return the rows of these documents, by number."""
    return connection.execute(select(document).where(document.c.id.in_(ids)).order_by(document.c.number)).all()
