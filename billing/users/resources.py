"""The users and tokens, for administrators; and for everybody what was imported, by whom, and what it changed."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection

from billing.frame.database import change_users
from billing.frame.http.authentication import ADMINS, opened_to
from billing.frame.http.entity_tags import require_unchanged, tag_of, tagged
from billing.frame.http.fields import Flag, FullMatch, MailAddress
from billing.frame.http.idempotency import Answer
from billing.frame.http.openapi import LOCATION, TAGGED, ApiBlueprint
from billing.frame.http.paging import Page, page
from billing.frame.http.schemas import query_schema, strict_schema
from billing.frame.http.service import service
from billing.frame.http.transactions import reads, writes
from billing.frame.tokens import revoke_token
from billing.frame.users import ROLES
from billing.users.administering import NAME_PATTERN, UserOrder, add_user, change_user, find_user_row
from billing.users.queries import IMPORT_KEY, TOKEN_KEY, USER_KEY, imports, tokens, users
from billing.users.shapes import Import, Token, User

blueprint = ApiBlueprint(
    "administration",
    __name__,
    url_prefix="/v1",
    tags={"users": "The people who act", "tokens": "What opens the API", "imports": "The log of imports"},
)
_OS_USER = fields.String(
    load_default=None,
    allow_none=True,
    validate=validate.Length(1, 64),
    metadata={"description": "The operating system's user whose commands are this person's; null: none"},
)
_ROLE_DOC = "finance: enters and orders; approver: the same, and approves; auditor: reads; admin: all, and users"
_NAME_DOC = {"description": "What the user is called; never given again", "example": "amina"}
_NEW: Mapping[str, fields.Field[Any]] = {
    "name": fields.String(required=True, validate=FullMatch(NAME_PATTERN), metadata=_NAME_DOC),
    "email": MailAddress(required=True, metadata={"description": "The person's own address"}),
    "role": fields.String(required=True, validate=validate.OneOf(ROLES), metadata={"description": _ROLE_DOC}),
    "os_user": _OS_USER,
}
_CHANGE: Mapping[str, fields.Field[Any]] = {
    "email": MailAddress(metadata={"description": "The person's own address"}),
    "role": fields.String(validate=validate.OneOf(ROLES), metadata={"description": _ROLE_DOC}),
    "os_user": fields.String(
        allow_none=True,
        validate=validate.Length(1, 64),
        metadata={"description": "The operating system's user whose commands are this person's; null: none"},
    ),
    "enabled": Flag(metadata={"description": "false: the user may do nothing any more, by none of the tokens"}),
}


@blueprint.route("/users", tags=["users"])
@blueprint.response(200, Page[User])
@blueprint.arguments(query_schema("UserQuery", {}), location="query")
@opened_to(ADMINS)
@reads
def list_users(connection: Connection, query: Mapping[str, Any]) -> Page[User]:
    """Every user there ever was, by name."""
    return page(connection, users(), USER_KEY, query, User.of)


@blueprint.route("/users", methods=["POST"], tags=["users"])
@blueprint.response(201, User, headers={**LOCATION, **TAGGED})
@blueprint.arguments(strict_schema("UserOrder", _NEW))
@opened_to(ADMINS)
@writes
def create_user(connection: Connection, order: Mapping[str, Any]) -> Answer:
    """Add a user; passwords and tokens are given by the command line, so that no secret travels here."""
    user = User.of(add_user(connection, UserOrder(**order), now=service().clock()))
    return Answer(user, 201, {"Location": f"/v1/users/{user.name}", **tag_of(user)})


@blueprint.route("/users/<part:name>", tags=["users"])
@blueprint.response(200, User, headers=TAGGED)
@opened_to(ADMINS)
@reads
def get_user(connection: Connection, name: str) -> Answer:
    """One user."""
    return tagged(User.of(find_user_row(connection, name)))


@blueprint.route("/users/<part:name>", methods=["PATCH"], tags=["users"])
@blueprint.response(200, User, headers=TAGGED)
@blueprint.arguments(strict_schema("UserChange", _CHANGE))
@opened_to(ADMINS)
@writes
def change_one_user(connection: Connection, change: Mapping[str, Any], name: str) -> Answer:
    """Change the fields given, no other; `enabled` false lets the user do nothing any more, within seconds."""
    # Nobody changes the user between its reading and its writing.
    change_users(connection)
    before = User.of(find_user_row(connection, name))
    after = User.of(change_user(connection, name, dict(change), now=service().clock()))
    require_unchanged(before)
    return tagged(after)


@blueprint.route("/tokens", tags=["tokens"])
@blueprint.response(200, Page[Token])
@blueprint.arguments(query_schema("TokenQuery", {}), location="query")
@opened_to(ADMINS)
@reads
def list_tokens(connection: Connection, query: Mapping[str, Any]) -> Page[Token]:
    """The tokens ever made, by name; the command line makes them, so that no secret travels here."""
    return page(connection, tokens(), TOKEN_KEY, query, Token.of_row)


@blueprint.route("/tokens/<part:name>/revoke", methods=["POST"], tags=["tokens"])
@blueprint.response(200, Token)
@opened_to(ADMINS)
@writes
def revoke_one_token(connection: Connection, name: str) -> Answer:
    """Let a token open nothing any more, within seconds; revoking it again changes nothing."""
    return Answer(Token.of(revoke_token(connection, name, now=service().clock())))


@blueprint.route("/imports", tags=["imports"])
@blueprint.response(200, Page[Import])
@blueprint.arguments(query_schema("ImportQuery", {}), location="query")
@reads
def list_imports(connection: Connection, query: Mapping[str, Any]) -> Page[Import]:
    """Every change to the register, oldest first: when, by whom, what was before and after."""
    return page(connection, imports(), IMPORT_KEY, query, Import.of)
