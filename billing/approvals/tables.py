"""The orders that wait for a second person, and what became of each; rows are only ever added."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from billing.frame.tables import app_user, identity, metadata

approvals_begun = Table(
    "approvals_begun",
    metadata,
    # A single row, once two users who may approve are there: from then on orders wait, whoever is disabled later.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="single"),
)

approval_order = Table(
    "approval_order",
    metadata,
    # 1, 2, 3 ... in the order they were given.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    # The order itself (JSON), as its kind's function takes it.
    Column("content", Text, nullable=False),
    # What it would do (canonical JSON), as whoever approves is shown it; its SHA-256.
    Column("preview", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("ordered_by", String(64), ForeignKey(app_user.c.name), nullable=False),
    Column("ordered_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("id", "ordered_by"),
)

approval_decision = Table(
    "approval_decision",
    metadata,
    # One an order: whoever comes second is refused by the key.
    Column("order_id", identity(), primary_key=True, autoincrement=False),
    # The order's, so that the database itself sees that another person approves.
    Column("ordered_by", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("decided_by", String(64), ForeignKey(app_user.c.name), nullable=False),
    # The role of whoever decided, at that moment.
    Column("role", String(16), nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    # Why it was refused, or is void.
    Column("reason", Text),
    # What came of it: the number of what was made.
    Column("result", Text),
    ForeignKeyConstraint(["order_id", "ordered_by"], [approval_order.c.id, approval_order.c.ordered_by]),
    CheckConstraint("outcome IN ('approved', 'refused', 'void')", name="outcome"),
    CheckConstraint(
        "outcome = 'refused' OR (decided_by <> ordered_by AND role IN ('approver', 'admin'))", name="two_people"
    ),
    CheckConstraint("outcome = 'approved' OR (reason IS NOT NULL AND reason <> '')", name="said"),
    CheckConstraint("(outcome = 'approved') = (result IS NOT NULL)", name="result"),
)

# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (approvals_begun, approval_order, approval_decision)
