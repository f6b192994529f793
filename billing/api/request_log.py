"""One line a request, with its id; as JSON for machines or as text for people (LOG_FORMAT)."""

import logging
import os
import re
from time import perf_counter
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Flask, Request, Response, g, request

from billing.api.metrics import Metrics
from billing.frame.logs import REQUEST_MESSAGE, RequestLines

HEADER = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_PATH_LENGTH_MAX = 200
_root = logging.getLogger()
_log = logging.getLogger("billing.api.request")


def request_id(given: str | None) -> str:
    """Return the caller's id if it is sane, one of our own otherwise."""
    if given is not None and _SANE_ID.fullmatch(given):
        return given
    return str(UUID(bytes=os.urandom(16), version=4))


def _write(method: str, address: str, status: int, ms: float, state: Any) -> None:
    """Write the line, through the handler of `configure_logging` where it is the only one."""
    values = (method, address, status, ms, state.token, state.request_id)
    handlers = _root.handlers
    if len(handlers) == 1 and isinstance(handlers[0], RequestLines):
        handlers[0].request(*values)
        return
    record = logging.LogRecord(_log.name, logging.INFO, "", 0, REQUEST_MESSAGE, values, None)
    record.__dict__.update(zip(("method", "route", "status", "ms", "token", "request_id"), values, strict=True))
    _log.handle(record)


def _begin() -> None:
    state = g._get_current_object()  # each look-up through the proxy costs
    state.started = perf_counter()
    state.request_id = request_id(request.headers.get(HEADER))
    state.token = None


def register(app: Flask, metrics: Metrics) -> None:
    """Log and measure every request of the app, refused ones as well."""

    def end(response: Response) -> Response:
        state: Any = g._get_current_object()
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]
        seconds = perf_counter() - state.started
        method, rule = asked.method, asked.url_rule
        route = "" if rule is None else rule.rule
        metrics.observe(method, route, response.status_code, seconds)
        response.headers[HEADER] = state.request_id
        if _log.isEnabledFor(logging.INFO):
            # An address that is none is the caller's text: it must not break the line.
            address = route or quote(asked.path)[:_PATH_LENGTH_MAX]
            _write(method, address, response.status_code, round(seconds * 1000, 2), state)
        return response

    app.before_request(_begin)
    app.after_request(end)
