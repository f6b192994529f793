"""One batch of tenants: one transaction with its documents, numbers, entries, links and deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, select, update

from billing.entries.cross_subsidy import tenant_position
from billing.frame.added_rows import note_rows
from billing.frame.audit_log import Act
from billing.frame.database import RowWriter, hold_facts
from billing.frame.errors import RunRefused
from billing.frame.settings import Operator
from billing.register.catalogue import Catalogue, load_catalogue
from billing.register.tables import billing_run
from billing.run.drafts import digest_of, documents_of
from billing.run.facts import RunBasis, Scope, TenantFacts, fingerprint, load_facts, run_basis
from billing.run.holds.queries import held_from
from billing.run.issued import entry_of, queue
from billing.run.tables import (
    UNBILLED,
    cancellation_count,
    run_batch,
    run_outcome,
    run_position,
    usage_billing,
    usage_rebilling,
)
from billing.run.tenant_bill import TenantBill, bill_tenant, held_bill
from invoices.issuing import Draft, Issue, Issued, issue
from ledger.entry import Entry
from ledger.journal import post
from pricing.period import format_month, next_month

_OUTCOME_COLUMNS = (
    "period", "tenant", "status", "message", "invoice_id", "credit_note_id", "fingerprint", "usage_watermark",
)  # fmt: skip
_POSITION_COLUMNS = ("period", "tenant", "site", "contribution", "draw", "advantage")
_REBILLING_COLUMNS = ("usage_event_id", "former_document_id", "former_line_no", "document_id", "line_no")


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
    # Of the documents that were reviewed; None: it issues whatever the facts are now.
    digest: str | None = None


class PricedBatch(NamedTuple):
    """A batch priced and not yet issued: the bills, by tenant, and the fingerprints they rest on."""

    bills: list[TenantBill]
    fingerprints: dict[str, str]


def read_batch(connection: Connection, scope: Scope, catalogue: Catalogue, basis: RunBasis) -> list[TenantFacts]:
    """Return the tenants of a batch with the facts its bills rest on."""
    settled_until = scope.period if basis.previous is None else next_month(basis.previous)
    return load_facts(connection, scope, catalogue, basis.previous, settled_until)


def bills_of(connection: Connection, scope: Scope, catalogue: Catalogue) -> list[tuple[TenantFacts, TenantBill]]:
    """Read and price a batch, tenant by tenant; writes nothing, so that previews, reviews and runs share it."""
    basis = run_basis(connection, scope.period)
    held = held_from(connection, scope.period)
    return [
        (
            facts,
            bill_tenant(facts, catalogue, scope.period, basis.previous, basis.first)
            if facts.party.code not in held
            else held_bill(facts.party.code, held[facts.party.code]),
        )
        for facts in read_batch(connection, scope, catalogue, basis)
    ]


def price_batch(connection: Connection, scope: Scope, catalogue: Catalogue) -> PricedBatch:
    """Read and price a batch for a run: the bills, and the fingerprints of what they rest on."""
    bills, until = bills_of(connection, scope, catalogue), next_month(scope.period)
    return PricedBatch(
        [bill for _, bill in bills],
        {facts.party.code: fingerprint(facts.tenancy, facts.leases, catalogue, until) for facts, _ in bills},
    )


class OpenBatch(NamedTuple):
    """A batch that is locked and priced, with the row of its run."""

    run: Row[Any]
    priced: PricedBatch


def open_batch(connection: Connection, key: BatchKey) -> OpenBatch | None:
    """Lock a batch and price it; None if it is done already."""
    # Another process that runs this month waits here, and then finds the batch done.
    batch = connection.execute(select(run_batch).where(_is_batch(key)).with_for_update()).one()
    if batch.status == "done":
        return None
    hold_facts(connection)
    run = connection.execute(select(billing_run).where(billing_run.c.period == key.period)).one()
    scope = Scope(key.period, batch.first_tenant, batch.last_tenant, only_errors=key.attempt > 1)
    priced = price_batch(connection, scope, load_catalogue(connection))
    if key.digest is not None and key.digest != digest_of(documents_of(connection, priced.bills)):
        # Nobody held the register between the comparison of the whole and this batch.
        raise RunRefused(
            f"facts of {format_month(key.period)} changed while it was run: what is issued is as reviewed, the rest is "
            f"not. Review it again with `technopark-billing run {format_month(key.period)} --dry-run --output FILE`"
        )
    return OpenBatch(run, priced)


def _is_batch(key: BatchKey) -> ColumnElement[bool]:
    c = run_batch.c
    return and_(c.period == key.period, c.attempt == key.attempt, c.batch_no == key.batch_no)


def mark_done(connection: Connection, key: BatchKey) -> None:
    """Mark a batch as done, last of all in its transaction."""
    connection.execute(update(run_batch).where(_is_batch(key)).values(status="done"))
    note_rows(connection, run_batch, [(key.period, key.attempt, key.batch_no)])


def write_batch(connection: Connection, key: BatchKey, batch: OpenBatch, insert: RowWriter) -> None:
    """Bill a batch: the caller's transaction holds all of it or nothing (R14, R15)."""
    run, priced = batch
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
    for document in issued:
        of_tenant.setdefault(document.draft.buyer.code, {})[document.draft.kind] = document
    # Before any other statement: what is computed now, the server need not wait for.
    entries = [
        entry for bill in priced.bills for entry in _entries(bill, of_tenant.get(bill.tenant, {}), key.period, terms)
    ]
    post(connection, entries, recorded_at=key.recorded_at, insert=insert)
    _write_links(connection, key, priced, of_tenant, insert)
    if run.deliver:
        queue(connection, issued, key.recorded_at, insert)


