"""The tables of the register: what is billed, to whom, at which price.

Everything is keyed by the codes people use; codes compare byte by byte on every database, so that an order by code
is the same everywhere. Units as in `pricing.money`: amounts in centimes, prices and rates in ten-thousandths,
quantities and areas in millionths.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from billing.frame.tables import code, identity, metadata

site = Table(
    "site",
    metadata,
    Column("code", code(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("capacity", Integer),
    Column("opened_on", Date),
)

unit = Table(
    "unit",
    metadata,
    Column("site", ForeignKey("site.code"), primary_key=True),
    # As leases name it.
    Column("code", code(), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("area", BigInteger, nullable=False),
    Column("floor", Text, nullable=False),
    CheckConstraint("kind IN ('office', 'desk', 'shop', 'meeting_room', 'training_room')", name="kind"),
    CheckConstraint("area > 0", name="area"),
)

service = Table(
    "service",
    metadata,
    Column("code", code(), primary_key=True),
    Column("label", Text, nullable=False),
    Column("unit", String(16), nullable=False),
    Column("billing", String(8), nullable=False),
    Column("revenue_account", String(16), nullable=False),
    Column("price_ceiling_incl_vat", BigInteger),
    CheckConstraint("billing IN ('advance', 'arrears')", name="billing"),
    CheckConstraint("unit IN ('m2_month', 'each', 'hour')", name="unit"),
)

vat_rate = Table(
    "vat_rate",
    metadata,
    Column("service", ForeignKey("service.code"), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("rate", Integer, nullable=False),
    # Why no VAT is charged, where none is: the article, or the attestation with its number and day.
    Column("treatment", String(12), nullable=False, server_default="standard"),
    Column("reason", Text, nullable=False, server_default=""),
    CheckConstraint("rate >= 0", name="rate"),
    CheckConstraint(
        "treatment = 'standard' OR (treatment IN ('exempt', 'suspended', 'out_of_scope') AND rate = 0 "
        "AND reason <> '')",
        name="treatment",
    ),
)

rate = Table(
    "rate",
    metadata,
    Column("site", ForeignKey("site.code"), primary_key=True),
    Column("service", ForeignKey("service.code"), primary_key=True),
    # Blank: for every kind (R6).
    Column("tenant_kind", String(16), primary_key=True),
    Column("effective_from", Date, primary_key=True),
    Column("market", BigInteger, nullable=False),
    # As written, `50.00` or `1/3`, and the price it makes (R7).
    Column("subsidised", String(32), nullable=False),
    Column("subsidised_price", BigInteger, nullable=False),
    Column("full_cost", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    # `yes`: free of charge in every tier, `market` is what it is worth (R37).
    Column("in_kind", String(3), nullable=False, server_default=""),
    CheckConstraint("in_kind = '' OR (in_kind = 'yes' AND subsidised_price = 0)", name="in_kind"),
    CheckConstraint("market >= 0 AND full_cost >= 0", name="positive"),
    CheckConstraint("subsidised_price BETWEEN 0 AND market", name="subsidised_price"),
)

tenant = Table(
    "tenant",
    metadata,
    Column("code", code(), primary_key=True),
    Column("legal_name", Text, nullable=False),
    Column("legal_form", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("incorporated_on", Date),
    Column("admitted_on", Date),
    Column("ice", String(15), nullable=False),
    Column("tax_id", Text, nullable=False),
    Column("trade_register", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("language", String(2), nullable=False),
    CheckConstraint("kind IN ('startup', 'sme', 'large', 'subsidiary')", name="kind"),
    CheckConstraint("language IN ('fr', 'ar', 'en')", name="language"),
)

lease = Table(
    "lease",
    metadata,
    Column("code", code(), primary_key=True),
    Column("tenant", ForeignKey("tenant.code"), nullable=False, index=True),
    Column("site", ForeignKey("site.code"), nullable=False),
    Column("unit", Text, nullable=False),
    Column("area", BigInteger, nullable=False),
    Column("starts_on", Date, nullable=False),
    # The last day billed; blank while open.
    Column("ends_on", Date),
    CheckConstraint("area > 0", name="area"),
    CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_on"),
    Index("ix_lease_site_unit", "site", "unit"),
)

survey = Table(
    "survey",
    metadata,
    # What a firm answered of a year, and what became of it: yes or no, and how it left; blank: it is not known (R36).
    Column("tenant", ForeignKey("tenant.code"), primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("jobs", Integer),
    Column("export_share", Integer),
    # Of 100.
    Column("satisfaction", BigInteger),
    Column("active", String(3), nullable=False),
    Column("left_as", String(9), nullable=False),
    CheckConstraint("jobs >= 0", name="jobs"),
    CheckConstraint("export_share BETWEEN 0 AND 10000", name="export_share"),
    CheckConstraint("satisfaction BETWEEN 0 AND 100000000", name="satisfaction"),
    CheckConstraint("active IN ('', 'yes', 'no')", name="active"),
    CheckConstraint("left_as IN ('', 'graduated', 'left')", name="left_as"),
)

usage_event = Table(
    "usage_event",
    metadata,
    # Counts up in the order of arrival: what arrived since a tenant's last run lies above its watermark.
    Column("id", identity(), Identity(), primary_key=True),
    Column("event_id", code(), nullable=False, unique=True),
    Column("tenant", code(), nullable=False),
    Column("site", code(), nullable=False),
    Column("service", code(), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("occurred_on", Date, nullable=False),
    CheckConstraint("quantity > 0", name="quantity"),
    Index("ix_usage_event_tenant_id", "tenant", "id"),
)

usage_void = Table(
    "usage_void",
    metadata,
    # An event that should never have been entered: no run bills it, and a line that did is taken back (R10).
    Column("usage_event_id", ForeignKey("usage_event.id"), primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("voided_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("reason <> ''", name="reason"),
)

subsidy_grant = Table(
    "subsidy_grant",
    metadata,
    Column("code", code(), primary_key=True),
    Column("funder", Text, nullable=False),
    # Blank site: for the whole network.
    Column("site", ForeignKey("site.code")),
    Column("amount", BigInteger, nullable=False),
    Column("granted_on", Date, nullable=False),
    # Counts the entries posted for it: a change reverses the last one and posts the next.
    Column("revision", Integer, nullable=False),
    CheckConstraint("amount > 0", name="amount"),
)

application = Table(
    "application",
    metadata,
    Column("code", code(), primary_key=True),
    # The code under which the firm is a tenant, or will be one: it may not be in the register yet.
    Column("tenant", code()),
    # Blank: as the register has the tenant.
    Column("legal_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("site", ForeignKey("site.code"), nullable=False),
    Column("area", BigInteger, nullable=False),
    Column("received_on", Date, nullable=False),
    Column("state", String(16), nullable=False),
    # The day of the decision; of one that waits, the day it was accepted: the list's order (R35).
    Column("decided_on", Date),
    Column("incorporated_on", Date),
    CheckConstraint("kind IN ('', 'startup', 'sme', 'large', 'subsidiary')", name="kind"),
    CheckConstraint("area > 0", name="area"),
    CheckConstraint("state IN ('received', 'accepted', 'waiting', 'admitted', 'declined', 'withdrawn')", name="state"),
    CheckConstraint("state = 'withdrawn' OR (state = 'received') = (decided_on IS NULL)", name="decided_on"),
    CheckConstraint("decided_on IS NULL OR decided_on >= received_on", name="order"),
    CheckConstraint("tenant IS NOT NULL OR (state <> 'admitted' AND legal_name <> '' AND kind <> '')", name="tenant"),
    Index("ix_application_site_state", "site", "state"),
)

import_log = Table(
    "import_log",
    metadata,
    Column("id", identity(), Identity(), primary_key=True),
    Column("imported_at", DateTime(timezone=True), nullable=False),
    Column("source", Text, nullable=False),
    # Counts of new, changed and unchanged rows per file, and each change (JSON).
    Column("summary", Text, nullable=False),
)

# The tables whose rows the database refuses to change or delete (R22).
APPEND_ONLY = (usage_event, usage_void)


billing_run = Table(
    "billing_run",
    metadata,
    # The first day of the month run; one run a month, ever (R14).
    Column("period", Date, primary_key=True),
    # The issue date of the attempt under way, or of the last one.
    Column("issued_on", Date, nullable=False),
    Column("status", String(8), nullable=False),
    # 1, and one more each time the tenants whose outcome was an error are tried again.
    Column("attempt", Integer, nullable=False),
    # 1: the documents of this attempt are queued for delivery.
    Column("deliver", Integer, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    # The waterfall's outcome, as exported (JSON), once complete.
    Column("cross_subsidy", Text),
    CheckConstraint("status IN ('running', 'complete')", name="status"),
)
