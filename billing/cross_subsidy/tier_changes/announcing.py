"""A day's announcements: found, worded, queued, and kept as facts; one transaction.

Whoever comes second, on whichever replica, finds what was told and writes nothing: the facts are the memory of the
ladder, and a message's key (tenant, switch, step) is told once, ever.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.cross_subsidy.tier_changes.finding import bills_of, switch_of, switching, usage_before
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.cross_subsidy.tier_changes.wording import Announcement, message_of
from billing.frame.audit_log import record_change
from billing.frame.database import hold_facts, insert_rows
from billing.frame.errors import BadConfiguration
from billing.frame.messages import queue_messages
from billing.frame.settings import Operator
from billing.frame.terms import Terms
from billing.register.catalogue import load_catalogue
from invoices.messages.message import number_of
from pricing.errors import PricingError
from pricing.tier_change import Due, Notice, due

KIND = "window_end"
STEPS = "switches.announced_days_before"
BY_THE_CLOCK = "switches.by_the_clock"
_COLUMNS = ("message_id", "tenant", "switches_on", "step", "announced_on", "corrects")
# Letters are worded, queued and let go so many at a time.
_AT_A_TIME = 200


class Announced(NamedTuple):
    """An announcement that was queued, or would be: its message (None in a dry run), what it tells."""

    message: str | None
    tenant: str
    switches_on: date
    step: int
    corrects: str | None


@dataclass(frozen=True, slots=True)
class AnnounceReport:
    """What a day's announcements came to; `unpriced` are those whose bills can't be computed, with the reason."""

    on: date
    announced: tuple[Announced, ...]
    unpriced: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """The result, one fact a line."""
        corrections = sum(one.corrects is not None for one in self.announced)
        return [f"{len(self.announced)} switches announced", f"{corrections} of them corrections"]


def steps_at(terms: Terms, on: date) -> tuple[int, ...]:
    """So many days before a switch it is announced; raises BadConfiguration."""
    steps = terms.at(STEPS, on)
    if not all(isinstance(step, int) and not isinstance(step, bool) and 0 < step <= 730 for step in steps):
        raise BadConfiguration(f"TERMS_FILE: {STEPS} must be whole numbers of days from 1 to 730")
    return tuple(steps)


def due_announcements(
    connection: Connection, terms: Terms, operator: Operator, on: date
) -> tuple[list[Announcement], tuple[tuple[str, str], ...]]:
    """What is to be announced on a day, by tenant, and who can't be told since a price is missing; writes nothing."""
    steps = steps_at(terms, on)
    told = notices_told(connection)
    catalogue, usage = load_catalogue(connection), usage_before(connection, on)
    until = on + timedelta(days=max(steps, default=0) + 1)
    found, unpriced = [], []
    for one in switching(connection, on + timedelta(days=1), None):
        before = told.get(one.party.code, ())
        if not before and one.switches_on >= until:
            continue
        wanted: Due | None = due(one.switches_on, on, steps, before)
        if wanted is None:
            continue
        try:
            bills = bills_of(one, catalogue, usage)
        except PricingError as error:
            unpriced.append((one.party.code, str(error)))
            continue
        found.append(Announcement(on, one, bills, wanted, catalogue, operator.party))
    return found, tuple(unpriced)


def announcement_of(connection: Connection, operator: Operator, code: str, on: date) -> Announcement:
    """What would be told to one tenant on a day, whatever was told so far; raises Unknown, PricingError."""
    found = switch_of(connection, code)
    catalogue = load_catalogue(connection)
    bills = bills_of(found, catalogue, usage_before(connection, on))
    return Announcement(on, found, bills, Due(0, None), catalogue, operator.party)


def notices_told(connection: Connection) -> Mapping[str, tuple[Notice, ...]]:
    """What each tenant was told so far, in order."""
    c = tier_change_announcement.c
    found: dict[str, tuple[Notice, ...]] = {}
    for code, *notice in connection.execute(
        select(c.tenant, c.message_id, c.switches_on, c.step).order_by(c.tenant, c.message_id)
    ):
        found[code] = (*found.get(code, ()), Notice(*notice))
    return found


def announce(
    connection: Connection, terms: Terms, operator: Operator, on: date, *, recorded_at: datetime
) -> AnnounceReport:
    """Queue what is due on a day, with its facts; done again, on the same day, it queues nothing more."""
    hold_facts(connection)
    found, unpriced = due_announcements(connection, terms, operator, on)
    announced: list[Announced] = []
    for start in range(0, len(found), _AT_A_TIME):
        messages = {message.key: one for one in found[start : start + _AT_A_TIME] for message in (message_of(one),)}
        queued = queue_messages(
            connection, KIND, map(message_of, messages.values()), written_on=on, queued_at=recorded_at
        )
        rows = list(_rows({queued[key]: one for key, one in messages.items() if key in queued}))
        insert_rows(connection, tier_change_announcement, _COLUMNS, rows)
        announced += [_record(connection, row) for row in rows]
    return AnnounceReport(on, tuple(announced), unpriced)


def _rows(queued: Mapping[int, Announcement]) -> Iterator[tuple[int, str, date, int, date, int | None]]:
    for message, one in sorted(queued.items()):
        former = one.due.corrects
        corrects = None if former is None else former.message
        yield message, one.found.party.code, one.found.switches_on, one.due.step, one.on, corrects


def _record(connection: Connection, row: tuple[int, str, date, int, date, int | None]) -> Announced:
    message, code, switches_on, step, _, former = row
    corrects = None if former is None else number_of(former)
    made = Announced(number_of(message), code, switches_on, step, corrects)
    after = {"message": made.message, "switches_on": switches_on.isoformat(), "step": step, "corrects": corrects}
    record_change(connection, "switch-notices", code, None, after)
    return made


def as_announced(one: Announcement) -> Announced:
    """What an announcement that is not made would be."""
    former = one.due.corrects
    corrects = None if former is None else number_of(former.message)
    return Announced(None, one.found.party.code, one.found.switches_on, one.due.step, corrects)
