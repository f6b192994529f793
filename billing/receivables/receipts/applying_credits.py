"""Credits settle what is open, by themselves: credit notes first, then money carried forward."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy import Connection, select

from billing.entries.receivables import allocation_entry
from billing.frame.database import among, change_receivables
from billing.frame.terms import Terms
from billing.receivables.open_items.open_item_index import open_credits
from billing.receivables.open_items.standing import OpenDocument, open_documents_by_tenant, open_documents_of
from billing.receivables.receipts.allocating import settle_oldest
from billing.receivables.receipts.recording import Records
from billing.receivables.receipts.settling_days import SettlingDays
from billing.receivables.receipts.vat_at_issue import let_vat_fall_due
from billing.receivables.tables.receipts import AllocatedBy
from invoices.document import CREDIT_NOTE, INVOICE
from invoices.models import credited_part, document_line
from pricing.vat_shares import Share, alike_of, netted_of, taken_of, whole

# The shares of a credit note and of an invoice that settle each other, by rate; both amount to the same.
Netting: TypeAlias = Callable[[OpenDocument, OpenDocument], tuple[list[Share], list[Share]]]


def apply_credits(
    connection: Connection,
    *,
    recorded_at: datetime,
    tenants: Iterable[str] | None = None,
    on: date | None = None,
    netting: Netting | None = None,
) -> list[int]:
    """Let every credit of tenants (None: of everybody) settle what is open: credit notes, then money carried forward.

    A credit note settles the invoices it corrects first, then the tenant's oldest due; what is left of either stays
    the tenant's, for the next invoice, for ever. Return the allocations' keys; again it changes nothing. Each takes
    effect on its own day (`SettlingDays`), or from `on`.
    `netting` says how much of a credit note settles an invoice: over all rates unless given. Reads what is open, and
    what came or was settled since the index was refreshed (`open_item_index.refresh_index`): nothing older.
    """
    netting = netting or over_all_rates
    change_receivables(connection)
    days = SettlingDays(connection, on, recorded_at)
    concerned = None if tenants is None else sorted(set(tenants))
    notes = open_documents_of(connection, CREDIT_NOTE, concerned)
    unallocated_credits = open_credits(connection, concerned)
    payers = {note.tenant for note in notes}
    payers.update(credit.tenant for credit in unallocated_credits if credit.tenant is not None)
    invoices = open_documents_by_tenant(connection, INVOICE, payers) if payers else {}
    days.look_at([*notes, *(invoice for of_tenant in invoices.values() for invoice in of_tenant)], ())
    records = Records(connection, recorded_at)
    corrected = _corrected(connection, [note.key for note in notes])
    made = []
    # The oldest note first: one issued later may credit what an earlier one left.
    for note in sorted(notes, key=lambda note: note.key):
        corrected_keys = corrected.get(note.key, set())
        candidates = invoices.get(note.tenant, [])
        for target in [*(invoice for invoice in candidates if invoice.key in corrected_keys), *candidates]:
            credit, taken = netting(note, target)
            if whole(credit):
                made.append(_net(records, note, target, credit, taken, days))
    made += settle_oldest(records, unallocated_credits, invoices, days, AllocatedBy.CREDIT)
    records.write()
    return made


def settle_what_was_issued(
    connection: Connection, *, recorded_at: datetime, terms: Terms, tenants: Iterable[str] | None = None
) -> list[int]:
    """Follow a run, or a credit note by hand: VAT due at issue falls due, then credits settle what is open.

    `tenants` None: of everybody. A credit note settles like with like only: no VAT falls due, nor is given back,
    because documents were issued. What is left of it waits for `apply_credits`, a refund, or the next invoice.
    Return the allocations' keys.
    """
    let_vat_fall_due(connection, recorded_at=recorded_at, terms=terms)
    return apply_credits(connection, recorded_at=recorded_at, tenants=tenants, netting=like_with_like)


def over_all_rates(note: OpenDocument, target: OpenDocument) -> tuple[list[Share], list[Share]]:
    """Net all that both have open: rate by rate as far as they go, then over other rates, whose VAT falls due by it."""
    credit = taken_of(note.shares, min(note.open, target.open))
    return credit, netted_of(target.shares, credit)


def like_with_like(note: OpenDocument, target: OpenDocument) -> tuple[list[Share], list[Share]]:
    """Net what both have open at the same rate, base for base and VAT for VAT."""
    return alike_of(note.shares, target.shares), alike_of(target.shares, note.shares)


def _net(
    records: Records,
    note: OpenDocument,
    target: OpenDocument,
    credit: list[Share],
    taken: list[Share],
    days: SettlingDays,
) -> int:
    on = days.of_note(note, target, whole(credit))
    key, settled = records.net(note, target, credit, taken, on)
    records.book(allocation_entry(key, on, settled, None, note.number))
    return key


def _corrected(connection: Connection, notes: Sequence[int]) -> dict[int, set[int]]:
    """Return the invoices that credit notes correct, by run or by hand, by the notes' keys."""
    corrected: dict[int, set[int]] = {}
    x, part = document_line.c, credited_part.c
    for links in (
        select(x.document_id, x.corrects_document_id).where(
            among(connection, x.document_id, notes), x.corrects_document_id.is_not(None)
        ),
        select(part.document_id, part.invoice_id).where(among(connection, part.document_id, notes)),
    ):
        for note, invoice in connection.execute(links):
            corrected.setdefault(note, set()).add(invoice)
    return corrected
