"""The cut-off entries of years, with the sums they book; rows are only ever added."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Integer, String, Table

from billing.frame.tables import code, identity, metadata

cut_off = Table(
    "cut_off",
    metadata,
    # 1, 2, 3 ... in the order of booking: REG-000001. A year has another where its proposal has changed since.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("year", Integer, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
)

cut_off_sum = Table(
    "cut_off_sum",
    metadata,
    Column("cut_off_id", ForeignKey(cut_off.c.id), primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("site", code(), nullable=False),
    Column("account", code(), nullable=False),
    # Centimes, without VAT; what was booked too much before is below zero.
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("kind IN ('to_invoice', 'to_credit', 'ahead')", name="kind"),
    CheckConstraint("amount <> 0", name="amount"),
)

# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (cut_off, cut_off_sum)
