"""The schemas of requests: queries, bodies."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields

from billing.frame.http.paging import Cursor, Limit


def query_schema(name: str, named: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """Return the query of a list, with its page; unknown parameters are refused."""
    return strict_schema(name, {**named, "limit": Limit(), "cursor": Cursor()})


def strict_schema(name: str, named: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """Return a schema that refuses unknown fields, and says so in the documentation."""
    base = Schema.from_dict(dict(named), name=name)
    made: type[Schema] = type(name, (base,), {"Meta": type("Meta", (), {"unknown": RAISE, "register": False})})
    return made
