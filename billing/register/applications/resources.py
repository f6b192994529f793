"""Applications decided and admitted over HTTP, and the waiting lists of sites."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.frame.http.authentication import keeps_to_sites, require_site
from billing.frame.http.entity_tags import tag_of
from billing.frame.http.fields import CODE_DOC, DAY_DOC, QUANTITY_DOC, TEXT_DOC, Cell, Day
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import TAGGED, ApiBlueprint
from billing.frame.http.reasons import Reason
from billing.frame.http.report_files import format_field, in_formats, shown
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import writes
from billing.frame.tokens import REGISTER
from billing.register.applications.admitting import Admission, admit
from billing.register.applications.deciding import DECISIONS, decide
from billing.register.applications.files import waiting_pieces
from billing.register.applications.queries import waiting_list
from billing.register.applications.shapes import APPLICATIONS, TENANTS, Admitted, WaitingList
from billing.register.queries import find_row
from billing.register.shapes import change_schema, stored_as, stored_shape
from ledger.exports.tables import MEDIA_TYPES

blueprint = ApiBlueprint(
    "application decisions",
    __name__,
    url_prefix="/v1",
    description="What is decided on applications, and who waits",
    fine_scope=REGISTER,
)


@blueprint.route("/applications/<part:code>/decision", methods=["POST"])
@blueprint.response(200, stored_shape(APPLICATIONS), headers=TAGGED)
@blueprint.arguments(
    strict_schema(
        "ApplicationDecision",
        {
            "state": fields.String(
                required=True, validate=validate.OneOf(DECISIONS), metadata={"description": "What is decided"}
            ),
            "decided_on": Day(metadata={"description": "The day it was decided; today unless given"}),
            "reason": Reason("Why; an application that is declined needs it", required=False),
        },
    ),
    example={"state": "accepted"},
)
@keeps_to_sites
@writes
def decide_application(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Accept, decline or withdraw an application, or let it wait; one that is so already stays as it is."""
    require_site(find_row(connection, APPLICATIONS, (code,)).site)
    now, today = service().clock(), service().today()
    decide(connection, [code], order["state"], on=order.get("decided_on"), now=now, today=today)
    stored = stored_as(APPLICATIONS, find_row(connection, APPLICATIONS, (code,)))
    return Answer(stored, headers=tag_of(stored))


@blueprint.route("/applications/<part:code>/admission", methods=["POST"])
@blueprint.response(201, Admitted)
@blueprint.arguments(
    strict_schema(
        "Admission",
        {
            "unit": Cell({**TEXT_DOC, "description": "The unit that is let"}, required=True),
            "starts_on": Cell({**DAY_DOC, "description": "First day of the lease"}, required=True),
            "ends_on": Cell({**DAY_DOC, "description": "Last day of the lease; null: without end"}, allow_none=True),
            "area_m2": Cell({**QUANTITY_DOC, "description": "Its area; absent: what was asked for"}),
            "tenant": Cell({**CODE_DOC, "description": "The code it is a tenant by; absent: the application's"}),
            "lease": Cell({**CODE_DOC, "description": "The code of the lease; absent: that of the application"}),
            "firm": fields.Nested(
                change_schema(TENANTS),
                load_default=dict,
                metadata={"description": "Further fields of the tenant, where it is not in the register yet"},
            ),
        },
    ),
    example={"unit": "CAS-118", "starts_on": "2027-01-01", "tenant": "T0301"},
)
@writes
def admit_application(connection: Connection, order: Mapping[str, Any], code: str) -> Answer:
    """Admit a firm: enter it as a tenant, unless it is one, and its lease, by the import's rules."""
    given = dict(order)
    firm = {name: "" if value is None else str(value) for name, value in given.pop("firm").items()}
    terms = Admission(firm=firm, **given)
    return Answer(admit(connection, code, terms, now=service().clock(), today=service().today()), 201)


@blueprint.route("/sites/<part:code>/waiting-list")
@in_formats(blueprint, MEDIA_TYPES.values(), WaitingList)
@blueprint.arguments(strict_schema("WaitingListQuery", {"format": format_field()}), location="query")
@keeps_to_sites
def get_waiting_list(query: Mapping[str, Any], code: str) -> Response:
    """Who was accepted at a site and is not admitted yet, in order of the days they were accepted."""
    require_site(code)
    return shown(
        "waiting-list",
        query,
        lambda connection: waiting_list(connection, code),
        lambda connection: waiting_pieces(waiting_list(connection, code), query["format"]),
    )
