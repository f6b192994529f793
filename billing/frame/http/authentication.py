"""Requests are authenticated by their token, and admitted to the addresses that its scope allows."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request, current_app, g, request
from sqlalchemy import Engine

from billing.frame.civil_time import Clock
from billing.frame.database import reading
from billing.frame.http.problems import Forbidden, Unauthenticated
from billing.frame.tokens import ADMIN, AUDITOR, FINANCE, Token, find_token

# A revoked token opens nothing any more after this long.
CACHE_S = 5.0
_CACHED_MAX = 10_000
READERS = frozenset({AUDITOR, FINANCE, ADMIN})
WRITERS = frozenset({FINANCE, ADMIN})
ADMINS = frozenset({ADMIN})
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SCHEME = "bearer "

View = TypeVar("View", bound=Callable[..., Any])


class Door:
    """Finds the token of a request; remembers it for a moment, so that most requests need no query."""

    def __init__(self, engine: Engine, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Token]] = {}

    def holder(self, authorization: str | None) -> Token:
        """Return the token that the header bears; raises Unauthenticated."""
        if authorization is None or not authorization[: len(_SCHEME)].lower() == _SCHEME:
            raise Unauthenticated(
                "send the header Authorization: Bearer TOKEN; `technopark-billing token create` makes one"
            )
        secret = authorization[len(_SCHEME) :].strip()
        known = self._known.get(secret)
        now = self._monotonic()
        if known is None or now - known[0] > CACHE_S:
            known = self._look_up(secret, now)
        if not known[1].is_valid(self._clock()):
            raise Unauthenticated("the token has expired or was revoked: ask for another one")
        return known[1]

    def _look_up(self, secret: str, now: float) -> tuple[float, Token]:
        with reading(self._engine) as connection:
            token = find_token(connection, secret)
        if token is None:
            self._known.pop(secret, None)
            raise Unauthenticated("the token is not known: check it, or ask for another one")
        if len(self._known) >= _CACHED_MAX:
            self._known.clear()
        self._known[secret] = now, token
        return now, token


def opened_to(scopes: frozenset[str]) -> Callable[[View], View]:
    """Say which scopes may call a view, where its method does not say it already; none at all: everybody."""

    def mark(view: View) -> View:
        view.scopes = scopes  # type: ignore[attr-defined]
        view._apidoc = {**getattr(view, "_apidoc", {}), "scopes": scopes}  # type: ignore[attr-defined]
        return view

    return mark


EVERYBODY: frozenset[str] = frozenset()


def scopes_of(view: Callable[..., Any] | None, method: str) -> frozenset[str]:
    """Return the scopes that may call a view with that method; none when it needs no token."""
    of_method = READERS if method in _READING_METHODS else WRITERS
    scopes: frozenset[str] = getattr(view, "scopes", of_method)
    return scopes


def admit(door: Door) -> None:
    """Let the request in, or raise Unauthenticated or Forbidden. An address that is none needs no token."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look-up through the proxy costs
    if asked.endpoint is None:
        return
    scopes = scopes_of(current_app.view_functions.get(asked.endpoint), asked.method)
    if not scopes:
        return
    token = door.holder(asked.headers.get("Authorization"))
    g.token = token.name
    if token.scope not in scopes:
        allowed = " or ".join(sorted(scopes))
        raise Forbidden(f"the token {token.name} has scope {token.scope}, this needs {allowed}: ask for such a token")


def register(app: Flask, door: Door) -> None:
    """Authenticate every request of the app before its view."""
    app.before_request(lambda: admit(door))
