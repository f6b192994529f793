"""Endpoints are told what happened since they were told last: in order, each by a thread of its own.

A turn at an endpoint claims it, sends event after event, and writes down how far it came once a second at least; the
first failure ends it until the next attempt is due. If the process dies in between, the last second is sent again:
each webhook arrives at least once, and a receiver knows a repeat by `webhook-id`. Nothing is sent in a transaction.
"""

import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event as Stop
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import ColumnElement, Engine, and_, or_, select, update

from billing.audit.feed.queries import end_of_feed, events_after
from billing.audit.feed.shapes import Event
from billing.audit.feed.types import is_wanted
from billing.audit.webhooks.addresses import parse_target
from billing.audit.webhooks.endpoints import disable_failing, types_of
from billing.audit.webhooks.sending import Outcome, Sender
from billing.audit.webhooks.tables import webhook_attempt, webhook_endpoint, webhook_progress
from billing.frame.civil_time import Clock, today, utc
from billing.frame.codes import WEBHOOK
from billing.frame.counted import counted
from billing.frame.database import insert_rows, maintenance_transaction, reading, writing
from billing.frame.errors import BadConfiguration, Refused
from billing.frame.settings import Settings
from billing.frame.terms import Terms

RETRY_MINUTES, DISABLED_AFTER_DAYS = "webhooks.retry_minutes", "webhooks.disabled_after_days"
# A claim holds so long after it was last written down: longer than an attempt, a look-up of a name and a write.
LEASE = timedelta(minutes=3)
# So many endpoints are told at once.
_THREADS_MAX = 32
_PAGE = 100
_WRITTEN_DOWN_S = 1.0
# A receiver that asks to be left alone longer is asked again all the same.
_WAIT_MOST_S = 24 * 3600
_COLUMNS = ("endpoint_id", "event_id", "type", "attempted_at", "milliseconds", "status", "failure")
_p = webhook_progress.c


class WebhookReport(NamedTuple):
    """The result of a pass: webhooks that arrived, a sentence for each endpoint that failed, endpoints now disabled."""

    sent: int
    failures: tuple[str, ...]
    disabled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patience:
    """The wait after each failed attempt, and the time after which an endpoint that fails is disabled."""

    waits: Sequence[timedelta]
    disabled_after: timedelta

    @classmethod
    def of(cls, terms: Terms, now: datetime) -> "Patience":
        """Return what the settings of that day say; raises BadConfiguration for values that can't be."""
        minutes, days = terms.at(RETRY_MINUTES, today(now)), terms.at(DISABLED_AFTER_DAYS, today(now))
        if not minutes or any(type(each) is not int or each < 1 for each in minutes) or days < 1:
            raise BadConfiguration(
                f"TERMS_FILE: {RETRY_MINUTES} must be whole minutes from 1 on, and {DISABLED_AFTER_DAYS} at least 1"
            )
        return cls([timedelta(minutes=each) for each in minutes], timedelta(days=days))

    def wait(self, attempts: int) -> timedelta:
        """Return the wait after so many attempts that failed; the last one goes on."""
        return self.waits[min(attempts, len(self.waits)) - 1]


def deliver_webhooks(
    settings: Settings, engine: Engine, *, clock: Clock, turn_s: float | None = None, stop: Stop | None = None
) -> WebhookReport:
    """Tell each endpoint that is due what happened since, until it knows all or fails; many at once.

    A turn lasts `turn_s` seconds at most, so that one slow endpoint keeps no other waiting; `stop` ends all after the
    webhook under way. However many do this at once, an endpoint is told by one of them.
    """
    patience = Patience.of(settings.terms, clock())
    with reading(engine) as connection:
        # An endpoint that was told everything need not be claimed.
        news = _p.told_until != end_of_feed(connection)
        due = select(_p.endpoint_id).join(webhook_endpoint).where(_is_due(clock()), news).order_by(_p.endpoint_id)
        keys = connection.scalars(due).all()
    if not keys:
        return WebhookReport(0, (), ())
    tls = ssl.create_default_context()
    turns = [_Turn(settings, engine, clock, patience, key, tls, turn_s, stop or Stop()) for key in keys]
    with ThreadPoolExecutor(min(len(keys), _THREADS_MAX), thread_name_prefix="webhooks") as pool:
        for ended in [pool.submit(turn.take) for turn in turns]:
            ended.result()
    return WebhookReport(
        sent=sum(turn.sent for turn in turns),
        failures=tuple(turn.failure for turn in turns if turn.failure is not None),
        disabled=tuple(WEBHOOK.format(turn.key) for turn in turns if turn.is_disabled),
    )


def _is_due(now: datetime) -> ColumnElement[bool]:
    e = webhook_endpoint.c
    return and_(
        e.disabled_at.is_(None),
        e.removed_at.is_(None),
        or_(_p.next_attempt_at.is_(None), _p.next_attempt_at <= now),
        or_(_p.claimed_until.is_(None), _p.claimed_until <= now),
    )


