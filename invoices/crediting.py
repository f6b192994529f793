"""The base of invoices that no credit note has taken back yet, by VAT rate: what a credit note's VAT follows (R11)."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from invoices.models import credited_part, document_line, document_vat

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_IDS_AT_A_TIME = 1000
_x, _v, _part = document_line.c, document_vat.c, credited_part.c
_INVOICED = select(_v.document_id, _v.rate, _v.base).where(_v.document_id.in_(_IDS))
_CREDITED = (
    # Whole lines ...
    select(_x.corrects_document_id, _x.vat_rate, func.sum(_x.amount))
    .where(_x.corrects_document_id.in_(_IDS))
    .group_by(_x.corrects_document_id, _x.vat_rate),
    # ... and parts of lines, whatever became of them afterwards.
    select(_part.invoice_id, _x.vat_rate, func.sum(_x.amount))
    .join(document_line, (_x.document_id == _part.document_id) & (_x.line_no == _part.line_no))
    .where(_part.invoice_id.in_(_IDS))
    .group_by(_part.invoice_id, _x.vat_rate),
)


def not_credited(connection: Connection, invoices: Iterable[int]) -> dict[tuple[int, int], int]:
    """Return the base of these invoices less all that credit notes took back, by (invoice, VAT rate), in centimes.

    A part that an invoice bills again stays credited here: it is that other invoice's. So it may be below zero.
    """
    left: dict[tuple[int, int], int] = {}
    keys = sorted(set(invoices))
    for start in range(0, len(keys), _IDS_AT_A_TIME):
        ids = keys[start : start + _IDS_AT_A_TIME]
        for invoice, rate, base in connection.execute(_INVOICED, {"ids": ids}):
            left[invoice, rate] = base
        for credited in _CREDITED:
            for invoice, rate, amount in connection.execute(credited, {"ids": ids}):
                left[invoice, rate] -= int(amount)
    return left
