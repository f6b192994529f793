"""The tokens, for administrators; and for everybody what was imported, by whom, and what it changed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from billing.frame.http.authentication import ADMINS, opened_to
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.tokens import revoke_token
from billing.users.queries import IMPORT_KEY, TOKEN_KEY, imports, tokens
from billing.users.shapes import Import, Token

blueprint = ApiBlueprint("administration", __name__, url_prefix="/v1", description="Tokens, and the log of imports")


@blueprint.route("/tokens")
@blueprint.response(200, Page[Token])
@blueprint.arguments(query_schema("TokenQuery", {}), location="query")
@opened_to(ADMINS)
@reads
def list_tokens(connection: Connection, query: Mapping[str, Any]) -> Page[Token]:
    """The tokens ever made, by name; the command line makes them, so that no secret travels here."""
    return page(connection, tokens(), TOKEN_KEY, query, Token.of)


@blueprint.route("/tokens/<part:name>/revoke", methods=["POST"])
@blueprint.response(200, Token)
@opened_to(ADMINS)
@writes
def revoke_one_token(connection: Connection, name: str) -> Answer:
    """Let a token open nothing any more, within seconds; revoking it again changes nothing."""
    return Answer(Token.of(revoke_token(connection, name, now=service().clock())))


@blueprint.route("/imports")
@blueprint.response(200, Page[Import])
@blueprint.arguments(query_schema("ImportQuery", {}), location="query")
@reads
def list_imports(connection: Connection, query: Mapping[str, Any]) -> Page[Import]:
    """Every change to the register, oldest first: when, by whom, what was before and after."""
    return page(connection, imports(), IMPORT_KEY, query, Import.of)
