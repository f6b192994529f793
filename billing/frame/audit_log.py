"""An act records who wrote what, when, why and by which request: one for each transaction that wrote.

An act names what its transaction added by ranges: entry numbers, documents, usage events and imports are
counted up under locks that are held until COMMIT, so between the last act's end and the newest number lies
exactly what this transaction has added. Nothing is added to the hot tables, and `check` proves that the ranges
cover everything once. Rows of other tables are named one by one, with their digests (`billing.frame.added_rows`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from sqlalchemy import Connection, DateTime, Engine, String, bindparam, text

from billing.frame.added_rows import CHANGES, ROWS, Added, named_rows
from billing.frame.civil_time import Clock
from billing.frame.errors import ReasonRequired
from billing.frame.settings import operating_user
from billing.frame.tables import audit_change

API, CLI, SCHEDULER, PROGRAM = "api", "cli", "scheduler", "program"
REASON_LENGTH_MAX = 500
_OPTION = "on_behalf"


@dataclass(frozen=True, slots=True)
class Act:
    """An act says who writes (a token, a system user, the scheduler), through which edge, why, by which request.

    `operation` is what was asked for, as a route or a command; one request may be several transactions, which
    then share `request_id`. `user` is the person behind the token or the system user, where one is known.
    """

    actor: str
    origin: str
    operation: str
    request_id: str
    reason: str | None = None
    user: str | None = None

    @property
    def person(self) -> str:
        """Return who is named where people are: the user, or the actor where none is known."""
        return self.user or self.actor


class Change(NamedTuple):
    """A row of the register, or a state, that became another; None where there was none, or is none any more."""

    subject: str
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class Range(NamedTuple):
    """A range of numbers an act names: the ending of its columns, and SQL for the newest number given."""

    name: str
    newest: str


RANGES = (
    Range("entry", "SELECT last FROM entry_counter WHERE id = 1"),
    Range("document", "SELECT last FROM number_series WHERE series = 'DOCUMENT' AND year = 0"),
    Range("usage_event", "SELECT max(id) FROM usage_event"),
    Range("import", "SELECT max(id) FROM import_log"),
)


def new_request_id() -> str:
    """Return a name for a request that came without one."""
    return str(uuid4())


def on_behalf(engine: Engine, act: Act, clock: Clock) -> Engine:
    """Return the same database, where everything written is this act's; `clock` gives UTC instants."""
    return engine.execution_options(**{_OPTION: (act, clock)})


def act_of(database: Engine | Connection) -> Act:
    """Return the act on whose behalf a database is written; without one, that of the process's user."""
    bound: tuple[Act, Clock] | None = database.get_execution_options().get(_OPTION)
    return Act(operating_user(), PROGRAM, "unnamed", new_request_id()) if bound is None else bound[0]


def require_reason(connection: Connection, exception: str) -> str:
    """Return the reason that was given for an exception from the rule; raise ReasonRequired."""
    reason = act_of(connection).reason
    if reason is None:
        how = "send it as `reason`, or as the header X-Reason" if act_of(connection).origin == API else "give --reason"
        raise ReasonRequired(f"{exception} needs a reason: {how}")
    return reason


