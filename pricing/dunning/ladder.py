"""The ladder: the step an invoice has reached on a day, and the reminder its tenant is sent.

A step is so many days from the due date, before it or after. An invoice only ever climbs: of the steps it has reached
and not been reminded of, the highest is sent, and those below it never are. So a day on which nothing ran is
followed by one mail, not by a flood; and steps are known by their days, so that a ladder that changes repeats none.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import NamedTuple


class Step(NamedTuple):
    """A rung: its place in the ladder, from 1, and its days from the due date; negative before it."""

    number: int
    days: int

    @property
    def is_ahead(self) -> bool:
        """Return whether it reminds of an invoice that is not due yet."""
        return self.days < 0


class Claimed(NamedTuple):
    """An invoice of which something is open, as the ladder sees it; centimes.

    `ladder` are the days of its steps, ascending; `sent` the days of the highest step it was reminded of, if any;
    `is_blocked` whether a dispute or a promise keeps it from being reminded of; `is_printed` whether there is a copy.
    """

    document_id: int
    number: str
    tenant: str
    issued_on: date
    due_on: date
    gross: int
    open: int
    ladder: tuple[int, ...]
    sent: int | None = None
    is_blocked: bool = False
    is_printed: bool = True


class Reached(NamedTuple):
    """An invoice and the step that it is reminded of."""

    claimed: Claimed
    step: Step


class Reminder(NamedTuple):
    """The reminder of one tenant on one day: every invoice that has reached a step, the longest due first."""

    tenant: str
    day: date
    reached: tuple[Reached, ...]

    @property
    def overdue(self) -> tuple[Reached, ...]:
        """Return the invoices whose due date is past: what the reminder asks for."""
        return tuple(reached for reached in self.reached if reached.claimed.due_on < self.day)

    @property
    def to_come(self) -> tuple[Reached, ...]:
        """Return the invoices that fall due on the day or after it: what the reminder only announces."""
        return tuple(reached for reached in self.reached if reached.claimed.due_on >= self.day)

    @property
    def total(self) -> int:
        """Return all that it asks for, in centimes: nothing that is not overdue."""
        return _open(self.overdue)

    @property
    def announced(self) -> int:
        """Return what it announces, in centimes."""
        return _open(self.to_come)


def _open(reached: Iterable[Reached]) -> int:
    return sum([each.claimed.open for each in reached])


def step_due(claimed: Claimed, day: date) -> Step | None:
    """Return the step to be sent on a day, or None.

    A reminder of a day ahead is sent until that day and not after it: from then on it would be wrong.
    """
    if claimed.open <= 0 or claimed.is_blocked:
        return None
    late = (day - claimed.due_on).days
    reached = [Step(number, days) for number, days in enumerate(claimed.ladder, 1) if days <= late]
    if not reached:
        return None
    highest = reached[-1]
    if claimed.sent is not None and highest.days <= claimed.sent:
        return None
    return None if highest.is_ahead and late > 0 else highest


def reminders(claims: Iterable[Claimed], credit: Mapping[str, int], day: date, least: int) -> Iterator[Reminder]:
    """Yield the reminders due on a day, one a tenant; `claims` come tenant by tenant.

    Nothing is asked for less than `least` centimes: neither if the letter asks for less, nor if the tenant owes less
    once its `credit` (what it has paid in advance or was credited, not used yet) is set against all that is overdue.
    Then what will be due is announced alone, if that is enough.
    """
    for tenant, of_tenant in groupby(claims, key=lambda claimed: claimed.tenant):
        claimed = list(of_tenant)
        reached = [Reached(c, step) for c in claimed if (step := step_due(c, day)) is not None]
        if not reached:
            continue
        reached.sort(key=lambda r: (r.claimed.due_on, r.claimed.document_id))
        reminder = Reminder(tenant, day, tuple(reached))
        owed = sum([c.open for c in claimed if c.due_on < day and not c.is_blocked]) - credit.get(tenant, 0)
        if min(reminder.total, owed) >= max(least, 1):
            yield reminder
        elif min(reminder.announced, owed + reminder.announced) >= max(least, 1):
            yield reminder._replace(reached=reminder.to_come)
