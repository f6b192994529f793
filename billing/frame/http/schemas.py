"""The schemas of requests: queries, bodies."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from billing.frame.http.fields import Instant
from billing.frame.http.paging import Cursor, Limit, Total
from billing.frame.listing import Listing

_SEARCH_LENGTH_MAX = 200


def query_schema(name: str, named: Mapping[str, fields.Field[Any]], listing: Listing | None = None) -> type[Schema]:
    """Return the query of a list, with what its listing can be asked for and its page; others are refused."""
    asked = {} if listing is None else _asked_of(listing)
    return strict_schema(name, {**named, **asked, "limit": Limit(), "cursor": Cursor(), "total": Total()})


def _asked_of(listing: Listing) -> dict[str, fields.Field[Any]]:
    return {
        "search": fields.String(
            validate=validate.Length(1, _SEARCH_LENGTH_MAX),
            metadata={
                "description": f"Only those with this text in {listing.searched}; accents and case do not matter"
            },
        ),
        "created_after": Instant(metadata={"description": "Only those that were added after this instant"}),
        "updated_after": Instant(
            metadata={"description": "Only those that were added, or to which something happened, after this instant"}
        ),
        "sort": fields.String(
            validate=validate.OneOf(listing.orders),
            metadata={"description": "What they are sorted by; after `-` the greatest, or the last, comes first"},
        ),
    }


def strict_schema(name: str, named: Mapping[str, fields.Field[Any]]) -> type[Schema]:
    """Return a schema that refuses unknown fields, and says so in the documentation."""
    base = Schema.from_dict(dict(named), name=name)
    made: type[Schema] = type(name, (base,), {"Meta": type("Meta", (), {"unknown": RAISE, "register": False})})
    return made
