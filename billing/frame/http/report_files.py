"""Reports over HTTP: documented in each of their formats, written while they are sent."""

from collections.abc import Callable, Generator, Iterable
from itertools import chain
from typing import Any

from flask import Response

from billing.frame.http.openapi import ApiBlueprint, body_of
from billing.frame.shapes import Shape

# A request is answered by a process that others wait for: what takes longer to lay out is the command line's.
LINES_ON_PAPER_MAX = 1_500


def in_formats(
    blueprint: ApiBlueprint, media_types: Iterable[str], shape: type[Shape] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Document an answer by each of these media types; `shape` is that of the JSON, where it has one."""
    json = {"type": "object"} if shape is None else blueprint.reference(shape)

    def documented(view: Callable[..., Any]) -> Callable[..., Any]:
        for media_type in sorted(set(media_types)):
            schema = json if media_type == "application/json" else body_of(media_type)
            view = blueprint.alt_response(200, schema=schema, content_type=media_type, success=True)(view)
        return view

    return documented


def streamed(pieces: Generator[bytes, None, None], media_type: str, name: str) -> Response:
    """Send a file piece by piece, under a name; errors before the first piece are answered as problems."""
    first = next(pieces, b"")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = Response(chain([first], pieces), content_type=media_type, headers=headers)
    # A caller who hangs up ends the snapshot too.
    answer.call_on_close(pieces.close)
    return answer
