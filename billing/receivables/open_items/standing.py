"""Documents with what is open of each, rate by rate: read set-wise by the acts that settle some."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from billing.frame.database import among
from billing.receivables.open_items.open_item_index import documents_maybe_open
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import (
    DECIDED,
    TAKEN_BACK,
    SettlementAct,
    allocation,
    allocation_undoing,
    settlement,
)
from invoices.models import document, document_vat
from pricing.running_shares import ZERO, Exact, Moved, RunningShares
from pricing.vat_shares import Share, left_of, whole


@dataclass(slots=True)
class OpenDocument:
    """A document and what is open of it, in centimes, as positive sums, by VAT rate in `running`; it follows acts.

    `reopened`: an undoing opened something of it again. `due_at_issue`: its VAT fell due as it was issued, so that
    money moves none. `doubtful` is the part of its open amount that is set apart on 3424.
    """

    key: int
    number: str
    kind: str
    tenant: str
    issued_on: date
    due_on: date
    running: RunningShares
    due_at_issue: bool
    reopened: bool
    doubtful: int
    open: int

    @property
    def shares(self) -> list[Share]:
        """Return what is open at each rate."""
        return self.running.open

    def pay(self, amount: int, *, is_money: bool) -> list[Moved]:
        """Settle so much of what is open, with money or a cheque still to be cleared; return what moves by rate."""
        self.open -= amount
        return self.running.settle(amount, falls_due=is_money and not self.due_at_issue)

    def net(self, shares: list[Share]) -> list[Moved]:
        """Settle with a credit note, or an invoice, so much of what is open at each rate; return what moves."""
        self.open -= whole(shares)
        return self.running.take(shares, falls_due=not self.due_at_issue)

    def clear(self, exact: Mapping[int, Exact]) -> list[Moved]:
        """Let fall due what a cheque settled, by its exact shares; return what moves by rate."""
        return [] if self.due_at_issue else self.running.fall_due(exact)

    def take_back(self, exact: Mapping[int, Exact], exact_due: Mapping[int, Exact]) -> list[Moved]:
        """Open again what an act settled, by its exact shares, and take back what fell due by it; return what moves."""
        moved = self.running.undo(exact, exact_due)
        self.open -= sum(row.base + row.vat for row in moved)
        return moved

    def take_doubtful(self, amount: int) -> int:
        """Return the part of an amount, about to be taken, that settles doubtful money: what the sound part can't."""
        taken = max(self.doubtful - (self.open - amount), 0)
        self.doubtful -= taken
        return taken


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
    """Return documents by key with what is open of each; `only_open` leaves out those of which nothing is.

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
    keys = {row[0] for row in rows}
    settled = _settled_by_rate(connection, keys)
    ahead = _ahead(connection, {key for key, _ in settled})
    doubtful = _doubtful(connection, keys)
    for key, of_document in groupby(rows, key=itemgetter(0)):
        loaded = _open_document(list(of_document), settled, doubtful.get(key, 0), ahead.get(key))
        if loaded.open or not only_open:
            yield loaded


def _open_document(
    rows: Sequence[Any],
    settled: Mapping[tuple[int, int], Any],
    doubtful: int,
    ahead: "Mapping[int, _Ahead] | None",
) -> OpenDocument:
    """Return the document of these rows, one a rate; `ahead` are its exact sums less the rounded ones, by rate."""
    key, number, kind, tenant, issued_on, due_on, *_ = rows[0]
    shares = [Share(row.rate, row.base, row.amount) for row in rows]
    # A document of which nothing was settled yet has no sums.
    sums = [(share, settled[key, share.rate]) for share in shares if (key, share.rate) in settled]
    if not sums:
        running, at_issue, reopened = RunningShares(shares), False, False
    else:
        running = RunningShares(left_of(shares, _sums(shares, sums, "base", "vat")))
        waiting = _sums(shares, sums, "base_waiting", "vat_waiting")
        if any(share.base or share.vat for share in waiting):
            running.waiting = waiting
        running.due = _sums(shares, sums, "base_due", "vat_due")
        at_issue, reopened = any(row.at_issue for _, row in sums), any(row.undone for _, row in sums)
    if ahead is not None:
        of_rates = [ahead.get(share.rate, _Ahead()) for share in shares]
        running.ahead, running.ahead_due = [x.settled for x in of_rates], [x.due for x in of_rates]
    return OpenDocument(
        key=key,
        number=number,
        kind=kind,
        tenant=tenant,
        issued_on=issued_on,
        due_on=due_on,
        running=running,
        due_at_issue=at_issue,
        reopened=reopened,
        doubtful=doubtful,
        open=whole(running.open),
    )


def _sums(shares: Sequence[Share], sums: Iterable[tuple[Share, Any]], base: str, vat: str) -> list[Share]:
    """Return sums of what settles a document at each of its rates."""
    of_rate = {share.rate: (int(getattr(row, base)), int(getattr(row, vat))) for share, row in sums}
    return [Share(share.rate, *of_rate.get(share.rate, (0, 0))) for share in shares]


def _settled_by_rate(connection: Connection, keys: Iterable[int]) -> dict[tuple[int, int], Any]:
    """Return by document and rate what is settled, what of it waits to fall due and what has fallen due.

    What a decision wrote off or recovered, and what fell due at issue, are no part of what money lets fall due. And
    whether it fell due as it was issued, and whether something was undone.
    """
    s = settlement.c
    by_money = s.act.not_in((*DECIDED, SettlementAct.ISSUED))
    rows = connection.execute(
        select(
            s.document_id,
            s.rate,
            func.sum(s.base).label("base"),
            func.sum(s.vat).label("vat"),
            func.sum(case((by_money, s.base - s.base_due), else_=0)).label("base_waiting"),
            func.sum(case((by_money, s.vat - s.vat_due), else_=0)).label("vat_waiting"),
            func.sum(case((by_money, s.base_due), else_=0)).label("base_due"),
            func.sum(case((by_money, s.vat_due), else_=0)).label("vat_due"),
            func.max(case((s.act == SettlementAct.ISSUED, 1), else_=0)).label("at_issue"),
            func.max(case((s.act.in_(TAKEN_BACK), 1), else_=0)).label("undone"),
        )
        .where(among(connection, s.document_id, sorted(keys)))
        .group_by(s.document_id, s.rate)
    )
    return {(row.document_id, row.rate): row for row in rows}


@dataclass(slots=True)
class _Ahead:
    """How far the exact sums of a document at one rate are ahead of the rounded ones: settled, and fallen due."""

    settled: Exact = ZERO
    due: Exact = ZERO


def _ahead(connection: Connection, keys: Collection[int]) -> dict[int, dict[int, _Ahead]]:
    """Return how far exact sums are ahead of the rounded ones, by document and rate, where they are (R26)."""
    if not keys:
        return {}
    s = settlement.c
    rows = connection.execute(
        select(s.document_id, s.rate, s.base, s.vat, s.base_due, s.vat_due, s.exact, s.exact_due).where(
            among(connection, s.document_id, sorted(keys)),
            or_(s.exact.is_not(None), s.exact_due.is_not(None)),
            s.act.not_in(DECIDED),
        )
    )
    ahead: dict[int, dict[int, _Ahead]] = {}
    for key, rate, base, vat, base_due, vat_due, exact, exact_due in rows:
        of_rate = ahead.setdefault(key, {}).setdefault(rate, _Ahead())
        if exact is not None:
            of_rate.settled = of_rate.settled.plus(Exact.parse(exact)).plus(Exact.of(-base, -vat))
        if exact_due is not None:
            of_rate.due = of_rate.due.plus(Exact.parse(exact_due)).plus(Exact.of(-base_due, -vat_due))
    return ahead


def exact_shares(rows: Iterable[Any]) -> tuple[dict[int, Exact], dict[int, Exact]]:
    """Return the exact shares by rate that an act's rows of one document settled, and let fall due."""
    settled: dict[int, Exact] = {}
    due: dict[int, Exact] = {}
    for row in rows:
        exact = Exact.of(row.base, row.vat) if row.exact is None else Exact.parse(row.exact)
        settled[row.rate] = settled.get(row.rate, ZERO).plus(exact)
        fell_due = Exact.of(row.base_due, row.vat_due) if row.exact_due is None else Exact.parse(row.exact_due)
        due[row.rate] = due.get(row.rate, ZERO).plus(fell_due)
    return settled, due


def _doubtful(connection: Connection, keys: Collection[int]) -> dict[int, int]:
    """Return the doubtful part of documents, by key: what was decided, less what was paid of it."""
    a = debt_act.c
    decided = case((a.kind == "doubtful", a.amount), (a.kind == "reinstated", -a.amount), else_=-a.from_doubtful)
    acts = (
        select(a.document_id, func.sum(decided))
        .where(among(connection, a.document_id, sorted(keys)))
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
