"""Reports over HTTP: documented in each of their formats, written while they are sent."""

from collections.abc import Callable, Generator, Iterable, Mapping
from itertools import chain
from typing import Any

from flask import Response
from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.frame.database import reading
from billing.frame.http.openapi import ApiBlueprint, body_of
from billing.frame.http.service import service
from billing.frame.http.transactions import answered
from billing.frame.shapes import Shape
from ledger.exports.tables import MEDIA_TYPES, TABLES, ending

# A request is answered by a process that others wait for: what takes longer to lay out is the command line's.
LINES_ON_PAPER_MAX = 1_500
_JSON = "application/json"


def as_tables(blueprint: ApiBlueprint) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Document that a list is answered as a table, too."""
    return in_formats(blueprint, (MEDIA_TYPES[chosen] for chosen in TABLES))


def in_formats(
    blueprint: ApiBlueprint, media_types: Iterable[str], shape: type[Shape] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Document an answer by each of these media types; `shape` is that of the JSON, where it has one."""
    json = {"type": "object"} if shape is None else blueprint.reference(shape)
    # What is declared last stands first, and generated clients read that.
    in_order = sorted(set(media_types), key=lambda media_type: (media_type == _JSON, media_type))

    def documented(view: Callable[..., Any]) -> Callable[..., Any]:
        for media_type in in_order:
            schema = json if media_type == _JSON else body_of(media_type)
            view = blueprint.alt_response(200, schema=schema, content_type=media_type, success=True)(view)
        return view

    return documented


def format_field(formats: Iterable[str] = MEDIA_TYPES) -> fields.String:
    """Return the field of a query that chooses among formats, `json` unless given."""
    return fields.String(
        load_default="json", validate=validate.OneOf(list(formats)), metadata={"description": "The file's format"}
    )


def sent(
    name: str, file_format: str, pieces_of: Callable[[Connection], Iterable[bytes]], media_type: str | None = None
) -> Response:
    """Send a file's pieces, within one snapshot that ends with the last of them, or when the caller hangs up."""

    def pieces() -> Generator[bytes, None, None]:
        with reading(service().engine) as connection:
            yield from pieces_of(connection)

    return streamed(pieces(), media_type or MEDIA_TYPES[file_format], f"{name}.{ending(file_format)}")


def shown(
    name: str,
    query: Mapping[str, Any],
    shape_of: Callable[[Connection], Any],
    pieces_of: Callable[[Connection], Iterable[bytes]],
) -> Response:
    """Answer what is asked for: as a shape, of a list one page; or whole, as the pieces of a table."""
    if query["format"] != "json":
        return sent(name, query["format"], pieces_of)
    with reading(service().engine) as connection:
        return answered(shape_of(connection))


def streamed(pieces: Generator[bytes, None, None], media_type: str, name: str) -> Response:
    """Send a file piece by piece, under a name; errors before the first piece are answered as problems."""
    first = next(pieces, b"")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = Response(chain([first], pieces), content_type=media_type, headers=headers)
    # A caller who hangs up ends the snapshot too.
    answer.call_on_close(pieces.close)
    return answer
