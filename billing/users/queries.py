"""The tokens and the imports, as the API lists them."""

from typing import Any

from sqlalchemy import Select, select

from billing.frame.tables import api_token
from billing.frame.tokens import TOKENS
from billing.register.tables import import_log

TOKEN_KEY = (api_token.c.name,)
IMPORT_KEY = (import_log.c.id,)


def tokens() -> Select[Any]:
    """Select every token ever made, without its secret's hash."""
    return TOKENS


def imports() -> Select[Any]:
    """Select the imports and writing requests that changed the register."""
    return select(import_log)
