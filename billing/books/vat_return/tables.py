"""The VAT on tenants' credit as months closed with it, change by change; rows are only ever added."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, ForeignKey, Integer, Table

from billing.frame.tables import code, identity, metadata
from billing.receivables.tables.receipts import receipt

advance_vat = Table(
    "advance_vat",
    metadata,
    # 1, 2, 3 ... in the order of booking; entry OD/AR-1 books it.
    Column("id", identity(), primary_key=True, autoincrement=False),
    # The first day of the month whose closing booked it.
    Column("month", Date, nullable=False),
    Column("receipt_id", ForeignKey(receipt.c.id), nullable=False),
    Column("tenant", code(), nullable=False),
    # In ten-thousandths.
    Column("rate", Integer, nullable=False),
    # Centimes, VAT included, and the VAT: what is held more than at the end of the month before; below zero, less.
    Column("amount", BigInteger, nullable=False),
    Column("vat", BigInteger, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("rate > 0 AND (amount <> 0 OR vat <> 0)", name="amount"),
)

# The database refuses to change or delete rows of this table (R22).
APPEND_ONLY = (advance_vat,)
