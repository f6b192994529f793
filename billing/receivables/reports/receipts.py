"""Receipts as finance reads them: the journal of receipts, those nobody could place, certificates still missing."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, case, func, not_, select

from billing.entries.accounts import UNPLACED
from billing.entries.receivables import BROUGHT, MEANS_LABELS, TO_BE_CLEARED, LegKind
from billing.frame.codes import RECEIPT
from billing.frame.reports.prepared import Fact
from billing.frame.reports.tabled import Listed, amount
from billing.receivables.open_items.open_items import unplaced_left
from billing.receivables.receipts.certificates import withholdings
from billing.receivables.receipts.queries import has_event, is_cancelled
from billing.receivables.reports.aged_balance import names_of
from billing.receivables.tables.receipts import (
    EventKind,
    allocation,
    allocation_undoing,
    placement,
    receipt,
    receipt_leg,
)
from invoices import formats
from ledger.exports.columns import Kind
from ledger.reports.rows import Column

# A credit that a take-on brought may come to be nobody's, too.
_MEANS = {**MEANS_LABELS, BROUGHT: "Reprise"}
_KINDS = {LegKind.RENT_WITHHOLDING: "RAS sur loyer", LegKind.VAT_WITHHOLDING: "RAS TVA"}
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
    """List the receipts of a value date within days, both included, with legs and settlements.

    Those that came back unpaid are listed too; those cancelled are not: they never came. Nor is brought credit, whose
    money came before.
    """
    period = f"jusqu’au {formats.day(until)}" if start is None else formats.days(start, until)
    about = {"from": None if start is None else start.isoformat(), "until": until.isoformat()}
    facts = (Fact("Période", period), Fact("Montants", "dirhams (DH)"))
    return Listed(
        name="receipts",
        title="Journal des encaissements",
        part="Encaissements",
        columns=_JOURNAL,
        lines=_receipts(connection, start, until),
        facts=facts,
        until=until,
        about=about,
    )


def _receipts(connection: Connection, start: date | None, until: date) -> Iterator[tuple[Any, ...]]:
    c, leg, p, a, u = receipt.c, receipt_leg.c, placement.c, allocation.c, allocation_undoing.c
    legs = (
        select(
            leg.receipt_id, *(func.sum(case((leg.kind == kind, leg.amount), else_=0)).label(kind) for kind in LegKind)
        )
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
    events = {kind.value: has_event(kind) for kind in EventKind}
    statement = (
        select(
            receipt, *(legs.c[kind].label(f"of_{kind}") for kind in LegKind), settled.c.amount.label("settled"),
            *(event.label(kind) for kind, event in events.items()),
        )
        .join(legs, legs.c.receipt_id == c.id)
        .outerjoin(settled, settled.c.receipt_id == c.id)
        .where(c.value_date <= until, not_(is_cancelled()), c.means != BROUGHT)
        .order_by(c.value_date, c.id)
    )  # fmt: skip
    if start is not None:
        statement = statement.where(c.value_date >= start)
    for row in connection.execute(statement.execution_options(yield_per=10_000)):
        parts = [int(row._mapping[f"of_{kind}"]) for kind in LegKind]
        yield (
            RECEIPT.format(row.id), row.value_date, _MEANS[row.means], row.reference, row.tenant or "",
            _state(row), *parts, row.amount, int(row.settled or 0),
        )  # fmt: skip


def _state(row: Any) -> str:
    if row.bounced:
        return "impayé"
    if row.means in TO_BE_CLEARED:
        return "encaissé" if row.cleared else "à encaisser"
    return "reçu"


def unplaced_receipts(connection: Connection, on: date) -> Listed:
    """List the parts of receipts that were nobody's at the end of a day, oldest first."""
    facts = (Fact("Au", formats.day(on)), Fact("Compte", UNPLACED), Fact("Montants", "dirhams (DH)"))
    return Listed(
        name="unplaced-receipts",
        title="Encaissements à identifier",
        part="Encaissements",
        columns=_UNPLACED,
        lines=_unplaced(connection, on),
        facts=facts,
        until=on,
        about={"on": on.isoformat()},
    )


def _unplaced(connection: Connection, on: date) -> Iterator[tuple[Any, ...]]:
    c = receipt.c
    left = unplaced_left(c.id > 0, on).subquery()
    statement = select(receipt, left.c.left.label("still")).join(left, left.c.id == c.id).order_by(c.value_date, c.id)
    for row in connection.execute(statement):
        yield (
            RECEIPT.format(row.id), row.value_date, _MEANS[row.means], row.reference, row.payer_text, int(row.still),
        )  # fmt: skip


def missing_certificates(connection: Connection, on: date) -> Listed:
    """List the taxes withheld whose certificate has not come yet, oldest first, with the days waited for each."""
    facts = (Fact("Au", formats.day(on)), Fact("Montants", "dirhams (DH)"))
    return Listed(
        name="missing-certificates",
        title="Attestations de retenue manquantes",
        part="Retenues à la source",
        columns=_MISSING,
        lines=_missing(connection, on),
        facts=facts,
        until=on,
        about={"on": on.isoformat()},
    )


def _missing(connection: Connection, on: date) -> Iterator[tuple[Any, ...]]:
    names = names_of(connection)
    for row in withholdings(connection, missing=True):
        if row.value_date <= on:
            yield (
                RECEIPT.format(row.receipt_id), row.value_date, _KINDS.get(row.kind, row.kind), row.tenant or "",
                names.get(row.tenant or "", ""), row.reference, (on - row.value_date).days, row.amount,
            )  # fmt: skip
