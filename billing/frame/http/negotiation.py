"""The header Accept: it chooses among the formats of an address where no `format` is given, and one must fit."""

from functools import cache
from typing import Any

from flask import Flask, Request, current_app, request
from werkzeug.datastructures import ImmutableMultiDict

from billing.frame.http.problems import NotAcceptable

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_JSON = "application/json"
# The formats that Accept can choose: there is one of each media type.
_FORMATS = {_JSON: "json", "text/csv": "csv", _XLSX: "xlsx", "application/pdf": "pdf", "text/html": "html"}


@cache
def _given_by(view: Any) -> tuple[str, ...]:
    """Return the media types of a view's answers as documented, JSON first; none where it documents none, or any."""
    responses = getattr(view, "_apidoc", {}).get("response", {}).get("responses", {})
    types = {
        (answer["content_type"] or _JSON).partition(";")[0]
        for status, answers in responses.items()
        if 200 <= int(status) < 300
        for answer in answers
        if isinstance(answer, dict) and "schema" in answer
    }
    if "*/*" in types:
        # It is of the type that it is.
        return ()
    return tuple(sorted(types, key=lambda media_type: (media_type != _JSON, media_type)))


def _negotiate() -> None:
    """Choose the format that the request accepts best; raise NotAcceptable where there is none."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look-up through the proxy costs
    accept = asked.headers.get("Accept")
    if accept is None or accept == "*/*" or asked.endpoint is None or asked.method == "OPTIONS":
        return
    view: Any = current_app.view_functions[asked.endpoint]
    given = _given_by(view)
    if not given or "format" in asked.args:
        # Whoever names a format is given it.
        return
    qualities = {media_type: asked.accept_mimetypes.quality(media_type) for media_type in given}
    best = max(given, key=lambda media_type: qualities[media_type])
    if not qualities[best]:
        raise NotAcceptable(f"this address gives {', '.join(given)}, and not {accept[:200]}: change the header Accept")
    if "format" in getattr(view, "parameters", ()) and len(set(qualities.values())) > 1 and best in _FORMATS:
        asked.args = ImmutableMultiDict([*asked.args.items(multi=True), ("format", _FORMATS[best])])


def register(app: Flask) -> None:
    """Negotiate for every request of the app, once its parameters are judged."""
    app.before_request(_negotiate)