def record_change(
    connection: Connection, subject: str, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> None:
    """Note, with this transaction's act, what a row was and has become; values as JSON holds them."""
    connection.get_execution_options()[CHANGES].append(Change(subject, key, before, after))


def has_written(connection: Connection) -> bool:
    """Return whether this transaction has made or changed anything so far that acts name one by one.

    (Whatever only adds entries, documents, usage or imports is none of these.)
    """
    return bool(connection.get_execution_options()[CHANGES])


# For each range, the last number of earlier acts (`_was`) and the newest number now (`_now`).
_SEEN = ", ".join(
    f"({r.newest}) AS {r.name}_now, "  # noqa: S608 - our own names
    f"(SELECT coalesce(max(last_{r.name}), 0) FROM audit_event WHERE last_{r.name} IS NOT NULL) AS {r.name}_was"
    for r in RANGES
)
# First and last number, none where nothing was added.
_ADDED = ", ".join(
    f"CASE WHEN {r.name}_now > {r.name}_was THEN {r.name}_was + 1 END, "
    f"CASE WHEN {r.name}_now > {r.name}_was THEN {r.name}_now END"
    for r in RANGES
)
_COLUMNS = ", ".join(
    (
        "id, recorded_at, actor, origin, operation, request_id, reason, user_name",
        *(f"{end}_{r.name}" for r in RANGES for end in ("first", "last")),
    )
)
_VALUES = ":actor, :origin, :operation, :request_id, :reason, :user_name"
_TAKE = "UPDATE audit_counter SET last = last + 1 WHERE id = 1"
# The counter's lock is the last a transaction takes. What it waits for there can't have touched its own ranges:
# their locks are its own; and of ranges it has not touched one snapshot shows counter and act alike.
_SEAL = {
    "postgresql": (
        text(
            f"WITH taken AS ({_TAKE} AND (:noted OR pg_current_xact_id_if_assigned() IS NOT NULL) RETURNING last) "  # noqa: S608 - our own names
            f"INSERT INTO audit_event ({_COLUMNS}) SELECT taken.last, "
            f"coalesce(:recorded_at, CURRENT_TIMESTAMP), {_VALUES}, {_ADDED} FROM taken, (SELECT {_SEEN}) AS seen "
            "RETURNING id"
        ).bindparams(
            bindparam("recorded_at", type_=DateTime(timezone=True)),
            bindparam("reason", type_=String),
            bindparam("user_name", type_=String),
        ),
    ),
    "sqlite": (
        text(_TAKE),
        text(
            f"INSERT INTO audit_event ({_COLUMNS}) SELECT last, coalesce(:recorded_at, CURRENT_TIMESTAMP), {_VALUES}, "  # noqa: S608 - our own names
            f"{_ADDED} FROM audit_counter, (SELECT {_SEEN}) AS seen WHERE audit_counter.id = 1 RETURNING id"
        ).bindparams(bindparam("recorded_at", type_=DateTime(timezone=True))),
    ),
}


# Prepared once, like the others: every mail notes one.
_NOTE = audit_change.insert()


def seal(connection: Connection) -> None:
    """Record the act of this transaction, as the last thing it does; PostgreSQL leaves it out if nothing was done."""
    options = connection.get_execution_options()
    noted: list[Change | Added] = options[CHANGES]
    bound = options.get(_OPTION)
    act = act_of(connection)
    values: dict[str, Any] = {
        "recorded_at": None if bound is None else bound[1](),
        "actor": act.actor,
        "origin": act.origin,
        "operation": act.operation,
        "request_id": act.request_id,
        "reason": act.reason,
        "user_name": act.user,
    }
    *before, insert = _SEAL[connection.dialect.name]
    for statement in before:
        connection.execute(statement)
    asked = {"noted": bool(noted)} if connection.dialect.name == "postgresql" else {}
    number = connection.execute(insert, values | asked).scalar_one_or_none()
    if noted:
        changes = [change for change in noted if isinstance(change, Change)]
        added = (each for each in noted if isinstance(each, Added))
        changes += [Change(ROWS, table, None, digests) for table, digests in named_rows(connection, added)]
        connection.execute(_NOTE, [_row(number, seq, change) for seq, change in enumerate(changes, 1)])


def _text(subject: str, values: Mapping[str, Any]) -> str:
    # Digests come by the thousand.
    return orjson.dumps(values).decode() if subject == ROWS else json.dumps(values, ensure_ascii=False)


def _row(number: int | None, seq: int, change: Change) -> dict[str, Any]:
    before, after = (
        None if values is None else _text(change.subject, values) for values in (change.before, change.after)
    )
    return {
        "act_id": number,
        "seq": seq,
        "subject": change.subject,
        "key": change.key,
        "before": before,
        "after": after,
    }
