"""The tables of bank statements, their lines, and the decisions about each line; rows are only ever added.

Amounts are in centimes, positive where money came in. Keys are counted up under the lock of receivables, without gap.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from billing.frame.tables import code, identity, metadata
from billing.receivables.tables.receipts import receipt
from invoices.models import references

bank_statement = Table(
    "bank_statement",
    metadata,
    # RE-000012 to people.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("account", code(), nullable=False),
    # 1, 2, 3 ... within its account: each opens where the one before closed that was not withdrawn.
    Column("place", Integer, nullable=False),
    # The bank's own name for it, and the file it came in.
    Column("reference", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("opening", BigInteger, nullable=False),
    Column("closed_on", Date, nullable=False),
    Column("closing", BigInteger, nullable=False),
    Column("line_count", Integer, nullable=False),
    # The digest of all that the bank said in it: the same statement twice is one.
    Column("digest", String(32), nullable=False, unique=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("account", "place"),
    CheckConstraint("place > 0 AND line_count >= 0", name="place"),
)

bank_statement_withdrawal = Table(
    "bank_statement_withdrawal",
    metadata,
    # A statement that was imported wrongly: its lines count no more, the next one goes on from the one before it.
    Column("statement_id", identity(), primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["statement_id"], ["bank_statement.id"]),
    CheckConstraint("reason <> ''", name="reason"),
)

bank_line = Table(
    "bank_line",
    metadata,
    # RE-000012/3 to people.
    Column("statement_id", identity(), primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("booked_on", Date, nullable=False),
    Column("value_on", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("bank_reference", Text, nullable=False),
    Column("end_to_end_id", Text, nullable=False),
    Column("structured_reference", Text, nullable=False),
    Column("counterparty", Text, nullable=False),
    Column("counterparty_account", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("is_reversal", Integer, nullable=False),
    # These distinguish it from every other line, and number those that are alike: read twice it is stored once.
    Column("fingerprint", String(32), nullable=False),
    Column("occurrence", Integer, nullable=False),
    references(["statement_id"], ["bank_statement.id"]),
    UniqueConstraint("fingerprint", "occurrence"),
    CheckConstraint("amount <> 0 AND occurrence > 0 AND is_reversal IN (0, 1)", name="amount"),
)

# The payer of an earlier line is looked up by its account.
_HAS_ACCOUNT = bank_line.c.counterparty_account != ""
Index(
    "ix_bank_line_counterparty_account",
    bank_line.c.counterparty_account,
    sqlite_where=_HAS_ACCOUNT,
    postgresql_where=_HAS_ACCOUNT,
)


line_decision = Table(
    "line_decision",
    metadata,
    # The latest decision about a line counts.
    Column("statement_id", identity(), primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("decision_no", Integer, primary_key=True, autoincrement=False),
    # received, cleared, bounced: a receipt's; booked: to an account; recorded: the books had it already; undone.
    Column("kind", String(8), nullable=False),
    # The certainty of the proposal that was followed, in percent; blank where a person decided otherwise.
    Column("confidence", Integer),
    Column("why", Text, nullable=False),
    Column("decided_on", Date, nullable=False),
    # The tenant who pays, where that is one: the payer's account is then known for the next time.
    Column("tenant", code()),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    references(["statement_id", "line_no"], ["bank_line.statement_id", "bank_line.line_no"]),
    CheckConstraint("kind IN ('received', 'cleared', 'bounced', 'booked', 'recorded', 'undone')", name="kind"),
    CheckConstraint(
        "decision_no > 0 AND why <> '' AND (confidence IS NULL OR confidence BETWEEN 0 AND 100)", name="why"
    ),
)

line_entry = Table(
    "line_entry",
    metadata,
    # The entries that a decision says book its line, by their references; and the receipts they are of.
    Column("statement_id", identity(), primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("decision_no", Integer, primary_key=True, autoincrement=False),
    Column("entry", String(120).with_variant(String(120, collation="C"), "postgresql"), primary_key=True),
    Column("receipt_id", identity()),
    references(
        ["statement_id", "line_no", "decision_no"],
        ["line_decision.statement_id", "line_decision.line_no", "line_decision.decision_no"],
    ),
    references(["receipt_id"], [receipt.c.id]),
    Index("ix_line_entry_entry", "entry"),
)

# The tables of which the database refuses to change or delete rows (R22).
APPEND_ONLY = (bank_statement, bank_statement_withdrawal, bank_line, line_decision, line_entry)

# The references that PostgreSQL checks once an insert, as `invoices.models.references` declares it.
REFERENCES = (
    ("bank_statement_withdrawal", "statement_id", "bank_statement", "id"),
    ("bank_line", "statement_id", "bank_statement", "id"),
    ("line_decision", "statement_id,line_no", "bank_line", "statement_id,line_no"),
    ("line_entry", "statement_id,line_no,decision_no", "line_decision", "statement_id,line_no,decision_no"),
    ("line_entry", "receipt_id", "receipt", "id"),
)
