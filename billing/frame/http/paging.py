"""Lists by cursor: a page begins after a key, so that what is added meanwhile shifts nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Generic, TypeVar

import orjson
from marshmallow import fields, validate
from sqlalchemy import ColumnElement, Connection, Row, Select, tuple_

from billing.frame.http.problems import FieldError, InvalidRequest
from billing.frame.shapes import Shape, about

LIMIT_DEFAULT = 50
LIMIT_MAX = 500
_CURSOR_LENGTH_MAX = 1000
T = TypeVar("T")


class Limit(fields.Integer):
    """The greatest number of items on a page."""

    def __init__(self) -> None:
        super().__init__(
            load_default=LIMIT_DEFAULT,
            validate=validate.Range(1, LIMIT_MAX),
            metadata={"description": "How many items at most"},
        )


class Cursor(fields.String):
    """The beginning of a page: the `next` of the one before."""

    def __init__(self) -> None:
        super().__init__(
            load_default=None,
            validate=validate.Length(1, _CURSOR_LENGTH_MAX),
            metadata={"description": "`next` of the page before; absent for the first page"},
        )


class Page(Shape, Generic[T], frozen=True):
    """One page of a list."""

    items: Annotated[list[T], about("What is listed, in the list's order")]
    next: Annotated[str | None, about("`cursor` of the next page; null on the last")]


def page(
    connection: Connection,
    statement: Select[Any],
    key: Sequence[ColumnElement[Any]],
    query: Mapping[str, Any],
    dump: Callable[[Row[Any]], T],
) -> Page[T]:
    """Return one page of `statement` by `key`, which is unique and which the statement selects.

    `query` holds `limit` and `cursor`. Raises InvalidRequest for a cursor this list did not give.
    """
    return page_together(connection, statement, key, query, lambda rows: [dump(row) for row in rows])


def page_together(
    connection: Connection,
    statement: Select[Any],
    key: Sequence[ColumnElement[Any]],
    query: Mapping[str, Any],
    dump: Callable[[Sequence[Row[Any]]], list[T]],
) -> Page[T]:
    """Return one page as `page` does; `dump` takes all its rows, so nested values cost one statement, not one a row."""
    limit = query["limit"]
    if query["cursor"] is not None:
        after = _decoded(query["cursor"], key)
        statement = statement.where(tuple_(*key) > after if len(key) > 1 else key[0] > after[0])
    rows = connection.execute(statement.order_by(*key).limit(limit + 1)).all()
    following = _encoded(rows[limit - 1], key) if len(rows) > limit else None
    return Page(dump(rows[:limit]), following)


def _encoded(row: Row[Any], key: Sequence[ColumnElement[Any]]) -> str:
    parts = [row._mapping[column] for column in key]
    return urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _decoded(cursor: str, key: Sequence[ColumnElement[Any]]) -> tuple[Any, ...]:
    try:
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list) or len(parts) != len(key):
            raise ValueError("not a key of this list")
        return tuple(_part(part, column.type.python_type) for part, column in zip(parts, key, strict=True))
    except (ValueError, BadBase64):
        wrong = FieldError(
            "query", "cursor", "is no cursor of this list", "send the `next` of its previous page, or none"
        )
        raise InvalidRequest([wrong]) from None


def _part(part: Any, kind: type) -> Any:
    if kind is date and isinstance(part, str):
        return date.fromisoformat(part)
    if not isinstance(part, kind) or isinstance(part, bool):
        raise ValueError("a part of another kind")
    if isinstance(part, int) and not 0 <= part < 2**63:
        raise ValueError("out of range")
    if isinstance(part, str) and "\0" in part:
        raise ValueError("no text of a key")
    return part
