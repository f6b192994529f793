"""For administrators: who holds tokens. For everybody: what was imported, by whom, and what it changed."""

from collections.abc import Mapping
from typing import Any

import orjson
from marshmallow import Schema, fields
from sqlalchemy import Connection, Row, select

from billing.frame.http.authentication import ADMINS, opened_to
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import page
from billing.frame.http.schemas import instant, page_schema, query_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.tables import api_token
from billing.frame.tokens import revoke_token
from billing.register.tables import import_log

_TEXT = fields.String


class TokenSchema(Schema):
    """A token without its secret."""

    name = _TEXT(required=True)
    scope = _TEXT(required=True)
    created_at = _TEXT(required=True)
    expires_at = _TEXT(required=True, allow_none=True)
    revoked_at = _TEXT(required=True, allow_none=True)


class ImportSchema(Schema):
    """One import, or one writing request."""

    id = fields.Integer(required=True)
    imported_at = _TEXT(required=True)
    source = _TEXT(required=True, metadata={"description": "A folder, or `api:` and the token's name"})
    summary = fields.Dict(required=True, metadata={"description": "New, changed and unchanged rows, and each change"})


blueprint = ApiBlueprint("administration", __name__, url_prefix="/v1", description="Tokens, and the log of imports")


def _token_json(token: Any) -> dict[str, Any]:
    return {
        "name": token.name,
        "scope": token.scope,
        "created_at": instant(token.created_at),
        "expires_at": instant(token.expires_at),
        "revoked_at": instant(token.revoked_at),
    }


@blueprint.route("/tokens")
@blueprint.response(200, page_schema(TokenSchema, "Token"))
@blueprint.arguments(query_schema("TokenQuery", {}), location="query")
@opened_to(ADMINS)
@reads
def list_tokens(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """The tokens ever made, by name; the command line makes them, so that no secret travels here."""
    return page(connection, select(api_token), (api_token.c.name,), query, _token_json)


@blueprint.route("/tokens/<part:name>/revoke", methods=["POST"])
@blueprint.response(200, TokenSchema)
@opened_to(ADMINS)
@writes
def revoke_one_token(connection: Connection, name: str) -> Answer:
    """Let a token open nothing any more, within seconds; revoking it again changes nothing."""
    return Answer(_token_json(revoke_token(connection, name, now=service().clock())))


def _import_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "imported_at": instant(row.imported_at),
        "source": row.source,
        "summary": orjson.loads(row.summary),
    }


@blueprint.route("/imports")
@blueprint.response(200, page_schema(ImportSchema, "Import"))
@blueprint.arguments(query_schema("ImportQuery", {}), location="query")
@reads
def list_imports(connection: Connection, query: Mapping[str, Any]) -> dict[str, Any]:
    """Every change to the register, oldest first: when, by whom, what was before and after."""
    return page(connection, select(import_log), (import_log.c.id,), query, _import_json)
