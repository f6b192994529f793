"""One line a request, with its id; as JSON for machines or as text for people (LOG_FORMAT)."""

import logging
import os
import re
import sys
from time import gmtime, perf_counter
from typing import Any, TextIO
from urllib.parse import quote
from uuid import UUID

from flask import Flask, Response, g, request
from pythonjsonlogger.orjson import OrjsonFormatter

from billing.api.metrics import Metrics

HEADER = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_PATH_LENGTH_MAX = 200
_log = logging.getLogger("billing.api.request")


def configure_logging(log_format: str, stream: TextIO | None = None) -> None:
    """Send everything the process logs to `stream` (standard error unless given), `json` or `text`."""
    names = {"asctime": "at", "levelname": "level", "name": "logger"}
    formatter: logging.Formatter
    if log_format == "json":
        formatter = OrjsonFormatter("%(asctime)s%(levelname)s%(name)s%(message)s", rename_fields=names)
    else:
        formatter = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    # Instants are UTC, and say so.
    formatter.converter = gmtime
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.default_msec_format = "%s.%03dZ"
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


def request_id(given: str | None) -> str:
    """The caller's id if it is sane, one of our own otherwise."""
    if given is not None and _SANE_ID.fullmatch(given):
        return given
    return str(UUID(bytes=os.urandom(16), version=4))


def _record(method: str, address: str, status: int, ms: float, state: Any) -> logging.LogRecord:
    """The line, made without looking for the place in the source it comes from, which costs as much as the rest."""
    values = (method, address, status, ms, state.token, state.request_id)
    record = logging.LogRecord(_log.name, logging.INFO, "", 0, "%s %s %s %s ms token=%s id=%s", values, None)
    record.__dict__.update(zip(("method", "route", "status", "ms", "token", "request_id"), values, strict=True))
    return record


def _begin() -> None:
    g.started = perf_counter()
    g.request_id = request_id(request.headers.get(HEADER))
    g.token = None


def register(app: Flask, metrics: Metrics) -> None:
    """Log and measure every request of the app, refused ones as well."""

    def end(response: Response) -> Response:
        state = g._get_current_object()  # each look-up through the proxy costs
        seconds = perf_counter() - state.started
        rule = request.url_rule
        route = "" if rule is None else rule.rule
        metrics.observe(request.method, route, response.status_code, seconds)
        response.headers[HEADER] = state.request_id
        if _log.isEnabledFor(logging.INFO):
            # An address that is none is the caller's text: it must not break the line.
            address = route or quote(request.path)[:_PATH_LENGTH_MAX]
            _log.handle(_record(request.method, address, response.status_code, round(seconds * 1000, 2), state))
        return response

    app.before_request(_begin)
    app.after_request(end)
