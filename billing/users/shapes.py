"""The shapes of tokens, and of the log of imports."""

from typing import Annotated, Any, Literal

import orjson
from sqlalchemy import Row

from billing.frame.shapes import Instant, Serial, Shape, Text, about, instant


class Token(Shape, frozen=True):
    """A token without its secret."""

    name: Annotated[Text, about("What it is called, in every log")]
    scope: Annotated[
        Literal["auditor", "finance", "admin"],
        about("auditor: read everything; finance: read and write; admin: the same, and administer"),
    ]
    created_at: Annotated[Instant, about("When it was made")]
    expires_at: Annotated[Instant | None, about("When it ends; null: never")]
    revoked_at: Annotated[Instant | None, about("When it was revoked; null: it was not")]

    @classmethod
    def of(cls, token: Any) -> "Token":
        """Return the token, or the row of one, that is given."""
        return cls(
            name=token.name,
            scope=token.scope,
            created_at=instant(token.created_at),
            expires_at=instant(token.expires_at),
            revoked_at=instant(token.revoked_at),
        )


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
