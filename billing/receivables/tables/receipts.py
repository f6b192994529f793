"""The tables of money in: receipts and what became of them; rows are only ever added. Amounts in centimes.

The state of anything is a fold over these facts: a document by its settlements, a receipt by its placements and
their allocations. Keys are counted up under one lock (`billing.frame.database.change_receivables`), without gap.
"""

from datetime import date
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from billing.frame.tables import code, identity, metadata
from invoices.models import document, document_vat, references


class EventKind(StrEnum):
    """The events of a cheque or bill: the bank credited it, or it came back unpaid."""

    CLEARED = "cleared"
    BOUNCED = "bounced"


class AllocatedBy(StrEnum):
    """The ways an invoice is chosen: by a person, by the payer's text, as the oldest due, by a credit."""

    EXPLICIT = "explicit"
    REFERENCE = "reference"
    OLDEST = "oldest"
    # Money carried forward.
    CREDIT = "credit"
    NOTE = "note"


class SettlementAct(StrEnum):
    """The acts that settle a document, take a settlement back, or let its VAT fall due."""

    ALLOCATED = "allocated"
    UNDONE = "undone"
    CLEARED = "cleared"
    ISSUED = "issued"
    REFUNDED = "refunded"
    UNREFUNDED = "unrefunded"
    WRITTEN_OFF = "written_off"
    RECOVERED = "recovered"
    UNRECOVERED = "unrecovered"
    # Paid before this service began (R29).
    BROUGHT = "brought"


# What is decided about a debt.
DECIDED = (SettlementAct.WRITTEN_OFF, SettlementAct.RECOVERED, SettlementAct.UNRECOVERED)
# The acts by which a document is open again.
TAKEN_BACK = (SettlementAct.UNDONE, SettlementAct.UNREFUNDED)

