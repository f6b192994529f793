"""Schemas of queries and bodies, put together."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields

from billing.frame.http.paging import Cursor, Limit


def query_schema(name: str, found: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """The query of a list, with its page; unknown parameters are refused."""
    return strict_schema(name, {**found, "limit": Limit(), "cursor": Cursor()})


def strict_schema(name: str, found: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """A schema that refuses unknown fields, and says so in the documentation."""
    base = Schema.from_dict(dict(found), name=name)
    made: type[Schema] = type(name, (base,), {"Meta": type("Meta", (), {"unknown": RAISE, "register": False})})
    return made
