"""The VAT that fell due in a month, movement by movement: by which receipt, of which document, on which line it goes.

A document's VAT at a rate may belong to several lines of the return, where its services do; a movement is then shared
by what was invoiced of each (largest remainder), so that its parts make up the movement.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, select

from billing.books.vat_return.advances import Change
from billing.frame.codes import DEBT_ACT, RECEIPT, REFUND
from billing.frame.database import among
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import vat_movements_select
from billing.receivables.tables.receipts import allocation, placement
from invoices.models import document, document_line
from pricing.money import allocate, format_rate
from pricing.vat import STANDARD

# The acts of `settlement` whose key is an allocation's.
_OF_ALLOCATIONS = ("allocated", "undone", "cleared")
_WORDS = {
    "allocated": "Encaissement",
    "undone": "Affectation annulée",
    "cleared": "Encaissement",
    "refunded": "Remboursement",
    "unrefunded": "Remboursement annulé",
    "recovered": "Rentrée sur créance soldée",
    "unrecovered": "Rentrée sur créance soldée annulée",
    "issued": "Facturation (débits)",
}
_WORDS_OF_NOTES = {"allocated": "Avoir imputé", "undone": "Imputation d’avoir annulée"}
UNSAID = "?"


class VatMovement(NamedTuple):
    """So much base and VAT (centimes, negative where given back) that fell due on a day.

    `piece` is what made it fall due: a receipt `RG-…`, a refund `RB-…`, a credit note, or the document itself; an
    advance has no document. Of what bears no VAT, `treatment` says why (`pricing.vat`).
    """

    code: str
    rate: int
    treatment: str
    due_on: date
    what: str
    piece: str
    tenant: str
    document: str | None
    base: int
    vat: int


def vat_movements(connection: Connection, first: date, last: date, terms: Terms) -> list[VatMovement]:
    """Return the movements of the days from `first` to `last`, by code, rate, day and document."""
    rows = connection.execute(_with_pieces(first, last)).all()
    codes: Mapping[str, str] = terms.at("vat.return_codes", last)
    weights = _weights(connection, {row.document_id for row in rows}, codes)
    return sorted(
        movement for row in rows for movement in _shared(row, weights.get((row.document_id, row.rate)), codes)
    )


def advance_movements(changes: Iterable[Change], on: date, terms: Terms) -> Iterator[VatMovement]:
    """Yield what advances make fall due at the end of a month, and what is taken back of them."""
    codes: Mapping[str, str] = terms.at("vat.return_codes", on)
    for advance, amount, vat in changes:
        yield VatMovement(
            code=code_of(codes, None, advance.rate),
            rate=advance.rate,
            treatment=STANDARD,
            due_on=on,
            what="Avance reçue" if amount > 0 else "Avance reprise",
            piece=RECEIPT.format(advance.receipt),
            tenant=advance.tenant,
            document=None,
            base=amount - vat,
            vat=vat,
        )


def code_of(codes: Mapping[str, str], service: str | None, rate: int, treatment: str = STANDARD) -> str:
    """Return the line of the return that a service is declared on, by itself, its treatment or rate; `?` if unsaid."""
    return next((codes[name] for name in (service or "", treatment, format_rate(rate)) if name in codes), UNSAID)


def _with_pieces(first: date, last: date) -> Any:
    """Select what fell due, with the key of what made it fall due."""
    moved = vat_movements_select(first, last).subquery()
    m, a, note = moved.c, allocation.c, document.alias("note")
    of_allocation = m.act.in_(_OF_ALLOCATIONS)
    return (
        select(
            moved,
            placement.c.receipt_id,
            note.c.number.label("note"),
        )
        .outerjoin(allocation, and_(of_allocation, a.id == m.act_id))
        .outerjoin(placement, placement.c.id == a.placement_id)
        .outerjoin(note, note.c.id == a.credit_note_id)
    )


def _what(row: Any) -> str:
    """Name the act that made it fall due, as people do."""
    return _WORDS[row.act] if row.note is None else _WORDS_OF_NOTES[row.act]


def _piece(row: Any) -> str:
    """Name what made a movement fall due, as people do."""
    if row.receipt_id is not None:
        return RECEIPT.format(row.receipt_id)
    if row.note is not None:
        return str(row.note)
    if row.act in ("refunded", "unrefunded"):
        return REFUND.format(row.act_id)
    if row.act in ("recovered", "unrecovered"):
        return DEBT_ACT.format(row.act_id)
    return str(row.number)


def _shared(row: Any, weights: Mapping[tuple[str, str], int] | None, codes: Mapping[str, str]) -> Iterator[VatMovement]:
    """Cut a movement into as many parts as it belongs to lines of the return, and what bears no VAT by treatment."""
    parts = weights or {(code_of(codes, None, row.rate), STANDARD): 1}
    bases, vats = (allocate(int(amount), list(parts.values())) for amount in (row.base_due, row.vat_due))
    for (code, treatment), base, vat in zip(parts, bases, vats, strict=True):
        if base or vat:
            yield VatMovement(
                code=code,
                rate=row.rate,
                treatment=treatment,
                due_on=row.settled_on,
                what=_what(row),
                piece=_piece(row),
                tenant=row.tenant,
                document=row.number,
                base=base,
                vat=vat,
            )


def _weights(
    connection: Connection, documents: Iterable[int], codes: Mapping[str, str]
) -> dict[tuple[int, int], dict[tuple[str, str], int]]:
    """Sum by document and rate what was invoiced on each line of the return and treatment, in their order."""
    x = document_line.c
    sums: dict[tuple[int, int], dict[tuple[str, str], int]] = defaultdict(dict)
    alike = x.document_id, x.vat_rate, x.service, x.vat_treatment
    rows = connection.execute(
        select(*alike, func.sum(x.amount))
        .where(among(connection, x.document_id, sorted(documents)))
        .group_by(*alike)
        .order_by(*alike)
    )
    for document_id, rate, service, treatment, amount in rows:
        of = sums[document_id, rate]
        line = code_of(codes, service, rate, treatment), treatment
        of[line] = of.get(line, 0) + int(amount)
    return {key: dict(sorted(of.items())) for key, of in sums.items() if sum(of.values()) > 0}
