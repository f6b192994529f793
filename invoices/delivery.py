"""The queue of documents to be sent: who delivers which now, what each attempt gave, what is due next.

A delivery is claimed for a short while and the claim renewed as long as its holder lives, so that what a
dead process held is soon taken over. Just before the end of a message is put to the server its holder
writes that down (`hand_over`), which fails if somebody else has taken over meanwhile: that is what keeps
two from sending the same. A claim found expired after that moment is an unknown outcome, and only a person
decides about it: at most one mail a document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select, update

from invoices.errors import ClaimLost
from invoices.models import delivery, delivery_attempt, document

QUEUED, FAILED, SENT = "queued", "failed", "sent"
# How an attempt ended, in `delivery_attempt`.
DEFERRED, REFUSED, UNKNOWN = "deferred", "refused", "unknown"

# How long a claim holds unless renewed.
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
_UNSENT = delivery.c.state.in_((QUEUED, FAILED))
# What each mail costs is prepared once.
_HAND_OVER = (
    update(delivery)
    .where(delivery.c.document_id == bindparam("wanted"), delivery.c.claimed_by == bindparam("holder"), _UNSENT)
    .values(handed_over_at=bindparam("now"), claimed_until=bindparam("until"))
)
_RECORD_SENT = (
    update(delivery)
    .where(delivery.c.document_id == bindparam("wanted"), _UNSENT)
    .values(
        state=SENT, sent_at=bindparam("now"), attempts=delivery.c.attempts + 1, next_attempt_at=None, claimed_by=None,
        claimed_until=None, last_error=None,
    )
    .returning(delivery.c.attempts)
)  # fmt: skip
_LOG = insert(delivery_attempt)


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery, held by `by` until its lease ends."""

    document_id: int
    by: str
    recipient: str
    attempts: int


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A document that has not reached its buyer, and why; `next_attempt_at` None: a person must retry."""

    document_id: int
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


def due(connection: Connection, now: datetime) -> dict[int, int]:
    """The documents whose next attempt is due, oldest first, whoever holds them; each with its attempts so far."""
    return _attempts(connection, delivery.c.next_attempt_at <= _utc(now))


def queued(connection: Connection) -> dict[int, int]:
    """The documents that are to be sent without a person's decision, due yet or not; each with its attempts."""
    return _attempts(connection, delivery.c.next_attempt_at.is_not(None))


def unsent(connection: Connection) -> dict[int, int]:
    """All documents not sent, also those that wait or failed, each with its attempts; none of unknown outcome."""
    return _attempts(connection, or_(delivery.c.handed_over_at.is_(None), delivery.c.claimed_by.is_not(None)))


def untouched(connection: Connection, listed: Mapping[int, int]) -> dict[int, int]:
    """Those of `listed` (some hundreds at most) that are unsent and that nobody has tried since."""
    found = _attempts(connection, delivery.c.document_id.in_(list(listed)))
    return {one: attempts for one, attempts in found.items() if attempts == listed[one]}


def _attempts(connection: Connection, which: ColumnElement[bool]) -> dict[int, int]:
    c = delivery.c
    return dict(sorted(connection.execute(select(c.document_id, c.attempts).where(_UNSENT, which)).all()))


def claim(
    connection: Connection, listed: Mapping[int, int], *, by: str, now: datetime, lease: timedelta = LEASE
) -> list[Claim]:
    """Hold those of `listed` that nobody holds and nobody has tried since; the others are passed over.

    `listed` gives the attempts of each, as `due` and `unsent` do.
    """
    free = and_(
        _UNSENT,
        delivery.c.handed_over_at.is_(None),
        or_(delivery.c.claimed_until.is_(None), delivery.c.claimed_until <= _utc(now)),
    )
    c = delivery.c
    rows = connection.execute(
        select(c.document_id, c.recipient, c.attempts)
        .where(c.document_id.in_(list(listed)), free)
        .order_by(c.document_id)
        .with_for_update(skip_locked=True)
    ).all()
    taken = [
        Claim(row.document_id, by, row.recipient, row.attempts)
        for row in rows
        if row.attempts == listed[row.document_id]
    ]
    if taken:
        these = c.document_id.in_([one.document_id for one in taken])
        connection.execute(update(delivery).where(these).values(claimed_by=by, claimed_until=_utc(now) + lease))
    return taken


def renew(connection: Connection, ids: Sequence[int], *, by: str, now: datetime, lease: timedelta = LEASE) -> None:
    """Hold on to those of `ids` that `by` still holds."""
    c = delivery.c
    connection.execute(
        update(delivery)
        .where(c.document_id.in_(ids), c.claimed_by == by, _UNSENT)
        .values(claimed_until=_utc(now) + lease)
    )


def _held(held: Claim) -> ColumnElement[bool]:
    return and_(delivery.c.document_id == held.document_id, delivery.c.claimed_by == held.by, _UNSENT)


def hand_over(connection: Connection, held: Claim, *, now: datetime, lease: timedelta = LEASE) -> None:
    """Write down that the end of the message is about to be put; raises ClaimLost if it must not be."""
    now = _utc(now)
    key = {"wanted": held.document_id, "holder": held.by, "now": now, "until": now + lease}
    if connection.execute(_HAND_OVER, key).rowcount != 1:
        raise ClaimLost(f"the delivery of document {held.document_id} has been taken over by another process")


