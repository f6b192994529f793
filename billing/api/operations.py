"""The service's own addresses: its health, its metrics, its documentation."""

from importlib.resources import files
from typing import Annotated, Literal

from flask import Response, request
from flask_smorest import current_api
from sqlalchemy import Connection

from billing.api import metrics
from billing.api.metrics import installed_metrics
from billing.api.problem_pages import REMEDIES, codes, page, page_of
from billing.frame.errors import Unknown
from billing.frame.http import problems
from billing.frame.http.authentication import EVERYBODY, opened_to
from billing.frame.http.openapi import TEXT, ApiBlueprint
from billing.frame.http.pages import HTML, html_page
from billing.frame.http.service import service
from billing.frame.http.transactions import answered, reads
from billing.frame.schema_version import require_current
from billing.frame.shapes import Shape, about


class Status(Shape, frozen=True):
    """The state of the service."""

    status: Annotated[Literal["alive", "ready"], about("Its state")]


class ProblemKind(Shape, frozen=True):
    """A kind of problem."""

    type: Annotated[str, about("Stable: what programs decide by")]
    title: Annotated[str, about("The kind of problem, in words")]
    status: Annotated[int, about("The status of the answer")]
    remedy: Annotated[str, about("What to do about it")]
    codes: Annotated[dict[str, str], about("The codes of fields at fault, each with its meaning; mostly none")]


blueprint = ApiBlueprint("operations", __name__, description="Health, metrics, documentation")


@blueprint.route("/healthz")
@blueprint.response(200, Status)
@opened_to(EVERYBODY)
def is_alive() -> Response:
    """Say that the process is alive; asks nothing of the database."""
    return answered(Status("alive"))


@blueprint.route("/readyz")
@blueprint.response(200, Status)
@opened_to(EVERYBODY)
def is_ready() -> Response:
    """Say that requests can be served: the database answers and has this program's schema."""
    require_current(service().engine)
    return answered(Status("ready"))


@blueprint.route("/metrics")
@blueprint.response(200, TEXT, content_type=metrics.CONTENT_TYPE)
@reads
def get_metrics(connection: Connection) -> Response:
    """Give the metrics for Prometheus: requests by route, status and latency; runs; deliveries by state; the queue."""
    exposition = installed_metrics().exposition(connection, service().clock())
    return Response(exposition, content_type=metrics.CONTENT_TYPE)


@blueprint.route("/openapi.json")
@blueprint.response(200, {"type": "object"})
@opened_to(EVERYBODY)
def get_open_api() -> Response:
    """The OpenAPI 3.1 document of this API."""
    return answered(current_api.document())


@blueprint.route("/docs")
@blueprint.response(200, TEXT, content_type=HTML)
@opened_to(EVERYBODY)
def get_docs() -> Response:
    """The OpenAPI document as a page, to read and to try; it asks nothing of any other server."""
    return html_page((files("billing.api") / "docs.html").read_text(encoding="utf-8"))


@blueprint.route("/docs/changes")
@blueprint.response(200, TEXT, content_type=HTML)
@opened_to(EVERYBODY)
def get_changes() -> Response:
    """The changes of each version of the API, as a page."""
    text = (files("billing.api") / "changes.md").read_text(encoding="utf-8")
    return html_page(page_of(text))


@blueprint.route("/problems/<part:slug>", parameters=[{"in": "path", "name": "slug", "example": "validation"}])
@blueprint.response(200, ProblemKind)
@blueprint.alt_response(200, schema=TEXT, content_type=HTML, success=True)
@opened_to(EVERYBODY)
def get_problem_kind(slug: str) -> Response:
    """Explain a problem's `type`; a browser is given a page."""
    kind = next((kind for kind in problems.KINDS if kind.slug == slug), None)
    if kind is None:
        raise Unknown(f"no problem has the type {problems.PATH}{slug}")
    if request.accept_mimetypes.best_match(("application/json", "text/html"), "application/json") == "text/html":
        return html_page(page(kind))
    remedy = REMEDIES[kind.slug]
    return answered(ProblemKind(problems.PATH + kind.slug, kind.title, kind.status, remedy, codes(kind)))