receipt = Table(
    "receipt",
    metadata,
    # Money that came in, or was withheld for us; RG-000012 to people.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("means", String(8), nullable=False),
    # The bank's, the till's or the drawer's own name for it.
    Column("reference", Text, nullable=False),
    Column("value_date", Date, nullable=False),
    # The payer, where it was known at once; placements say what belongs to whom.
    Column("tenant", code()),
    # The till that took cash.
    Column("site", code()),
    Column("amount", BigInteger, nullable=False),
    Column("payer_text", Text, nullable=False),
    # The allocation that was asked for when it was recorded: automatic, none, or the invoices with their amounts.
    Column("asked", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # The day of its entry: the first open one, where the month of its value date is closed; blank: the value date.
    Column("booked_on", Date),
    # 1, 2, 3 … of the same means, reference and value date: of other tenants, other money, or entered anew.
    Column("occurrence", Integer, nullable=False, server_default="1"),
    UniqueConstraint("means", "reference", "value_date", "occurrence"),
    CheckConstraint("means IN ('transfer', 'cheque', 'cash', 'bill', 'card', 'deposit', 'brought')", name="means"),
    CheckConstraint("amount > 0 AND reference <> ''", name="amount"),
    Index("ix_receipt_tenant", "tenant"),
)

receipt_leg = Table(
    "receipt_leg",
    metadata,
    # The parts of a receipt: the money itself, taxes withheld for us, charges the bank kept.
    Column("receipt_id", identity(), primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("account", code(), nullable=False),
    references(["receipt_id"], ["receipt.id"]),
    CheckConstraint("kind IN ('money', 'rent_withholding', 'vat_withholding', 'bank_charges')", name="kind"),
    CheckConstraint("amount > 0", name="amount"),
)

receipt_certificate = Table(
    "receipt_certificate",
    metadata,
    # The certificate of a tax withheld; the latest version that was not withdrawn counts.
    Column("receipt_id", identity(), primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("number", Text, nullable=False),
    Column("certified_on", Date, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["receipt_id", "kind"], ["receipt_leg.receipt_id", "receipt_leg.kind"]),
    CheckConstraint("number <> '' AND version > 0", name="number"),
)

certificate_withdrawal = Table(
    "certificate_withdrawal",
    metadata,
    # A certificate that was entered by mistake: its tax waits for one again, or its version before. Once.
    Column("receipt_id", identity(), primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["receipt_id", "kind", "version"],
        ["receipt_certificate.receipt_id", "receipt_certificate.kind", "receipt_certificate.version"],
    ),
    CheckConstraint("reason <> ''", name="reason"),
)

receipt_event = Table(
    "receipt_event",
    metadata,
    # A cheque or bill that was cleared, or came back unpaid: each once.
    Column("receipt_id", identity(), primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    # The bank's day, and the day it is booked: the first open one where the bank's month is closed.
    Column("happened_on", Date, nullable=False),
    Column("booked_on", Date, nullable=False),
    # The account the money came to, or was taken from again.
    Column("account", code(), nullable=False),
    Column("reason", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["receipt_id"], ["receipt.id"]),
    CheckConstraint("kind IN ('cleared', 'bounced')", name="kind"),
    CheckConstraint("kind = 'cleared' OR reason IS NOT NULL", name="reason"),
)

receipt_cancellation = Table(
    "receipt_cancellation",
    metadata,
    # A receipt that should never have been entered (R25): it counts nowhere any more. Once.
    Column("receipt_id", identity(), primary_key=True, autoincrement=False),
    # The day it is cancelled on, and the day that is booked: the first open one where that month is closed.
    Column("cancelled_on", Date, nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["receipt_id"], ["receipt.id"]),
    CheckConstraint("reason <> ''", name="reason"),
)

placement = Table(
    "placement",
    metadata,
    # So much of a receipt is a tenant's.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("receipt_id", identity(), nullable=False),
    Column("tenant", code(), nullable=False),
    Column("amount", BigInteger, nullable=False),
    # 4428, or 4421 before the tenant had any invoice: where it lies while it is not allocated.
    Column("account", code(), nullable=False),
    Column("placed_on", Date, nullable=False),
    # 1 where the receipt's own entry books it.
    Column("in_receipt", Integer, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["receipt_id"], ["receipt.id"]),
    CheckConstraint("amount > 0 AND in_receipt IN (0, 1)", name="amount"),
    Index("ix_placement_receipt_id", "receipt_id"),
    Index("ix_placement_tenant", "tenant"),
)

placement_withdrawal = Table(
    "placement_withdrawal",
    metadata,
    # So much was not the tenant's after all: nobody knows whose it is, again.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("placement_id", identity(), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("withdrawn_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["placement_id"], ["placement.id"]),
    CheckConstraint("amount > 0 AND reason <> ''", name="amount"),
    Index("ix_placement_withdrawal_placement_id", "placement_id"),
)

allocation = Table(
    "allocation",
    metadata,
    # So much of a tenant's money, or of a credit note, settles an invoice.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("placement_id", identity()),
    Column("credit_note_id", BigInteger),
    Column("document_id", BigInteger, nullable=False),
    Column("tenant", code(), nullable=False),
    Column("amount", BigInteger, nullable=False),
    # The part of it that settles what was set apart as doubtful (3424).
    Column("doubtful", BigInteger, nullable=False),
    Column("allocated_on", Date, nullable=False),
    # explicit, reference (the payer named it), oldest, credit (carried forward), or note (a credit note's).
    Column("how", String(10), nullable=False),
    # 1 where the receipt's own entry books it.
    Column("in_receipt", Integer, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["placement_id"], ["placement.id"]),
    references(["credit_note_id"], [document.c.id]),
    references(["document_id"], [document.c.id]),
    CheckConstraint("(placement_id IS NULL) <> (credit_note_id IS NULL)", name="source"),
    CheckConstraint("amount > 0 AND doubtful BETWEEN 0 AND amount AND in_receipt IN (0, 1)", name="amount"),
    CheckConstraint("how IN ('explicit', 'reference', 'oldest', 'credit', 'note')", name="how"),
    Index("ix_allocation_placement_id", "placement_id"),
    Index("ix_allocation_document_id", "document_id"),
    Index("ix_allocation_credit_note_id", "credit_note_id"),
)

allocation_undoing = Table(
    "allocation_undoing",
    metadata,
    # An allocation that was taken back, by a person or because its cheque came back unpaid; once.
    Column("allocation_id", identity(), primary_key=True, autoincrement=False),
    Column("undone_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    # 1 where the return of a cheque, or the cancellation of a receipt, books it.
    Column("in_return", Integer, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["allocation_id"], ["allocation.id"]),
    CheckConstraint("reason <> '' AND in_return IN (0, 1)", name="reason"),
)

refund = Table(
    "refund",
    metadata,
    # Money paid back: of a receipt nobody has placed, of a tenant's credit, of a credit note. RB-000003 to people.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("means", String(8), nullable=False),
    Column("reference", Text, nullable=False),
    Column("refunded_on", Date, nullable=False),
    Column("receipt_id", identity()),
    Column("placement_id", identity()),
    Column("credit_note_id", BigInteger),
    Column("tenant", code()),
    Column("amount", BigInteger, nullable=False),
    Column("account", code(), nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # The day of its entry: the first open one, where the month of the payment is closed; blank: that day.
    Column("booked_on", Date),
    # 1, 2, 3 … of the same means, reference and day, of which those before were cancelled.
    Column("occurrence", Integer, nullable=False, server_default="1"),
    references(["receipt_id"], ["receipt.id"]),
    references(["placement_id"], ["placement.id"]),
    references(["credit_note_id"], [document.c.id]),
    UniqueConstraint("means", "reference", "refunded_on", "occurrence"),
    CheckConstraint("means IN ('transfer', 'cash')", name="means"),
    CheckConstraint("amount > 0 AND reference <> '' AND reason <> ''", name="amount"),
    CheckConstraint(
        "(receipt_id IS NULL AND placement_id IS NULL AND credit_note_id IS NOT NULL AND tenant IS NOT NULL) "
        "OR (receipt_id IS NOT NULL AND credit_note_id IS NULL AND (placement_id IS NULL) = (tenant IS NULL))",
        name="source",
    ),
    Index("ix_refund_receipt_id", "receipt_id"),
    Index("ix_refund_placement_id", "placement_id"),
    Index("ix_refund_credit_note_id", "credit_note_id"),
)

refund_cancellation = Table(
    "refund_cancellation",
    metadata,
    # A refund that was never paid: what it paid back is there again. Once.
    Column("refund_id", identity(), primary_key=True, autoincrement=False),
    Column("cancelled_on", Date, nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["refund_id"], ["refund.id"]),
    CheckConstraint("reason <> ''", name="reason"),
)

settlement = Table(
    "settlement",
    metadata,
    # The effect of an act on a document at one VAT rate. The document's sums less base and vat are open;
    # positive for credit notes too.
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("act", String(12), primary_key=True),
    # The allocation (allocated, undone, cleared), refund (refunded; unrefunded: it was cancelled), decision about the
    # debt (written_off, recovered; unrecovered: it was cancelled); the document itself where its VAT fell due as it was
    # issued (issued), or a part was paid before it was taken on (brought).
    Column("act_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rate", Integer, primary_key=True, autoincrement=False),
    Column("settled_on", Date, nullable=False),
    Column("base", BigInteger, nullable=False),
    Column("vat", BigInteger, nullable=False),
    # VAT that left 44551 by it.
    Column("vat_released", BigInteger, nullable=False),
    # The base that fell due by it, and its VAT, which came to 4455. Negative where it is given back.
    Column("base_due", BigInteger, nullable=False),
    Column("vat_due", BigInteger, nullable=False),
    # The exact shares that the sums of what is settled, and of what has fallen due, moved by, where they are not these
    # whole centimes: base and VAT over a denominator, in centimes (R26, `pricing.running_shares.Exact`).
    Column("exact", Text),
    Column("exact_due", Text),
    references(["document_id", "rate"], [document_vat.c.document_id, document_vat.c.rate]),
    CheckConstraint(
        "act IN ('allocated', 'undone', 'cleared', 'issued', 'refunded', 'unrefunded', 'written_off', 'recovered', "
        "'unrecovered', 'brought')",
        name="act",
    ),
    Index("ix_settlement_settled_on", "settled_on"),
    sqlite_with_rowid=False,
)

# The index of open items (`billing.receivables.open_items.open_item_index`): no facts, but the rows that may be open,
# kept so that history need not be read. A document not settled ...
unsettled_document = Table(
    "unsettled_document",
    metadata,
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant", code(), nullable=False),
    Index("ix_unsettled_document_tenant", "tenant"),
)

# ... and a placement of which something settles nothing.
unsettled_placement = Table(
    "unsettled_placement",
    metadata,
    Column("placement_id", identity(), primary_key=True, autoincrement=False),
    Column("tenant", code(), nullable=False),
    Index("ix_unsettled_placement_tenant", "tenant"),
)

looked_through = Table(
    "looked_through",
    metadata,
    # One row: the newest document and placement at the last refresh; later ones may be open as well.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document_id", BigInteger, nullable=False),
    Column("placement_id", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one"),
)


def receipt_booked_on() -> ColumnElement[date]:
    """Return the day that a receipt is booked: its value date, unless that month was closed."""
    return func.coalesce(receipt.c.booked_on, receipt.c.value_date)


def refund_booked_on() -> ColumnElement[date]:
    """Return the day that a refund is booked: that of the payment, unless that month was closed."""
    return func.coalesce(refund.c.booked_on, refund.c.refunded_on)


# The database refuses to change or delete these rows (R22).
APPEND_ONLY = (
    receipt, receipt_leg, receipt_certificate, certificate_withdrawal, receipt_event, receipt_cancellation, placement,
    placement_withdrawal, allocation, allocation_undoing, refund, refund_cancellation, settlement,
)  # fmt: skip

# PostgreSQL checks these once an insert, as `invoices.models.references` declares it.
REFERENCES = (
    ("receipt_leg", "receipt_id", "receipt", "id"),
    ("receipt_certificate", "receipt_id,kind", "receipt_leg", "receipt_id,kind"),
    ("receipt_event", "receipt_id", "receipt", "id"),
    ("receipt_cancellation", "receipt_id", "receipt", "id"),
    ("placement", "receipt_id", "receipt", "id"),
    ("placement_withdrawal", "placement_id", "placement", "id"),
    ("allocation", "placement_id", "placement", "id"),
    ("allocation", "credit_note_id", "document", "id"),
    ("allocation", "document_id", "document", "id"),
    ("allocation_undoing", "allocation_id", "allocation", "id"),
    ("refund", "receipt_id", "receipt", "id"),
    ("refund", "placement_id", "placement", "id"),
    ("refund", "credit_note_id", "document", "id"),
    ("refund_cancellation", "refund_id", "refund", "id"),
    ("settlement", "document_id,rate", "document_vat", "document_id,rate"),
)
