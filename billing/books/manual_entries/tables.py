"""Manual entries with their postings as they were ordered, what took them back, and voucher files: only ever added."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from billing.frame.tables import code, identity, metadata

voucher_file = Table(
    "voucher_file",
    metadata,
    # A file that entries rest on, whatever their number, by the SHA-256 of its bytes.
    Column("sha256", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("length(content) > 0", name="content"),
)

manual_entry = Table(
    "manual_entry",
    metadata,
    # 1, 2, 3 ... in the order of posting: EM-000001.
    Column("id", identity(), primary_key=True, autoincrement=False),
    Column("effective_on", Date, nullable=False),
    Column("label", Text, nullable=False),
    # What it rests on, as people call it; it may be kept as a file, too.
    Column("voucher", String(120), nullable=False),
    Column("voucher_sha256", ForeignKey(voucher_file.c.sha256)),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("label <> '' AND voucher <> '' AND reason <> ''", name="said"),
)

manual_posting = Table(
    "manual_posting",
    metadata,
    Column("manual_entry_id", ForeignKey(manual_entry.c.id), primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("account", code(), nullable=False),
    Column("auxiliary", code()),
    Column("site", code()),
    # Centimes; debit positive, credit negative.
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount <> 0", name="amount"),
)

manual_reversal = Table(
    "manual_reversal",
    metadata,
    # An entry is taken back once.
    Column("manual_entry_id", ForeignKey(manual_entry.c.id), primary_key=True, autoincrement=False),
    Column("reversed_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("reason <> ''", name="said"),
)

# The database refuses to change or delete rows of these tables (R22).
APPEND_ONLY = (voucher_file, manual_entry, manual_posting, manual_reversal)
