"""Bearer tokens of the HTTP API: made, found, listed, revoked. Only their hash is kept."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from billing.frame.audit_log import record_change
from billing.frame.civil_time import TIME_ZONE
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.frame.tables import api_token

# The scopes may, in turn: read everything; read and write; the same, and administer tokens.
AUDITOR = "auditor"
FINANCE = "finance"
ADMIN = "admin"
SCOPES = (AUDITOR, FINANCE, ADMIN)

# The prefix makes a token found in a file or a log recognisable.
PREFIX = "tpb_"
_RANDOM_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
# Every token ever made, without its secret's hash.
TOKENS = select(
    api_token.c.name, api_token.c.scope, api_token.c.created_at, api_token.c.expires_at, api_token.c.revoked_at
)


class Token(NamedTuple):
    """A token without its secret; instants in UTC."""

    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the token is valid at that instant."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create_token(
    connection: Connection, name: str, scope: str, *, now: datetime, expires_on: date | None = None
) -> str:
    """Make a token and give its secret, which is shown this once and kept nowhere.

    It can be used up to the end of the day `expires_on` in Casablanca. Raises Refused for a name,
    scope or day that can't be, and Conflict when the name was ever given: a name stands for one token
    in every log.
    """
    faults = list(_faults(name, scope, now, expires_on))
    if faults:
        raise Refused(faults)
    if connection.scalar(select(api_token.c.name).where(api_token.c.name == name)) is not None:
        raise Conflict(f"a token named {name} exists or existed: choose another name")
    secret = PREFIX + token_urlsafe(_RANDOM_BYTES)
    connection.execute(
        insert(api_token).values(
            name=name,
            token_sha256=_digest(secret),
            scope=scope,
            created_at=now,
            expires_at=None if expires_on is None else _end_of(expires_on),
        )
    )
    expires = None if expires_on is None else expires_on.isoformat()
    record_change(connection, "tokens", name, None, {"scope": scope, "expires_on": expires})
    return secret


def find_token(connection: Connection, secret: str) -> Token | None:
    """Return the token with that secret, valid or not; None if there is none."""
    row = connection.execute(TOKENS.where(api_token.c.token_sha256 == _digest(secret))).one_or_none()
    return None if row is None else _token(row)


def list_tokens(connection: Connection) -> list[Token]:
    """Return every token ever made, by name."""
    return [_token(row) for row in connection.execute(TOKENS.order_by(api_token.c.name))]


def revoke_token(connection: Connection, name: str, *, now: datetime) -> Token:
    """Let a token open nothing any more; revoking it again changes nothing. Raises Unknown."""
    row = connection.execute(TOKENS.where(api_token.c.name == name)).one_or_none()
    if row is None:
        raise Unknown(f"no token is named {name}: see `technopark-billing token list`")
    token = _token(row)
    if token.revoked_at is None:
        connection.execute(update(api_token).where(api_token.c.name == name).values(revoked_at=now))
        token = token._replace(revoked_at=now)
        record_change(connection, "tokens", name, {"revoked": False}, {"revoked": True})
    return token


def _token(row: Any) -> Token:
    return Token(row.name, row.scope, *(_utc(at) for at in (row.created_at, row.expires_at, row.revoked_at)))


def _utc(at: datetime | None) -> Any:
    # SQLite keeps instants in UTC, without saying so.
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(TIME_ZONE)).astimezone(UTC)


def _faults(name: str, scope: str, now: datetime, expires_on: date | None) -> Iterator[Fault]:
    if _NAME.fullmatch(name) is None:
        yield Fault("token", None, "name", name, "is no name for a token", "use 1 to 64 letters, digits, . _ @ or -")
    if scope not in SCOPES:
        yield Fault("token", None, "scope", scope, "is not a scope", f"choose one of {', '.join(SCOPES)}")
    if expires_on is not None and (expires_on >= date.max or _end_of(expires_on) <= now):
        yield Fault("token", None, "expires_on", str(expires_on), "has passed", "give a day to come, or none")
