"""The table of receipts given for cash; rows are only ever added. Amounts in centimes."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, Integer, Table, Text, UniqueConstraint

from billing.frame.tables import code, identity, metadata
from invoices.models import references

cash_receipt = Table(
    "cash_receipt",
    metadata,
    # Given for every receipt of cash, in the transaction that records it; RC-2026-000001 to people.
    Column("receipt_id", identity(), primary_key=True, autoincrement=False),
    # The year of the day the cash was taken, and 1, 2, 3 … without gap within it.
    Column("year", Integer, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("taken_on", Date, nullable=False),
    Column("tenant", code(), nullable=False),
    Column("amount", BigInteger, nullable=False),
    # The stamp duty on it, and whether the payer bore it beside the amount.
    Column("stamp_duty", BigInteger, nullable=False),
    Column("stamp_on_top", Integer, nullable=False),
    # As printed (JSON): what it settles, the thresholds it goes beyond, seller, payer.
    Column("content", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("year", "serial"),
    references(["receipt_id"], ["receipt.id"]),
    CheckConstraint("serial > 0 AND amount > 0 AND stamp_duty >= 0 AND stamp_on_top IN (0, 1)", name="amount"),
)

# The database refuses to change or delete these rows (R22).
APPEND_ONLY = (cash_receipt,)

# PostgreSQL checks these once an insert, as `invoices.models.references` declares it.
REFERENCES = (("cash_receipt", "receipt_id", "receipt", "id"),)