def _entries(bill: TenantBill, issued: dict[str, Issued], period: date, terms: Issue) -> list[Entry]:
    """Return the entries of one tenant: one a document (R20), and its position (R21)."""
    entries = [entry_of(document, terms.issued_on) for document in issued.values()]
    # What was cancelled by hand since the last run is a part of the tenant's position, too.
    voucher = " ".join(
        [*(document.number for document in issued.values()), *(number for _, number in bill.cancellations)]
    )
    position = tenant_position(period, terms.issued_on, bill.tenant, bill.positions, voucher)
    return entries if position is None else [*entries, position]


def _status(bill: TenantBill, documents: Mapping[str, Issued]) -> str:
    """Return the outcome of a run for a tenant."""
    if bill.error is not None:
        return "error"
    if bill.held is not None:
        return "held"
    return "issued" if documents else "nothing"


def _write_links(
    connection: Connection,
    key: BatchKey,
    priced: PricedBatch,
    issued: dict[str, dict[str, Issued]],
    insert: RowWriter,
) -> None:
    """Write what ties facts to documents: outcomes, positions, and which line billed which event."""
    outcomes, positions, links, again = [], [], [], []
    for bill in priced.bills:
        documents = issued.get(bill.tenant, {})
        invoice, credit_note = documents.get("invoice"), documents.get("credit_note")
        status = _status(bill, documents)
        outcomes.append(
            (
                key.period, bill.tenant, status, bill.error or bill.held, None if invoice is None else invoice.id,
                None if credit_note is None else credit_note.id,
                None if status in UNBILLED else priced.fingerprints[bill.tenant], bill.watermark,
            )
        )  # fmt: skip
        positions += [(key.period, bill.tenant, p.site, p.contribution, p.draw, p.advantage) for p in bill.positions]
        if invoice is not None:
            billed = [(event, invoice.id, line_no) for line_no, ids in bill.events for event in ids]
            if bill.formers:
                again += [
                    (event, former.document_id, former.line_no, *line)
                    for event, *line in billed
                    if (former := bill.formers.get(event)) is not None
                ]
                billed = [link for link in billed if link[0] not in bill.formers]
            links += billed
    if key.attempt > 1:
        retried = [bill.tenant for bill in priced.bills]
        connection.execute(
            run_outcome.delete().where(run_outcome.c.period == key.period, run_outcome.c.tenant.in_(retried))
        )
    insert(connection, run_outcome, _OUTCOME_COLUMNS, outcomes)
    insert(connection, run_position, _POSITION_COLUMNS, positions)
    insert(connection, usage_billing, ("usage_event_id", "document_id", "line_no"), links)
    if again:
        insert(connection, usage_rebilling, _REBILLING_COLUMNS, again)
    counted = [(note, key.period) for bill in priced.bills for note, _ in bill.cancellations]
    if counted:
        insert(connection, cancellation_count, ("credit_note_id", "period"), counted)