def record_sent(connection: Connection, held: Claim, *, now: datetime, answer: str) -> None:
    """The server has it: whatever else happened to the row meanwhile, it is sent."""
    attempt = connection.scalar(_RECORD_SENT, {"wanted": held.document_id, "now": _utc(now)})
    if attempt is not None:
        _log(connection, held.document_id, attempt, now, SENT, answer)


def record_failure(connection: Connection, held: Claim, *, now: datetime, outcome: str, reason: str) -> None:
    """An attempt that did not succeed: tried again later if it was deferred, else left to a person.

    Nothing is written if the claim has been lost: whoever has it records what becomes of it.
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
    if connection.execute(update(delivery).where(_held(held)).values(values)).rowcount == 1:
        _log(connection, held.document_id, attempt, now, outcome, reason)


def withdraw(connection: Connection, held: Claim) -> None:
    """The end of the message was not put to the server after all: its outcome is known, it is not sent."""
    connection.execute(update(delivery).where(_held(held)).values(handed_over_at=None))


def release(connection: Connection, ids: Sequence[int], *, by: str, reason: str | None = None) -> None:
    """Let go of what `by` holds and has not put to a server: due as before, `reason` shown, no attempt counted."""
    c = delivery.c
    values: dict[str, Any] = {"claimed_by": None, "claimed_until": None}
    if reason is not None:
        values["last_error"] = reason
    held = and_(c.document_id.in_(ids), c.claimed_by == by, _UNSENT, c.handed_over_at.is_(None))
    connection.execute(update(delivery).where(held).values(values))


def settle_unknown(connection: Connection, now: datetime) -> list[int]:
    """Fail what was put to the server by processes that died before they recorded its answer."""
    c = delivery.c
    lost = and_(_UNSENT, c.handed_over_at.is_not(None), c.claimed_by.is_not(None), c.claimed_until <= _utc(now))
    found = connection.execute(
        select(c.document_id, c.attempts, document.c.number)
        .join(document, document.c.id == c.document_id)
        .where(lost)
        .order_by(c.document_id)
        .with_for_update(of=delivery, skip_locked=True)
    ).all()
    for row in found:
        reason = _LOST_TRACK.format(number=row.number)
        connection.execute(
            update(delivery)
            .where(c.document_id == row.document_id)
            .values(
                state=FAILED, attempts=row.attempts + 1, last_error=reason, next_attempt_at=None, claimed_by=None,
                claimed_until=None,
            )
        )  # fmt: skip
        _log(connection, row.document_id, row.attempts + 1, now, UNKNOWN, reason)
    return [row.document_id for row in found]


def retry(
    connection: Connection, ids: Sequence[int], *, now: datetime, recipients: Mapping[int, str] | None = None
) -> list[int]:
    """Make deliveries due again, whatever stopped them, to a mended address if `recipients` has one.

    Gives those made due. What is sent, or being sent at this moment, is left alone.
    """
    settle_unknown(connection, now)
    c = delivery.c
    free = and_(_UNSENT, or_(c.claimed_until.is_(None), c.claimed_until <= _utc(now)))
    changed = []
    for wanted in sorted(set(ids)):
        values: dict[str, Any] = {
            "next_attempt_at": _utc(now),
            "claimed_by": None,
            "claimed_until": None,
            "handed_over_at": None,
        }
        if recipients is not None and wanted in recipients:
            values["recipient"] = recipients[wanted]
        if connection.execute(update(delivery).where(c.document_id == wanted, free).values(values)).rowcount == 1:
            changed.append(wanted)
    return changed


def failed_deliveries(connection: Connection, ids: Sequence[int] | None = None) -> list[FailedDelivery]:
    """What has not reached its buyer although it was tried, and why; by number. `ids` looks at those alone."""
    c = delivery.c
    found = (
        select(document.c.number, document.c.tenant, delivery)
        .join(document, document.c.id == c.document_id)
        .where(_UNSENT, c.last_error.is_not(None))
        .order_by(document.c.number)
    )
    if ids is not None:
        found = found.where(c.document_id.in_(ids))
    return [
        FailedDelivery(
            document_id=row.document_id,
            number=row.number,
            tenant=row.tenant,
            recipient=row.recipient,
            state=row.state,
            attempts=row.attempts,
            next_attempt_at=None if row.next_attempt_at is None else _utc(row.next_attempt_at),
            reason=row.last_error,
        )
        for row in connection.execute(found)
    ]


def count_unsent(connection: Connection) -> dict[str, int]:
    """How many deliveries are `queued` and how many `failed`."""
    found = select(delivery.c.state, func.count()).where(_UNSENT).group_by(delivery.c.state)
    return {QUEUED: 0, FAILED: 0} | dict(connection.execute(found).all())


def _log(connection: Connection, document_id: int, attempt: int, now: datetime, outcome: str, detail: str) -> None:
    connection.execute(
        _LOG,
        {
            "document_id": document_id,
            "attempt": attempt,
            "attempted_at": _utc(now),
            "outcome": outcome,
            "detail": detail,
        },
    )
