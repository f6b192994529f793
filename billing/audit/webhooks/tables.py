"""The tables of webhooks: the endpoints, how far each has been told, and the log of what was tried."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from billing.frame.tables import identity, metadata

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    # An address that is told what happens: WH-000012 to people.
    Column("id", identity(), Identity(), primary_key=True),
    Column("url", Text, nullable=False),
    # The types of event it wants (JSON); blank: all.
    Column("types", Text),
    # What signs its webhooks, as receivers are given it; blank once it is removed.
    Column("secret", String(64)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("disabled_at", DateTime(timezone=True)),
    Column("disabled_for", Text),
    Column("removed_at", DateTime(timezone=True)),
    CheckConstraint("(disabled_at IS NULL) = (disabled_for IS NULL)", name="disabled"),
    CheckConstraint("(secret IS NULL) = (removed_at IS NOT NULL)", name="removed"),
)

webhook_progress = Table(
    "webhook_progress",
    metadata,
    # How far an endpoint has been told, and who tells it at this moment: no fact, like the state of a delivery.
    Column("endpoint_id", BigInteger, ForeignKey(webhook_endpoint.c.id), primary_key=True, autoincrement=False),
    # The cursor of the feed behind which the next event stands.
    Column("told_until", String(64), nullable=False),
    # The attempts at the next event that failed, and since when.
    Column("attempts", Integer, nullable=False),
    Column("failing_since", DateTime(timezone=True)),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("claimed_by", String(64)),
    Column("claimed_until", DateTime(timezone=True)),
    CheckConstraint("attempts >= 0 AND (attempts > 0) = (failing_since IS NOT NULL)", name="failing"),
    CheckConstraint("(claimed_by IS NULL) = (claimed_until IS NULL)", name="claimed"),
)

webhook_attempt = Table(
    "webhook_attempt",
    metadata,
    # The log of attempts: rows are added, and forgotten after a while.
    Column("id", identity(), Identity(), primary_key=True),
    Column("endpoint_id", BigInteger, ForeignKey(webhook_endpoint.c.id), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("type", Text, nullable=False),
    Column("attempted_at", DateTime(timezone=True), nullable=False),
    Column("milliseconds", Integer, nullable=False),
    # What the receiver answered (HTTP); blank: nothing.
    Column("status", Integer),
    # Why it failed; blank: it arrived.
    Column("failure", Text),
    Index("ix_webhook_attempt_endpoint_id", "endpoint_id", "id"),
)

APPEND_ONLY = ()
