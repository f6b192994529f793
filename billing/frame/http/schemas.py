"""How schemas are put together: pages of something, queries, bodies; and how instants are written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import RAISE, Schema, fields

from billing.frame.http.paging import Cursor, Limit


def page_schema(item: type[Schema], name: str) -> type[Schema]:
    """One page of a list."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next": fields.String(
                required=True, allow_none=True, metadata={"description": "`cursor` of the next page"}
            ),
        },
        name=f"{name}Page",
    )


def query_schema(name: str, found: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """The query of a list, with its page; unknown parameters are refused."""
    return strict_schema(name, {**found, "limit": Limit(), "cursor": Cursor()})


def strict_schema(name: str, found: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """A schema that refuses unknown fields, and says so in the documentation."""
    base = Schema.from_dict(dict(found), name=name)
    made: type[Schema] = type(name, (base,), {"Meta": type("Meta", (), {"unknown": RAISE, "register": False})})
    return made


def instant(at: datetime | None) -> str | None:
    """A UTC instant as answers write it: `2026-09-01T05:00:00Z`."""
    if at is None:
        return None
    # SQLite keeps instants in UTC, without saying so.
    utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return utc.isoformat(timespec="seconds").replace("+00:00", "Z")
