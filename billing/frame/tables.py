"""The tables every room shares: the audit log, tokens, answers to requests; and what tables are made with."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from invoices.models import NAMING

metadata = MetaData(naming_convention=NAMING)


def code() -> String:
    """Return the type of a code: at most 64 characters, ordered by bytes."""
    return String(64).with_variant(String(64, collation="C"), "postgresql")


def identity() -> BigInteger:
    """Return the type of a key the database counts up (SQLite wants INTEGER for that)."""
    return BigInteger().with_variant(Integer(), "sqlite")


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
    # A single row; locked at the end of each transaction, so that acts have no gap and follow the order of commits.
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
    # The first and last numbers the transaction has added; blank where it added none.
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
    # The values before and after (JSON); blank where there was none, or is none any more.
    Column("before", Text),
    Column("after", Text),
    Index("ix_audit_change_subject_key", "subject", "key"),
    sqlite_with_rowid=False,
)

# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (audit_event, audit_change)
