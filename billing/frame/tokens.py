"""Bearer tokens: made, found, listed, revoked. Only their hash is kept.

A token is somebody's, or a program's. It opens what its scopes say, and never more than its user's role does.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from billing.frame import users
from billing.frame.added_rows import note_rows
from billing.frame.audit_log import record_change
from billing.frame.civil_time import TIME_ZONE, midnight, utc
from billing.frame.errors import Conflict, Fault, Refused, Unknown
from billing.frame.tables import api_token, app_user

# The wide scopes may, in turn: read everything; read and write; the same, and administer users and tokens.
AUDITOR = "auditor"
FINANCE = "finance"
ADMIN = "admin"
SCOPES = (AUDITOR, FINANCE, ADMIN)
# The fine scopes open the addresses of one subject: `usage` adds usage events and nothing else, `audit` only reads.
USAGE = "usage"
REGISTER = "register"
RECEIPTS = "receipts"
RUNS = "runs"
APPROVALS = "approvals"
AUDIT = "audit"
FINE_SCOPES = (USAGE, REGISTER, RECEIPTS, RUNS, APPROVALS, AUDIT)
# A token with these scopes alone can be bound to sites: what they open are rows of one site each.
SITE_SCOPES = frozenset({USAGE, REGISTER})
_READING = frozenset({AUDITOR, AUDIT})
_EVERY = frozenset({*SCOPES, *FINE_SCOPES})
# What the tokens of a user may open at most; an approver's approve, which is not a matter of scope alone.
SCOPES_OF_ROLE = {
    users.AUDITOR: _READING,
    users.FINANCE: _EVERY - {ADMIN},
    users.APPROVER: _EVERY - {ADMIN},
    users.ADMIN: _EVERY,
}

# The prefix makes a token found in a file or a log recognisable.
PREFIX = "tpb_"
_RANDOM_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
# Every token ever made, without its secret's hash, and whose it is.
TOKENS = select(
    api_token.c.name,
    api_token.c.scope,
    api_token.c.created_at,
    api_token.c.expires_at,
    api_token.c.revoked_at,
    api_token.c.user_name,
    api_token.c.sites,
    app_user.c.role,
    app_user.c.disabled_at,
).outerjoin_from(api_token, app_user, app_user.c.name == api_token.c.user_name)


class Token(NamedTuple):
    """A token without its secret; instants in UTC. `role` and `disabled_at` are its user's."""

    name: str
    scope: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    user: str | None = None
    sites: tuple[str, ...] = ()
    role: str | None = None
    disabled_at: datetime | None = None

    @property
    def expires_on(self) -> date | None:
        """Return the last day on which it is valid; None for one that does not end."""
        return None if self.expires_at is None else _last_day(self.expires_at)

    def is_valid(self, now: datetime) -> bool:
        """Return whether the token is valid at that instant."""
        ended = self.revoked_at is not None or self.disabled_at is not None
        return not ended and (self.expires_at is None or now < self.expires_at)

    def state(self, now: datetime) -> str:
        """Return `valid`, or why it is not."""
        if self.is_valid(now):
            return "valid"
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.disabled_at is None else "user disabled"

    @property
    def scopes(self) -> frozenset[str]:
        """Return what it opens: its scopes, as far as its user's role goes today."""
        return _opened(self.scope, self.role)


@cache
def _opened(scope: str, role: str | None) -> frozenset[str]:
    given = frozenset(scope.split())
    return given if role is None else given & SCOPES_OF_ROLE[role]


def create_token(
    connection: Connection,
    name: str,
    scope: str,
    *,
    now: datetime,
    expires_on: date | None = None,
    user: str | None = None,
    sites: Sequence[str] = (),
) -> str:
    """Make a token and give its secret, which is shown this once and kept nowhere.

    `scope` is one scope or several, parted by blanks; `sites` bind it to these. It can be used up to the end of the
    day `expires_on` in Casablanca. Raises Refused for a name, scope, user or day that can't be, and Conflict when the
    name was ever given: a name stands for one token in every log.
    """
    scope = " ".join(dict.fromkeys(scope.split()))
    owner = None if user is None else users.find_user(connection, user)
    faults = list(_faults(name, scope, now, expires_on))
    faults += _faults_of_user(user, owner, scope)
    if sites and not SITE_SCOPES.issuperset(scope.split()):
        which = " and ".join(sorted(SITE_SCOPES))
        remedy = f"only {which} are of one site: give these scopes, or no site"
        faults.append(Fault("token", None, "sites", " ".join(sites), f"can't bind the scope {scope}", remedy))
    if faults:
        raise Refused(faults)
    if connection.scalar(select(api_token.c.name).where(api_token.c.name == name)) is not None:
        raise Conflict(f"a token named {name} exists or existed: choose another name")
    secret = PREFIX + token_urlsafe(_RANDOM_BYTES)
    digest = _digest(secret)
    bound = tuple(sorted(set(sites)))
    connection.execute(
        insert(api_token).values(
            name=name,
            token_sha256=digest,
            scope=scope,
            created_at=now,
            expires_at=None if expires_on is None else _end_of(expires_on),
            user_name=user,
            sites=json.dumps(bound, ensure_ascii=False) if bound else None,
        )
    )
    expires = None if expires_on is None else expires_on.isoformat()
    # The digest too: another one in its place would let somebody else in.
    made = {"scope": scope, "expires_on": expires, "user": user, "sites": list(bound), "token_sha256": digest}
    record_change(connection, "tokens", name, None, made)
    return secret


