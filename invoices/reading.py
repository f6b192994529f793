"""Reads issued documents back, as the snapshots they are."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, select

from invoices.document import Correction, Counterpart, Document, DocumentLine, Party
from invoices.errors import UnknownDocument
from invoices.links import LINK_SECRET, Linked, PaperKind, link_of
from invoices.models import (
    brought_invoice,
    credit_reason,
    credit_withdrawal,
    credited_part,
    document,
    document_line,
    document_vat,
    party,
)
from pricing.rating import PricedLine
from pricing.vat import VatSubtotal

# The columns of `document_line` bear the names of the workings.
_WORKINGS_OF = attrgetter(*PricedLine._fields)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_corrected = document.alias("corrected")
_withdrawn = document.alias("withdrawn")
_line_c, _part, _withdrawal = document_line.c, credited_part.c, credit_withdrawal.c
_HEADS = (
    select(document, credit_reason.c.reason, brought_invoice.c.taken_on, LINK_SECRET)
    .outerjoin(credit_reason, credit_reason.c.document_id == document.c.id)
    .outerjoin(brought_invoice, brought_invoice.c.document_id == document.c.id)
    .where(document.c.id.in_(_IDS))
)
# The line that a line takes back: whole by a run (R13), or in part by hand.
_taken_back = func.coalesce(_line_c.corrects_document_id, _part.invoice_id)
_LINES = (
    select(
        document_line,
        _taken_back.label("taken_back"),
        func.coalesce(_line_c.corrects_line_no, _part.invoice_line_no).label("taken_back_line"),
        _corrected.c.number,
        _corrected.c.issued_on,
        _withdrawal.credit_note_id,
        _withdrawal.credit_line_no,
        _withdrawn.c.number.label("withdrawn_number"),
        _withdrawn.c.issued_on.label("withdrawn_on"),
    )
    .outerjoin(credited_part, and_(_part.document_id == _line_c.document_id, _part.line_no == _line_c.line_no))
    .outerjoin(_corrected, _corrected.c.id == _taken_back)
    .outerjoin(
        credit_withdrawal,
        and_(_withdrawal.document_id == _line_c.document_id, _withdrawal.line_no == _line_c.line_no),
    )
    .outerjoin(_withdrawn, _withdrawn.c.id == _withdrawal.credit_note_id)
    .where(document_line.c.document_id.in_(_IDS))
    .order_by(document_line.c.document_id, document_line.c.line_no)
)
# The lines of the other document of the same run: a credit note's, which a repair's invoice replaces; the invoice's.
_other = document.alias("other")
_other_line = document_line.alias("other_line")
_first = document.alias("first")
_OTHER_LINES = (
    select(
        document.c.id.label("owner"),
        _other_line,
        _other.c.number,
        _other.c.issued_on,
        _first.c.number.label("first_number"),
        _first.c.issued_on.label("first_issued_on"),
    )
    .join(
        _other,
        and_(
            _other.c.tenant == document.c.tenant,
            _other.c.period == document.c.period,
            _other.c.kind != document.c.kind,
        ),
    )
    .join(_other_line, _other_line.c.document_id == _other.c.id)
    .outerjoin(_first, _first.c.id == _other_line.c.corrects_document_id)
    .where(document.c.id.in_(_IDS), _other_line.c.month < document.c.period)
    .order_by(document.c.id, _other_line.c.line_no)
)
_VAT = select(document_vat).where(document_vat.c.document_id.in_(_IDS)).order_by(document_vat.c.document_id, "rate")
_PARTIES = select(party).where(party.c.digest.in_(bindparam("digests", expanding=True)))


def document_ids(connection: Connection, period: date) -> list[int]:
    """Return the keys of the documents issued by a month's run, by number."""
    query = select(document.c.id).where(document.c.period == period).order_by(document.c.number)
    return list(connection.scalars(query))


