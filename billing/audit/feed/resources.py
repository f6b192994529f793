"""The feed over HTTP."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.audit.feed.queries import BEGINNING, events
from billing.audit.feed.shapes import CURSOR, Events
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Limit
from billing.frame.http.schemas import strict_schema
from billing.frame.http.transactions import reads
from billing.frame.tokens import AUDIT

blueprint = ApiBlueprint(
    "events", __name__, url_prefix="/v1", description="What happened, as it happens", fine_scope=AUDIT
)


@blueprint.route("/events")
@blueprint.response(200, Events)
@blueprint.arguments(
    strict_schema(
        "EventQuery",
        {
            "after": fields.String(
                load_default=BEGINNING,
                validate=validate.Regexp(CURSOR, error="is no cursor of this feed"),
                metadata={
                    "description": "`cursor` of the answer before, or an event's `id`; absent: from the beginning"
                },
            ),
            "limit": Limit(),
        },
    ),
    location="query",
)
@reads
def list_events(connection: Connection, query: Mapping[str, Any]) -> Events:
    """Tell what happened, oldest first: documents, usage, money, register, runs' reviews, approvals, closings.

    Ask again with the `cursor` of the answer: no event is missed, none comes twice, whoever writes meanwhile.
    """
    return events(connection, query["after"], query["limit"])
