"""One batch of tenants: one transaction with its documents, numbers, entries, links and deliveries."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, select, text, update
from sqlalchemy.exc import OperationalError

from billing.entries.cross_subsidy import tenant_position
from billing.entries.sales import sale
from billing.frame.audit_log import Act, on_behalf
from billing.frame.background_copy import copying_beside, undisturbed
from billing.frame.database import RowWriter, hold_facts, open_engine, writing
from billing.frame.settings import Operator
from billing.register.catalogue import Catalogue, load_catalogue
from billing.register.tables import billing_run
from billing.run.facts import Scope, TenantFacts, fingerprint, first_period, load_facts, previous_period
from billing.run.tables import run_batch, run_outcome, run_position, usage_billing
from billing.run.tenant_bill import TenantBill, bill_tenant
from invoices.document import CREDIT_NOTE
from invoices.issuing import Draft, Issue, Issued, issue
from invoices.models import delivery
from ledger.entry import Entry
from ledger.journal import post
from pricing.period import next_month

_OUTCOME_COLUMNS = (
    "period", "tenant", "status", "message", "invoice_id", "credit_note_id", "fingerprint", "usage_watermark",
)  # fmt: skip
_POSITION_COLUMNS = ("period", "tenant", "site", "contribution", "draw", "advantage")
# A batch priced while another is written waits for nobody longer than this.
_PATIENCE_MS = 20
_LOCK_NOT_AVAILABLE = "55P03"
_DELIVERY_COLUMNS = ("document_id", "state", "attempts", "next_attempt_at", "recipient")


@dataclass(frozen=True, slots=True)
class BatchKey:
    """All a worker needs to do a batch: where the books are, which batch, who bills, when, and on whose behalf."""

    # Carries the password: never shown.
    database_url: str = field(repr=False)
    operator: Operator = field(repr=False)
    period: date
    attempt: int
    batch_no: int
    recorded_at: datetime
    act: Act


class PricedBatch(NamedTuple):
    """A batch priced and not yet issued: the bills, by tenant, and the fingerprints they rest on."""

    bills: list[TenantBill]
    fingerprints: dict[str, str]


@lru_cache(maxsize=1)
def _engine(database_url: str) -> Engine:
    # One engine a process, opened by the first batch it is given; a process that meets many databases, as
    # tests do, keeps only the last.
    from sqlalchemy import make_url

    return open_engine(make_url(database_url))


def do_batch(key: BatchKey) -> int:
    """Do one batch in a worker, whatever others do at the same time; gives its number."""
    do_batches([key], lambda _key, _number: None)
    return key.batch_no


def do_batches(keys: Sequence[BatchKey], told: Callable[[BatchKey, int], None]) -> None:
    """Do batches one after the other in this process; `told` hears of each when it is committed.

    On PostgreSQL the next one is priced while the server still writes the last rows of one. That never waits for
    anybody: whoever has taken numbers waits for nothing that others may hold.
    """
    ahead: _Steps | None = None
    batch: _Steps | None = None
    try:
        for key, following in zip_longest(keys, keys[1:]):
            with undisturbed():
                if ahead is None:
                    batch = _steps(key)
                    next(batch)
                else:
                    batch, ahead = ahead, None
                next(batch)
                if following is not None:
                    ahead = _ahead(following)
                next(batch, None)
            told(key, key.batch_no)
    finally:
        for steps in (batch, ahead):
            if steps is not None:
                steps.close()


# A batch in its transaction: after the first step it is priced, after the second written, after the third committed.
# Closed before, it is rolled back.
_Steps: TypeAlias = Generator[None, None, None]


def _steps(key: BatchKey, patience_ms: int | None = None) -> _Steps:
    """A batch, step by step; with a patience, the first step raises OperationalError if it waits longer for others."""
    engine = on_behalf(_engine(key.database_url), key.act, lambda: key.recorded_at)
    with writing(engine) as connection, copying_beside(connection) as insert:
        if patience_ms is not None:
            connection.execute(text(f"SET LOCAL lock_timeout = {patience_ms}"))
        begun = _begin(connection, key)
        if patience_ms is not None:
            connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
        yield
        if begun is None:
            yield
            return
        _write(connection, key, *begun, insert)
        yield
        connection.execute(update(run_batch).where(_is_batch(key)).values(status="done"))


def _ahead(key: BatchKey) -> _Steps | None:
    """A batch that is priced while another is still being written; None where that is not to be had at once.

    SQLite has one writer. On PostgreSQL another run may hold the batch, or somebody wait to change the register.
    """
    if _engine(key.database_url).dialect.name != "postgresql":
        return None
    steps = _steps(key, _PATIENCE_MS)
    try:
        next(steps)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            return None
        raise
    return steps


class Ground(NamedTuple):
    """What a run stands on: the month of the run before, if any, and where billing begins (R12)."""

    previous: date | None
    first: date


def ground_of(connection: Connection, period: date) -> Ground:
    """What the run of a month would stand on."""
    return Ground(previous_period(connection, period), first_period(connection, period))


def read_batch(connection: Connection, scope: Scope, catalogue: Catalogue, ground: Ground) -> list[TenantFacts]:
    """The tenants of a batch with the facts its bills rest on."""
    settled_until = scope.period if ground.previous is None else next_month(ground.previous)
    return load_facts(connection, scope, catalogue, ground.previous, settled_until)


def price_batch(connection: Connection, scope: Scope, catalogue: Catalogue) -> PricedBatch:
    """Read and price a batch; writes nothing, so that previews and runs share it."""
    ground = ground_of(connection, scope.period)
    facts = read_batch(connection, scope, catalogue, ground)
    until = next_month(scope.period)
    return PricedBatch(
        [bill_tenant(found, catalogue, scope.period, ground.previous, ground.first) for found in facts],
        {found.party.code: fingerprint(found.tenancy, found.leases, catalogue, until) for found in facts},
    )


def _begin(connection: Connection, key: BatchKey) -> tuple[Row[Any], PricedBatch] | None:
    """Lock a batch and price it, with its run; None if it is done."""
    # Whoever else runs this month waits here, and then finds the batch done.
    batch = connection.execute(select(run_batch).where(_is_batch(key)).with_for_update()).one()
    if batch.status == "done":
        return None
    hold_facts(connection)
    run = connection.execute(select(billing_run).where(billing_run.c.period == key.period)).one()
    scope = Scope(key.period, batch.first_tenant, batch.last_tenant, only_errors=key.attempt > 1)
    return run, price_batch(connection, scope, load_catalogue(connection))


def _is_batch(key: BatchKey) -> ColumnElement[bool]:
    c = run_batch.c
    return and_(c.period == key.period, c.attempt == key.attempt, c.batch_no == key.batch_no)


def _write(connection: Connection, key: BatchKey, run: Row[Any], priced: PricedBatch, insert: RowWriter) -> None:
    """Bill a batch: the caller's transaction holds all of it or nothing (R14, R15)."""
    drafts: list[Draft] = [
        draft for bill in priced.bills for draft in (bill.invoice, bill.credit_note) if draft is not None
    ]
    terms = Issue(
        period=key.period,
        issued_on=run.issued_on,
        due_on=run.issued_on + timedelta(days=key.operator.payment_terms_days),
        seller=key.operator.party,
    )
    issued = issue(connection, drafts, terms, insert=insert)
    of_tenant: dict[str, dict[str, Issued]] = {}
    for found in issued:
        of_tenant.setdefault(found.draft.buyer.code, {})[found.draft.kind] = found
    # Before any other statement: what is computed now, the server need not wait for.
    entries = [
        entry for bill in priced.bills for entry in _entries(bill, of_tenant.get(bill.tenant, {}), key.period, terms)
    ]
    post(connection, entries, recorded_at=key.recorded_at, insert=insert)
    _write_links(connection, key, priced, of_tenant, insert)
    if run.deliver:
        rows = [(found.id, "queued", 0, key.recorded_at, found.draft.buyer.email) for found in issued]
        insert(connection, delivery, _DELIVERY_COLUMNS, rows)