def document_id(connection: Connection, number: str) -> int:
    """Return the key of the document that bears `number`; raises UnknownDocument."""
    key = connection.scalar(select(document.c.id).where(document.c.number == number))
    if key is None:
        raise UnknownDocument(number)
    return int(key)


def load_documents(connection: Connection, ids: Sequence[int]) -> list[tuple[int, Document]]:
    """Return the documents of those keys, in that order, as issued. Hand in some hundreds at a time."""
    heads = {row.id: row for row in connection.execute(_HEADS, {"ids": ids})}
    for wanted in ids:
        if wanted not in heads:
            raise UnknownDocument(f"with the internal key {wanted}")
    lines = _by_document(connection.execute(_LINES, {"ids": ids}))
    subtotals = _by_document(connection.execute(_VAT, {"ids": ids}))
    others = _by_document(connection.execute(_OTHER_LINES, {"ids": ids}))
    digests = {digest for row in heads.values() for digest in (row.seller, row.buyer)}
    parties = {
        digest: Party(**json.loads(content))
        for digest, content in connection.execute(_PARTIES, {"digests": list(digests)})
    }
    return [
        (
            wanted,
            Document(
                number=head.number,
                kind=head.kind,
                period=head.period,
                issued_on=head.issued_on,
                due_on=head.due_on,
                seller=parties[head.seller],
                buyer=parties[head.buyer],
                lines=tuple(_line(row) for row in lines[wanted]),
                vat=tuple(VatSubtotal(row.rate, row.base, row.amount) for row in subtotals[wanted]),
                net=head.net,
                tax=head.tax,
                gross=head.gross,
                advantage=head.advantage,
                contribution=head.contribution,
                discount_ends_on=head.discount_ends_on,
                reason=head.reason or "",
                edition=head.edition,
                is_brought=head.taken_on is not None,
                counterparts=_counterparts(lines[wanted], others.get(wanted, ())),
                link=link_of(parties[head.seller], head.link_secret, Linked(PaperKind.DOCUMENT, wanted)),
            ),
        )
        for wanted in ids
        for head in (heads[wanted],)
    ]


def _by_document(rows: Iterable[Any]) -> dict[int, list[Any]]:
    return {key: list(of_document) for key, of_document in groupby(rows, key=itemgetter(0))}


def _counterparts(lines: Sequence[Any], others: Sequence[Any]) -> dict[int, Counterpart]:
    """Return, by line, what a repair's line replaces, or is billed again as: of the same lease, service and month."""
    found: dict[int, Counterpart] = {}
    for row in lines if others else ():
        same = [
            other
            for other in others
            if (other.lease, other.service, other.site, other.month) == (row.lease, row.service, row.site, row.month)
        ]
        if not same:
            continue
        # Split months have several: the one that begins on the same day, or on the day before it that is nearest.
        begun = [other for other in same if row.first_day is None or other.first_day <= row.first_day]
        other = begun[-1] if begun else same[0]
        if other.first_number is None:
            found[row.line_no] = Counterpart(other.number, other.issued_on, priced_line(other))
        else:
            found[row.line_no] = Counterpart(
                other.first_number, other.first_issued_on, priced_line(other), credited_by=other.number
            )
    return found


def priced_line(row: Any) -> PricedLine:
    """Return the workings that a row of `document_line` holds."""
    return PricedLine._make(_WORKINGS_OF(row))


def _line(row: Any) -> DocumentLine:
    corrects = withdraws = None
    if row.taken_back is not None:
        corrects = Correction(row.number, row.taken_back, row.taken_back_line, row.issued_on)
    if row.credit_note_id is not None:
        withdraws = Correction(row.withdrawn_number, row.credit_note_id, row.credit_line_no, row.withdrawn_on)
    return DocumentLine(
        priced=priced_line(row),
        service_label=row.service_label,
        unit_of_measure=row.unit_of_measure,
        site_name=row.site_name,
        office=row.office,
        revenue_account=row.revenue_account,
        corrects=corrects,
        withdraws=withdraws,
    )
