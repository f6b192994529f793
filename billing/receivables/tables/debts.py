"""The table of what was decided about debts; rows are only ever added. Amounts in centimes."""

from datetime import date

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Table,
    Text,
    func,
)

from billing.frame.tables import code, identity, metadata
from invoices.models import document

debt_act = Table(
    "debt_act",
    metadata,
    # A decision about what is unpaid of an invoice, in the order they were taken; each is one entry.
    Column("id", identity(), Identity(), primary_key=True),
    Column("document_id", BigInteger, ForeignKey(document.c.id), nullable=False),
    Column("tenant", code(), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("decided_on", Date, nullable=False),
    # VAT included, but for provisions, which are made without.
    Column("amount", BigInteger, nullable=False),
    # The VAT of what was written off or recovered, and what of a write-off had been set apart as doubtful.
    Column("vat", BigInteger, nullable=False),
    Column("from_doubtful", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    # The user who approved it as a second person; blank: nobody had to. Before there were users, a name as typed.
    Column("approved_by", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # The bank's own reference of what was recovered.
    Column("reference", Text),
    # The day of its entry: the first open one, where the month of the decision is closed; blank: the decision's own.
    Column("booked_on", Date),
    CheckConstraint(
        "kind IN ('doubtful', 'reinstated', 'provisioned', 'released', 'written_off', 'recovered')", name="kind"
    ),
    CheckConstraint("amount > 0 AND vat BETWEEN 0 AND amount AND from_doubtful BETWEEN 0 AND amount", name="amount"),
    CheckConstraint("reason <> '' AND asked_by <> '' AND approved_by <> ''", name="said"),
    # Nobody approves what they ask for.
    CheckConstraint("lower(asked_by) <> lower(approved_by)", name="two_people"),
    Index("ix_debt_act_document_id", "document_id"),
    Index("ix_debt_act_tenant", "tenant"),
)

debt_cancellation = Table(
    "debt_cancellation",
    metadata,
    # Money of a lost debt that never came: what was recovered counts no more (R25). Once.
    Column("debt_act_id", identity(), ForeignKey(debt_act.c.id), primary_key=True, autoincrement=False),
    # The day it is cancelled on, and the day that is booked: the first open one where that month is closed.
    Column("cancelled_on", Date, nullable=False),
    Column("booked_on", Date, nullable=False),
    # The VAT that goes back: the rounded sums differ by it (R26).
    Column("vat", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("reason <> '' AND vat >= 0", name="reason"),
)


def decision_booked_on() -> ColumnElement[date]:
    """Return the day that a decision is booked: its own, unless that month was closed."""
    return func.coalesce(debt_act.c.booked_on, debt_act.c.decided_on)


# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (debt_act, debt_cancellation)
