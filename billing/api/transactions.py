"""How a view's transaction begins and ends: one snapshot to read, one transaction to write, or its own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from flask import Response

from billing.api.idempotency import Answer, asked, claim, keep, release
from billing.api.service import service
from billing.db import reading, writing


def answered(found: Any) -> Response:
    """What a view gave, as a response: a response itself, an Answer, or the body of a 200."""
    if isinstance(found, Response):
        return found
    if not isinstance(found, Answer):
        found = Answer(found)
    return Response(orjson.dumps(found.body), found.status, dict(found.headers), content_type="application/json")


def reads(view: Callable[..., Any]) -> Callable[..., Response]:
    """A view that reads: it is given a connection on one snapshot."""

    @wraps(view)
    def within(*args: Any, **kwargs: Any) -> Response:
        with reading(service().engine) as connection:
            return answered(view(connection, *args, **kwargs))

    return within


def writes(view: Callable[..., Any]) -> Callable[..., Response]:
    """A view that writes: effect, idempotency key and stored answer commit together or not at all."""

    @wraps(view)
    def within(*args: Any, **kwargs: Any) -> Response:
        wanted = asked()
        with writing(service().engine) as connection:
            if wanted is None:
                return answered(view(connection, *args, **kwargs))
            found = claim(connection, wanted, service().clock())
            if found is None:
                found = view(connection, *args, **kwargs)
                keep(connection, wanted, found)
        return answered(found)

    return within


def acts(view: Callable[..., Any]) -> Callable[..., Response]:
    """A view that opens its own transactions and may be repeated: its key is claimed before, its answer kept after.

    Killed in between, the key stays claimed for that request: asked again, it is done again.
    """

    @wraps(view)
    def within(*args: Any, **kwargs: Any) -> Response:
        wanted = asked()
        if wanted is None:
            return answered(view(*args, **kwargs))
        with writing(service().engine) as connection:
            found = claim(connection, wanted, service().clock())
        if found is not None:
            return answered(found)
        try:
            found = view(*args, **kwargs)
        except Exception:
            with writing(service().engine) as connection:
                release(connection, wanted)
            raise
        with writing(service().engine) as connection:
            keep(connection, wanted, found)
        return answered(found)

    return within
