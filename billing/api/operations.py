"""For whoever runs the service: is it alive, is it ready, what does it do, how is it called."""

from importlib.resources import files

from flask import Response
from flask_smorest import current_api
from marshmallow import Schema, fields
from sqlalchemy import Connection

from billing.api import metrics
from billing.api.metrics import installed_metrics
from billing.frame.errors import Unknown
from billing.frame.http import problems
from billing.frame.http.authentication import EVERYBODY, opened_to
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.service import service
from billing.frame.http.transactions import answered, reads
from billing.frame.schema_version import require_current


class StatusSchema(Schema):
    """How it goes."""

    status = fields.String(required=True)


class ProblemKindSchema(Schema):
    """A kind of problem."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)


_HTML = "text/html; charset=utf-8"
# Nothing from elsewhere, nothing sent elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


blueprint = ApiBlueprint("operations", __name__, description="Health, metrics, documentation")
_TEXT = {"type": "string"}


@blueprint.route("/healthz")
@blueprint.response(200, StatusSchema)
@opened_to(EVERYBODY)
def is_alive() -> Response:
    """Whether the process is alive; asks nothing of the database."""
    return answered({"status": "alive"})


@blueprint.route("/readyz")
@blueprint.response(200, StatusSchema)
@opened_to(EVERYBODY)
def is_ready() -> Response:
    """Whether requests can be served: the database answers and has this program's schema."""
    require_current(service().engine)
    return answered({"status": "ready"})


@blueprint.route("/metrics")
@blueprint.response(200, _TEXT, content_type=metrics.CONTENT_TYPE)
@reads
def get_metrics(connection: Connection) -> Response:
    """What Prometheus reads: requests by route, status and latency; runs; deliveries by state; the queue."""
    found = installed_metrics().exposition(connection, service().clock())
    return Response(found, content_type=metrics.CONTENT_TYPE)


@blueprint.route("/openapi.json")
@blueprint.response(200, {"type": "object"})
@opened_to(EVERYBODY)
def get_open_api() -> Response:
    """The OpenAPI 3.1 document of this API."""
    return answered(current_api.spec.to_dict())


@blueprint.route("/docs")
@blueprint.response(200, _TEXT, content_type=_HTML)
@opened_to(EVERYBODY)
def get_docs() -> Response:
    """The OpenAPI document as a page, to read and to try; it asks nothing of any other server."""
    page = (files("billing.api") / "docs.html").read_text(encoding="utf-8")
    return Response(page, content_type=_HTML, headers={"Content-Security-Policy": _POLICY})


@blueprint.route("/problems/<part:slug>", parameters=[{"in": "path", "name": "slug", "example": "validation"}])
@blueprint.response(200, ProblemKindSchema)
@opened_to(EVERYBODY)
def get_problem_kind(slug: str) -> Response:
    """What a problem's `type` means."""
    kind = next((kind for kind in problems.KINDS if kind.slug == slug), None)
    if kind is None:
        raise Unknown(f"no problem has the type {problems.PATH}{slug}")
    return answered({"type": problems.PATH + kind.slug, "title": kind.title, "status": kind.status})
