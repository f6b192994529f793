"""The transactions of views: one snapshot to read, one transaction to write, or their own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, request
from sqlalchemy import Engine

from billing.frame.audit_log import API, Act, on_behalf
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.http.idempotency import Answer, asked, claim, keep, release
from billing.frame.http.reasons import given_reason
from billing.frame.http.service import service
from billing.frame.shapes import encode


def acting_engine() -> Engine:
    """Return the database, where writes are on behalf of the caller; raise InvalidRequest for a bad reason."""
    act = Act(g.token, API, f"{request.method} {request.url_rule}", g.request_id, given_reason(), g.user)
    return on_behalf(service().engine, act, service().clock)


def answered(answer: Any) -> Response:
    """Make a response of what a view gave: a response itself, an Answer, or the body of a 200."""
    if isinstance(answer, Response):
        return answer
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    return Response(encode(answer.body), answer.status, dict(answer.headers), content_type="application/json")


def reads(view: Callable[..., Any]) -> Callable[..., Response]:
    """Return a view that reads: it is given a connection on one snapshot."""

    @wraps(view)
    def within(*args: Any, **kwargs: Any) -> Response:
        with reading(service().engine) as connection:
            return answered(view(connection, *args, **kwargs))

    return within


def writes(view: Callable[..., Any]) -> Callable[..., Response]:
    """Return a view that writes: effect, idempotency key and stored answer commit together or not at all."""

    @wraps(view)
    def within(*args: Any, **kwargs: Any) -> Response:
        wanted = asked()
        with writing(acting_engine()) as connection:
            if wanted is None:
                return answered(view(connection, *args, **kwargs))
            answer = claim(connection, wanted, service().clock())
            if answer is None:
                answer = view(connection, *args, **kwargs)
                keep(connection, wanted, answer)
        return answered(answer)

    return within


def acts(view: Callable[..., Any]) -> Callable[..., Response]:
    """Return a repeatable view with its own transactions: its key is claimed before, its answer stored after.

    What it writes it writes through `acting_engine`.
    Killed in between, the key stays claimed for that request: asked again, it is done again.
    """

    @wraps(view)
    def within(*args: Any, **kwargs: Any) -> Response:
        wanted = asked()
        if wanted is None:
            return answered(view(*args, **kwargs))
        with maintenance_transaction(service().engine) as connection:
            answer = claim(connection, wanted, service().clock())
        if answer is not None:
            return answered(answer)
        try:
            answer = view(*args, **kwargs)
        except Exception:
            with maintenance_transaction(service().engine) as connection:
                release(connection, wanted)
            raise
        with maintenance_transaction(service().engine) as connection:
            keep(connection, wanted, answer)
        return answered(answer)

    return within
