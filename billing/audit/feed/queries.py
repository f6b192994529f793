"""Tells what happened, read off the acts: nothing is written for the feed, so nothing can be missing in it.

Acts are numbered without gap in the order of their commits, by a counter that stays locked until COMMIT: whoever sees
one has seen all before it. What an act did has a place in it by kind and number, so an event's name stays for ever.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, Table, func, select, text, tuple_

from billing.audit.feed.shapes import Event, Events, EventSubject
from billing.frame.added_rows import ROWS
from billing.frame.codes import DEBT_ACT, DEPOSIT, RECEIPT, REFUND
from billing.frame.database import among
from billing.frame.errors import Fault, Refused
from billing.frame.shapes import instant
from billing.frame.tables import audit_change, audit_event
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.deposits import deposit
from billing.receivables.tables.receipts import allocation, receipt, refund
from billing.register.tables import usage_event
from invoices.models import document
from pricing.money import format_amount, format_quantity
from pricing.period import format_month

BEGINNING = "0.0.0"
_AMOUNTS = frozenset(("amount", "gross", "net", "tax", "vat"))


class _Kind(NamedTuple):
    """A kind of row an act added: what is told of it."""

    table: Table
    type: str
    thing: str
    # Its name for people.
    name: Callable[[Row[Any]], str]
    columns: tuple[str, ...]


def _numbered(name: Callable[[int], str]) -> Callable[[Row[Any]], str]:
    return lambda row: name(row.id)


# By their place in an act; audit changes come last. A number is never given to another kind, as cursors hold it.
_DOCUMENT, _USAGE, _CHANGE = 1, 2, 9
_KINDS: Mapping[int, _Kind] = {
    _DOCUMENT: _Kind(
        document, "document.issued", "document", lambda row: str(row.number),
        ("kind", "tenant", "period", "issued_on", "due_on", "net", "tax", "gross"),
    ),
    _USAGE: _Kind(
        usage_event, "usage.recorded", "usage_event", lambda row: str(row.event_id),
        ("tenant", "site", "service", "quantity", "occurred_on"),
    ),
    3: _Kind(
        receipt, "receipt.recorded", "receipt", _numbered(RECEIPT.format),
        ("means", "reference", "value_date", "tenant", "amount"),
    ),
    4: _Kind(
        allocation, "allocation.made", "allocation", _numbered(str),
        ("tenant", "amount", "allocated_on", "document_id", "credit_note_id"),
    ),
    5: _Kind(refund, "refund.made", "refund", _numbered(REFUND.format), ("tenant", "amount", "refunded_on")),
    6: _Kind(deposit, "deposit.asked", "deposit", _numbered(DEPOSIT.format), ("lease", "tenant", "amount", "due_on")),
    7: _Kind(
        debt_act, "debt.decided", "debt", _numbered(DEBT_ACT.format),
        ("kind", "tenant", "document_id", "amount", "decided_on"),
    ),
}  # fmt: skip
# Things that changes name otherwise than by the singular of their subject: what an event is called by, and of what.
_THINGS: Mapping[str, tuple[str, str]] = {
    "deliveries": ("delivery", "document"),
    "files": ("file", "document"),
    "message-deliveries": ("delivery", "message"),
    "dunning": ("reminder", "message"),
    "switch-notices": ("tier_change_notice", "tenant"),
    "statements": ("bank_statement", "bank_statement"),
    "statement-lines": ("bank_line", "bank_line"),
    "periods": ("month", "month"),
    "fiscal-years": ("fiscal_year", "fiscal_year"),
    "manual-entries": ("manual_entry", "manual_entry"),
}
# States that say better what happened than that something changed: document.sent, run.complete, approval.approved.
_STATES = frozenset(("sent", "running", "complete", "approved", "refused"))
# Digests of rows, and those by which secrets are told apart, concern no other system.
_HIDDEN, _DIGEST = ROWS, "_sha256"
_OF_SECRETS = ("users", "tokens")

_OF_RANGE = (
    "SELECT * FROM (SELECT a.id AS act, {kind} AS kind, x.id AS number FROM audit_event a JOIN {table} x "
    "ON x.id BETWEEN a.first_{table} AND a.last_{table} WHERE a.id BETWEEN :act AND :until "
    "AND (a.id > :act OR x.id > :after_{kind}) ORDER BY a.id, x.id LIMIT :count) AS of_{kind}"
)
_OF_CHANGES = (
    f"SELECT * FROM (SELECT c.act_id AS act, {_CHANGE} AS kind, c.seq AS number FROM audit_change c "  # noqa: S608 - constants, values are bound
    f"WHERE c.act_id BETWEEN :act AND :until AND c.subject <> '{_HIDDEN}' "
    f"AND (c.act_id > :act OR c.seq > :after_{_CHANGE}) ORDER BY c.act_id, c.seq LIMIT :count) AS of_changes"
)
_ROWS_KEYS = {"sqlite": "json_each(c.after) AS j", "postgresql": "json_object_keys(CAST(c.after AS json)) AS j(key)"}
_OF_ROWS = (
    "SELECT * FROM (SELECT act, kind, number FROM (SELECT c.act_id AS act, CASE c.key {cases} END AS kind, "
    "CAST(j.key AS BIGINT) AS number FROM audit_change c, {keys} WHERE c.act_id BETWEEN :act AND :until "
    "AND c.subject = '{rows}' AND c.key IN ({tables})) AS named "
    "WHERE act > :act OR {later} ORDER BY act, kind, number LIMIT :count) AS of_rows"
)
_ROWS = {kind: told.table.name for kind, told in _KINDS.items() if kind not in (_DOCUMENT, _USAGE)}


def _statement(dialect: str) -> str:
    of_rows = _OF_ROWS.format(
        rows=ROWS,
        cases=" ".join(f"WHEN '{table}' THEN {kind}" for kind, table in _ROWS.items()),
        keys=_ROWS_KEYS[dialect],
        tables=", ".join(f"'{table}'" for table in _ROWS.values()),
        later=" OR ".join(f"(kind = {kind} AND number > :after_{kind})" for kind in _ROWS),
    )
    of_ranges = (_OF_RANGE.format(kind=kind, table=_KINDS[kind].table.name) for kind in (_DOCUMENT, _USAGE))
    return " UNION ALL ".join((*of_ranges, of_rows, _OF_CHANGES)) + " ORDER BY act, kind, number LIMIT :count"


_PLACES = {dialect: text(_statement(dialect)) for dialect in _ROWS_KEYS}


class _Place(NamedTuple):
    """A place in the feed: the act, the kind of what it did, its number."""

    act: int
    kind: int
    number: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


def events(connection: Connection, after: str, limit: int) -> Events:
    """Return what happened after an event, at most `limit` events; raises Refused for a cursor that is none."""
    if after != BEGINNING and not _stands(connection, _place(after)):
        remedy = "send the `cursor` of an answer, or none to begin with the first event"
        raise Refused([Fault("events", None, "after", after, "is no cursor of this feed", remedy)])
    items = events_after(connection, after, limit)
    return Events(items=items, cursor=items[-1].id if items else after)


def events_after(connection: Connection, after: str, limit: int) -> list[Event]:
    """Return what happened after a place that this module gave, at most `limit` events."""
    last, at = _newest_act(connection), _place(after)
    places: list[_Place] = []
    while len(places) < limit and at.act <= last:
        # Nearly every act did something.
        until = at.act + limit
        places += _places(connection, at, until, limit - len(places))
        at = _Place(until + 1, 0, 0)
    return _told(connection, places)


def end_of_feed(connection: Connection) -> str:
    """Return the place behind all that has happened."""
    return str(_Place(_newest_act(connection) + 1, 0, 0))


def place_at(connection: Connection, at: datetime) -> str:
    """Return the place before the first act recorded at an instant or later."""
    first = connection.scalar(select(func.min(audit_event.c.id)).where(audit_event.c.recorded_at >= at))
    return end_of_feed(connection) if first is None else str(_Place(first, 0, 0))


def is_ahead(connection: Connection, place: str) -> bool:
    """Return whether a place lies beyond the end of the feed, so that what comes next would be left out."""
    return _place(place) > _place(end_of_feed(connection))


def _newest_act(connection: Connection) -> int:
    return int(connection.scalar(select(func.coalesce(func.max(audit_event.c.id), 0))) or 0)


def _place(cursor: str) -> _Place:
    return _Place(*map(int, cursor.split(".")))


def _stands(connection: Connection, place: _Place) -> bool:
    before = place._replace(number=place.number - 1)
    return _places(connection, before, place.act, 1) == [place]


def _places(connection: Connection, after: _Place, until: int, count: int) -> list[_Place]:
    """Return the places after one, up to those of the act `until`."""
    asked: dict[str, int] = {"act": after.act, "until": until, "count": count}
    for kind in (*_KINDS, _CHANGE):
        asked[f"after_{kind}"] = after.number if kind == after.kind else -1 if kind > after.kind else 2**62
    return [_Place(*row) for row in connection.execute(_PLACES[connection.dialect.name], asked)]


def _told(connection: Connection, places: Sequence[_Place]) -> list[Event]:
    """Return the events at these places, in the same number of statements however many there are."""
    of_kinds: dict[int, list[int]] = {}
    for place in places:
        of_kinds.setdefault(place.kind, []).append(place.number)
    rows = {kind: _rows(connection, _KINDS[kind], keys) for kind, keys in of_kinds.items() if kind != _CHANGE}
    numbers = _document_numbers(connection, (row for of_kind in rows.values() for row in of_kind.values()))
    changed = _changes(connection, [(place.act, place.number) for place in places if place.kind == _CHANGE])
    acts = _acts(connection, {place.act for place in places})
    items = []
    for place in places:
        if place.kind == _CHANGE:
            happened, subject, data = _of_change(changed[place.act, place.number])
        else:
            kind, row = _KINDS[place.kind], rows[place.kind][place.number]
            happened, subject = kind.type, EventSubject(kind.thing, kind.name(row))
            data = _data(row, kind.columns, numbers)
        act = acts[place.act]
        items.append(
            Event(
                id=str(place),
                at=instant(act.recorded_at),
                type=happened,
                subject=subject,
                actor=act.user_name or act.actor,
                data=data,
            )
        )
    return items


def _rows(connection: Connection, kind: _Kind, keys: Sequence[int]) -> dict[int, Row[Any]]:
    rows: Sequence[Row[Any]] = connection.execute(
        select(kind.table).where(among(connection, kind.table.c.id, keys))
    ).all()
    return {row.id: row for row in rows}


def _acts(connection: Connection, numbers: Iterable[int]) -> dict[int, Row[Any]]:
    rows = connection.execute(select(audit_event).where(among(connection, audit_event.c.id, sorted(numbers)))).all()
    return {row.id: row for row in rows}


def _changes(connection: Connection, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Row[Any]]:
    c = audit_change.c
    rows = connection.execute(select(audit_change).where(tuple_(c.act_id, c.seq).in_(keys))) if keys else ()
    return {(row.act_id, row.seq): row for row in rows}


def _document_numbers(connection: Connection, rows: Iterable[Row[Any]]) -> Mapping[int, str]:
    """Return the numbers of the documents that rows name by key."""
    named = {row._mapping.get(name) for row in rows for name in ("document_id", "credit_note_id")} - {None}
    d = document.c
    asked = select(d.id, d.number).where(among(connection, d.id, sorted(named)))
    return dict(connection.execute(asked).all()) if named else {}


def _data(row: Row[Any], columns: Iterable[str], numbers: Mapping[int, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in columns:
        value = row._mapping[name]
        if name.endswith("_id"):
            data[name.removesuffix("_id")] = None if value is None else numbers[value]
        elif isinstance(value, date):
            data[name] = format_month(value) if name == "period" else value.isoformat()
        elif isinstance(value, int):
            data[name] = format_amount(value) if name in _AMOUNTS else format_quantity(value)
        else:
            data[name] = value
    return data


def _of_change(row: Row[Any]) -> tuple[str, EventSubject, dict[str, Any]]:
    before, after = (None if said is None else orjson.loads(said) for said in (row.before, row.after))
    if row.subject in _OF_SECRETS:
        before, after = _without_digests(before), _without_digests(after)
        if before is None and not after:
            # A user was given a password.
            before = {}
    singular = row.subject.removesuffix("s").replace("-", "_")
    thing, of = _THINGS.get(row.subject, (singular, singular))
    return _happened(thing, of, before, after), EventSubject(of, row.key), {"before": before, "after": after}


def _without_digests(said: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if said is None else {name: value for name, value in said.items() if not name.endswith(_DIGEST)}


def _happened(thing: str, subject: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if after is None:
        return f"{thing}.removed"
    for name in ("state", "outcome"):
        if after.get(name) in _STATES:
            return f"{subject}.{after[name]}"
    if subject == "application" and before is not None and "state" in after:
        return f"{subject}.{after['state']}"
    if "cancelled_on" in after:
        return f"{subject}.cancelled"
    return f"{thing}.{'created' if before is None else 'changed'}"
