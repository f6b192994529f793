"""The queries of credit notes made by hand: those given, and what may still be credited of an invoice."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, func, select

from billing.documents.credit_notes.kinds import CreditKind
from billing.documents.credit_notes.shapes import CreditedLine, CreditNote
from billing.frame.errors import Fault, Refused, Unknown
from invoices.document import CREDIT_NOTE, INVOICE, DocumentLine
from invoices.models import credit_reason, credit_withdrawal, credited_part, document, document_line
from invoices.reading import document_id, load_documents
from pricing.money import format_amount, format_rate

# Lists are ordered by it.
CREDIT_NOTE_KEY = (document.c.number,)


class CreditableLine(NamedTuple):
    """A line of an invoice, and what of it may still be credited, without VAT, in centimes.

    It `stands` unless a run or a cancellation took it back whole.
    """

    line_no: int
    line: DocumentLine
    left: int
    stands: bool


def creditable_lines(connection: Connection, invoice: str) -> list[CreditableLine]:
    """Return the lines of an invoice with what was invoiced less what was credited, by runs and by hand.

    Raises UnknownDocument; Refused for a credit note.
    """
    key = document_id(connection, invoice)
    ((_, credited),) = load_documents(connection, [key])
    if credited.kind != INVOICE:
        raise Refused([Fault("credit-note", None, "invoice", invoice, "is no invoice", "name the invoice it credits")])
    left, whole = _left(connection, key)
    return [
        CreditableLine(line_no, line, left[line_no], line_no not in whole)
        for line_no, line in enumerate(credited.lines, 1)
    ]


def _left(connection: Connection, key: int) -> tuple[dict[int, int], set[int]]:
    """Return, by line of the invoice, the amount invoiced less what runs and people took back, in centimes.

    And the lines that were taken back whole.
    """
    x, part = document_line.c, credited_part.c
    credit = document_line.alias("credit")
    whole = and_(credit.c.corrects_document_id == x.document_id, credit.c.corrects_line_no == x.line_no)
    rows = connection.execute(
        select(x.line_no, x.amount, credit.c.document_id).outerjoin(credit, whole).where(x.document_id == key)
    ).all()
    whole_lines = {line_no for line_no, _, credited in rows if credited is not None}
    left = {line_no: 0 if line_no in whole_lines else amount for line_no, amount, _ in rows}
    withdrawal = credit_withdrawal.c
    by_hand = (
        select(part.invoice_line_no, func.sum(x.amount))
        .join(document_line, and_(x.document_id == part.document_id, x.line_no == part.line_no))
        .outerjoin(
            credit_withdrawal,
            and_(withdrawal.credit_note_id == part.document_id, withdrawal.credit_line_no == part.line_no),
        )
        .where(part.invoice_id == key, withdrawal.document_id.is_(None))
        .group_by(part.invoice_line_no)
    )
    for line_no, credited in connection.execute(by_hand):
        # A rebate on a line that was cancelled since waits to be billed again by the next run.
        left[line_no] = max(left[line_no] - int(credited), 0)
    return left, whole_lines


def credit_notes(tenant: str | None = None) -> Select[Any]:
    """Select the credit notes made by hand, with reason and name; with a tenant, only its own."""
    rows = select(document, credit_reason.c.reason, credit_reason.c.issued_by).join(
        credit_reason, credit_reason.c.document_id == document.c.id
    )
    rows = rows.where(document.c.kind == CREDIT_NOTE)
    return rows if tenant is None else rows.where(document.c.tenant == tenant)


def find_credit_note(connection: Connection, number: str) -> CreditNote:
    """Return one credit note made by hand; raises Unknown."""
    rows = connection.execute(credit_notes().where(document.c.number == number)).all()
    if not rows:
        raise Unknown(f"{number} is no credit note made by hand")
    return credit_note_shapes(connection, rows)[0]


def all_credit_notes(connection: Connection) -> list[CreditNote]:
    """Return every credit note made by hand, by number."""
    return credit_note_shapes(connection, connection.execute(credit_notes().order_by(*CREDIT_NOTE_KEY)).all())


def credit_note_shapes(connection: Connection, heads: Sequence[Row[Any]]) -> list[CreditNote]:
    """Return the credit notes of these rows: which invoice each credits, line by line, why, by whom."""
    x, part, invoice = document_line.c, credited_part.c, document.alias("invoice")
    rows = connection.execute(
        select(
            x.document_id,
            func.coalesce(x.corrects_line_no, part.invoice_line_no).label("invoice_line_no"),
            x.corrects_document_id,
            x.amount,
            x.vat_rate,
            invoice.c.number,
        )
        .outerjoin(credited_part, and_(x.document_id == part.document_id, x.line_no == part.line_no))
        .join(invoice, invoice.c.id == func.coalesce(x.corrects_document_id, part.invoice_id))
        .where(x.document_id.in_([head.id for head in heads]))
        .order_by(x.document_id, x.line_no)
    )
    credited = {key: list(lines) for key, lines in groupby(rows, lambda row: row.document_id)}
    return [
        CreditNote(
            number=head.number,
            issued_on=head.issued_on,
            tenant=head.tenant,
            invoice=credited[head.id][0].number,
            kind=CreditKind.REBATE if credited[head.id][0].corrects_document_id is None else CreditKind.CANCELLATION,
            reason=head.reason,
            issued_by=head.issued_by,
            lines=[
                CreditedLine(line.invoice_line_no, format_amount(line.amount), format_rate(line.vat_rate))
                for line in credited[head.id]
            ],
            net=format_amount(head.net),
            tax=format_amount(head.tax),
            gross=format_amount(head.gross),
        )
        for head in heads
    ]
