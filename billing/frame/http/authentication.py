"""Requests are authenticated by their token, and admitted to the addresses that its scopes and sites allow.

Which scopes open an address: those of its method (reading, writing), or those the view names (`opened_to`); and the
fine scope of its blueprint, where the view names none. A token bound to sites opens only views that say they keep to
them (`keeps_to_sites`): what forgets to say so stays shut.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from flask import Flask, Request, current_app, g, request
from sqlalchemy import Engine

from billing.frame.civil_time import Clock
from billing.frame.database import reading
from billing.frame.http.problems import Forbidden, Unauthenticated
from billing.frame.tokens import ADMIN, AUDIT, AUDITOR, FINANCE, Token, find_named_token, find_token

# A revoked token opens nothing any more after this long.
CACHE_S = 5.0
_CACHED_MAX = 10_000
READERS = frozenset({AUDITOR, FINANCE, ADMIN})
WRITERS = frozenset({FINANCE, ADMIN})
ADMINS = frozenset({ADMIN})
# In the environ of a request that a job is: its job. (No header has such a name.)
JOB = "billing.job"
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SCHEME = "bearer "

View = TypeVar("View", bound=Callable[..., Any])


class UnderWay(NamedTuple):
    """The job that a request is, and the name of the token that ordered it."""

    name: str
    token: str


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
            raise Unauthenticated("the token has expired or was revoked, or its user disabled: ask for another one")
        return known[1]

    def named(self, name: str) -> Token:
        """Return the token that ordered a job, as it is today; raises Unauthenticated."""
        with reading(self._engine) as connection:
            token = find_named_token(connection, name)
        if token is None or not token.is_valid(self._clock()):
            raise Unauthenticated(f"the token {name} was revoked or has expired since: order it by another one")
        return token

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
    """Say which scopes may call a view, where its method and blueprint do not say it already; none: everybody."""

    def mark(view: View) -> View:
        view.scopes = scopes  # type: ignore[attr-defined]
        view._apidoc = {**getattr(view, "_apidoc", {}), "scopes": scopes}  # type: ignore[attr-defined]
        return view

    return mark


def keeps_to_sites(view: View) -> View:
    """Say that a view hands tokens bound to sites no other site's rows: it asks `require_site` or `bound_sites`."""
    view.keeps_to_sites = True  # type: ignore[attr-defined]
    return view


def bound_sites() -> tuple[str, ...] | None:
    """Return the sites that the request's token is bound to; None: it is bound to none."""
    sites: tuple[str, ...] = g.sites
    return sites or None


def require_site(site: str) -> None:
    """Raise Forbidden where the request's token is bound to other sites than this one."""
    bound = bound_sites()
    if bound is not None and site not in bound:
        raise Forbidden(f"the token {g.token} is bound to {', '.join(bound)}: this row is of another site, {site}")


EVERYBODY: frozenset[str] = frozenset()


def scopes_of(view: Callable[..., Any] | None, method: str, fine: str | None = None) -> frozenset[str]:
    """Return the scopes that may call a view with that method; none when it needs no token.

    `fine` is the scope of its blueprint; `audit` opens what reads, and nothing that writes.
    """
    fine = fine or getattr(view, "fine_scope", None)
    reads = method in _READING_METHODS
    opened = (READERS if reads else WRITERS) | ({fine} if fine and (reads or fine != AUDIT) else set())
    scopes: frozenset[str] = getattr(view, "scopes", opened)
    return scopes


def admit(door: Door) -> None:
    """Let the request in, or raise Unauthenticated or Forbidden. An address that is none needs no token."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look-up through the proxy costs
    if asked.endpoint is None or asked.method == "OPTIONS":
        # What methods an address takes, the document says to everybody.
        return
    view: Any = current_app.view_functions.get(asked.endpoint)
    scopes = scopes_of(view, asked.method)
    if not scopes:
        return
    job: UnderWay | None = asked.environ.get(JOB)
    token = door.holder(asked.headers.get("Authorization")) if job is None else door.named(job.token)
    g.token, g.user, g.sites, g.scopes = token.name, token.user, token.sites, token.scopes
    if not token.scopes & scopes:
        allowed, has = " or ".join(sorted(scopes)), " ".join(sorted(token.scopes)) or "none"
        raise Forbidden(f"the token {token.name} has scope {has}, this needs {allowed}: ask for such a token")
    if token.sites and not getattr(view, "keeps_to_sites", False):
        sites = ", ".join(token.sites)
        raise Forbidden(f"the token {token.name} is bound to {sites}: what this address does is not of one site")


def register(app: Flask, door: Door) -> None:
    """Authenticate every request of the app before its view."""
    app.before_request(lambda: admit(door))
