"""The audit trail: audit events with what they changed, and the way from an account to a person, and back up.

Audit events stand under `/v1/acts`, and `act` names one in JSON: public names, which stay.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.audit.trail.following import KINDS, Place, follow, follow_balance
from billing.audit.trail.queries import (
    CHANGE_KEY,
    EVENT_KEY,
    SUBJECTS,
    audit_events,
    changes,
    changes_of,
    document_trail,
    entry_trails,
    event_trail,
    find_audit_event,
)
from billing.audit.trail.shapes import AuditChange, AuditEvent, DocumentTrail, EntryTrail, EventTrail, Trail
from billing.books.journal.queries import ENTRY_KEY, entries, find_entry
from billing.frame.audit_log import API, CLI, PROGRAM, SCHEDULER
from billing.frame.http.fields import Code, Month
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page, page_together
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.transactions import reads
from billing.frame.tokens import AUDIT

# As long as a reference may be.
_NAME_LENGTH_MAX = 120

blueprint = ApiBlueprint(
    "trail", __name__, url_prefix="/v1", description="Who, when, why; from balance to person", fine_scope=AUDIT
)


@blueprint.route("/acts")
@blueprint.response(200, Page[AuditEvent])
@blueprint.arguments(
    query_schema(
        "ActQuery",
        {
            "actor": Code(metadata={"description": "A token, a user of the operating system, the scheduler"}),
            "origin": fields.String(
                validate=validate.OneOf((API, CLI, SCHEDULER, PROGRAM)),
                metadata={"description": "By which way it was asked for"},
            ),
            "request_id": Code(metadata={"description": "The transactions of one request share it"}),
        },
    ),
    location="query",
)
@reads
def list_audit_events(connection: Connection, query: Mapping[str, Any]) -> Page[AuditEvent]:
    """Every transaction that wrote, in the order of commits: who, when, why."""
    return page(connection, audit_events(query), EVENT_KEY, query, AuditEvent.of)


@blueprint.route("/acts/<serial:act>")
@blueprint.response(200, AuditEvent)
@reads
def get_audit_event(connection: Connection, act: int) -> AuditEvent:
    """One transaction that wrote."""
    return AuditEvent.of(find_audit_event(connection, act))


@blueprint.route("/acts/<serial:act>/changes")
@blueprint.response(200, Page[AuditChange])
@blueprint.arguments(query_schema("ChangeOfActQuery", {}), location="query")
@reads
def list_changes_of_event(connection: Connection, query: Mapping[str, Any], act: int) -> Page[AuditChange]:
    """The rows that a transaction changed: each before and after."""
    find_audit_event(connection, act)
    return page(connection, changes_of(act), CHANGE_KEY, query, AuditChange.of)


@blueprint.route("/changes")
@blueprint.response(200, Page[AuditChange])
@blueprint.arguments(
    query_schema(
        "ChangeQuery",
        {
            "subject": fields.String(
                validate=validate.OneOf(SUBJECTS), metadata={"description": "The kind of thing: tenants"}
            ),
            "key": Code(metadata={"description": "The thing's key: T0042"}),
        },
    ),
    location="query",
)
@reads
def list_changes(connection: Connection, query: Mapping[str, Any]) -> Page[AuditChange]:
    """All changes, oldest first: of one thing with `subject` and `key` (`tenants`, `T0042`), its whole history."""
    return page(connection, changes(query), CHANGE_KEY, query, AuditChange.of)


@blueprint.route("/trail")
@blueprint.response(200, Trail)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.arguments(
    strict_schema(
        "TrailQuery",
        {
            "of": fields.String(
                required=True,
                validate=validate.Length(1, _NAME_LENGTH_MAX),
                metadata={
                    "description": "An entry's reference or number, a document's number, a receipt's, a lease's code"
                },
            ),
            "kind": fields.String(
                validate=validate.OneOf(KINDS),
                metadata={"description": "What it is, where several things bear the name"},
            ),
        },
    ),
    location="query",
)
@reads
def get_trail(connection: Connection, query: Mapping[str, Any]) -> Trail:
    """The whole way of a thing: down to rates, admission, bank lines and persons, up to what came of it."""
    return follow(connection, query["of"], query.get("kind"))


@blueprint.route("/ledger/accounts/<part:account>/trail")
@blueprint.response(200, Trail)
@blueprint.arguments(
    strict_schema(
        "BalanceTrailQuery",
        {
            "auxiliary": Code(metadata={"description": "A tenant, or a grant"}),
            "site": Code(metadata={"description": "A site"}),
            "month": Month(metadata={"description": "The month of the entries; without it all there are"}),
        },
    ),
    location="query",
)
@reads
def get_balance_trail(connection: Connection, query: Mapping[str, Any], account: str) -> Trail:
    """The way of a balance: the entries that moved it, what each books and who posted it."""
    return follow_balance(connection, Place(account, *(query.get(name) for name in ("auxiliary", "site", "month"))))


@blueprint.route("/ledger/accounts/<part:account>/entries")
@blueprint.response(200, Page[EntryTrail])
@blueprint.arguments(
    query_schema("EntryOfAccountQuery", {"auxiliary": Code(metadata={"description": "A tenant, or a grant"})}),
    location="query",
)
@reads
def list_entries_of_account(connection: Connection, query: Mapping[str, Any], account: str) -> Page[EntryTrail]:
    """The entries that moved an account, or one tenant or grant within it, by number, each with the way down."""
    statement = entries({"account": account, "auxiliary": query.get("auxiliary")})
    return page_together(connection, statement, ENTRY_KEY, query, partial(entry_trails, connection))


@blueprint.route("/ledger/entries/<serial:entry>")
@blueprint.response(200, EntryTrail)
@reads
def get_entry(connection: Connection, entry: int) -> EntryTrail:
    """One entry, with the way down to its document and to the transaction that posted it."""
    return entry_trails(connection, [find_entry(connection, entry)])[0]


@blueprint.route("/documents/<followed:number>/trail")
@blueprint.response(200, DocumentTrail)
@reads
def get_document_trail(connection: Connection, number: str) -> DocumentTrail:
    """From a document up to its entries, down to leases, usage events and the transaction that issued it."""
    return document_trail(connection, number)


@blueprint.route("/usage-events/<part:event_id>/trail")
@blueprint.response(200, EventTrail)
@reads
def get_usage_event_trail(connection: Connection, event_id: str) -> EventTrail:
    """From a usage event up to the line that billed it, and down to the transaction that brought it."""
    return event_trail(connection, event_id)
