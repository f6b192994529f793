"""The shapes of users, of tokens, and of the log of imports."""

from typing import Annotated, Any, Literal

import orjson
from sqlalchemy import Row

from billing.frame import tokens
from billing.frame.shapes import Instant, Serial, Shape, SiteCode, Text, about, instant


class User(Shape, frozen=True):
    """A person who acts."""

    name: Annotated[Text, about("What the user is called, in every log")]
    email: Annotated[Text, about("The person's own address")]
    role: Annotated[
        Literal["finance", "approver", "auditor", "admin"],
        about("finance: enters and orders; approver: the same, and approves; auditor: reads; admin: all, and users"),
    ]
    os_user: Annotated[Text | None, about("The operating system's user whose commands are this person's; null: none")]
    enabled: Annotated[bool, about("Whether the user may act")]
    has_password: Annotated[bool, about("Whether a password was given")]
    created_at: Annotated[Instant, about("When the user was added")]
    disabled_at: Annotated[Instant | None, about("When the user was disabled; null: the user may act")]

    @classmethod
    def of(cls, row: Row[Any]) -> "User":
        """Return the user whose row of `USERS` is given."""
        return cls(
            name=row.name,
            email=row.email,
            role=row.role,
            os_user=row.os_user,
            enabled=row.disabled_at is None,
            has_password=bool(row.has_password),
            created_at=instant(row.created_at),
            disabled_at=instant(row.disabled_at),
        )


class Token(Shape, frozen=True):
    """A token without its secret."""

    name: Annotated[Text, about("What it is called, in every log")]
    user: Annotated[Text | None, about("Whose it is; null: a program's")]
    scope: Annotated[
        Text,
        about(
            "What it opens, parted by blanks. auditor: read everything; finance: read and write; admin: the same, and "
            "administer; of one subject: usage, register, receipts, runs, approvals, audit"
        ),
    ]
    sites: Annotated[list[SiteCode] | None, about("The sites it is bound to; null: none")]
    created_at: Annotated[Instant, about("When it was made")]
    expires_at: Annotated[Instant | None, about("When it ends; null: never")]
    revoked_at: Annotated[Instant | None, about("When it was revoked; null: it was not")]

    @classmethod
    def of(cls, token: tokens.Token) -> "Token":
        """Return a token as answers show it."""
        return cls(
            name=token.name,
            user=token.user,
            scope=token.scope,
            sites=list(token.sites) or None,
            created_at=instant(token.created_at),
            expires_at=instant(token.expires_at),
            revoked_at=instant(token.revoked_at),
        )

    @classmethod
    def of_row(cls, row: Row[Any]) -> "Token":
        """Return the token whose row of `TOKENS` is given."""
        return cls.of(tokens.token_of(row))


class Import(Shape, frozen=True):
    """One import, or one writing request."""

    id: Annotated[Serial, about("Its number")]
    imported_at: Annotated[Instant, about("When it was written")]
    source: Annotated[Text, about("A folder, or `api:` and the token's name")]
    summary: Annotated[dict[str, Any], about("New, changed and unchanged rows, and each change")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Import":
        """Return the import whose row is given."""
        return cls(
            id=row.id,
            imported_at=instant(row.imported_at),
            source=row.source,
            summary=orjson.loads(row.summary),
        )
