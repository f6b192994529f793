"""The queries of invoices made by hand: those issued, and whether the same was billed before."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.documents.one_off.shapes import OneOffInvoice, OneOffLine
from billing.frame.errors import Unknown
from billing.run.shapes import treatment_shapes, vat_shapes
from invoices.document import INVOICE, Document, DocumentLine
from invoices.models import credit_reason, document
from invoices.reading import load_documents
from pricing.money import format_amount, format_price, format_quantity, format_rate

# Lists are ordered by it.
ONE_OFF_KEY = (document.c.number,)


def one_off_invoices(tenant: str | None = None) -> Select[Any]:
    """Select the invoices made by hand, with reason and author; with a tenant, only its own."""
    r = credit_reason.c
    rows = (
        select(document.c.id, document.c.number, r.issued_by)
        .join(credit_reason, r.document_id == document.c.id)
        .where(document.c.kind == INVOICE, document.c.period.is_(None))
    )
    return rows if tenant is None else rows.where(document.c.tenant == tenant)


def find_one_off(connection: Connection, number: str, warnings: Sequence[str] = ()) -> OneOffInvoice:
    """Return one invoice made by hand, with what was unlikely of it when it was ordered; raises Unknown."""
    rows = connection.execute(one_off_invoices().where(document.c.number == number)).all()
    if not rows:
        raise Unknown(f"{number} is no invoice made by hand")
    return one_off_shapes(connection, rows, warnings)[0]


def one_off_shapes(
    connection: Connection, heads: Sequence[Row[Any]], warnings: Sequence[str] = ()
) -> list[OneOffInvoice]:
    """Return the invoices of these rows, in their order."""
    authors = {head.id: head.issued_by for head in heads}
    return [
        shape_of(issued, authors[key], warnings) for key, issued in load_documents(connection, [h.id for h in heads])
    ]


def shape_of(issued: Document, issued_by: str, warnings: Sequence[str] = ()) -> OneOffInvoice:
    """Return an invoice made by hand as it is answered."""
    return OneOffInvoice(
        number=issued.number or None,
        issued_on=issued.issued_on,
        due_on=issued.due_on,
        tenant=issued.buyer.code,
        site=issued.lines[0].priced.site,
        reason=issued.reason,
        issued_by=issued_by,
        lines=[_line_shape(line) for line in issued.lines],
        vat=vat_shapes(issued.vat, (line.priced.of_vat for line in issued.lines)),
        net=format_amount(issued.net),
        tax=format_amount(issued.tax),
        gross=format_amount(issued.gross),
        warnings=list(warnings),
    )


def _line_shape(line: DocumentLine) -> OneOffLine:
    p = line.priced
    treatment, reason = treatment_shapes(p.vat_treatment, p.vat_reason)
    return OneOffLine(
        service=p.service,
        text=line.service_label,
        quantity=format_quantity(p.quantity),
        price=format_price(p.unit_price),
        amount=format_amount(p.amount),
        vat_rate=format_rate(p.vat_rate),
        account=line.revenue_account,
        vat_treatment=treatment,  # type: ignore[arg-type]
        vat_reason=reason,
    )


def alike(connection: Connection, tenant: str, issued_on: date, lines: Sequence[DocumentLine]) -> list[str]:
    """Return the numbers of the invoices made by hand that bill this tenant the same lines on the same day."""
    of_day = one_off_invoices(tenant).where(document.c.issued_on == issued_on).order_by(document.c.id)
    keys = [row.id for row in connection.execute(of_day)]
    wanted = [(line.priced, line.service_label) for line in lines]
    return [
        issued.number
        for _, issued in load_documents(connection, keys)
        if [(line.priced, line.service_label) for line in issued.lines] == wanted
    ]
