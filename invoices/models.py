"""The tables of documents and deliveries: a document that was issued is only ever added to.

Units as in `pricing.money`: amounts in centimes, prices and rates in ten-thousandths, quantities in
millionths.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
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
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)


def references(columns: Sequence[str], parent: Sequence[str | Column[Any]]) -> ForeignKeyConstraint:
    """Return a foreign key of a table that is written set-wise, to rows that are never deleted.

    SQLite checks it row by row at little cost. PostgreSQL would take longer to check than to write;
    there a statement trigger checks a whole insert at once (`billing.schema.triggers`).
    """
    return ForeignKeyConstraint(columns, list(parent)).ddl_if(dialect="sqlite")


number_series = Table(
    "number_series",
    metadata,
    # FA, AV, or DOCUMENT for the internal key; one row a series and year, locked while numbers are given (R15).
    Column("series", String(8), primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    # The date of the newest document of the series: none is dated earlier after it (R15).
    Column("latest_issued_on", Date, nullable=False),
    CheckConstraint("last >= 0", name="last"),
)

party = Table(
    "party",
    metadata,
    # A party as printed, kept once per content: documents point at the snapshot they were issued with.
    Column("digest", String(32), primary_key=True),
    Column("content", Text, nullable=False),
)

document = Table(
    "document",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # Ours are FA-2026-000012; those that a take-on brought keep the number they were issued under, in any style.
    Column("number", String(64), nullable=False, unique=True),
    Column("kind", String(12), nullable=False),
    # The month of the run that issued it; NULL outside any run: on a document made by hand (`credit_reason`), and on a
    # brought invoice.
    Column("period", Date),
    Column("issued_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("seller", String(32), nullable=False),
    Column("buyer", String(32), nullable=False),
    Column("net", BigInteger, nullable=False),
    Column("tax", BigInteger, nullable=False),
    Column("gross", BigInteger, nullable=False),
    Column("advantage", BigInteger, nullable=False),
    Column("contribution", BigInteger, nullable=False),
    Column("discount_ends_on", Date),
    # The edition of the page and the XML that it is printed in, for ever; the first unless another is given.
    Column("edition", Integer, nullable=False, server_default="1"),
    CheckConstraint("edition > 0", name="edition"),
    CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind"),
    CheckConstraint("gross = net + tax", name="gross"),
    CheckConstraint("due_on >= issued_on", name="due_on"),
    # One invoice and one credit note a tenant and run (R14), whatever runs at the same time; those without a
    # run are not counted among them.
    UniqueConstraint("tenant", "period", "kind"),
    references(["seller"], ["party.digest"]),
    references(["buyer"], ["party.digest"]),
    Index("ix_document_period_number", "period", "number"),
)

document_line = Table(
    "document_line",
    metadata,
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("service", String(64), nullable=False),
    Column("service_label", Text, nullable=False),
    Column("unit_of_measure", String(16), nullable=False),
    Column("revenue_account", String(16), nullable=False),
    Column("site", String(64), nullable=False),
    Column("site_name", Text, nullable=False),
    Column("lease", String(64)),
    Column("office", Text, nullable=False),
    Column("month", Date, nullable=False),
    Column("first_day", Date),
    Column("last_day", Date),
    Column("days", Integer, nullable=False),
    Column("days_in_month", Integer, nullable=False),
    Column("tier", String(12), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("full_price", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("unit_cost", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("full_amount", BigInteger, nullable=False),
    Column("cost_amount", BigInteger, nullable=False),
    Column("vat_rate", Integer, nullable=False),
    # Why no VAT is charged, where none is (`pricing.vat`).
    Column("vat_treatment", String(12), nullable=False, server_default="standard"),
    Column("vat_reason", Text, nullable=False, server_default=""),
    # The line of an earlier invoice this line takes back; a line is taken back once (R13).
    Column("corrects_document_id", BigInteger),
    Column("corrects_line_no", Integer),
    references(["document_id"], ["document.id"]),
    references(["corrects_document_id", "corrects_line_no"], ["document_line.document_id", "document_line.line_no"]),
    UniqueConstraint("corrects_document_id", "corrects_line_no"),
    CheckConstraint("tier IN ('subsidised', 'market')", name="tier"),
    CheckConstraint("amount >= 0 AND quantity > 0 AND unit_price >= 0", name="positive"),
    CheckConstraint(
        "vat_treatment = 'standard' OR (vat_treatment IN ('exempt', 'suspended', 'out_of_scope') AND vat_rate = 0 "
        "AND vat_reason <> '')",
        name="vat_treatment",
    ),
)

document_vat = Table(
    "document_vat",
    metadata,
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rate", Integer, primary_key=True, autoincrement=False),
    Column("base", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    references(["document_id"], ["document.id"]),
)

credit_reason = Table(
    "credit_reason",
    metadata,
    # The reason and the author of a document made by hand: a credit note, or a one-off invoice (R27).
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("issued_by", Text, nullable=False),
    ForeignKeyConstraint(["document_id"], ["document.id"]),
    CheckConstraint("reason <> '' AND issued_by <> ''", name="said"),
)

credited_part = Table(
    "credited_part",
    metadata,
    # A line of a credit note made by hand, and the invoice's line it takes a part of back: as often as one likes,
    # never more than was invoiced. The invoice's line still stands for R13.
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("invoice_id", BigInteger, nullable=False),
    Column("invoice_line_no", Integer, nullable=False),
    ForeignKeyConstraint(["document_id", "line_no"], ["document_line.document_id", "document_line.line_no"]),
    ForeignKeyConstraint(["invoice_id", "invoice_line_no"], ["document_line.document_id", "document_line.line_no"]),
    Index("ix_credited_part_invoice_id", "invoice_id", "invoice_line_no"),
)

credit_withdrawal = Table(
    "credit_withdrawal",
    metadata,
    # A line of an invoice that bills again what a credit note by hand took back, since the run takes the
    # invoice's line back whole (R13). A part is withdrawn once.
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("credit_note_id", BigInteger, nullable=False),
    Column("credit_line_no", Integer, nullable=False),
    ForeignKeyConstraint(["document_id", "line_no"], ["document_line.document_id", "document_line.line_no"]),
    ForeignKeyConstraint(["credit_note_id", "credit_line_no"], ["credited_part.document_id", "credited_part.line_no"]),
    UniqueConstraint("credit_note_id", "credit_line_no"),
)

brought_invoice = Table(
    "brought_invoice",
    metadata,
    # An invoice that was issued before this service began, by other means, and was open on the day it was taken on
    # (R29): no turnover of ours, in none of our series, never printed by us.
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("taken_on", Date, nullable=False),
    references(["document_id"], ["document.id"]),
)

document_file = Table(
    "document_file",
    metadata,
    # The PDF of a document, as first rendered: where it is kept and what it hashes to.
    Column("document_id", ForeignKey("document.id"), primary_key=True),
    Column("path", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("rendered_at", DateTime(timezone=True), nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    # One row a document to be sent; its state only moves queued -> (failed ->) sent.
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    # The time of the next attempt; blank when a person must decide.
    Column("next_attempt_at", DateTime(timezone=True)),
    # The process that delivers it; another may take it over once `claimed_until` has passed.
    Column("claimed_by", String(32)),
    Column("claimed_until", DateTime(timezone=True)),
    # The time when the end of the mail was put to the server. If nothing follows, its outcome is unknown.
    Column("handed_over_at", DateTime(timezone=True)),
    Column("sent_at", DateTime(timezone=True)),
    # The address it was queued for, then the one it was last tried at.
    Column("recipient", Text, nullable=False),
    Column("last_error", Text),
    # The address that a person chose for it, in place of the tenant's present one.
    Column("chosen_recipient", Text),
    CheckConstraint("state IN ('queued', 'failed', 'sent')", name="state"),
    references(["document_id"], ["document.id"]),
    Index("ix_delivery_state_next_attempt_at", "state", "next_attempt_at"),
)

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    # One row an attempt, never changed.
    Column("document_id", ForeignKey("delivery.document_id"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("attempted_at", DateTime(timezone=True), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("detail", Text, nullable=False),
)

link_secret = Table(
    "link_secret",
    metadata,
    # The one secret that links of papers are made with (`invoices.links`), 256 random bits in hexadecimal; the upgrade
    # that made the table made it. Its SHA-256 beside it shows that it is the one that links were printed with.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    CheckConstraint("id = 1", name="id"),
)

# The tables whose rows the database refuses to change or delete (R22).
APPEND_ONLY = (
    party, document, document_line, document_vat, credit_reason, credited_part, credit_withdrawal, brought_invoice,
    document_file, delivery_attempt, link_secret,
)  # fmt: skip

# References that PostgreSQL checks set-wise (`billing.schema.triggers`): table, columns, referred table, its columns.
REFERENCES = (
    ("document", "seller", "party", "digest"),
    ("document", "buyer", "party", "digest"),
    ("document_line", "document_id", "document", "id"),
    ("document_line", "corrects_document_id,corrects_line_no", "document_line", "document_id,line_no"),
    ("document_vat", "document_id", "document", "id"),
    ("brought_invoice", "document_id", "document", "id"),
    ("delivery", "document_id", "document", "id"),
)
