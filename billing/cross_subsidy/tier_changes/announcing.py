"""Announce the tier changes of a day: they are found, worded, queued, and kept as facts, in one transaction.

A second run, on whichever replica, finds the announcements made and writes nothing: the facts are the memory of the
ladder, and a message's key (tenant, day, step) is used once, ever.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection

from billing.cross_subsidy.tier_changes.finding import bills_of, tier_change_of, tier_changes, usage_before
from billing.cross_subsidy.tier_changes.queries import notices_by_tenant
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.cross_subsidy.tier_changes.wording import Announcement, message_of
from billing.frame.audit_log import record_change
from billing.frame.bounds import PREPARED_DAYS_AHEAD_MAX, require_near
from billing.frame.civil_time import today
from billing.frame.counted import counted
from billing.frame.database import hold_facts, insert_rows
from billing.frame.errors import BadConfiguration
from billing.frame.messages import queue_messages
from billing.frame.settings import Operator
from billing.frame.terms import Terms
from billing.register.catalogue import load_catalogue
from invoices.messages.message import number_of
from pricing.errors import PricingError
from pricing.tier_change import Due, due

KIND: Final = "window_end"
STEPS = "switches.announced_days_before"
BY_THE_CLOCK = "switches.by_the_clock"
_COLUMNS = ("message_id", "tenant", "switches_on", "step", "announced_on", "corrects")
# Letters are worded, queued and let go so many at a time.
_AT_A_TIME = 200


class Announced(NamedTuple):
    """An announcement that was queued, or would be: its message (None in a dry run), and what it says."""

    message: str | None
    tenant: str
    switches_on: date
    step: int
    corrects: str | None


@dataclass(frozen=True, slots=True)
class AnnounceReport:
    """The result of a day's announcements; `unpriced` are those whose bills can't be computed, with the reason."""

    on: date
    announced: tuple[Announced, ...]
    unpriced: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """Return the result, one fact a line."""
        corrections = sum(announced.corrects is not None for announced in self.announced)
        announced = counted(len(self.announced), "tier change")
        return [f"{announced} announced", counted(corrections, "of them a correction", "of them corrections")]


def steps_at(terms: Terms, on: date) -> tuple[int, ...]:
    """Return how many days before a tier change it is announced; raises BadConfiguration."""
    steps = terms.at(STEPS, on)
    if not all(isinstance(step, int) and not isinstance(step, bool) and 0 < step <= 730 for step in steps):
        raise BadConfiguration(f"TERMS_FILE: {STEPS} must be whole numbers of days from 1 to 730")
    return tuple(steps)


def due_announcements(
    connection: Connection, terms: Terms, operator: Operator, on: date
) -> tuple[list[Announcement], tuple[tuple[str, str], ...]]:
    """Find what is to be announced on a day, by tenant, and who can't be priced; write nothing."""
    steps = steps_at(terms, on)
    notices = notices_by_tenant(connection)
    catalogue, usage = load_catalogue(connection), usage_before(connection, on)
    until = on + timedelta(days=max(steps, default=0) + 1)
    announcements, unpriced = [], []
    for change in tier_changes(connection, on + timedelta(days=1), None):
        made = notices.get(change.party.code, ())
        if not made and change.switches_on >= until:
            continue
        wanted: Due | None = due(change.switches_on, on, steps, made)
        if wanted is None:
            continue
        try:
            bills = bills_of(change, catalogue, usage)
        except PricingError as error:
            unpriced.append((change.party.code, str(error)))
            continue
        announcements.append(Announcement(on, change, bills, wanted, catalogue, operator.party))
    return announcements, tuple(unpriced)


def announcement_of(connection: Connection, operator: Operator, code: str, on: date) -> Announcement:
    """Return what would be announced to a tenant on a day, whatever was announced; raises Unknown, PricingError."""
    change = tier_change_of(connection, code)
    catalogue = load_catalogue(connection)
    bills = bills_of(change, catalogue, usage_before(connection, on))
    return Announcement(on, change, bills, Due(0, None), catalogue, operator.party)


def announce(
    connection: Connection, terms: Terms, operator: Operator, on: date, *, recorded_at: datetime
) -> AnnounceReport:
    """Queue what is due on a day, with its facts; done again, on the same day, it queues nothing more."""
    require_near("tier-changes", "on", on, today(recorded_at), PREPARED_DAYS_AHEAD_MAX)
    hold_facts(connection)
    due_now, unpriced = due_announcements(connection, terms, operator, on)
    announced: list[Announced] = []
    for start in range(0, len(due_now), _AT_A_TIME):
        batch = due_now[start : start + _AT_A_TIME]
        messages = [message_of(announcement) for announcement in batch]
        queued = queue_messages(connection, KIND, messages, written_on=on, queued_at=recorded_at)
        by_key = {message.key: announcement for message, announcement in zip(messages, batch, strict=True)}
        rows = list(_rows({queued[key]: announcement for key, announcement in by_key.items() if key in queued}))
        insert_rows(connection, tier_change_announcement, _COLUMNS, rows)
        announced += [_record(connection, row) for row in rows]
    return AnnounceReport(on, tuple(announced), unpriced)


def _rows(queued: Mapping[int, Announcement]) -> Iterator[tuple[int, str, date, int, date, int | None]]:
    for message, announcement in sorted(queued.items()):
        former = announcement.due.corrects
        corrects = None if former is None else former.message
        change, step = announcement.change, announcement.due.step
        yield message, change.party.code, change.switches_on, step, announcement.on, corrects


def _record(connection: Connection, row: tuple[int, str, date, int, date, int | None]) -> Announced:
    message, code, switches_on, step, _, former = row
    corrects = None if former is None else number_of(former)
    made = Announced(number_of(message), code, switches_on, step, corrects)
    after = {"message": made.message, "switches_on": switches_on.isoformat(), "step": step, "corrects": corrects}
    record_change(connection, "switch-notices", code, None, after)
    return made


def as_announced(announcement: Announcement) -> Announced:
    """Return what an announcement that is not made would be."""
    former, change = announcement.due.corrects, announcement.change
    corrects = None if former is None else number_of(former.message)
    return Announced(None, change.party.code, change.switches_on, announcement.due.step, corrects)
