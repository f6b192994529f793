"""Lists by cursor: a page begins after a key, so that what is added meanwhile shifts nothing.

A cursor is the key of the last row, in the order of the list, and a mark of list and order: it stays good for ever.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Generic, TypeVar
from zlib import crc32

import orjson
from flask import request
from marshmallow import fields, validate
from msgspec import UNSET, UnsetType
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, tuple_

from billing.frame.http.problems import InvalidRequest, field_error
from billing.frame.listing import Asked, Listing
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


class Total(fields.String):
    """The wish to be told how many there are in all."""

    def __init__(self) -> None:
        super().__init__(
            validate=validate.OneOf(("true", "false")),
            metadata={"description": "true: `total` says how many there are, on all pages together"},
        )


class Page(Shape, Generic[T], frozen=True):
    """One page of a list."""

    items: Annotated[list[T], about("What is listed, in the list's order")]
    next: Annotated[str | None, about("`cursor` of the next page; null on the last")]
    total: Annotated[int, about("How many there are on all pages together; there if `total=true`")] | UnsetType = UNSET


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
    return _page(connection, statement, (tuple(key), False), query, dump)


def listed_page(
    connection: Connection,
    listing: Listing,
    statement: Select[Any],
    query: Mapping[str, Any],
    dump: Callable[[Sequence[Row[Any]]], list[T]],
) -> Page[T]:
    """Return one page as `page_together` does, of what a list is asked for: searched, since an instant, in an order."""
    asked = Asked.of(query)
    return _page(connection, listing.narrowed(connection, statement, asked), listing.order(asked.sort), query, dump)


def _page(
    connection: Connection,
    statement: Select[Any],
    order: tuple[tuple[ColumnElement[Any], ...], bool],
    query: Mapping[str, Any],
    dump: Callable[[Sequence[Row[Any]]], list[T]],
) -> Page[T]:
    (columns, is_descending), limit = order, query["limit"]
    chosen = statement.add_columns(*(column.label(f"_key_{place}") for place, column in enumerate(columns)))
    if query["cursor"] is not None:
        last = _decoded(query["cursor"], columns, query.get("sort"))
        # A row of one value is compared by no index.
        ends, begins = (tuple_(*columns), last) if len(columns) > 1 else (columns[0], last[0])
        chosen = chosen.where(ends < begins if is_descending else ends > begins)
    chosen = chosen.order_by(*(column.desc() if is_descending else column for column in columns)).limit(limit + 1)
    rows = connection.execute(chosen).all()
    following = _encoded(rows[limit - 1], len(columns), query.get("sort")) if len(rows) > limit else None
    return Page(dump(rows[:limit]), following, _count(connection, statement) if query.get("total") == "true" else UNSET)


def _count(connection: Connection, statement: Select[Any]) -> int:
    return int(connection.scalar(select(func.count()).select_from(statement.subquery())) or 0)


def _mark(sort: str | None) -> int:
    """Return the mark of this list in this order."""
    return crc32(f"{request.path} {sort or ''}".encode())


def _encoded(row: Row[Any], parts: int, sort: str | None) -> str:
    key = [row._mapping[f"_key_{place}"] for place in range(parts)]
    return urlsafe_b64encode(orjson.dumps([_mark(sort), *key])).decode().rstrip("=")


def _decoded(cursor: str, columns: Sequence[ColumnElement[Any]], sort: str | None) -> tuple[Any, ...]:
    try:
        parts = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list) or len(parts) != len(columns) + 1 or parts[0] != _mark(sort):
            raise ValueError("not a key of this list")
        return tuple(_part(part, column.type.python_type) for part, column in zip(parts[1:], columns, strict=True))
    except (ValueError, BadBase64):
        remedy = "send the `next` of its previous page, in the same order, or none"
        raise InvalidRequest([field_error("query", "cursor", "is no cursor of this list", remedy)]) from None


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
