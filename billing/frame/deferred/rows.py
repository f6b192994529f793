"""The rows of jobs: ordered, begun, ended, forgotten. They tell who works on what; nothing here is a fact of the books.

queued ──► running ──► done | failed | cancelled; a job whose process died or was stopped is queued again.
"""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, or_, select, update

from billing.frame.database import change_jobs
from billing.frame.tables import job

QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
# The result is kept for a day (contract), its row for a month.
RESULT_KEPT, ROW_KEPT = timedelta(days=1), timedelta(days=30)
# A job whose process died so often is not begun again.
ATTEMPTS_MAX = 3
KEY = (job.c.id,)


class Caller(NamedTuple):
    """Who orders and asks about jobs: a token, its user, the scopes it opens today, its sites."""

    token: str
    user: str | None
    scopes: frozenset[str]
    sites: tuple[str, ...]

    @property
    def owner(self) -> str:
        """Return whose the jobs are: a user's, by whatever token, or those of a token without one."""
        return f"token {self.token}" if self.user is None else f"user {self.user}"


class Ordered(NamedTuple):
    """A request that is to be done later."""

    method: str
    address: str
    headers: dict[str, str]
    request_id: str
    # Of these scopes one is needed to do it.
    scopes: frozenset[str]
    inputs_sha256: str | None = None


def place(connection: Connection, name: str, caller: Caller, ordered: Ordered, now: datetime) -> None:
    """Add a job to the queue."""
    connection.execute(
        insert(job).values(
            name=name,
            owner=caller.owner,
            token=caller.token,
            scopes=f" {' '.join(sorted(ordered.scopes))} ",
            sites=_sites(caller),
            method=ordered.method,
            address=ordered.address,
            headers=orjson.dumps(ordered.headers).decode(),
            request_id=ordered.request_id,
            inputs_sha256=ordered.inputs_sha256,
            state=QUEUED,
            attempts=0,
            ordered_at=now,
        )
    )


def unfinished(connection: Connection, owner: str) -> tuple[int, int]:
    """Return how many jobs wait or are under way, and how many of them are one owner's; hold these numbers."""
    change_jobs(connection)
    is_open = job.c.state.in_((QUEUED, RUNNING))
    counted = select(func.count(), func.count().filter(job.c.owner == owner)).where(is_open)
    in_all, own = connection.execute(counted).one()
    return in_all, own


def jobs_of(caller: Caller) -> Select[Any]:
    """Return the jobs that a caller may see: its owner's, as far as this token may do what was asked."""
    opened = or_(*(job.c.scopes.contains(f" {scope} ", autoescape=True) for scope in sorted(caller.scopes)))
    return select(job).where(job.c.owner == caller.owner, job.c.sites == _sites(caller), opened)


def find(connection: Connection, name: str) -> Row[Any] | None:
    """Return a job, whosever it is."""
    return connection.execute(select(job).where(job.c.name == name)).one_or_none()


def with_inputs(connection: Connection, inputs_sha256: str, now: datetime) -> Row[Any] | None:
    """Return the last job that answered these inputs and whose result is kept still."""
    same = select(job).where(job.c.inputs_sha256 == inputs_sha256, job.c.state == DONE, job.c.expires_at > now)
    return connection.execute(same.order_by(job.c.id.desc()).limit(1)).one_or_none()


def is_any_queued(connection: Connection) -> bool:
    """Return whether a job waits."""
    return connection.scalar(select(job.c.id).where(job.c.state == QUEUED).limit(1)) is not None


def claim(connection: Connection, now: datetime) -> Row[Any] | None:
    """Begin the next job: the oldest of whoever has fewest under way. None: none waits."""
    change_jobs(connection)
    other = job.alias()
    under_way = select(func.count()).where(other.c.state == RUNNING, other.c.owner == job.c.owner)
    fairest = select(job.c.id).where(job.c.state == QUEUED).order_by(under_way.scalar_subquery(), job.c.id).limit(1)
    key = connection.scalar(fairest)
    if key is None:
        return None
    begun = {"state": RUNNING, "started_at": now, "attempts": job.c.attempts + 1}
    connection.execute(update(job).where(job.c.id == key).values(begun))
    return connection.execute(select(job).where(job.c.id == key)).one()


def running(connection: Connection) -> dict[str, int]:
    """Return the jobs that are said to be under way, and how often each was begun."""
    under_way = select(job.c.name, job.c.attempts).where(job.c.state == RUNNING).order_by(job.c.id)
    return {row.name: row.attempts for row in connection.execute(under_way)}


def queue_again(connection: Connection, name: str, *, counted: bool) -> None:
    """Let a job be begun anew; `counted`: the attempt was one of its own."""
    attempts = job.c.attempts if counted else job.c.attempts - 1
    connection.execute(update(job).where(_runs(name)).values(state=QUEUED, started_at=None, attempts=attempts))


def end(
    connection: Connection,
    name: str,
    state: str,
    now: datetime,
    *,
    answer: str | None = None,
    problem: str | None = None,
) -> None:
    """Say how a job that was under way has ended."""
    expires_at = now + RESULT_KEPT if state == DONE else None
    ended = {"state": state, "finished_at": now, "expires_at": expires_at, "answer": answer, "problem": problem}
    connection.execute(update(job).where(_runs(name)).values(ended))


def needed_and_expired(connection: Connection, now: datetime) -> tuple[set[str], set[str]]:
    """Return the names of the jobs whose files are needed, and of those whose result has been kept long enough."""
    is_needed = or_(job.c.state.in_((QUEUED, RUNNING)), job.c.expires_at > now)
    needed = set(connection.scalars(select(job.c.name).where(is_needed)))
    return needed, set(connection.scalars(select(job.c.name).where(job.c.expires_at <= now)))


def forget(connection: Connection, now: datetime) -> None:
    """Delete the rows of jobs that ended long ago."""
    connection.execute(delete(job).where(job.c.finished_at < now - ROW_KEPT))


def _runs(name: str) -> ColumnElement[bool]:
    return (job.c.name == name) & (job.c.state == RUNNING)


def _sites(caller: Caller) -> str:
    return orjson.dumps(sorted(caller.sites)).decode()
