"""The audit trail: acts with what they changed, and the way from an account to whoever moved it, and back up."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection, Row, bindparam, select

from billing.audit.trail.following import (
    act_behind,
    document_behind,
    entries_of_document,
    entry_behind,
    lines_of_document,
    reversals_of,
    trail_of_event,
)
from billing.books.journal.resources import EntrySchema, entries_json
from billing.frame.audit_log import API, CLI, PROGRAM, RANGES, SCHEDULER
from billing.frame.errors import Unknown
from billing.frame.http.fields import Code
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page, page_together
from billing.frame.http.schemas import page_schema, query_schema
from billing.frame.http.transactions import reads
from billing.frame.shapes import instant
from billing.frame.tables import audit_change, audit_event
from invoices.errors import UnknownDocument
from invoices.models import document
from ledger.models import entry, posting

_TEXT = fields.String
_ENTRY = select(entry).where(entry.c.id == bindparam("number"))


class AddedSchema(Schema):
    """First and last number of what an act has added."""

    first = fields.Integer(required=True)
    last = fields.Integer(required=True)


class ActSchema(Schema):
    """One transaction: who wrote, when, why, by which request, and what it added."""

    number = fields.Integer(required=True)
    recorded_at = _TEXT(required=True)
    actor = _TEXT(required=True, metadata={"description": "A token, a user of the operating system, the scheduler"})
    origin = _TEXT(required=True)
    operation = _TEXT(required=True)
    request_id = _TEXT(required=True)
    reason = _TEXT(required=True, allow_none=True)
    added = fields.Dict(
        keys=fields.String(), values=fields.Nested(AddedSchema), required=True,
        metadata={"description": "Of entries, documents, usage events and imports, where any was added"},
    )  # fmt: skip


class ChangeSchema(Schema):
    """A row that became another, or came to be, or ceased to."""

    act = fields.Integer(required=True)
    number = fields.Integer(required=True)
    subject = _TEXT(required=True)
    key = _TEXT(required=True)
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)


class EntryTrailSchema(EntrySchema):
    """An entry with the way down: its document and the act that posted it; and what takes it back."""

    act = fields.Integer(required=True, allow_none=True)
    document = _TEXT(required=True, allow_none=True)
    reverses = fields.Integer(required=True, allow_none=True)
    reversed_by = fields.List(fields.Integer(), required=True)


class LineTrailSchema(Schema):
    """What a line rests on."""

    line_no = fields.Integer(required=True)
    lease = _TEXT(required=True, allow_none=True)
    usage_events = fields.List(_TEXT(), required=True)


class DocumentTrailSchema(Schema):
    """From a document up to its entries, down to its lines' facts and to its act."""

    number = _TEXT(required=True)
    tenant = _TEXT(required=True)
    act = fields.Integer(required=True, allow_none=True)
    entries = fields.List(fields.Integer(), required=True)
    lines = fields.List(fields.Nested(LineTrailSchema), required=True)


class EventTrailSchema(Schema):
    """From a usage event up to the line that billed it, and down to the act that brought it."""

    event_id = _TEXT(required=True)
    act = fields.Integer(required=True, allow_none=True)
    document = _TEXT(required=True, allow_none=True)
    line_no = fields.Integer(required=True, allow_none=True)


blueprint = ApiBlueprint("trail", __name__, url_prefix="/v1", description="Who, when, why; from balance to person")


def _act_json(row: Row[Any]) -> dict[str, Any]:
    values = row._mapping
    return {
        "number": row.id,
        "recorded_at": instant(row.recorded_at),
        **{name: values[name] for name in ("actor", "origin", "operation", "request_id", "reason")},
        "added": {
            found.name: {"first": values[f"first_{found.name}"], "last": values[f"last_{found.name}"]}
            for found in RANGES
            if values[f"last_{found.name}"] is not None
        },
    }


def _change_json(row: Row[Any]) -> dict[str, Any]:
    before, after = (None if text is None else orjson.loads(text) for text in (row.before, row.after))
    return {
        "act": row.act_id, "number": row.seq, "subject": row.subject, "key": row.key, "before": before, "after": after,
    }  # fmt: skip


