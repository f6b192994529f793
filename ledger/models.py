"""The tables of the books; triggers of the migrations refuse every change to what was posted (R22)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
# SQLite keeps a table in the order of an INTEGER key, of no other type.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


def _code(length: int) -> String:
    """Make codes compare by bytes on every database, so that orders agree; faster than by a language's rules."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


account = Table(
    "account",
    metadata,
    Column("code", _code(16), primary_key=True),
    Column("label", Text, nullable=False),
)

entry_counter = Table(
    "entry_counter",
    metadata,
    # A single row; locked by whoever posts, so that entry numbers have no gap and follow the order of commits.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    # At COMMIT the newest number is an entry's; entries come without gap, so every other number is one too.
    Column("newest", _NUMBER, Computed("nullif(last, 0)", persisted=True)),
    CheckConstraint("id = 1", name="single"),
    ForeignKeyConstraint(["newest"], ["entry.id"], deferrable=True, initially="DEFERRED"),
)

entry = Table(
    "entry",
    metadata,
    # The id is the entry's number: 1, 2, 3 ... without gap.
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("reference", _code(120), nullable=False, unique=True),
    Column("journal", String(8), nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("label", Text, nullable=False),
    Column("piece", String(120), nullable=False),
    Column("posting_count", Integer, nullable=False),
    CheckConstraint("posting_count >= 2", name="posting_count"),
    Index("ix_entry_effective_on", "effective_on", "id"),
)

posting = Table(
    "posting",
    metadata,
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("account", _code(16), nullable=False),
    Column("auxiliary", _code(64)),
    Column("site", _code(64)),
    Column("effective_on", Date, nullable=False),
    # Centimes; debit positive, credit negative.
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("line_no >= 1", name="line_no"),
    # No foreign key to the entry: row by row it costs half as much again. The guards hold the same, and more, set-wise.
    sqlite_with_rowid=False,
)
Index(
    "ix_posting_auxiliary",
    posting.c.auxiliary,
    posting.c.account,
    posting.c.effective_on,
    posting.c.amount,
    sqlite_where=posting.c.auxiliary.is_not(None),
    postgresql_where=posting.c.auxiliary.is_not(None),
)

# Postings of money accounts (class 5) are compared with what banks and tills say.
_IS_MONEY = posting.c.account.between("5", "5Z")
Index(
    "ix_posting_money",
    posting.c.account,
    posting.c.effective_on,
    posting.c.entry_id,
    posting.c.amount,
    sqlite_where=_IS_MONEY,
    postgresql_where=_IS_MONEY,
)

account_day = Table(
    "account_day",
    metadata,
    # The sums each account moved on each day are derived, kept by the journal so that balances don't scan postings.
    Column("account", ForeignKey("account.code"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("debit", BigInteger, nullable=False),
    Column("credit", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A month's books are closed, and may be reopened.
CLOSE, REOPEN = "close", "reopen"

period_act = Table(
    "period_act",
    metadata,
    # 1, 2, 3 ... in the order of closing and reopening; the last one says how the books stand.
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    # The first day of the month closed or reopened.
    Column("month", Date, nullable=False),
    Column("action", String(8), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text),
    # SHA-256 of the month's trial balance (`ledger.periods.digest`).
    Column("digest", String(64), nullable=False),
    # From now on nothing is posted up to this day (blank: nothing is closed any more) ...
    Column("closed_through", Date),
    # ... nor after this one: only so many months are open at once.
    Column("open_through", Date, nullable=False),
    CheckConstraint("action IN ('close', 'reopen')", name="action"),
)
Index("ix_period_act_month", period_act.c.month)

period_balance = Table(
    "period_balance",
    metadata,
    # The trial balance at the end of a month, as its closing found it: balances later start from here.
    Column("closing", ForeignKey("period_act.id"), primary_key=True, autoincrement=False),
    Column("account", _code(16), primary_key=True),
    Column("debit", BigInteger, nullable=False),
    Column("credit", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

APPEND_ONLY = (entry, posting, period_act, period_balance)
