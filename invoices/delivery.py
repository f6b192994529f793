"""The queue of papers to be sent: the claims on them, the outcome of each attempt, the time of the next.

Documents have one queue, papers of another kind have one of the same make (`Queue`); every function here serves both.

A delivery is claimed for a short while and the claim renewed as long as its holder lives, so that what a
dead process held is soon taken over. Just before the end of a message is put to the server its holder
writes that down (`hand_over`), which fails if somebody else has taken over meanwhile: that is what keeps
two from sending the same. A claim found expired after that moment is an unknown outcome, and only a person
decides about it: at most one mail a paper.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Insert,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from invoices.models import delivery, delivery_attempt, document

QUEUED, FAILED, SENT = "queued", "failed", "sent"
# The outcomes of an attempt, in `delivery_attempt`.
DEFERRED, REFUSED, UNKNOWN = "deferred", "refused", "unknown"

# A claim holds that long unless renewed.
LEASE = timedelta(seconds=30)
# The wait after each attempt that may succeed later; after the last, a person decides.
BACK_OFF = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
    timedelta(hours=24),
)
_LOST_TRACK = (
    "the process that sent it died before the mail server's answer was written down: look for {number} in the "
    "server's log or ask the tenant, and retry only if it has not arrived"
)


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """The papers of one kind that are to be sent: `papers` by `id`, and the deliveries and attempts of each.

    `key` is the column by which deliveries and attempts name the paper. People call a paper by `number`, a column of
    `papers`, as `name` writes it.
    """

    papers: Table
    delivery: Table
    attempt: Table
    key: str
    number: Column[Any]
    name: Callable[[Any], str] = str

    @property
    def delivered(self) -> Column[Any]:
        """Return the column that names the paper of a delivery."""
        return self.delivery.c[self.key]

    @property
    def unsent(self) -> ColumnElement[bool]:
        """Return the condition that a paper has not been sent."""
        return self.delivery.c.state.in_((QUEUED, FAILED))

    @property
    def in_doubt(self) -> ColumnElement[bool]:
        """Return the condition that nobody knows whether a paper arrived, and a person must decide."""
        c = self.delivery.c
        return and_(c.state == FAILED, c.handed_over_at.is_not(None), c.claimed_by.is_(None))

    def is_in(self, state: str) -> ColumnElement[bool]:
        """Return the condition that a paper's delivery is in a state; `unknown` are the failed ones in doubt."""
        return self.in_doubt if state == UNKNOWN else self.delivery.c.state == state


DOCUMENTS = Queue(document, delivery, delivery_attempt, "document_id", document.c.number)


# These are prepared once, since every mail needs them.
@cache
def _hand_over(queue: Queue) -> Any:
    wanted: BindParameter[list[int]] = bindparam("wanted", expanding=True)
    return (
        update(queue.delivery)
        .where(queue.delivered.in_(wanted), queue.delivery.c.claimed_by == bindparam("holder"), queue.unsent)
        .values(handed_over_at=bindparam("now"), claimed_until=bindparam("until"))
        .returning(queue.delivered)
    )


@cache
def _record_sent(queue: Queue) -> Any:
    return (
        update(queue.delivery)
        .where(queue.delivered.in_(bindparam("wanted", expanding=True)), queue.unsent)
        .values(
            state=SENT, sent_at=bindparam("now"), attempts=queue.delivery.c.attempts + 1, next_attempt_at=None,
            claimed_by=None, claimed_until=None, last_error=bindparam("missed"),
        )
        .returning(queue.delivered, queue.delivery.c.attempts)
    )  # fmt: skip


