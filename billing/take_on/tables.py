"""The take-on of a park: its day, and the balances and used grants it brought; rows are only ever added.

Brought invoices are documents (`invoices.models.brought_invoice`), tenants' credit is receipts of the means `brought`,
deposits are deposits: they live on with ours. Amounts in centimes.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, ForeignKey, Integer, Table

from billing.frame.tables import code, metadata

take_on = Table(
    "take_on",
    metadata,
    # A single row: a park is taken on once.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("taken_on", Date, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="single"),
)

opening_balance = Table(
    "opening_balance",
    metadata,
    # A row of balances.csv; debit positive.
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("account", code(), nullable=False),
    Column("site", code()),
    Column("amount", BigInteger, nullable=False),
)

opening_grant = Table(
    "opening_grant",
    metadata,
    # So much of a grant had been used before.
    Column("grant_code", ForeignKey("subsidy_grant.code"), primary_key=True),
    Column("used", BigInteger, nullable=False),
    CheckConstraint("used > 0", name="used"),
)

# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (take_on, opening_balance, opening_grant)
