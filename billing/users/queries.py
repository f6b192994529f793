"""The users, the tokens and the imports, as the API and the commands list them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from billing.frame.errors import Unknown
from billing.frame.tables import api_token, app_user
from billing.frame.tokens import TOKENS
from billing.frame.users import USERS
from billing.register.tables import import_log, site
from billing.users.shapes import User

USER_KEY = (app_user.c.name,)
TOKEN_KEY = (api_token.c.name,)
IMPORT_KEY = (import_log.c.id,)


def users() -> Select[Any]:
    """Select every user there ever was."""
    return USERS


def users_listed(connection: Connection) -> list[User]:
    """Return every user, by name."""
    return [User.of(row) for row in connection.execute(users().order_by(*USER_KEY))]


def tokens() -> Select[Any]:
    """Select every token ever made, without its secret's hash."""
    return TOKENS


def imports() -> Select[Any]:
    """Select the imports and writing requests that changed the register."""
    return select(import_log)


def require_sites(connection: Connection, codes: Sequence[str]) -> None:
    """Raise Unknown for a code that is no site's: a token bound to it would open nothing."""
    known = set(connection.scalars(select(site.c.code).where(site.c.code.in_(codes)))) if codes else set()
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise Unknown(f"there is no site {', '.join(unknown)}: import the sites first, or check the code")