def _entries(bill: TenantBill, issued: dict[str, Issued], period: date, terms: Issue) -> list[Entry]:
    """The entries of one tenant: one a document (R20), and its position (R21)."""
    entries = [
        sale(
            found.number,
            terms.issued_on,
            bill.tenant,
            -1 if found.draft.kind == CREDIT_NOTE else 1,
            [(line.revenue_account, line.priced.site, line.priced.amount) for line in found.draft.lines],
            found.tax,
        )
        for found in issued.values()
    ]
    piece = " ".join([found.number for found in issued.values()])
    position = tenant_position(period, terms.issued_on, bill.tenant, bill.positions, piece)
    return entries if position is None else [*entries, position]


def _write_links(
    connection: Connection,
    key: BatchKey,
    priced: PricedBatch,
    issued: dict[str, dict[str, Issued]],
    insert: RowWriter,
) -> None:
    """What ties facts to documents: outcomes, positions, and which line billed which event."""
    outcomes, positions, links = [], [], []
    for bill in priced.bills:
        documents = issued.get(bill.tenant, {})
        invoice, credit_note = documents.get("invoice"), documents.get("credit_note")
        status = "error" if bill.error is not None else "issued" if documents else "nothing"
        outcomes.append(
            (
                key.period, bill.tenant, status, bill.error, None if invoice is None else invoice.id,
                None if credit_note is None else credit_note.id,
                None if bill.error is not None else priced.fingerprints[bill.tenant], bill.watermark,
            )
        )  # fmt: skip
        positions += [(key.period, bill.tenant, p.site, p.contribution, p.draw, p.advantage) for p in bill.positions]
        if invoice is not None:
            links += [(event, invoice.id, line_no) for line_no, ids in bill.events for event in ids]
    if key.attempt > 1:
        retried = [bill.tenant for bill in priced.bills]
        connection.execute(
            run_outcome.delete().where(run_outcome.c.period == key.period, run_outcome.c.tenant.in_(retried))
        )
    insert(connection, run_outcome, _OUTCOME_COLUMNS, outcomes)
    insert(connection, run_position, _POSITION_COLUMNS, positions)
    insert(connection, usage_billing, ("usage_event_id", "document_id", "line_no"), links)
