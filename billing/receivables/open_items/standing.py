"""Where documents stand, read set-wise for whoever is about to settle some: what is open of each, rate by rate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from billing.frame.database import among
from billing.receivables.open_items.unsettled import unsettled_documents
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import allocation, allocation_undoing, settlement
from invoices.models import document, document_vat
from pricing.vat_shares import Share, left_of, taken_of, whole

ISSUED = "issued"
WRITTEN_OFF = "written_off"


@dataclass(slots=True)
class OpenDocument:
    """A document and what is open of it by VAT rate, in centimes, both as positive sums; it follows what is taken.

    `due_at_issue`: its VAT fell due as it was issued, so that money moves none. `doubtful` is what of its open amount
    is set apart on 3424.
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
        """Settle so much of what is open; gives it by rate."""
        taken = taken_of(self.shares, amount)
        self._less(taken, amount)
        return taken

    def take_shares(self, shares: list[Share]) -> None:
        """Settle so much of what is open at each rate."""
        self._less(shares, whole(shares))

    def take_doubtful(self, amount: int) -> int:
        """How much of an amount, about to be taken, settles what is doubtful: what the sound part can't bear."""
        found = max(self.doubtful - (self.open - amount), 0)
        self.doubtful -= found
        return found

    def _less(self, taken: list[Share], amount: int) -> None:
        self.shares = left_of(self.shares, taken)
        self.open -= amount


def documents_numbered(connection: Connection, numbers: Iterable[str]) -> dict[str, OpenDocument]:
    """Documents by number, settled ones too; those that don't exist are left out."""
    found = _loaded(connection, among(connection, document.c.number, sorted(set(numbers))))
    return {one.number: one for one in found}


def documents_keyed(connection: Connection, keys: Iterable[int]) -> dict[int, OpenDocument]:
    """Documents by key, settled ones too."""
    return {one.key: one for one in _loaded(connection, among(connection, document.c.id, sorted(set(keys))))}


def open_documents_of(connection: Connection, kind: str, tenants: Iterable[str] | None) -> list[OpenDocument]:
    """The documents of a kind of which something is open, oldest due first; `tenants` None: of everybody.

    What is settled for good is not read, so that it costs the same however long anybody has paid.
    """
    keys = unsettled_documents(connection, None if tenants is None else sorted(set(tenants)))
    concerned = and_(document.c.kind == kind, document.c.id.in_(keys))
    found = [one for one in _loaded(connection, concerned, only_open=True) if one.open]
    found.sort(key=lambda one: (one.due_on, one.key))
    return found


def _loaded(
    connection: Connection, concerned: ColumnElement[bool], *, only_open: bool = False
) -> Iterator[OpenDocument]:
    d, s, v = document.c, settlement.c, document_vat.c
    by_rate = (
        select(
            s.document_id,
            s.rate,
            func.sum(s.base).label("base"),
            func.sum(s.vat).label("vat"),
            func.max(case((s.act == ISSUED, 1), else_=0)).label("at_issue"),
        )
        .where(s.document_id.in_(select(d.id).where(concerned)))
        .group_by(s.document_id, s.rate)
        .subquery()
    )
    base = (v.base - func.coalesce(by_rate.c.base, 0)).label("base")
    vat = (v.amount - func.coalesce(by_rate.c.vat, 0)).label("vat")
    rows = (
        select(
            d.id, d.number, d.kind, d.tenant, d.issued_on, d.due_on, v.rate, base, vat,
            func.coalesce(by_rate.c.at_issue, 0),
        )
        .join(document_vat, v.document_id == d.id)
        .outerjoin(by_rate, and_(by_rate.c.document_id == d.id, by_rate.c.rate == v.rate))
        .where(concerned)
        .order_by(d.id, v.rate)
    )  # fmt: skip
    if only_open:
        rows = rows.where(base + vat != 0)
    apart = _set_apart(connection, concerned)
    found: OpenDocument | None = None
    for key, number, kind, tenant, issued_on, due_on, rate, base_left, vat_left, at_issue in connection.execute(rows):
        if found is None or found.key != key:
            if found is not None:
                yield found
            found = OpenDocument(
                key, number, kind, tenant, issued_on, due_on, [], False, apart.get(key, 0), 0
            )  # fmt: skip
        found.shares.append(Share(rate, int(base_left), int(vat_left)))
        found.open += int(base_left) + int(vat_left)
        found.due_at_issue |= bool(at_issue)
    if found is not None:
        yield found


def _set_apart(connection: Connection, concerned: ColumnElement[bool]) -> dict[int, int]:
    """What is doubtful of documents, by key: what was decided, less what was paid of it."""
    a = debt_act.c
    decided = case((a.kind == "doubtful", a.amount), (a.kind == "reinstated", -a.amount), else_=-a.from_doubtful)
    acts = (
        select(a.document_id, func.sum(decided))
        .where(a.document_id.in_(select(document.c.id).where(concerned)))
        .group_by(a.document_id)
    )
    found = {key: int(amount) for key, amount in connection.execute(acts)}
    if found:
        for key, paid in doubtful_paid(connection, found).items():
            found[key] -= paid
    return found


def doubtful_paid(connection: Connection, keys: Iterable[int] | None = None) -> dict[int, int]:
    """What allocations that stand settled of doubtful parts, by document (`keys` None: of all that have any)."""
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
    """Every allocation that was not undone; to be narrowed."""
    undone = allocation_undoing.c
    return (
        select(allocation)
        .outerjoin(allocation_undoing, undone.allocation_id == allocation.c.id)
        .where(undone.allocation_id.is_(None))
    )
