"""Usage events are voided, and shown to be void."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.reasons import Reason
from billing.frame.http.schemas import strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.register.queries import find_row
from billing.register.shapes import USAGE
from billing.run.usage_voids.queries import void_shapes
from billing.run.usage_voids.shapes import VoidedEvent
from billing.run.usage_voids.voiding import VoidOrder, void_events

blueprint = ApiBlueprint("usage voids", __name__, url_prefix="/v1", description="Usage events entered by mistake")


@blueprint.route("/usage-events/<part:event_id>/void")
@blueprint.response(200, VoidedEvent)
@reads
def get_usage_void(connection: Connection, event_id: str) -> VoidedEvent:
    """Why a usage event is void, and what becomes of the line that billed it; 404 for one that is not."""
    return void_shapes(connection, [event_id])[0]


@blueprint.route("/usage-events/<part:event_id>/void", methods=["POST"])
@blueprint.response(201, VoidedEvent)
@blueprint.alt_response(200, schema=VoidedEvent, description="It was void already: nothing changed", success=True)
@blueprint.arguments(strict_schema("UsageVoidOrder", {"reason": Reason("Why the event is void")}))
@writes
def void_usage_event(connection: Connection, order: Mapping[str, Any], event_id: str) -> Answer:
    """Void a usage event: no run bills it; if a line did, the next run credits it and bills what is left of it."""
    find_row(connection, USAGE, (event_id,))
    news = void_events(connection, [VoidOrder(event_id, order["reason"])], recorded_at=service().clock())
    return Answer(void_shapes(connection, [event_id])[0], 201 if news else 200)
