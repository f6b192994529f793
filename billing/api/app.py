"""The app factory: nothing exists before it is called, and two apps share nothing."""

from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Request, request
from flask.json.provider import JSONProvider
from sqlalchemy import Engine
from werkzeug.exceptions import RequestEntityTooLarge

from billing.api import checking, jobs, manners, operations, request_log
from billing.api.front import BUSY, NO_LENGTH, REFUSAL, TOO_SLOW
from billing.api.metrics import Metrics
from billing.approvals.orderable import orderables
from billing.bank.formats.statement import STATEMENT_BYTES_MAX
from billing.frame.civil_time import Clock
from billing.frame.http import (
    addresses,
    authentication,
    negotiation,
    openapi,
    parameters,
    problems,
    rate_limits,
    versions,
)
from billing.frame.http.authentication import Door
from billing.frame.http.problems import Busy, NoLength, TooSlow
from billing.frame.http.proxies import behind_proxies
from billing.frame.http.service import Service
from billing.frame.settings import Settings
from billing.frame.subject import tables_of
from billing.register.network_import.further import further_files
from billing.register.network_import.uploads import UPLOAD_BYTES_MAX
from billing.register.shapes import RESOURCES
from billing.subjects import SUBJECTS

BODY_BYTES_MAX = 1 << 20
BATCH_BODY_BYTES_MAX = 10 << 20
# The addresses that take whole batches, or files.
LARGE_BODIES = {
    **{f"/v1/{resource.path}/batch": BATCH_BODY_BYTES_MAX for resource in RESOURCES},
    "/v1/receipts/batch": BATCH_BODY_BYTES_MAX,
    "/v1/statements": STATEMENT_BYTES_MAX,
    "/v1/imports": UPLOAD_BYTES_MAX,
}
_REFUSALS = {
    BUSY: Busy("more requests wait than can be answered soon: try again in some seconds"),
    NO_LENGTH: NoLength("send the header Content-Length: a body in pieces (Transfer-Encoding) is not taken"),
    TOO_SLOW: TooSlow("the body did not come in time, and nothing was done: send it again, at once"),
}


class StrictJson(JSONProvider):
    """orjson: refuses what is no JSON (NaN, lone surrogates, bytes that are no UTF-8), and is fast."""

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """Read a JSON text; raises ValueError."""
        return orjson.loads(s)

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        """Write values as a JSON text."""
        return orjson.dumps(obj).decode()


def body_bytes_max(method: str, path: str) -> int:
    """Return how large a body may be that is sent to an address."""
    return LARGE_BODIES.get(path, BODY_BYTES_MAX) if method == "POST" else BODY_BYTES_MAX


def _limit_body() -> None:
    asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look-up through the proxy costs
    length, most = asked.content_length, body_bytes_max(asked.method, asked.path)
    # A body that comes without its length is counted while it is read.
    asked.max_content_length = most
    if length is not None and length > most:
        raise RequestEntityTooLarge(f"at most {most} bytes are taken here: send less, or in several requests")


def _refuse_what_the_front_refused() -> None:
    refused = _REFUSALS.get(request.environ.get(REFUSAL, ""))
    if refused is not None:
        raise refused


def create_app(
    settings: Settings, engine: Engine, clock: Clock, *, has_pool: bool = False, counts: Path | None = None
) -> Flask:
    """Return the HTTP API on a database. `clock` gives UTC instants. Logging and migrations are the caller's.

    `has_pool`: processes beside it do jobs, so that what takes long is one (`billing.frame.http.deferring`).
    `counts` is the file in which all processes of a server count requests together.
    """
    app = Flask("billing.api", static_folder=None)
    app.json = StrictJson(app)
    # Every address has one form: no redirect is ever answered.
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.config["API_TITLE"] = openapi.TITLE
    app.config["API_VERSION"] = "v1"
    app.config["OPENAPI_VERSION"] = "3.1.0"
    metrics = Metrics()
    door = Door(engine, clock)
    tables, files = tables_of(SUBJECTS), further_files(SUBJECTS)
    Service(settings, engine, clock, door, orderables(SUBJECTS), tables, files, has_pool=has_pool).install(app)
    metrics.install(app)
    http = settings.http
    app.wsgi_app = behind_proxies(app.wsgi_app, http.trusted_proxies)  # type: ignore[assignment]
    request_log.register(app, metrics)
    manners.register(app, http.cors_origins)
    judge_token = rate_limits.register(app, rate_limits.Counts(counts), http.rate_by_address, http.rate_by_token)
    app.before_request(_refuse_what_the_front_refused)
    versions.register(app)
    authentication.register(app, door)
    app.before_request(judge_token)
    parameters.register(app)
    negotiation.register(app)
    app.before_request(_limit_body)
    problems.register(app)
    api = openapi.BillingApi(app, spec_kwargs=openapi.spec_options(settings.operator.party.legal_name))
    addresses.register(app, api)
    for module in [module for subject in SUBJECTS for module in subject.loaded(subject.resources)] + [
        checking,
        jobs,
        operations,
    ]:
        api.register_blueprint(module.blueprint)
    return app
