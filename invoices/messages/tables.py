"""The tables of messages: texts are only ever added; their deliveries move as those of documents do."""

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

from invoices.models import metadata

# The state of a message that is not sent any more, since what it says is no longer so; beside those of every queue
# (`invoices.delivery`).
STOPPED = "stopped"

message = Table(
    "message",
    metadata,
    # The database counts it up; SQLite wants INTEGER for that.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), Identity(), primary_key=True),
    # The kind of message, and what it is about: one of each, ever.
    Column("kind", String(32), nullable=False),
    Column("key", Text, nullable=False),
    # A code, ordered by bytes.
    Column("tenant", String(64).with_variant(String(64, collation="C"), "postgresql"), nullable=False),
    # The day its papers bear.
    Column("written_on", Date, nullable=False),
    # The address it was first made for.
    Column("recipient", Text, nullable=False),
    Column("recipient_name", Text, nullable=False),
    # Its texts and papers (JSON): what is printed and sent for ever.
    Column("content", Text, nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("kind", "key"),
    CheckConstraint("kind <> '' AND key <> ''", name="told"),
    Index("ix_message_tenant", "tenant"),
)

message_file = Table(
    "message_file",
    metadata,
    # A paper of a message, as first printed: where it is kept and what it hashes to.
    Column("message_id", BigInteger, ForeignKey("message.id"), primary_key=True, autoincrement=False),
    Column("paper_no", Integer, primary_key=True, autoincrement=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("rendered_at", DateTime(timezone=True), nullable=False),
)

message_delivery = Table(
    "message_delivery",
    metadata,
    # As `delivery` of documents: one row a message, its state only moves queued -> (failed ->) sent or stopped.
    Column("message_id", BigInteger, ForeignKey("message.id"), primary_key=True, autoincrement=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("claimed_by", String(32)),
    Column("claimed_until", DateTime(timezone=True)),
    Column("handed_over_at", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    Column("recipient", Text, nullable=False),
    Column("last_error", Text),
    Column("chosen_recipient", Text),
    CheckConstraint("state IN ('queued', 'failed', 'sent', 'stopped')", name="state"),
    Index("ix_message_delivery_state_next_attempt_at", "state", "next_attempt_at"),
)

message_attempt = Table(
    "message_attempt",
    metadata,
    # One row an attempt, never changed.
    Column("message_id", ForeignKey("message_delivery.message_id"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("attempted_at", DateTime(timezone=True), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("detail", Text, nullable=False),
)

# The tables whose rows the database refuses to change or delete (R22).
APPEND_ONLY = (message, message_file, message_attempt)
