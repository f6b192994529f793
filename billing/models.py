"""The tables of the register and of the runs.

Units as in `pricing.money`: amounts in centimes, prices and rates in ten-thousandths, quantities and
areas in millionths. Everything is keyed by the codes people use; codes compare byte by byte on every
database, so that an order by code is the same everywhere.
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
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from invoices.models import NAMING, references

metadata = MetaData(naming_convention=NAMING)


def code() -> String:
    """The type of a code: at most 64 characters, ordered by bytes."""
    return String(64).with_variant(String(64, collation="C"), "postgresql")


def identity() -> BigInteger:
    """The type of a key the database counts up (SQLite wants INTEGER for that)."""
    return BigInteger().with_variant(Integer(), "sqlite")


site = Table(
    "site",
    metadata,
    Column("code", code(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("capacity", Integer),
    Column("opened_on", Date),
)

service = Table(
    "service",
    metadata,
    Column("code", code(), primary_key=True),
    Column("label", Text, nullable=False),
    Column("unit", String(16), nullable=False),
    Column("billing", String(8), nullable=False),
    Column("revenue_account", String(16), nullable=False),
    Column("price_ceiling_incl_vat", BigInteger),
    CheckConstraint("billing IN ('advance', 'arrears')", name="billing"),
    CheckConstraint("unit IN ('m2_month', 'each', 'hour')", name="unit"),
)

vat_rate = Table(
    "vat_rate",
    metadata,
    Column("service", ForeignKey("service.code"), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("rate", Integer, nullable=False),
    CheckConstraint("rate >= 0", name="rate"),
)

rate = Table(
    "rate",
    metadata,
    Column("site", ForeignKey("site.code"), primary_key=True),
    Column("service", ForeignKey("service.code"), primary_key=True),
    # Blank: for every kind (R6).
    Column("tenant_kind", String(16), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("market", BigInteger, nullable=False),
    # As written, `50.00` or `1/3`, and the price it makes (R7).
    Column("subsidised", String(32), nullable=False),
    Column("subsidised_price", BigInteger, nullable=False),
    Column("full_cost", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    CheckConstraint("market >= 0 AND full_cost >= 0", name="positive"),
    CheckConstraint("subsidised_price BETWEEN 0 AND market", name="subsidised_price"),
)

tenant = Table(
    "tenant",
    metadata,
    Column("code", code(), primary_key=True),
    Column("legal_name", Text, nullable=False),
    Column("legal_form", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("incorporated_on", Date),
    Column("admitted_on", Date),
    Column("ice", String(15), nullable=False),
    Column("tax_id", Text, nullable=False),
    Column("trade_register", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("language", String(2), nullable=False),
    CheckConstraint("kind IN ('startup', 'sme', 'large', 'subsidiary')", name="kind"),
    CheckConstraint("language IN ('fr', 'ar', 'en')", name="language"),
)

lease = Table(
    "lease",
    metadata,
    Column("code", code(), primary_key=True),
    Column("tenant", ForeignKey("tenant.code"), nullable=False, index=True),
    Column("site", ForeignKey("site.code"), nullable=False),
    Column("unit", Text, nullable=False),
    Column("area", BigInteger, nullable=False),
    Column("starts_on", Date, nullable=False),
    # The last day billed; blank while open.
    Column("ends_on", Date),
    CheckConstraint("area > 0", name="area"),
    CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_on"),
    Index("ix_lease_site_unit", "site", "unit"),
)

usage_event = Table(
    "usage_event",
    metadata,
    # Counts up in the order of arrival: what arrived since a tenant's last run lies above its watermark.
    Column("id", identity(), Identity(), primary_key=True),
    Column("event_id", code(), nullable=False, unique=True),
    Column("tenant", code(), nullable=False),
    Column("site", code(), nullable=False),
    Column("service", code(), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("occurred_on", Date, nullable=False),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_usage_event_tenant_id", "tenant", "id"),
)

subsidy_grant = Table(
    "subsidy_grant",
    metadata,
    Column("code", code(), primary_key=True),
    Column("funder", Text, nullable=False),
    # Blank site: for the whole network.
    Column("site", ForeignKey("site.code")),
    Column("amount", BigInteger, nullable=False),
    Column("granted_on", Date, nullable=False),
    # Counts the entries posted for it: a change reverses the last one and posts the next.
    Column("revision", Integer, nullable=False),
    CheckConstraint("amount > 0", name="amount"),
)

billing_run = Table(
    "billing_run",
    metadata,
    # The first day of the month run; one run a month, ever (R14).
    Column("period", Date, primary_key=True),
    # The issue date of the attempt under way, or of the last one.
    Column("issued_on", Date, nullable=False),
    Column("status", String(8), nullable=False),
    # 1, and one more each time the tenants whose outcome was an error are tried again.
    Column("attempt", Integer, nullable=False),
    # Whether the documents of this attempt are queued for delivery.
    Column("deliver", Integer, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    # The waterfall's outcome, as exported (JSON), once complete.
    Column("cross_subsidy", Text),
    CheckConstraint("status IN ('running', 'complete')", name="status"),
)

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
    CheckConstraint("status IN ('issued', 'nothing', 'error')", name="status"),
    references(["period"], ["billing_run.period"]),
)

run_position = Table(
    "run_position",
    metadata,
    # What R17 nets, kept so that the waterfall can be computed again.
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
    # Who funded whom in a run, as each closing found it; a run tried again with something new has another.
    Column("period", Date, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    # Its margins in canonical form (`billing.cross_subsidy.matrices`), compressed, and their SHA-256 uncompressed.
    Column("body", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    references(["period"], ["billing_run.period"]),
)

usage_billing = Table(
    "usage_billing",
    metadata,
    # Which line billed an event; the key makes sure that none is billed twice (R10).
    Column("usage_event_id", identity(), primary_key=True, autoincrement=False),
    Column("document_id", BigInteger, nullable=False),
    Column("line_no", Integer, nullable=False),
)

import_log = Table(
    "import_log",
    metadata,
    Column("id", identity(), Identity(), primary_key=True),
    Column("imported_at", DateTime(timezone=True), nullable=False),
    Column("source", Text, nullable=False),
    # Counts of new, changed and unchanged rows per file, and each change (JSON).
    Column("summary", Text, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    Column("name", String(64), primary_key=True),
    # SHA-256 of the token: 256 random bits need no salt nor slow hash.
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("scope", String(16), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("scope IN ('finance', 'auditor', 'admin')", name="scope"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    # The stored answer of a POST: the same key and body gets it again.
    Column("token", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

audit_counter = Table(
    "audit_counter",
    metadata,
    # A single row; locked by whoever ends a transaction, so that acts have no gap and follow the order of commits.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

audit_event = Table(
    "audit_event",
    metadata,
    # 1, 2, 3 ... without gap: one a transaction that wrote.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # A token's name, a user of the operating system, or the scheduler.
    Column("actor", Text, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("operation", Text, nullable=False),
    # The transactions of one request share it.
    Column("request_id", String(128), nullable=False),
    Column("reason", Text),
    # What the transaction has added, first and last number; blank where nothing.
    *(
        Column(f"{end}_{name}", BigInteger)
        for name in ("entry", "document", "usage_event", "import")
        for end in ("first", "last")
    ),
)
for _name in ("entry", "document", "usage_event", "import"):
    _last = audit_event.c[f"last_{_name}"]
    _present = _last.is_not(None)
    Index(f"ix_audit_event_last_{_name}", _last, sqlite_where=_present, postgresql_where=_present)
Index("ix_audit_event_request_id", audit_event.c.request_id)

audit_change = Table(
    "audit_change",
    metadata,
    Column("act_id", identity(), primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    # The kind of thing and its key, as people write them: `tenants`, `T0042`.
    Column("subject", String(32), nullable=False),
    Column("key", Text, nullable=False),
    # What it was and has become (JSON); blank where there was none, or is none any more.
    Column("before", Text),
    Column("after", Text),
    Index("ix_audit_change_subject_key", "subject", "key"),
    sqlite_with_rowid=False,
)

# What the database refuses to change or delete (R22).
APPEND_ONLY = (usage_event, run_position, funding_matrix, usage_billing, audit_event, audit_change)
