"""The versions of the API, by their days: a client may say which one it was written for.

Fields are added within a version; what a program must be changed for is a new one, and the old one is served beside it.
"""

from flask import Flask, Request, Response, request

from billing.frame.http.problems import UnknownVersion

HEADER = "API-Version"
# The last is what who names none is given. What each changed: billing/api/changes.md.
VERSIONS = ("2026-12-01",)


def _require_known() -> None:
    asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look-up through the proxy costs
    given = asked.headers.get(HEADER)
    if given is not None and given not in VERSIONS:
        raise UnknownVersion(f"{HEADER} is {given!r}: there is {', '.join(VERSIONS)}; see /docs/changes")


def _say(response: Response) -> Response:
    response.headers[HEADER] = VERSIONS[-1]
    return response


def register(app: Flask) -> None:
    """Refuse requests for versions that are none; let every answer of the app name its own."""
    app.before_request(_require_known)
    app.after_request(_say)
