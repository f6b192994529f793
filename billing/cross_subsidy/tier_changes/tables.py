"""The table of announcements of tier changes; only ever added to."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Integer, Table, UniqueConstraint

from billing.frame.tables import code, metadata
from invoices.messages.tables import message

tier_change_announcement = Table(
    "tier_change_announcement",
    metadata,
    # The message that says it.
    Column("message_id", BigInteger, ForeignKey(message.c.id), primary_key=True, autoincrement=False),
    Column("tenant", code(), nullable=False, index=True),
    # The first day at the market price, as it was announced.
    Column("switches_on", Date, nullable=False),
    # So many days before it; 0: only a correction, at no step.
    Column("step", Integer, nullable=False),
    Column("announced_on", Date, nullable=False),
    # The announcement whose day was wrong; each is corrected once.
    Column("corrects", BigInteger, ForeignKey("tier_change_announcement.message_id")),
    UniqueConstraint("corrects"),
    CheckConstraint("announced_on < switches_on", name="in_time"),
    CheckConstraint("step > 0 OR (step = 0 AND corrects IS NOT NULL)", name="step"),
    CheckConstraint("corrects IS NULL OR corrects < message_id", name="corrects"),
)

# The tables of which the database refuses changes and deletions (R22).
APPEND_ONLY = (tier_change_announcement,)
