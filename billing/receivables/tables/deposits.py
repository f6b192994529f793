"""The tables of deposits: asked, come, gone, set off; and of closed leases. Rows are only ever added; centimes."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from billing.frame.tables import code, identity, metadata
from invoices.models import references

deposit = Table(
    "deposit",
    metadata,
    # The deposit a lease's tenant was asked for, as called on paper; one a lease.
    Column("id", identity(), Identity(), primary_key=True),
    Column("lease", ForeignKey("lease.code"), nullable=False, unique=True),
    Column("tenant", code(), nullable=False),
    Column("site", code(), nullable=False),
    Column("site_name", Text, nullable=False),
    Column("office", Text, nullable=False),
    # Months of rent, and the rent of one month without VAT when it was asked: their product is the amount.
    Column("months", Integer, nullable=False),
    Column("monthly_rent", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("asked_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    # Seller and buyer as printed (JSON): the paper is the same for ever.
    Column("seller", Text, nullable=False),
    Column("buyer", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("months > 0 AND monthly_rent > 0 AND amount = months * monthly_rent", name="amount"),
    CheckConstraint("due_on >= asked_on", name="due_on"),
    Index("ix_deposit_tenant", "tenant"),
)

deposit_movement = Table(
    "deposit_movement",
    metadata,
    # Money of a deposit that came to the bank or the till, or left it.
    Column("deposit_id", identity(), ForeignKey("deposit.id"), primary_key=True, autoincrement=False),
    Column("movement_no", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("moved_on", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    # 5141 or 5161: where the money came to or left from.
    Column("money_account", Text, nullable=False),
    # The bank's or the till's own name for it: the same twice is one movement.
    Column("reference", Text, nullable=False),
    Column("reason", Text),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # The day of its entry: the first open one, where the month it moved in is closed; blank: that day.
    Column("booked_on", Date),
    # 1, 2, 3 … of the same deposit, kind and reference, of which those before were cancelled.
    Column("occurrence", Integer, nullable=False, server_default="1"),
    UniqueConstraint("deposit_id", "kind", "reference", "occurrence"),
    CheckConstraint("kind IN ('received', 'returned')", name="kind"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("kind = 'received' OR reason IS NOT NULL", name="reason"),
)

deposit_cancellation = Table(
    "deposit_cancellation",
    metadata,
    # A movement that never was: it counts nowhere any more (R25). Once.
    Column("deposit_id", identity(), primary_key=True, autoincrement=False),
    Column("movement_no", Integer, primary_key=True, autoincrement=False),
    # The day it is cancelled on, and the day that is booked: the first open one where that month is closed.
    Column("cancelled_on", Date, nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["deposit_id", "movement_no"], ["deposit_movement.deposit_id", "deposit_movement.movement_no"]
    ),
    CheckConstraint("reason <> ''", name="reason"),
)

deposit_set_off = Table(
    "deposit_set_off",
    metadata,
    # Deposit money that paid invoices: the receipt of means `deposit` that books it says how much, of whom, when.
    Column("receipt_id", identity(), primary_key=True, autoincrement=False),
    Column("deposit_id", identity(), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["receipt_id"], ["receipt.id"]),
    references(["deposit_id"], ["deposit.id"]),
    CheckConstraint("amount > 0 AND reason <> ''", name="amount"),
    Index("ix_deposit_set_off_deposit_id", "deposit_id"),
)

final_statement = Table(
    "final_statement",
    metadata,
    # A tenant's account as it stood when a lease was closed, for good; one a lease. People see AC-000001.
    Column("id", identity(), Identity(), primary_key=True),
    Column("lease", ForeignKey("lease.code"), nullable=False, unique=True),
    Column("tenant", code(), nullable=False),
    Column("closed_on", Date, nullable=False),
    # The tenant still owes this (above zero) or is owed it (below), its deposit counted in.
    Column("balance", BigInteger, nullable=False),
    # As printed (JSON): documents, credits, the deposit, seller, buyer.
    Column("content", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Index("ix_final_statement_tenant", "tenant"),
)

# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (deposit, deposit_movement, deposit_cancellation, deposit_set_off, final_statement)

# PostgreSQL checks these references once an insert, as `invoices.models.references` declares them.
REFERENCES = (
    ("deposit_set_off", "receipt_id", "receipt", "id"),
    ("deposit_set_off", "deposit_id", "deposit", "id"),
)