@blueprint.route("/acts")
@blueprint.response(200, page_schema(ActSchema, "Act"))
@blueprint.arguments(
    query_schema(
        "ActQuery",
        {
            "actor": Code(),
            "origin": fields.String(validate=validate.OneOf((API, CLI, SCHEDULER, PROGRAM))),
            "request_id": Code(),
        },
    ),
    location="query",
)
@reads
def list_acts(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """Every transaction that wrote, in the order of commits: who, when, why."""
    chosen = [
        audit_event.c[name] == query[name] for name in ("actor", "origin", "request_id") if query.get(name) is not None
    ]
    return page(connection, select(audit_event).where(*chosen), (audit_event.c.id,), query, _act_json)


@blueprint.route("/acts/<serial:act>")
@blueprint.response(200, ActSchema)
@reads
def get_act(connection: Connection, act: int) -> dict[str, Any]:
    """One act."""
    return _act_json(_find_act(connection, act))


def _find_act(connection: Connection, number: int) -> Row[Any]:
    row = connection.execute(select(audit_event).where(audit_event.c.id == number)).one_or_none()
    if row is None:
        raise Unknown(f"there is no act {number}: GET /v1/acts lists them")
    return row


@blueprint.route("/acts/<serial:act>/changes")
@blueprint.response(200, page_schema(ChangeSchema, "Change"))
@blueprint.arguments(query_schema("ChangeOfActQuery", {}), location="query")
@reads
def list_changes_of_act(connection: Connection, query: Mapping[str, Any], act: int) -> Page[Any]:
    """What an act changed: each row before and after."""
    _find_act(connection, act)
    c = audit_change.c
    return page(connection, select(audit_change).where(c.act_id == act), (c.act_id, c.seq), query, _change_json)


@blueprint.route("/changes")
@blueprint.response(200, page_schema(ChangeSchema, "ChangeOfAny"))
@blueprint.arguments(query_schema("ChangeQuery", {"subject": Code(), "key": Code()}), location="query")
@reads
def list_changes(connection: Connection, query: Mapping[str, Any]) -> Page[Any]:
    """What was changed, oldest first: of one thing with `subject` and `key` (`tenants`, `T0042`), its whole history."""
    c = audit_change.c
    chosen = [c[name] == query[name] for name in ("subject", "key") if query.get(name) is not None]
    return page(connection, select(audit_change).where(*chosen), (c.act_id, c.seq), query, _change_json)


@blueprint.route("/ledger/accounts/<part:account>/entries")
@blueprint.response(200, page_schema(EntryTrailSchema, "EntryOfAccount"))
@blueprint.arguments(query_schema("EntryOfAccountQuery", {"auxiliary": Code()}), location="query")
@reads
def list_entries_of_account(connection: Connection, query: Mapping[str, Any], account: str) -> Page[Any]:
    """The entries that moved an account, or one tenant or grant within it, by number, each with the way down."""
    p = posting.c
    moved = [p.account == account]
    if query.get("auxiliary") is not None:
        moved.append(p.auxiliary == query["auxiliary"])
    found = select(entry).where(select(p.line_no).where(p.entry_id == entry.c.id, *moved).exists())
    return page_together(connection, found, (entry.c.id,), query, partial(_entry_trails, connection))


@blueprint.route("/ledger/entries/<serial:entry>")
@blueprint.response(200, EntryTrailSchema)
@reads
def get_entry(connection: Connection, entry: int) -> dict[str, Any]:
    """One entry, with the way down to its document and to the act that posted it."""
    row = connection.execute(_ENTRY, {"number": entry}).one_or_none()
    if row is None:
        raise Unknown(f"there is no entry {entry}: GET /v1/ledger/entries lists them")
    return _entry_trails(connection, [row])[0]


def _entry_trails(connection: Connection, heads: list[Row[Any]]) -> list[dict[str, Any]]:
    return [
        found
        | {
            "act": act_behind(connection, "entry", found["number"]),
            "document": document_behind(connection, found["reference"]),
            "reverses": entry_behind(connection, found["reference"]),
            "reversed_by": reversals_of(connection, found["reference"]),
        }
        for found in entries_json(connection, heads)
    ]


@blueprint.route("/documents/<number:number>/trail")
@blueprint.response(200, DocumentTrailSchema)
@reads
def get_document_trail(connection: Connection, number: str) -> dict[str, Any]:
    """From a document up to its entries, down to leases, usage events and the act that issued it."""
    d = document.c
    row = connection.execute(select(d.id, d.tenant).where(d.number == number)).one_or_none()
    if row is None:
        raise UnknownDocument(number)
    return {
        "number": number,
        "tenant": row.tenant,
        "act": act_behind(connection, "document", row.id),
        "entries": entries_of_document(connection, number),
        "lines": [
            {"line_no": line.line_no, "lease": line.lease, "usage_events": list(line.usage_events)}
            for line in lines_of_document(connection, row.id, row.tenant)
        ],
    }


@blueprint.route("/usage-events/<part:event_id>/trail")
@blueprint.response(200, EventTrailSchema)
@reads
def get_usage_event_trail(connection: Connection, event_id: str) -> dict[str, Any]:
    """From a usage event up to the line that billed it, and down to the act that brought it."""
    found = trail_of_event(connection, event_id)
    if found is None:
        raise Unknown(f"there is no usage event {event_id}: GET /v1/usage-events lists them")
    return {"event_id": event_id, **found._asdict()}