@cache
def _log_attempt(queue: Queue) -> Insert:
    return queue.attempt.insert()


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery, held by `by` until its lease ends; `key` is the paper's."""

    key: int
    by: str
    recipient: str
    attempts: int


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A paper that has not reached its tenant, and why; `next_attempt_at` None: a person must retry."""

    key: int
    number: str
    tenant: str
    recipient: str
    state: str
    attempts: int
    next_attempt_at: datetime | None
    reason: str

    def __str__(self) -> str:
        return f"{self.number} to {self.recipient or self.tenant}: {self.reason}"


def _utc(instant: datetime) -> datetime:
    # SQLite keeps instants without zone: all of them are UTC.
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def due(connection: Connection, now: datetime, *, queue: Queue = DOCUMENTS) -> dict[int, int]:
    """Return the papers whose next attempt is due, also those that somebody holds, each with its attempts so far."""
    return _attempts(connection, queue, queue.delivery.c.next_attempt_at <= _utc(now))


def queued(connection: Connection, *, queue: Queue = DOCUMENTS) -> dict[int, int]:
    """Return the papers that are to be sent without a person's decision, due yet or not, each with its attempts."""
    return _attempts(connection, queue, queue.delivery.c.next_attempt_at.is_not(None))


def unsent(connection: Connection, *, queue: Queue = DOCUMENTS) -> dict[int, int]:
    """Return all papers not sent, also those that wait or failed, each with its attempts; none of unknown outcome."""
    c = queue.delivery.c
    return _attempts(connection, queue, or_(c.handed_over_at.is_(None), c.claimed_by.is_not(None)))


def untouched(connection: Connection, attempts_of: Mapping[int, int], *, queue: Queue = DOCUMENTS) -> dict[int, int]:
    """Return those of `attempts_of` (some hundreds at most) that are unsent and that nobody has tried since."""
    unsent_now = _attempts(connection, queue, queue.delivered.in_(list(attempts_of)))
    return {key: attempts for key, attempts in unsent_now.items() if attempts == attempts_of[key]}


def _attempts(connection: Connection, queue: Queue, which: ColumnElement[bool]) -> dict[int, int]:
    query = select(queue.delivered, queue.delivery.c.attempts).where(queue.unsent, which)
    return dict(sorted(connection.execute(query).all()))


def claim(
    connection: Connection,
    attempts_of: Mapping[int, int],
    *,
    by: str,
    now: datetime,
    lease: timedelta = LEASE,
    queue: Queue = DOCUMENTS,
) -> list[Claim]:
    """Hold those of `attempts_of` that nobody holds and nobody has tried since; the others are passed over.

    `attempts_of` gives the attempts of each by its key, as `due` and `unsent` do.
    """
    c = queue.delivery.c
    free = and_(queue.unsent, c.handed_over_at.is_(None), or_(c.claimed_until.is_(None), c.claimed_until <= _utc(now)))
    rows = connection.execute(
        select(queue.delivered.label("key"), c.recipient, c.attempts)
        .where(queue.delivered.in_(list(attempts_of)), free)
        .order_by(queue.delivered)
        .with_for_update(skip_locked=True)
    ).all()
    claims = [Claim(row.key, by, row.recipient, row.attempts) for row in rows if row.attempts == attempts_of[row.key]]
    if claims:
        these = queue.delivered.in_([claimed.key for claimed in claims])
        until = _utc(now) + lease
        connection.execute(update(queue.delivery).where(these).values(claimed_by=by, claimed_until=until))
    return claims


def renew(
    connection: Connection,
    ids: Sequence[int],
    *,
    by: str,
    now: datetime,
    lease: timedelta = LEASE,
    queue: Queue = DOCUMENTS,
) -> None:
    """Hold on to those of `ids` that `by` still holds."""
    connection.execute(
        update(queue.delivery)
        .where(queue.delivered.in_(ids), queue.delivery.c.claimed_by == by, queue.unsent)
        .values(claimed_until=_utc(now) + lease)
    )


def _held(queue: Queue, held: Claim) -> ColumnElement[bool]:
    return and_(queue.delivered == held.key, queue.delivery.c.claimed_by == held.by, queue.unsent)


def hand_over(
    connection: Connection,
    held: Collection[int],
    *,
    by: str,
    now: datetime,
    lease: timedelta = LEASE,
    queue: Queue = DOCUMENTS,
) -> set[int]:
    """Write down that the ends of some papers' mails are about to be put; return the papers that `by` still holds.

    The mails of the others must not be ended.
    """
    now = _utc(now)
    key = {"wanted": list(held), "holder": by, "now": now, "until": now + lease}
    return set(connection.scalars(_hand_over(queue), key))


