"""All that stands for some tenants, read at one instant, by queries that each go by an index."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, Table, case, func, literal, select, union_all

from billing.documents.checks.documents import LineKey
from billing.entries.accounts import CLIENTS
from billing.entries.debts import DOUBTFUL, REINSTATED, WRITTEN_OFF
from billing.entries.standing import Place
from billing.frame.checking import month_text
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import allocation, allocation_undoing, settlement
from billing.register.tables import usage_event
from billing.run.tables import USAGE_LINKS, cancellation_count, run_outcome, run_position
from invoices.models import (
    brought_invoice,
    credit_reason,
    credit_withdrawal,
    credited_part,
    document,
    document_line,
    document_vat,
)
from ledger.models import entry, posting
from pricing.cross_subsidy import Position
from pricing.vat import VatSubtotal

# Fewer than the variables a statement of SQLite may have.
_KEYS_AT_A_TIME = 10_000

RunKey: TypeAlias = tuple[date, str]


class BookedEntry(NamedTuple):
    """An entry as found, its postings summed by account, auxiliary and site."""

    effective_on: date
    piece: str
    journal: str
    sums: dict[Place, int]


@dataclass(slots=True)
class Holdings:
    """All that stands for some tenants, read at one instant."""

    documents: Sequence[Any]
    lines: dict[int, list[Any]]
    vat: dict[int, list[VatSubtotal]]
    sales: dict[int, BookedEntry]
    events: dict[tuple[str, int, int], Any]
    outcomes: dict[RunKey, Any]
    positions: dict[RunKey, dict[str, Position]]
    shares: dict[RunKey, BookedEntry]
    receivables: dict[str, int]
    # The amounts settled of each document: paid, netted with credit notes, paid back, written off.
    settled: dict[int, int]
    # The part of it that stands on the doubtful account instead of the tenants' own.
    set_apart: dict[str, int]
    # Of credit notes by hand: the invoice's line each of their lines credits, the lines of invoices that bill
    # such a line again, and why they were given, by whom.
    parts: dict[LineKey, LineKey]
    withdrawals: dict[LineKey, LineKey]
    reasons: dict[int, Any]
    # The month of the run that counted a credit note by hand which cancels lines, by its key (R28).
    cancellations: dict[int, date] = field(default_factory=dict)
    # The invoices that were issued before this service began (R29).
    brought: set[int] = field(default_factory=set)


def read_holdings(connection: Connection, codes: list[str], periods: list[date]) -> Holdings:
    """Read everything of the tenants, whose codes are at most some hundreds, in the given runs."""
    of_tenants = select(document).where(document.c.tenant.in_(codes)).order_by(document.c.id)
    documents = connection.execute(of_tenants).all()
    ids = [row.id for row in documents]
    lines: dict[int, list[Any]] = defaultdict(list)
    for row in _of_documents(connection, select(document_line), document_line.c.document_id, ids):
        lines[row.document_id].append(row)
    for document_lines in lines.values():
        document_lines.sort(key=attrgetter("line_no"))
    vat: dict[int, list[VatSubtotal]] = defaultdict(list)
    v = document_vat.c
    columns = select(v.document_id, v.rate, v.base, v.amount)
    for document_id, *subtotal in _of_documents(connection, columns, v.document_id, ids):
        vat[document_id].append(VatSubtotal(*subtotal))
    for subtotals in vat.values():
        subtotals.sort()
    by_run = (run_outcome.c.period.in_(periods), run_outcome.c.tenant.in_(codes))
    p = run_position.c
    stored: dict[RunKey, dict[str, Position]] = defaultdict(dict)
    for row in connection.execute(select(run_position).where(p.period.in_(periods), p.tenant.in_(codes))):
        stored[row.period, row.tenant][row.site] = Position(row.site, row.contribution, row.draw, row.advantage)
    return Holdings(
        documents=documents,
        lines=lines,
        vat=vat,
        sales=_sales(connection, ids),
        events=_events(connection, codes),
        outcomes={(o.period, o.tenant): o for o in connection.execute(select(run_outcome).where(*by_run))},
        positions=stored,
        shares=_shares(connection, codes, periods),
        receivables=_receivables(connection, codes),
        settled=_settled(connection, ids),
        set_apart=_set_apart(connection, codes),
        parts=_links(connection, credited_part, ids),
        withdrawals=_links(connection, credit_withdrawal, ids),
        reasons={
            row.document_id: row
            for row in _of_documents(connection, select(credit_reason), credit_reason.c.document_id, ids)
        },
        cancellations={
            row.credit_note_id: row.period
            for row in _of_documents(connection, select(cancellation_count), cancellation_count.c.credit_note_id, ids)
        },
        brought={
            row.document_id
            for row in _of_documents(connection, select(brought_invoice), brought_invoice.c.document_id, ids)
        },
    )


def _of_documents(
    connection: Connection, query: Select[Any], key: ColumnElement[Any], ids: Sequence[int]
) -> Iterator[Any]:
    """Yield the rows of a query for documents of these keys, asked for some thousands at a time."""
    for start in range(0, len(ids), _KEYS_AT_A_TIME):
        yield from connection.execute(query.where(key.in_(ids[start : start + _KEYS_AT_A_TIME])))


def _settled(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    s = settlement.c
    query = select(s.document_id, func.sum(s.base + s.vat)).group_by(s.document_id)
    return {key: int(amount) for key, amount in _of_documents(connection, query, s.document_id, ids)}


def _set_apart(connection: Connection, codes: list[str]) -> dict[str, int]:
    a, paid, undone = debt_act.c, allocation.c, allocation_undoing.c
    taken = case(
        (a.kind == DOUBTFUL, a.amount),
        (a.kind == REINSTATED, -a.amount),
        (a.kind == WRITTEN_OFF, -a.from_doubtful),
        else_=0,
    )
    decided = select(a.tenant, func.sum(taken)).where(a.tenant.in_(codes)).group_by(a.tenant)
    doubtful_sums = {code: int(amount) for code, amount in connection.execute(decided)}
    if doubtful_sums:
        of_doubtful = (
            select(paid.tenant, func.sum(paid.doubtful))
            .outerjoin(allocation_undoing, undone.allocation_id == paid.id)
            .where(
                paid.document_id.in_(select(a.document_id).where(a.tenant.in_(codes))),
                undone.allocation_id.is_(None),
            )
            .group_by(paid.tenant)
        )
        for code, amount in connection.execute(of_doubtful):
            doubtful_sums[code] -= int(amount)
    return doubtful_sums


def _links(connection: Connection, links: Table, ids: Sequence[int]) -> dict[LineKey, LineKey]:
    """Return the line of a document that each line stands for."""
    rows = _of_documents(connection, select(links), links.c.document_id, ids)
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def _collect(rows: Any, width: int) -> dict[Any, BookedEntry]:
    """Make entries from rows of (key columns, effective_on, piece, journal, account, auxiliary, site, amount)."""
    entries: dict[Any, BookedEntry] = {}
    for row in rows:
        key = row[0] if width == 1 else tuple(row[:width])
        effective_on, piece, journal, account, auxiliary, site, amount = row[width:]
        booked = entries.get(key)
        if booked is None:
            booked = entries[key] = BookedEntry(effective_on, piece, journal, {})
        if account is not None:
            place = account, auxiliary, site
            booked.sums[place] = booked.sums.get(place, 0) + amount
    return entries


_BOOKED = (
    entry.c.effective_on,
    entry.c.piece,
    entry.c.journal,
    posting.c.account,
    posting.c.auxiliary,
    posting.c.site,
    posting.c.amount,
)


def _sales(connection: Connection, ids: list[int]) -> dict[int, BookedEntry]:
    """Return the sales entry of each document, by the document's key."""
    query = (
        select(document.c.id, *_BOOKED)
        .join(entry, entry.c.reference == literal("VTE/").concat(document.c.number))
        .outerjoin(posting, posting.c.entry_id == entry.c.id)
    )
    return _collect(_of_documents(connection, query, document.c.id, ids), 1)


