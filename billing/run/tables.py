"""The tables of the monthly runs: batches, outcomes, positions, who funded whom.

Units as in `pricing.money`: amounts in centimes.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from billing.frame.tables import code, identity, metadata
from invoices.models import document, references

run_batch = Table(
    "run_batch",
    metadata,
    # A range of tenant codes, both ends included: one transaction.
    Column("period", ForeignKey("billing_run.period"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("batch_no", Integer, primary_key=True, autoincrement=False),
    Column("first_tenant", code(), nullable=False),
    Column("last_tenant", code(), nullable=False),
    Column("status", String(4), nullable=False),
    CheckConstraint("status IN ('open', 'done')", name="status"),
)

run_hold = Table(
    "run_hold",
    metadata,
    # Acts that hold a tenant from the run of a month (odd ones), and take the hold back (even ones).
    Column("period", Date, primary_key=True),
    Column("tenant", ForeignKey("tenant.code"), primary_key=True),
    Column("act_no", Integer, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("act_no > 0 AND reason <> ''", name="act"),
)

run_outcome = Table(
    "run_outcome",
    metadata,
    Column("period", Date, primary_key=True),
    Column("tenant", code(), primary_key=True),
    Column("status", String(8), nullable=False),
    Column("message", Text),
    Column("invoice_id", BigInteger),
    Column("credit_note_id", BigInteger),
    # Of the facts that decided the office months billed so far: while it stands they need no second look (R13).
    Column("fingerprint", String(32)),
    # Every usage event of the tenant up to this id has been billed (R10).
    Column("usage_watermark", BigInteger, nullable=False),
    CheckConstraint("status IN ('issued', 'nothing', 'error', 'held')", name="status"),
    references(["period"], ["billing_run.period"]),
)

# The outcomes of tenants that a run left unbilled: the next one bills what was due.
UNBILLED = ("error", "held")

run_position = Table(
    "run_position",
    metadata,
    # The sums that R17 nets, kept so that the waterfall can be computed again.
    Column("period", Date, primary_key=True),
    Column("tenant", code(), primary_key=True),
    Column("site", code(), primary_key=True),
    Column("contribution", BigInteger, nullable=False),
    Column("draw", BigInteger, nullable=False),
    Column("advantage", BigInteger, nullable=False),
    references(["period"], ["billing_run.period"]),
)

funding_matrix = Table(
    "funding_matrix",
    metadata,
    # The matrix of who funded whom, as each closing found it; a run tried again with something new has another.
    Column("period", Date, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    # Its margins in canonical form (`billing.run.matrices`), compressed, and their SHA-256 uncompressed.
    Column("body", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    references(["period"], ["billing_run.period"]),
)

cancellation_count = Table(
    "cancellation_count",
    metadata,
    # The run whose waterfall counts a credit note by hand that cancels lines: once (R28).
    Column("credit_note_id", BigInteger, primary_key=True, autoincrement=False),
    Column("period", Date, nullable=False),
    references(["credit_note_id"], [document.c.id]),
    references(["period"], ["billing_run.period"]),
)

usage_billing = Table(
    "usage_billing",
    metadata,
    # The line that billed an event; the key makes sure that none is billed twice (R10).
    Column("usage_event_id", identity(), primary_key=True, autoincrement=False),
    Column("document_id", BigInteger, nullable=False),
    Column("line_no", Integer, nullable=False),
)

usage_rebilling = Table(
    "usage_rebilling",
    metadata,
    # The line that bills an event again, after the one that billed it before was credited whole (R10). The key makes
    # sure that each line credited is billed again once.
    Column("usage_event_id", identity(), primary_key=True, autoincrement=False),
    Column("former_document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("former_line_no", Integer, primary_key=True, autoincrement=False),
    Column("document_id", BigInteger, nullable=False),
    Column("line_no", Integer, nullable=False),
)

# Both say which line bills an event.
USAGE_LINKS = (usage_billing, usage_rebilling)

# The tables whose rows the database refuses to change or delete (R22).
APPEND_ONLY = (run_hold, run_position, funding_matrix, cancellation_count, usage_billing, usage_rebilling)

# References that PostgreSQL checks set-wise (`billing.schema.triggers`): table, columns, referred table, its columns.
REFERENCES = (
    ("run_outcome", "period", "billing_run", "period"),
    ("run_position", "period", "billing_run", "period"),
    ("funding_matrix", "period", "billing_run", "period"),
    ("cancellation_count", "credit_note_id", "document", "id"),
    ("cancellation_count", "period", "billing_run", "period"),
)