def record_sent(
    connection: Connection,
    answers: Mapping[int, str],
    *,
    now: datetime,
    missed: Mapping[int, str] | None = None,
    queue: Queue = DOCUMENTS,
) -> None:
    """Record the server's answers by paper: whatever else happened to the rows meanwhile, these are sent.

    `missed` says which recipients of some did not get them, and why.
    """
    missed = missed or {}
    for why in sorted({missed.get(key, "") for key in answers}):
        wanted = [key for key in answers if missed.get(key, "") == why]
        values = {"wanted": wanted, "now": _utc(now), "missed": why or None}
        for key, attempt in sorted(connection.execute(_record_sent(queue), values).all()):
            _log(connection, queue, key, attempt, now, SENT, f"{answers[key]}; {why}" if why else answers[key])


def record_failure(
    connection: Connection, held: Claim, *, now: datetime, outcome: str, reason: str, queue: Queue = DOCUMENTS
) -> None:
    """Record an attempt that did not succeed: it is repeated later if it was deferred, else left to a person.

    Nothing is written if the claim has been lost: its new holder records the outcome.
    """
    attempt = held.attempts + 1
    again = outcome == DEFERRED and attempt <= len(BACK_OFF)
    values: dict[str, Any] = {
        "attempts": attempt,
        "last_error": reason,
        "next_attempt_at": _utc(now) + BACK_OFF[attempt - 1] if again else None,
        "claimed_by": None,
        "claimed_until": None,
    }
    if not again:
        values["state"] = FAILED
    if outcome != UNKNOWN:
        values["handed_over_at"] = None
    if connection.execute(update(queue.delivery).where(_held(queue, held)).values(values)).rowcount == 1:
        _log(connection, queue, held.key, attempt, now, outcome, reason)


def withdraw(connection: Connection, held: Claim, *, queue: Queue = DOCUMENTS) -> None:
    """Record that the end of the mail was not put to the server after all: it is known not to be sent."""
    connection.execute(update(queue.delivery).where(_held(queue, held)).values(handed_over_at=None))


def release(
    connection: Connection, ids: Sequence[int], *, by: str, reason: str | None = None, queue: Queue = DOCUMENTS
) -> None:
    """Let go of the papers that `by` holds and has not ended: due as before, `reason` shown, no attempt counted."""
    c = queue.delivery.c
    values: dict[str, Any] = {"claimed_by": None, "claimed_until": None}
    if reason is not None:
        values["last_error"] = reason
    held = and_(queue.delivered.in_(ids), c.claimed_by == by, queue.unsent, c.handed_over_at.is_(None))
    connection.execute(update(queue.delivery).where(held).values(values))


def settle_unknown(connection: Connection, now: datetime, *, queue: Queue = DOCUMENTS) -> list[int]:
    """Fail the papers whose mails were ended by processes that died before they recorded the server's answer."""
    c = queue.delivery.c
    lost = and_(queue.unsent, c.handed_over_at.is_not(None), c.claimed_by.is_not(None), c.claimed_until <= _utc(now))
    rows = connection.execute(
        select(queue.delivered.label("key"), c.attempts, queue.number.label("number"))
        .join(queue.papers, queue.papers.c.id == queue.delivered)
        .where(lost)
        .order_by(queue.delivered)
        .with_for_update(of=queue.delivery, skip_locked=True)
    ).all()
    for row in rows:
        reason = _LOST_TRACK.format(number=queue.name(row.number))
        connection.execute(
            update(queue.delivery)
            .where(queue.delivered == row.key)
            .values(
                state=FAILED, attempts=row.attempts + 1, last_error=reason, next_attempt_at=None, claimed_by=None,
                claimed_until=None,
            )
        )  # fmt: skip
        _log(connection, queue, row.key, row.attempts + 1, now, UNKNOWN, reason)
    return [row.key for row in rows]


