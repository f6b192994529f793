"""Documents in the contract's shape, straight from their rows: lists need no values that check themselves."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, select

from invoices.document import CURRENCY, payment_reference_of
from invoices.models import credited_part, document, document_line, document_vat
from pricing.money import format_amount, format_price, format_quantity, format_rate
from pricing.period import format_month

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_corrected = document.alias("corrected")
_line = document_line.c
_LINES = (
    select(
        _line.document_id, _line.service, _line.site, _line.lease, _line.month, _line.first_day, _line.last_day,
        _line.tier, _line.quantity, _line.full_price, _line.unit_price, _line.amount, _line.full_amount,
        _line.cost_amount, _line.vat_rate, _corrected.c.number,
    )
    .outerjoin(
        credited_part, and_(credited_part.c.document_id == _line.document_id, credited_part.c.line_no == _line.line_no)
    )
    .outerjoin(_corrected, _corrected.c.id == func.coalesce(_line.corrects_document_id, credited_part.c.invoice_id))
    .where(_line.document_id.in_(_IDS))
    .order_by(_line.document_id, _line.line_no)
)  # fmt: skip
_VAT = (
    select(document_vat.c.document_id, document_vat.c.rate, document_vat.c.base, document_vat.c.amount)
    .where(document_vat.c.document_id.in_(_IDS))
    .order_by(document_vat.c.document_id, document_vat.c.rate)
)


def documents_json(connection: Connection, heads: Sequence[Any]) -> list[dict[str, Any]]:
    """The documents whose rows are `heads`, in that order, with their lines and VAT."""
    if not heads:
        return []
    ids = [head.id for head in heads]
    lines: dict[int, list[dict[str, Any]]] = {key: [] for key in ids}
    for row in connection.execute(_LINES, {"ids": ids}):
        lines[row[0]].append(_line_json(row))
    subtotals: dict[int, list[dict[str, Any]]] = {key: [] for key in ids}
    for key, rate, base, amount in connection.execute(_VAT, {"ids": ids}):
        subtotals[key].append({"rate": format_rate(rate), "base": format_amount(base), "amount": format_amount(amount)})
    return [_document_json(head, lines[head.id], subtotals[head.id]) for head in heads]


def _line_json(row: Any) -> dict[str, Any]:
    (
        _, service, site, lease, month, first_day, last_day, tier, quantity, full_price, unit_price, amount,
        full_amount, cost_amount, vat_rate, corrects,
    ) = row  # fmt: skip
    return {
        "service": service,
        "site": site,
        "lease": lease,
        "month": format_month(month),
        "first_day": None if first_day is None else first_day.isoformat(),
        "last_day": None if last_day is None else last_day.isoformat(),
        "tier": tier,
        "quantity": format_quantity(quantity),
        "full_price": format_price(full_price),
        "unit_price": format_price(unit_price),
        "amount": format_amount(amount),
        "full_amount": format_amount(full_amount),
        "cost_amount": format_amount(cost_amount),
        "vat_rate": format_rate(vat_rate),
        "corrects": corrects,
    }


def _document_json(head: Any, lines: list[dict[str, Any]], vat: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "number": head.number,
        "kind": head.kind,
        "period": None if head.period is None else format_month(head.period),
        "issued_on": head.issued_on.isoformat(),
        "due_on": head.due_on.isoformat(),
        "tenant": head.tenant,
        "currency": CURRENCY,
        "payment_reference": payment_reference_of(head.number, head.kind, head.edition),
        "lines": lines,
        "vat": vat,
        "net": format_amount(head.net),
        "tax": format_amount(head.tax),
        "gross": format_amount(head.gross),
    }
