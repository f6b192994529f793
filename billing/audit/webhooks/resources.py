"""Webhooks over HTTP, for administrators: whoever adds an endpoint lets another system know all that happens."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from msgspec.structs import replace
from sqlalchemy import Connection

from billing.audit.webhooks.addresses import URL_LENGTH_MAX
from billing.audit.webhooks.endpoints import add_endpoint, change_endpoint, hold_endpoint, remove_endpoint, replay
from billing.audit.webhooks.queries import ATTEMPT_KEY, ENDPOINT_KEY, attempts, endpoint_row, endpoints
from billing.audit.webhooks.shapes import NewWebhookEndpoint, WebhookAttempt, WebhookEndpoint
from billing.frame.http.authentication import ADMINS, opened_to
from billing.frame.http.entity_tags import require_unchanged, tag_of
from billing.frame.http.fields import Day, Flag
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION, TAGGED, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes

blueprint = ApiBlueprint(
    "webhook-endpoints", __name__, url_prefix="/v1", description="Addresses that are told what happens, as it happens"
)
_URL = {"description": "Where webhooks are posted: https, and no private network unless a setting allows it"}
_TYPES = {"description": "Only these types: `receipt.recorded`, `document.*` for all of documents; none: all"}

_STATE = fields.String(
    validate=validate.OneOf(("arrived", "failed")), metadata={"description": "Only what arrived, or what failed"}
)


def _fields(*, new: bool) -> dict[str, fields.Field[Any]]:
    wanted = fields.List(
        fields.String(validate=validate.Length(1, 64)), validate=validate.Length(max=100), metadata=_TYPES
    )
    url = fields.String(required=new, validate=validate.Length(1, URL_LENGTH_MAX), metadata=_URL)
    return {"url": url, "types": wanted}


@blueprint.route("/webhook-endpoints")
@blueprint.response(200, Page[WebhookEndpoint])
@blueprint.arguments(query_schema("WebhookEndpointQuery", {}), location="query")
@opened_to(ADMINS)
@reads
def list_webhook_endpoints(connection: Connection, query: Mapping[str, Any]) -> Page[WebhookEndpoint]:
    """Every endpoint there ever was, without its secret."""
    return page(connection, endpoints(), ENDPOINT_KEY, query, WebhookEndpoint.of)


@blueprint.route("/webhook-endpoints", methods=["POST"])
@blueprint.response(201, NewWebhookEndpoint, headers=LOCATION)
@blueprint.arguments(strict_schema("WebhookEndpointOrder", _fields(new=True)))
@opened_to(ADMINS)
@writes
def create_webhook_endpoint(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Add an endpoint that is told what happens from now on; the answer shows its secret, this once.

    Each event is posted as `{"type", "timestamp", "data"}`, `data` being the feed's item, in order, at least once,
    signed as Standard Webhooks says. Answer with a 2xx; `webhook-id` tells a repeat.
    """
    made = add_endpoint(connection, order["url"], order.get("types", ()), networks=_networks(), now=service().clock())
    endpoint = _endpoint(connection, made.key)
    where = {"Location": f"/v1/webhook-endpoints/{endpoint.number}"}
    return Answer(NewWebhookEndpoint(endpoint.number, made.secret, endpoint), 201, where)


@blueprint.route("/webhook-endpoints/<webhook:endpoint>")
@blueprint.response(200, WebhookEndpoint, headers=TAGGED)
@opened_to(ADMINS)
@reads
def get_webhook_endpoint(connection: Connection, endpoint: int) -> Answer:
    """One endpoint: whether it takes what it is sent, and how far it has been told, which is no part of its tag."""
    shown = _endpoint(connection, endpoint)
    return Answer(shown, headers=tag_of(_settings(shown)))


@blueprint.route("/webhook-endpoints/<webhook:endpoint>", methods=["PATCH"])
@blueprint.response(200, WebhookEndpoint, headers=TAGGED)
@blueprint.arguments(
    strict_schema(
        "WebhookEndpointChange",
        {**_fields(new=False), "enabled": Flag(metadata={"description": "false: it is sent nothing until it is true"})},
    )
)
@opened_to(ADMINS)
@writes
def change_webhook_endpoint(connection: Connection, change: Mapping[str, Any], endpoint: int) -> Answer:
    """Change the fields given, no other. Enabled again, it is told all that it missed, in order."""
    hold_endpoint(connection, endpoint)
    before = _endpoint(connection, endpoint)
    change_endpoint(connection, endpoint, change, networks=_networks(), now=service().clock())
    require_unchanged(_settings(before))
    after = _endpoint(connection, endpoint)
    return Answer(after, headers=tag_of(_settings(after)))


@blueprint.route("/webhook-endpoints/<webhook:endpoint>/removal", methods=["POST"])
@blueprint.response(200, WebhookEndpoint)
@opened_to(ADMINS)
@writes
def remove_webhook_endpoint(connection: Connection, endpoint: int) -> Answer:
    """Send an endpoint nothing any more, for good; its secret is forgotten."""
    remove_endpoint(connection, endpoint, now=service().clock())
    return Answer(_endpoint(connection, endpoint))


@blueprint.route("/webhook-endpoints/<webhook:endpoint>/replay", methods=["POST"])
@blueprint.response(200, WebhookEndpoint)
@blueprint.arguments(
    strict_schema("WebhookReplayOrder", {"from": Day(required=True, metadata={"description": "The first day"})})
)
@opened_to(ADMINS)
@writes
def replay_webhook_endpoint(connection: Connection, order: Mapping[str, Any], endpoint: int) -> Answer:
    """Send again what happened from a day on (Casablanca), each event by the webhook-id it had before."""
    replay(connection, endpoint, order["from"])
    return Answer(_endpoint(connection, endpoint))


@blueprint.route("/webhook-endpoints/<webhook:endpoint>/deliveries")
@blueprint.response(200, Page[WebhookAttempt])
@blueprint.arguments(query_schema("WebhookAttemptQuery", {"state": _STATE}), location="query")
@opened_to(ADMINS)
@reads
def list_webhook_attempts(connection: Connection, query: Mapping[str, Any], endpoint: int) -> Page[WebhookAttempt]:
    """What was tried in the last 90 days, oldest first."""
    endpoint_row(connection, endpoint)
    return page(connection, attempts(endpoint, query.get("state")), ATTEMPT_KEY, query, WebhookAttempt.of)


def _networks() -> Any:
    return service().settings.webhook_networks


def _endpoint(connection: Connection, key: int) -> WebhookEndpoint:
    return WebhookEndpoint.of(endpoint_row(connection, key))


def _settings(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Return what of an endpoint people change: a tag that changed with each webhook would let nobody change it."""
    state = "enabled" if endpoint.state == "failing" else endpoint.state
    return replace(endpoint, state=state, told_until="", attempts=0, failing_since=None, next_attempt_at=None)