def find_token(connection: Connection, secret: str) -> Token | None:
    """Return the token with that secret, valid or not; None if there is none.

    It is looked for by its hash, so how long that takes tells nothing of the secrets there are.
    """
    row = connection.execute(TOKENS.where(api_token.c.token_sha256 == _digest(secret))).one_or_none()
    return None if row is None else token_of(row)


def find_named_token(connection: Connection, name: str) -> Token | None:
    """Return the token of that name, valid or not; None if there is none."""
    row = connection.execute(TOKENS.where(api_token.c.name == name)).one_or_none()
    return None if row is None else token_of(row)


def list_tokens(connection: Connection) -> list[Token]:
    """Return every token ever made, by name."""
    return [token_of(row) for row in connection.execute(TOKENS.order_by(api_token.c.name))]


def revoke_token(connection: Connection, name: str, *, now: datetime) -> Token:
    """Let a token open nothing any more; revoking it again changes nothing. Raises Unknown."""
    token = find_named_token(connection, name)
    if token is None:
        raise Unknown(f"no token is named {name}: see `technopark-billing token list`")
    if token.revoked_at is None:
        connection.execute(update(api_token).where(api_token.c.name == name).values(revoked_at=now))
        note_rows(connection, api_token, [name])
        token = token._replace(revoked_at=now)
        record_change(connection, "tokens", name, {"revoked": False}, {"revoked": True})
    return token


def token_of(row: Any) -> Token:
    """Return the token whose row of `TOKENS` is given."""
    return Token(
        name=row.name,
        scope=row.scope,
        created_at=utc(row.created_at),
        expires_at=utc(row.expires_at),
        revoked_at=utc(row.revoked_at),
        user=row.user_name,
        sites=() if row.sites is None else tuple(json.loads(row.sites)),
        role=row.role,
        disabled_at=utc(row.disabled_at),
    )


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _last_day(end: datetime) -> date:
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(TIME_ZONE)).date()


def _end_of(day: date) -> datetime:
    return midnight(day + timedelta(days=1))


def _faults(name: str, scope: str, now: datetime, expires_on: date | None) -> Iterator[Fault]:
    if _NAME.fullmatch(name) is None:
        yield Fault("token", None, "name", name, "is no name for a token", "use 1 to 64 letters, digits, . _ @ or -")
    known = (*SCOPES, *FINE_SCOPES)
    if not scope or not _EVERY.issuperset(scope.split()):
        yield Fault("token", None, "scope", scope, "is not a scope", f"choose among {', '.join(known)}")
    if expires_on is not None and (expires_on >= date.max or _end_of(expires_on) <= now):
        yield Fault("token", None, "expires_on", str(expires_on), "has passed", "give a day to come, or none")


def _faults_of_user(user: str | None, owner: users.User | None, scope: str) -> Iterator[Fault]:
    """Yield why a token with this scope can't be that user's."""
    if user is None:
        return
    if owner is None:
        yield Fault("token", None, "user", user, "is not known", "see `technopark-billing users list`")
    elif owner.disabled_at is not None:
        yield Fault("token", None, "user", user, "is disabled", "name somebody who still acts")
    else:
        wider = [part for part in scope.split() if part in _EVERY - SCOPES_OF_ROLE[owner.role]]
        if wider:
            remedy = f"the role {owner.role} opens {', '.join(sorted(SCOPES_OF_ROLE[owner.role]))}"
            yield Fault("token", None, "scope", " ".join(wider), f"is more than {user} may do", remedy)
