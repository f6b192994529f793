"""Documents with what is open of each, rate by rate: read set-wise by the acts that settle some."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from billing.frame.database import among
from billing.receivables.open_items.open_item_index import documents_maybe_open
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import SettlementAct, allocation, allocation_undoing, settlement
from invoices.models import document, document_vat
from pricing.vat_shares import Share, left_of, taken_of, whole


@dataclass(slots=True)
class OpenDocument:
    """A document and what is open of it by VAT rate, in centimes, both as positive sums; it follows what is taken.

    `due_at_issue`: its VAT fell due as it was issued, so that money moves none. `doubtful` is the part of its open
    amount that is set apart on 3424.
    """

    key: int
    number: str
    kind: str
    tenant: str
    issued_on: date
    due_on: date
    shares: list[Share]
    due_at_issue: bool
    doubtful: int
    open: int

    def take(self, amount: int) -> list[Share]:
        """Settle so much of what is open, and return it by rate."""
        taken = taken_of(self.shares, amount)
        self._less(taken, amount)
        return taken

    def take_shares(self, shares: list[Share]) -> None:
        """Settle so much of what is open at each rate."""
        self._less(shares, whole(shares))

    def take_doubtful(self, amount: int) -> int:
        """Return the part of an amount, about to be taken, that settles doubtful money: what the sound part can't."""
        taken = max(self.doubtful - (self.open - amount), 0)
        self.doubtful -= taken
        return taken

    def _less(self, taken: list[Share], amount: int) -> None:
        self.shares = left_of(self.shares, taken)
        self.open -= amount


def documents_numbered(connection: Connection, numbers: Iterable[str]) -> dict[str, OpenDocument]:
    """Return documents by number, settled ones too; those that don't exist are left out."""
    concerned = among(connection, document.c.number, sorted(set(numbers)))
    return {loaded.number: loaded for loaded in _loaded(connection, concerned)}


def documents_keyed(connection: Connection, keys: Iterable[int]) -> dict[int, OpenDocument]:
    """Return documents by key, settled ones too."""
    concerned = among(connection, document.c.id, sorted(set(keys)))
    return {loaded.key: loaded for loaded in _loaded(connection, concerned)}


def open_documents_of(connection: Connection, kind: str, tenants: Iterable[str] | None) -> list[OpenDocument]:
    """Return the documents of a kind of which something is open, oldest due first; `tenants` None: of everybody.

    What is settled for good is not read, so that it costs the same however long anybody has paid.
    """
    keys = documents_maybe_open(connection, None if tenants is None else sorted(set(tenants)))
    concerned = and_(document.c.kind == kind, document.c.id.in_(keys))
    documents = [loaded for loaded in _loaded(connection, concerned, only_open=True) if loaded.open]
    documents.sort(key=lambda loaded: (loaded.due_on, loaded.key))
    return documents


def open_documents_by_tenant(
    connection: Connection, kind: str, tenants: Iterable[str] | None
) -> dict[str, list[OpenDocument]]:
    """Return the open documents of a kind by tenant, oldest due first; `tenants` None: of everybody."""
    by_tenant: dict[str, list[OpenDocument]] = {}
    for open_document in open_documents_of(connection, kind, tenants):
        by_tenant.setdefault(open_document.tenant, []).append(open_document)
    return by_tenant


def _loaded(
    connection: Connection, concerned: ColumnElement[bool], *, only_open: bool = False
) -> Iterator[OpenDocument]:
    """Return documents by key with what is open of each; `only_open` leaves out rates of which nothing is.

    Documents first, then what settles them by their keys: one statement for both is planned badly by PostgreSQL as soon
    as it knows that there are many settlements (80 s instead of 1 s for 100,000 receipts).
    """
    d, v = document.c, document_vat.c
    rows = connection.execute(
        select(d.id, d.number, d.kind, d.tenant, d.issued_on, d.due_on, v.rate, v.base, v.amount)
        .join(document_vat, v.document_id == d.id)
        .where(concerned)
        .order_by(d.id, v.rate)
    ).all()
    settled = _settled_by_rate(connection, {row.id for row in rows})
    doubtful = _doubtful(connection, concerned)
    loaded: OpenDocument | None = None
    for key, number, kind, tenant, issued_on, due_on, rate, base, vat in rows:
        base_settled, vat_settled, at_issue = settled.get((key, rate), (0, 0, False))
        share = Share(rate, base - base_settled, vat - vat_settled)
        if only_open and not share.base + share.vat:
            continue
        if loaded is None or loaded.key != key:
            if loaded is not None:
                yield loaded
            loaded = OpenDocument(
                key=key,
                number=number,
                kind=kind,
                tenant=tenant,
                issued_on=issued_on,
                due_on=due_on,
                shares=[],
                due_at_issue=False,
                doubtful=doubtful.get(key, 0),
                open=0,
            )
        loaded.shares.append(share)
        loaded.open += share.base + share.vat
        loaded.due_at_issue |= at_issue
    if loaded is not None:
        yield loaded


def _settled_by_rate(connection: Connection, keys: Iterable[int]) -> dict[tuple[int, int], tuple[int, int, bool]]:
    """Return by document and rate the base and VAT that are settled, and whether they fell due as it was issued."""
    s = settlement.c
    at_issue = func.max(case((s.act == SettlementAct.ISSUED, 1), else_=0))
    rows = connection.execute(
        select(s.document_id, s.rate, func.sum(s.base), func.sum(s.vat), at_issue)
        .where(among(connection, s.document_id, sorted(keys)))
        .group_by(s.document_id, s.rate)
    )
    return {(key, rate): (int(base), int(vat), bool(issued)) for key, rate, base, vat, issued in rows}


def _doubtful(connection: Connection, concerned: ColumnElement[bool]) -> dict[int, int]:
    """Return the doubtful part of documents, by key: what was decided, less what was paid of it."""
    a = debt_act.c
    decided = case((a.kind == "doubtful", a.amount), (a.kind == "reinstated", -a.amount), else_=-a.from_doubtful)
    acts = (
        select(a.document_id, func.sum(decided))
        .where(a.document_id.in_(select(document.c.id).where(concerned)))
        .group_by(a.document_id)
    )
    doubtful = {key: int(amount) for key, amount in connection.execute(acts)}
    if doubtful:
        for key, paid in doubtful_paid(connection, doubtful).items():
            doubtful[key] -= paid
    return doubtful


def doubtful_paid(connection: Connection, keys: Iterable[int] | None = None) -> dict[int, int]:
    """Return what standing allocations settled of doubtful parts, by document (`keys` None: of all that have any)."""
    c, undone = allocation.c, allocation_undoing.c
    rows = (
        select(c.document_id, func.sum(c.doubtful))
        .outerjoin(allocation_undoing, undone.allocation_id == c.id)
        .where(undone.allocation_id.is_(None), c.doubtful > 0)
        .group_by(c.document_id)
    )
    if keys is not None:
        rows = rows.where(among(connection, c.document_id, sorted(keys)))
    return {key: int(amount) for key, amount in connection.execute(rows)}


def standing_allocations() -> Any:
    """Select every allocation that was not undone; to be narrowed."""
    undone = allocation_undoing.c
    return (
        select(allocation)
        .outerjoin(allocation_undoing, undone.allocation_id == allocation.c.id)
        .where(undone.allocation_id.is_(None))
    )
