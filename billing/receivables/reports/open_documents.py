"""What is open, document by document, and the VAT that has not fallen due, rate by rate; at the end of a day.

The first sums to 3421 and 3424, the second to 44551: facts say it, not postings, so that the books can be held beside.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from billing.entries.accounts import CLIENTS, DOUBTFUL_CLIENTS, VAT_NOT_YET_DUE
from billing.frame.database import among
from billing.frame.reports.prepared import Fact
from billing.frame.reports.tabled import Listed, amount
from billing.receivables.open_items.open_items import open_items_select
from billing.receivables.reports.aged_balance import names_of
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import SettlementAct, allocation, allocation_undoing, settlement
from invoices import formats
from invoices.brought import stands_by
from invoices.document import CREDIT_NOTE
from invoices.models import document, document_line, document_vat
from ledger.exports.columns import Kind
from ledger.reports.rows import Column
from pricing.money import allocate
from pricing.vat import STANDARD

_KINDS = {"invoice": "Facture", "credit_note": "Avoir"}
_ITEMS = (
    Column("tenant", "Locataire", Kind.TEXT),
    Column("name", "Raison sociale", Kind.TEXT),
    Column("number", "Numéro", Kind.TEXT),
    Column("kind", "Nature", Kind.TEXT),
    Column("issued_on", "Date", Kind.DAY),
    Column("due_on", "Échéance", Kind.DAY),
    Column("days_late", "Jours de retard", Kind.COUNT),
    amount("gross", "Montant TTC"),
    amount("settled", "Réglé"),
    amount("sound", CLIENTS, "Reste dû"),
    amount("doubtful", DOUBTFUL_CLIENTS, "Reste dû"),
    amount("open", "Total", "Reste dû"),
)
_VAT = (
    Column("rate", "Taux", Kind.RATE),
    Column("treatment", "Traitement", Kind.TEXT),
    Column("documents", "Pièces", Kind.COUNT),
    amount("base", "Base HT"),
    amount("vat", "TVA non exigible"),
)


def open_documents(connection: Connection, on: date) -> Listed:
    """List the documents of which something was open at the end of a day, by tenant, oldest due first."""
    return Listed(
        name="open-items",
        title="Factures et avoirs ouverts",
        part="Clients",
        columns=_ITEMS,
        lines=_items(connection, on),
        facts=(Fact("Au", formats.day(on)), Fact("Montants", "dirhams (DH), TTC ; avoirs en négatif")),
        until=on,
        about={"on": on.isoformat()},
    )


def _items(connection: Connection, on: date) -> Iterator[tuple[Any, ...]]:
    names, doubtful = names_of(connection), _doubtful(connection, on)
    d = document.c
    for row in connection.execute(open_items_select(on).order_by(d.tenant, d.due_on, d.id)):
        is_note, left = row.kind == CREDIT_NOTE, int(row.open)
        gross = -row.gross if is_note else row.gross
        apart = doubtful.get(row.document_id, 0)
        late = 0 if is_note else max((on - row.due_on).days, 0)
        yield (
            row.tenant, names.get(row.tenant, ""), row.number, _KINDS[row.kind], row.issued_on, row.due_on, late, gross,
            gross - left, left - apart, apart, left,
        )  # fmt: skip


def _doubtful(connection: Connection, on: date) -> dict[int, int]:
    """Return the part of documents that was set apart as doubtful at the end of a day, by key."""
    a, c, u = debt_act.c, allocation.c, allocation_undoing.c
    decided = case((a.kind == "doubtful", a.amount), (a.kind == "reinstated", -a.amount), else_=-a.from_doubtful)
    parts = select(a.document_id, func.sum(decided)).where(a.decided_on <= on).group_by(a.document_id)
    doubtful = {key: int(part) for key, part in connection.execute(parts)}
    paid = (
        select(c.document_id, func.sum(c.doubtful))
        .outerjoin(allocation_undoing, u.allocation_id == c.id)
        .where(c.doubtful > 0, c.allocated_on <= on, or_(u.undone_on.is_(None), u.undone_on > on))
        .group_by(c.document_id)
    )
    for key, part in connection.execute(paid):
        doubtful[key] = doubtful.get(key, 0) - int(part)
    return doubtful


def vat_not_due(connection: Connection, on: date) -> Listed:
    """List the VAT of documents that had not fallen due by the end of a day, by rate: what 44551 holds.

    What bears no VAT is apart by treatment (`pricing.vat`).
    """
    return Listed(
        name="vat-not-due",
        title="TVA facturée non encore exigible",
        part="TVA",
        columns=_VAT,
        lines=_vat(connection, on),
        facts=(Fact("Au", formats.day(on)), Fact("Compte", VAT_NOT_YET_DUE), Fact("Montants", "dirhams (DH)")),
        until=on,
        about={"on": on.isoformat(), "account": VAT_NOT_YET_DUE},
    )


def _vat(connection: Connection, on: date) -> Iterator[tuple[Any, ...]]:
    d, v, s = document.c, document_vat.c, settlement.c
    # What was recovered falls due without having waited: its VAT went with the write-off.
    base = case((s.act == SettlementAct.WRITTEN_OFF, s.base), (s.act == SettlementAct.RECOVERED, 0), else_=s.base_due)
    moved = (
        select(s.document_id, s.rate, func.sum(base).label("base"), func.sum(s.vat_released).label("vat"))
        .where(s.settled_on <= on)
        .group_by(s.document_id, s.rate)
        .subquery()
    )
    m, sign = moved.c, case((d.kind == CREDIT_NOTE, -1), else_=1)
    base_left, vat_left = v.base - func.coalesce(m.base, 0), v.amount - func.coalesce(m.vat, 0)
    rows = (
        select(v.rate, func.count(), func.sum(sign * base_left), func.sum(sign * vat_left))
        .join(document, d.id == v.document_id)
        .outerjoin(moved, and_(m.document_id == v.document_id, m.rate == v.rate))
        .where(stands_by(on), or_(base_left != 0, vat_left != 0))
        .group_by(v.rate)
        .order_by(v.rate)
    )
    of_zero = rows.with_only_columns(v.document_id, sign * base_left).where(v.rate == 0).group_by(None).order_by(None)
    for treatment, (count, base_sum) in _by_treatment(connection, dict(connection.execute(of_zero).all())).items():
        yield 0, None if treatment == STANDARD else formats.vat_rate(0, treatment), count, base_sum, 0
    for rate, count, base_sum, vat_sum in connection.execute(rows.where(v.rate != 0)):
        yield rate, None, count, int(base_sum), int(vat_sum)


def _by_treatment(connection: Connection, left: Mapping[int, int]) -> dict[str, tuple[int, int]]:
    """Share what is left of documents at 0 by what their lines say; return documents and base, by treatment."""
    x, of_documents = document_line.c, defaultdict[int, dict[str, int]](dict)
    said = select(x.document_id, x.vat_treatment, func.sum(x.amount)).where(x.vat_rate == 0)
    chosen = said.where(among(connection, x.document_id, left)).group_by(x.document_id, x.vat_treatment)
    for key, treatment, amount_said in connection.execute(chosen.order_by(x.document_id, x.vat_treatment)):
        of_documents[key][treatment] = int(amount_said)
    sums: dict[str, tuple[int, int]] = {}
    for key, base in left.items():
        weights = of_documents[key] if sum(of_documents[key].values()) > 0 else {STANDARD: 1}
        for treatment, part in zip(weights, allocate(int(base), list(weights.values())), strict=True):
            if part:
                count, before = sums.get(treatment, (0, 0))
                sums[treatment] = count + 1, before + part
    return dict(sorted(sums.items(), key=lambda item: (item[0] != STANDARD, item[0])))