@dataclass(eq=False)
class _Turn:
    """One turn at an endpoint: how far it came, and the attempts not written down yet."""

    settings: Settings
    engine: Engine
    clock: Clock
    patience: Patience
    key: int
    tls: ssl.SSLContext
    turn_s: float | None
    stop: Stop
    by: str = field(default_factory=lambda: uuid4().hex)
    told_until: str = ""
    attempts: int = 0
    failing_since: datetime | None = None
    next_attempt_at: datetime | None = None
    sent: int = 0
    failure: str | None = None
    is_disabled: bool = False
    is_lost: bool = False
    _log: list[tuple[Any, ...]] = field(default_factory=list)
    _written_at: float = 0.0
    _began_at: float = 0.0

    def take(self) -> None:
        """Claim the endpoint and tell it what happened since; nothing if another holds it."""
        held = self._claim()
        if held is None:
            return
        self._began_at = self._written_at = time.monotonic()
        wanted = types_of(held)
        try:
            target = parse_target(held.url, self.settings.webhook_networks)
        except Refused as refused:
            # It was allowed when it was added, and a setting has changed.
            self._failed(Outcome(None, refused.faults[0].problem))
        else:
            with Sender(target, held.secret, self.settings.webhook_networks, self.tls) as sender:
                while self._goes_on() and (page := self._page()):
                    self._tell(sender, [event for event in page if is_wanted(event.type, wanted)])
                    if self._goes_on():
                        self.told_until = page[-1].id
                        self._write_down_in_time()
        self._write_down(release=True)
        self._disable_if_due()

    def _claim(self) -> Any:
        now = self.clock()
        with maintenance_transaction(self.engine) as connection:
            row = connection.execute(
                select(webhook_endpoint, *_p)
                .join(webhook_progress)
                .where(webhook_endpoint.c.id == self.key, _is_due(now))
                .with_for_update(of=webhook_progress, skip_locked=True)
            ).one_or_none()
            if row is None:
                return None
            claimed = {"claimed_by": self.by, "claimed_until": now + LEASE}
            connection.execute(update(webhook_progress).where(_p.endpoint_id == self.key).values(**claimed))
        self.told_until, self.attempts, self.failing_since = row.told_until, row.attempts, utc(row.failing_since)
        return row

    def _goes_on(self) -> bool:
        is_over = self.turn_s is not None and time.monotonic() - self._began_at >= self.turn_s
        return not (self.is_lost or self.failure is not None or self.stop.is_set() or is_over)

    def _page(self) -> list[Event]:
        with reading(self.engine) as connection:
            page = events_after(connection, self.told_until, _PAGE)
            if not page:
                self.told_until = end_of_feed(connection)
            return page

    def _tell(self, sender: Sender, events: Sequence[Event]) -> None:
        for event in events:
            if not self._goes_on():
                return
            now, began = self.clock(), time.monotonic_ns()
            outcome = sender.send(event, now)
            milliseconds = (time.monotonic_ns() - began) // 1_000_000
            self._log.append((self.key, event.id, event.type, now, milliseconds, outcome.status, outcome.failure))
            if outcome.failure is None:
                self.told_until, self.attempts, self.failing_since = event.id, 0, None
                self.sent += 1
            else:
                self._failed(outcome, event.id)
            self._write_down_in_time()

    def _write_down_in_time(self) -> None:
        if time.monotonic() - self._written_at >= _WRITTEN_DOWN_S:
            self._write_down()

    def _failed(self, outcome: Outcome, event: str = "") -> None:
        now = self.clock()
        self.attempts += 1
        self.failing_since = self.failing_since or now
        wait = max(self.patience.wait(self.attempts), timedelta(seconds=min(outcome.wait_s, _WAIT_MOST_S)))
        self.next_attempt_at = now + wait
        at = f" at event {event}" if event else ""
        self.failure = f"{WEBHOOK.format(self.key)}{at}: {outcome.failure} ({counted(self.attempts, 'attempt')})"
        self.is_disabled = outcome.is_gone or now - self.failing_since >= self.patience.disabled_after

    def _write_down(self, *, release: bool = False) -> None:
        """Keep the attempts, and how far it came unless a person's order has taken the endpoint meanwhile."""
        now = self.clock()
        values = {
            "told_until": self.told_until,
            "attempts": self.attempts,
            "failing_since": self.failing_since,
            "next_attempt_at": self.next_attempt_at,
            "claimed_by": None if release else self.by,
            "claimed_until": None if release else now + LEASE,
        }
        held = and_(_p.endpoint_id == self.key, _p.claimed_by == self.by)
        with maintenance_transaction(self.engine) as connection:
            insert_rows(connection, webhook_attempt, _COLUMNS, self._log)
            self.is_lost = connection.execute(update(webhook_progress).where(held).values(**values)).rowcount == 0
        self._log.clear()
        self._written_at = time.monotonic()

    def _disable_if_due(self) -> None:
        self.is_disabled = self.is_disabled and not self.is_lost
        if self.is_disabled:
            why = f"has taken nothing since {self.failing_since:%Y-%m-%d %H:%M} UTC; {self.failure}"
            with writing(self.engine) as connection:
                disable_failing(connection, self.key, why, now=self.clock())
