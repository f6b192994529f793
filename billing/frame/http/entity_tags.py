"""Entity tags (RFC 9110): whoever changes something says which state of it was read, so that no change is lost."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flask import request

from billing.frame.http.idempotency import Answer
from billing.frame.http.problems import ChangedMeanwhile
from billing.frame.shapes import Shape, encode

HEADER = "If-Match"


def tagged(state: Shape) -> Answer:
    """Answer with a state of something that can be changed, and its tag."""
    return Answer(state, headers=tag_of(state))


def tag_of(state: Shape) -> Mapping[str, str]:
    """Return the header that tags a state, by a digest of what a GET of it answers."""
    return {"ETag": f'"{_digest(state)}"'}


def require_unchanged(state: Shape) -> None:
    """Raise ChangedMeanwhile where the request bears `If-Match` for another state than this one, which is held.

    It is asked last (RFC 9110, 13.2.1): what is wrong with the request itself is said first.
    """
    if request.headers.get(HEADER) is not None and not request.if_match.contains(_digest(state)):
        raise ChangedMeanwhile(
            f"it is not as the {HEADER} says: GET it again, see what changed, and send the ETag of that answer"
        )


def _digest(state: Any) -> str:
    return sha256(encode(state)).hexdigest()[:32]