def gateway_in_doubt_since(connection: Connection, queues: Sequence[Queue], least: int) -> datetime | None:
    """Return when a mail was handed over last, if the server said of the last `least` at least nothing readable.

    Mails whose sender died count as no word of the server.
    """
    handed_over: list[datetime] = []
    for queue in queues:
        c = queue.delivery.c
        doubted = and_(queue.in_doubt, c.last_error.not_like(f"{_LOST_TRACK.partition(':')[0]}%"))
        latest = select(c.handed_over_at).where(doubted).order_by(c.handed_over_at.desc()).limit(least)
        handed_over += map(_utc, connection.scalars(latest))
    last = sorted(handed_over, reverse=True)[:least]
    if len(last) < least:
        return None
    for queue in queues:
        c = queue.delivery.c
        taken_since = select(queue.delivered).where(c.state == SENT, c.sent_at >= last[-1]).limit(1)
        if connection.scalar(taken_since) is not None:
            return None
    return last[0]


def settle_as_sent(connection: Connection, ids: Collection[int], *, queue: Queue = DOCUMENTS) -> set[int]:
    """Record that papers of unknown outcome have arrived, when they were handed over; return those that were unknown.

    The others are left alone. The attempt stays recorded as unknown.
    """
    c = queue.delivery.c
    return set(
        connection.scalars(
            update(queue.delivery)
            .where(queue.delivered.in_(ids), queue.in_doubt)
            .values(state=SENT, sent_at=c.handed_over_at, last_error=None, next_attempt_at=None)
            .returning(queue.delivered)
        )
    )


def retry(
    connection: Connection,
    ids: Sequence[int],
    *,
    now: datetime,
    recipients: Mapping[int, str] | None = None,
    queue: Queue = DOCUMENTS,
) -> list[int]:
    """Make deliveries due again, whatever stopped them, to the address that `recipients` chooses, if any.

    Return the papers made due. A paper that is sent, or being sent at this moment, is left alone.
    """
    settle_unknown(connection, now, queue=queue)
    c = queue.delivery.c
    free = and_(queue.unsent, or_(c.claimed_until.is_(None), c.claimed_until <= _utc(now)))
    changed = []
    for wanted in sorted(set(ids)):
        values: dict[str, Any] = {
            "next_attempt_at": _utc(now),
            "claimed_by": None,
            "claimed_until": None,
            "handed_over_at": None,
        }
        if recipients is not None and wanted in recipients:
            values |= {"recipient": recipients[wanted], "chosen_recipient": recipients[wanted]}
        made = connection.execute(update(queue.delivery).where(queue.delivered == wanted, free).values(values))
        if made.rowcount == 1:
            changed.append(wanted)
    return changed


def failed_deliveries(
    connection: Connection, ids: Sequence[int] | None = None, *, queue: Queue = DOCUMENTS
) -> list[FailedDelivery]:
    """Return the papers that were tried and have not reached their tenants, and why, by number; of `ids` if given."""
    c = queue.delivery.c
    query = (
        select(queue.number.label("number"), queue.papers.c.tenant, queue.delivered.label("key"), queue.delivery)
        .join(queue.papers, queue.papers.c.id == queue.delivered)
        .where(queue.unsent, c.last_error.is_not(None))
        .order_by(queue.number)
    )
    if ids is not None:
        query = query.where(queue.delivered.in_(ids))
    return [
        FailedDelivery(
            key=row.key,
            number=queue.name(row.number),
            tenant=row.tenant,
            recipient=row.recipient,
            state=row.state,
            attempts=row.attempts,
            next_attempt_at=None if row.next_attempt_at is None else _utc(row.next_attempt_at),
            reason=row.last_error,
        )
        for row in connection.execute(query)
    ]


def count_unsent(connection: Connection, *, queue: Queue = DOCUMENTS) -> dict[str, int]:
    """Return how many deliveries are `queued` and how many `failed`."""
    state = queue.delivery.c.state
    counts = connection.execute(select(state, func.count()).where(queue.unsent).group_by(state)).all()
    return {QUEUED: 0, FAILED: 0} | dict(counts)


def _log(
    connection: Connection, queue: Queue, key: int, attempt: int, now: datetime, outcome: str, detail: str
) -> None:
    row = {queue.key: key, "attempt": attempt, "attempted_at": _utc(now), "outcome": outcome, "detail": detail}
    connection.execute(_log_attempt(queue), row)
