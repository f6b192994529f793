"""The shape of an open item."""

from typing import Annotated, Any

from sqlalchemy import Row

from billing.frame.shapes import Day, DocumentKind, DocumentNumber, Money, Shape, TenantCode, about
from pricing.money import format_amount


class OpenItem(Shape, frozen=True):
    """A document of which something is open: an invoice not paid, a credit note not used."""

    number: DocumentNumber
    kind: DocumentKind
    tenant: TenantCode
    issued_on: Day
    due_on: Day
    gross: Annotated[Money, about("What the document says, VAT included")]
    open: Annotated[Money, about("What is open of it; negative on a credit note")]

    @classmethod
    def of(cls, row: Row[Any]) -> "OpenItem":
        """Write an open document whose row is of `open_items.open_items_select`."""
        return cls(
            number=row.number,
            kind=row.kind,
            tenant=row.tenant,
            issued_on=row.issued_on,
            due_on=row.due_on,
            gross=format_amount(row.gross),
            open=format_amount(int(row.open)),
        )
