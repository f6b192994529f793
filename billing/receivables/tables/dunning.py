"""The tables of dunning: what was sent about which invoice, what holds it back, who owes interest; only ever added to.

Amounts in centimes, rates in ten-thousandths.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from billing.frame.tables import code, identity, metadata
from invoices.messages.tables import message
from invoices.models import document

dunning_act = Table(
    "dunning_act",
    metadata,
    # A tenant reminded on a day: one message, and what was open of all the invoices it names, overdue or to come.
    Column("id", identity(), Identity(), primary_key=True),
    Column("message_id", BigInteger, ForeignKey(message.c.id), nullable=False, unique=True),
    Column("tenant", code(), nullable=False),
    Column("acted_on", Date, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # One mail a tenant and day.
    UniqueConstraint("tenant", "acted_on"),
    CheckConstraint("total > 0", name="total"),
)

dunning_step = Table(
    "dunning_step",
    metadata,
    # An invoice of such a reminder: which step it had reached, of which ladder, and what was open of it.
    Column("document_id", BigInteger, ForeignKey(document.c.id), primary_key=True, autoincrement=False),
    # Days from the due date: the same step of an invoice is never sent twice.
    Column("days", Integer, primary_key=True, autoincrement=False),
    Column("act_id", BigInteger, ForeignKey("dunning_act.id"), nullable=False),
    # Its place in the ladder, and the ladder of that day, as `-3 3 15 30`.
    Column("step_no", Integer, nullable=False),
    Column("ladder", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    # Shown as information on that day: the fine of the law, the interest of a clause.
    Column("fine", BigInteger, nullable=False),
    Column("interest", BigInteger, nullable=False),
    CheckConstraint("amount > 0 AND fine >= 0 AND interest >= 0", name="amount"),
    CheckConstraint("step_no > 0", name="step_no"),
    Index("ix_dunning_step_act_id", "act_id"),
)

dunning_hold = Table(
    "dunning_hold",
    metadata,
    # A dispute or a promise to pay by a day: an invoice, or all of a tenant's, are not reminded of.
    Column("id", identity(), Identity(), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("tenant", code(), nullable=False),
    Column("document_id", BigInteger, ForeignKey(document.c.id)),
    Column("since", Date, nullable=False),
    # The last day of a promise; a dispute lasts until somebody ends it.
    Column("until", Date),
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('dispute', 'promise')", name="kind"),
    CheckConstraint("(kind = 'promise') = (until IS NOT NULL) AND (until IS NULL OR until >= since)", name="until"),
    CheckConstraint("reason <> '' AND recorded_by <> ''", name="said"),
    Index("ix_dunning_hold_tenant", "tenant"),
)

dunning_hold_end = Table(
    "dunning_hold_end",
    metadata,
    # A dispute settled or a promise withdrawn, once, and from which day.
    Column("hold_id", BigInteger, ForeignKey("dunning_hold.id"), primary_key=True, autoincrement=False),
    Column("ended_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("reason <> '' AND recorded_by <> ''", name="said"),
)

interest_clause = Table(
    "interest_clause",
    metadata,
    # Clauses of leases on interest for late payment; the newest that has begun counts, a rate of zero ends it.
    Column("id", identity(), Identity(), primary_key=True),
    Column("tenant", code(), nullable=False),
    # Blank: of all that the tenant is invoiced.
    Column("lease", code(), ForeignKey("lease.code")),
    Column("effective_from", Date, nullable=False),
    # A year's, on what is unpaid, VAT included.
    Column("rate", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("rate BETWEEN 0 AND 10000", name="rate"),
    CheckConstraint("reason <> '' AND recorded_by <> ''", name="said"),
    Index("ix_interest_clause_tenant", "tenant"),
)

# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (dunning_act, dunning_step, dunning_hold, dunning_hold_end, interest_clause)
