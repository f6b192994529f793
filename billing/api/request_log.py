"""One line a request, with its id; as JSON for machines or as text for people (LOG_FORMAT)."""

import logging
import os
import re
import sys
from contextlib import nullcontext
from time import gmtime, perf_counter, strftime, time
from typing import Any, TextIO
from urllib.parse import quote
from uuid import UUID

import orjson
from flask import Flask, Request, Response, g, request
from pythonjsonlogger.orjson import OrjsonFormatter

from billing.api.metrics import Metrics

HEADER = "X-Request-ID"
_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
_PATH_LENGTH_MAX = 200
_MESSAGE = "%s %s %s %s ms token=%s id=%s"
_SECOND = "%Y-%m-%dT%H:%M:%S"
_root = logging.getLogger()
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
    formatter.default_time_format = _SECOND
    formatter.default_msec_format = "%s.%03dZ"
    handler = RequestLines(stream or sys.stderr, as_json=log_format == "json")
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


class RequestLines(logging.StreamHandler[TextIO]):
    """Writes whatever is logged; of a request what its formatter would, without making a record of it.

    A record, its formatting and its way through the handlers took a tenth of the time of reading a document.
    """

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        super().__init__(stream)
        self._as_json = as_json
        self._second = 0, ""

    def request(self, method: str, address: str, status: int, ms: float, token: str | None, id_: str) -> None:
        """The line of one request that has been answered."""
        second, fraction = divmod(int(time() * 1000), 1000)
        if self._second[0] != second:
            self._second = second, strftime(_SECOND, gmtime(second))
        at = f"{self._second[1]}.{fraction:03d}Z"
        message = _MESSAGE % (method, address, status, ms, token, id_)
        if self._as_json:
            line = orjson.dumps(
                {
                    "at": at,
                    "level": "INFO",
                    "logger": _log.name,
                    "message": message,
                    "method": method,
                    "route": address,
                    "status": status,
                    "ms": ms,
                    "token": token,
                    "request_id": id_,
                }
            ).decode()
        else:
            line = f"{at} INFO    {message}"
        try:
            with self.lock or nullcontext():
                self.stream.write(line + self.terminator)
                self.flush()
        except Exception:
            # As `emit` does: a full disk fails no request, and says so on standard error.
            self.handleError(logging.LogRecord(_log.name, logging.INFO, "", 0, message, None, None))


def request_id(given: str | None) -> str:
    """The caller's id if it is sane, one of our own otherwise."""
    if given is not None and _SANE_ID.fullmatch(given):
        return given
    return str(UUID(bytes=os.urandom(16), version=4))


def _write(method: str, address: str, status: int, ms: float, state: Any) -> None:
    """The line, through the handler of `configure_logging` where it is the only one."""
    values = (method, address, status, ms, state.token, state.request_id)
    handlers = _root.handlers
    if len(handlers) == 1 and isinstance(handlers[0], RequestLines):
        handlers[0].request(*values)
        return
    record = logging.LogRecord(_log.name, logging.INFO, "", 0, _MESSAGE, values, None)
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
