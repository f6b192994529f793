"""Receipts as finance reads them: the journal of what came in, what nobody could place, certificates still missing."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, case, exists, func, select

from billing.entries.receivables import MEANS_LABELS, MONEY, number_of
from billing.frame.reports.prepared import Fact
from billing.frame.reports.tabled import Listed, amount
from billing.receivables.open_items.open_items import unplaced_left
from billing.receivables.receipts.certificates import withholdings
from billing.receivables.reports.aged_balance import names_of
from billing.receivables.tables.receipts import (
    allocation,
    allocation_undoing,
    placement,
    receipt,
    receipt_event,
    receipt_leg,
)
from invoices import formats
from ledger.exports.columns import Kind
from ledger.reports.rows import Column

_KINDS = {"rent_withholding": "RAS sur loyer", "vat_withholding": "RAS TVA"}
_LEGS = (MONEY, "rent_withholding", "vat_withholding", "bank_charges")
_JOURNAL = (
    Column("receipt", "Règlement", Kind.TEXT),
    Column("value_date", "Date de valeur", Kind.DAY),
    Column("means", "Mode", Kind.TEXT),
    Column("reference", "Référence", Kind.TEXT),
    Column("tenant", "Locataire", Kind.TEXT),
    Column("state", "État", Kind.TEXT),
    amount("money", "Reçu"),
    amount("rent_withholding", "RAS loyer"),
    amount("vat_withholding", "RAS TVA"),
    amount("bank_charges", "Frais"),
    amount("amount", "Total"),
    amount("allocated", "Affecté"),
)
_UNPLACED = (
    Column("receipt", "Règlement", Kind.TEXT),
    Column("value_date", "Date de valeur", Kind.DAY),
    Column("means", "Mode", Kind.TEXT),
    Column("reference", "Référence", Kind.TEXT),
    Column("payer_text", "Libellé du payeur", Kind.TEXT),
    amount("left", "À identifier"),
)
_MISSING = (
    Column("receipt", "Règlement", Kind.TEXT),
    Column("value_date", "Date de valeur", Kind.DAY),
    Column("kind", "Retenue", Kind.TEXT),
    Column("tenant", "Locataire", Kind.TEXT),
    Column("name", "Raison sociale", Kind.TEXT),
    Column("reference", "Référence", Kind.TEXT),
    Column("waiting", "Jours", Kind.COUNT),
    amount("amount", "Montant"),
)


def receipts_journal(connection: Connection, start: date | None, until: date) -> Listed:
    """Every receipt of a value date within days, both included, with its legs and what it settles; bounced ones too."""
    period = f"jusqu’au {formats.day(until)}" if start is None else formats.days(start, until)
    about = {"from": None if start is None else start.isoformat(), "until": until.isoformat()}
    facts = (Fact("Période", period), Fact("Montants", "dirhams (DH)"))
    return Listed(
        "receipts", "Journal des encaissements", "Encaissements", _JOURNAL, _receipts(connection, start, until), facts,
        until, about,
    )  # fmt: skip


def _receipts(connection: Connection, start: date | None, until: date) -> Iterator[tuple[Any, ...]]:
    c, leg, p, a, u, e = (
        receipt.c, receipt_leg.c, placement.c, allocation.c, allocation_undoing.c, receipt_event.c,
    )  # fmt: skip
    legs = (
        select(leg.receipt_id, *(func.sum(case((leg.kind == kind, leg.amount), else_=0)).label(kind) for kind in _LEGS))
        .group_by(leg.receipt_id)
        .subquery()
    )
    settled = (
        select(p.receipt_id, func.sum(a.amount).label("amount"))
        .join(placement, p.id == a.placement_id)
        .outerjoin(allocation_undoing, u.allocation_id == a.id)
        .where(u.allocation_id.is_(None))
        .group_by(p.receipt_id)
        .subquery()
    )
    events = {kind: exists().where(e.receipt_id == c.id, e.kind == kind) for kind in ("bounced", "cleared")}
    found = (
        select(
            receipt, *(legs.c[kind].label(f"of_{kind}") for kind in _LEGS), settled.c.amount.label("settled"),
            *(event.label(kind) for kind, event in events.items()),
        )
        .join(legs, legs.c.receipt_id == c.id)
        .outerjoin(settled, settled.c.receipt_id == c.id)
        .where(c.value_date <= until)
        .order_by(c.value_date, c.id)
    )  # fmt: skip
    if start is not None:
        found = found.where(c.value_date >= start)
    for row in connection.execute(found.execution_options(yield_per=10_000)):
        parts = [int(row._mapping[f"of_{kind}"]) for kind in _LEGS]
        yield (
            number_of(row.id), row.value_date, MEANS_LABELS[row.means], row.reference, row.tenant or "", _state(row),
            *parts, row.amount, int(row.settled or 0),
        )  # fmt: skip


def _state(row: Any) -> str:
    if row.bounced:
        return "impayé"
    if row.means in ("cheque", "bill"):
        return "encaissé" if row.cleared else "à encaisser"
    return "reçu"


def unplaced_receipts(connection: Connection, on: date) -> Listed:
    """What of receipts was nobody's at the end of a day, oldest first."""
    facts = (Fact("Au", formats.day(on)), Fact("Compte", "4497"), Fact("Montants", "dirhams (DH)"))
    return Listed(
        "unplaced-receipts", "Encaissements à identifier", "Encaissements", _UNPLACED, _unplaced(connection, on), facts,
        on, {"on": on.isoformat()},
    )  # fmt: skip


def _unplaced(connection: Connection, on: date) -> Iterator[tuple[Any, ...]]:
    c = receipt.c
    left = unplaced_left(c.id > 0, on).subquery()
    found = select(receipt, left.c.left.label("still")).join(left, left.c.id == c.id).order_by(c.value_date, c.id)
    for row in connection.execute(found):
        yield (
            number_of(row.id), row.value_date, MEANS_LABELS[row.means], row.reference, row.payer_text, int(row.still),
        )  # fmt: skip


def missing_certificates(connection: Connection, on: date) -> Listed:
    """Taxes withheld whose certificate has not come yet, oldest first, with the days each has been waited for."""
    facts = (Fact("Au", formats.day(on)), Fact("Montants", "dirhams (DH)"))
    return Listed(
        "missing-certificates", "Attestations de retenue manquantes", "Retenues à la source", _MISSING,
        _missing(connection, on), facts, on, {"on": on.isoformat()},
    )  # fmt: skip


def _missing(connection: Connection, on: date) -> Iterator[tuple[Any, ...]]:
    names = names_of(connection)
    for one in withholdings(connection, missing=True):
        if one.value_date <= on:
            yield (
                number_of(one.receipt), one.value_date, _KINDS.get(one.kind, one.kind), one.tenant or "",
                names.get(one.tenant or "", ""), one.reference, (on - one.value_date).days, one.amount,
            )  # fmt: skip
