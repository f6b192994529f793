"""Orders that wait for a second person: listed, shown as they would be carried out, approved, refused."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.approvals.deciding import VOID, approve, refuse
from billing.approvals.queries import APPROVAL_KEY, approvals, find_approval
from billing.approvals.shapes import Approval
from billing.frame.database import writing
from billing.frame.errors import Conflict
from billing.frame.http.fields import FullMatch
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import acting_engine, acts, reads, writes
from billing.frame.tokens import APPROVALS

blueprint = ApiBlueprint(
    "approvals",
    __name__,
    url_prefix="/v1/approvals",
    description="Orders that wait for a second person",
    fine_scope=APPROVALS,
)
_STATE = fields.String(
    validate=validate.OneOf(("waiting", "approved", "refused", "void")),
    metadata={"description": "Those in one state alone"},
)
_DIGEST = fields.String(
    load_default=None,
    allow_none=True,
    validate=FullMatch("^(sha256:)?[0-9a-f]{64}$"),
    metadata={"description": "`digest` of what was shown to whoever approves: another one is refused"},
)
_REASON = Reason("Why it is refused")


@blueprint.route("")
@blueprint.response(200, Page[Approval])
@blueprint.arguments(query_schema("ApprovalQuery", {"state": _STATE}), location="query")
@reads
def list_approvals(connection: Connection, query: Mapping[str, Any]) -> Page[Approval]:
    """The orders that wait or waited for a second person, in the order they were given."""
    return page(connection, approvals(state=query.get("state")), APPROVAL_KEY, query, Approval.of)


@blueprint.route("/<serial:approval>")
@blueprint.response(200, Approval)
@reads
def get_approval(connection: Connection, approval: int) -> Approval:
    """One order: exactly what it does, by whom it was given, and what became of it."""
    return Approval.of(find_approval(connection, approval))


@blueprint.route("/<serial:approval>/approve", methods=["POST"])
@blueprint.response(200, Approval)
@blueprint.arguments(strict_schema("ApprovalOrder", {"digest": _DIGEST}))
@acts
def approve_order(order: Mapping[str, Any], approval: int) -> Answer:
    """Approve what somebody else ordered, and so carry it out; 409 if it would do something else than was shown."""
    with writing(acting_engine()) as connection:
        outcome = approve(
            connection,
            service().orderables,
            approval,
            now=service().clock(),
            settings=service().settings,
            digest=order["digest"],
        )
        shape = Approval.of(find_approval(connection, approval))
    if outcome == VOID:
        # It is recorded that the order is void; the approval was refused all the same.
        raise Conflict(f"approval {approval} is void: {shape.reason}; nothing was done, order it again")
    return Answer(shape)


@blueprint.route("/<serial:approval>/refuse", methods=["POST"])
@blueprint.response(200, Approval)
@blueprint.arguments(strict_schema("ApprovalRefusal", {"reason": _REASON}))
@writes
def refuse_order(connection: Connection, order: Mapping[str, Any], approval: int) -> Answer:
    """Refuse an order, or take one's own back, for a reason; nothing is done."""
    refuse(connection, approval, order["reason"], now=service().clock())
    return Answer(Approval.of(find_approval(connection, approval)))