def _shares(connection: Connection, codes: list[str], periods: list[date]) -> dict[RunKey, BookedEntry]:
    """Return the péréquation entry of each tenant and run."""
    o = run_outcome.c
    reference = literal("PER/").concat(month_text(connection, o.period)).concat("/").concat(o.tenant)
    query = (
        select(o.period, o.tenant, *_BOOKED)
        .select_from(run_outcome)
        .join(entry, entry.c.reference == reference)
        .outerjoin(posting, posting.c.entry_id == entry.c.id)
        .where(o.period.in_(periods), o.tenant.in_(codes))
    )
    return _collect(connection.execute(query), 2)


def _events(connection: Connection, codes: list[str]) -> dict[tuple[str, int, int], Any]:
    """Sum the usage events of the tenants, by tenant and the line that billed them, for the first time or again."""
    e = usage_event.c
    # One statement a table, so that each goes by its index.
    links = union_all(
        *(
            select(
                e.tenant, table.c.document_id, table.c.line_no, e.quantity, e.occurred_on, e.site, e.service, e.event_id
            )
            .join(table, table.c.usage_event_id == e.id)
            .where(e.tenant.in_(codes))
            for table in USAGE_LINKS
        )
    ).subquery()
    b = links.c
    query = select(
        b.tenant,
        b.document_id,
        b.line_no,
        func.sum(b.quantity).label("quantity"),
        func.min(b.occurred_on).label("earliest"),
        func.max(b.occurred_on).label("latest"),
        func.min(b.site).label("least_site"),
        func.max(b.site).label("greatest_site"),
        func.min(b.service).label("least_service"),
        func.max(b.service).label("greatest_service"),
        func.min(b.event_id).label("event"),
    ).group_by(b.tenant, b.document_id, b.line_no)
    return {(row.tenant, row.document_id, row.line_no): row for row in connection.execute(query)}


def _receivables(connection: Connection, codes: list[str]) -> dict[str, int]:
    p = posting.c
    query = (
        select(p.auxiliary, func.sum(p.amount))
        .where(p.auxiliary.in_(codes), p.account == CLIENTS)
        .group_by(p.auxiliary)
    )
    return {code: int(balance) for code, balance in connection.execute(query)}
