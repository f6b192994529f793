"""The tables every room shares: the audit log, users and tokens, answers to requests; and what tables are made with."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
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


app_user = Table(
    "app_user",
    metadata,
    # A person who acts. A name stands for one person in every log: it is never given again.
    Column("name", String(64), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    # The user of the operating system whose commands are this person's.
    Column("os_user", String(64), unique=True),
    # scrypt, with its parameters and salt; blank: no password was given.
    Column("password_hash", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # From when on the person may do nothing any more.
    Column("disabled_at", DateTime(timezone=True)),
    CheckConstraint("role IN ('finance', 'approver', 'auditor', 'admin')", name="role"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("name", String(64), primary_key=True),
    # SHA-256 of the token: 256 random bits need no salt nor slow hash.
    Column("token_sha256", String(64), nullable=False, unique=True),
    # One scope or several, parted by a blank.
    Column("scope", String(255), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    # Whose it is; blank: a program's, made without a user.
    Column("user_name", String(64), ForeignKey(app_user.c.name)),
    # The codes of the sites it is bound to (JSON); blank: it is bound to none.
    Column("sites", Text),
    CheckConstraint("scope <> ''", name="scope"),
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

job = Table(
    "job",
    metadata,
    # A request that is done later, by a process beside the API. No fact: a month after its end it is forgotten.
    Column("id", identity(), primary_key=True),
    # How it is called outside, and the folder of its files: random.
    Column("name", String(36), nullable=False, unique=True),
    # Whose it is: the user, or a token without one; and the token by which it was ordered, and acts.
    Column("owner", String(72), nullable=False),
    Column("token", String(64), nullable=False),
    # The scopes of which one is needed to do it, between blanks; the sites its token was bound to (JSON).
    Column("scopes", Text, nullable=False),
    Column("sites", Text, nullable=False),
    # The request: method, path with query, headers (JSON); its id. The body is a file.
    Column("method", String(8), nullable=False),
    Column("address", Text, nullable=False),
    Column("headers", Text, nullable=False),
    Column("request_id", String(128), nullable=False),
    # The digest of all that the answer depends on; blank: it is not given again.
    Column("inputs_sha256", String(64)),
    Column("state", String(16), nullable=False),
    # How often it was begun.
    Column("attempts", Integer, nullable=False),
    Column("ordered_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    # Until when the result is kept.
    Column("expires_at", DateTime(timezone=True)),
    # What was answered: status, headers, size, digest; or the problem (JSON).
    Column("answer", Text),
    Column("problem", Text),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    Index("ix_job_state", "state"),
    Index("ix_job_owner", "owner", "id"),
    Index("ix_job_inputs_sha256", "inputs_sha256"),
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
    # The person who acted, by the token or by the operating system's user; blank: none is known.
    Column("user_name", String(64)),
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
