"""Users are added, changed and disabled here, and given passwords; a name and an e-mail stand for one person.

One person under two names could approve what they ordered, so an e-mail is taken once, and a user of the operating
system is linked to one user.
"""

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import scrypt, sha256
from secrets import token_bytes
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from billing.approvals.beginning import begin_if_due
from billing.frame.actors import Actor
from billing.frame.added_rows import note_rows
from billing.frame.audit_log import record_change
from billing.frame.database import change_users
from billing.frame.errors import Conflict, Fault, NotAllowed, Refused, Unknown
from billing.frame.tables import api_token, app_user
from billing.frame.tokens import ADMIN as ADMIN_SCOPE
from billing.frame.users import ADMIN, ROLES, USERS
from invoices.errors import UnusableAddress
from invoices.mail import parse_mailbox

PASSWORD_LENGTH_LEAST = 12
PASSWORD_LENGTH_MAX = 1024
NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_NAME = re.compile(NAME_PATTERN, re.ASCII)
_LOGIN_LENGTH_MAX = 64
# scrypt takes a tenth of a second and 64 MiB with these (OWASP's first choice is N = 2^17; 2^16 with r = 8, p = 2).
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P, _SALT_BYTES, _MEMORY = 1 << 16, 8, 2, 16, 1 << 27


class UserOrder(NamedTuple):
    """A person to be added: `os_user` is the user of the operating system whose commands are theirs."""

    name: str
    email: str
    role: str
    os_user: str | None = None


def add_user(connection: Connection, order: UserOrder, *, now: datetime) -> Row[Any]:
    """Add a user and return its row. Raises Refused with every fault, Conflict for what is taken."""
    change_users(connection)
    wanted = order._replace(email=order.email.strip())
    _require_possible(connection, wanted, None)
    connection.execute(insert(app_user).values(**wanted._asdict(), created_at=now))
    row = find_user_row(connection, wanted.name)
    record_change(connection, "users", wanted.name, None, told(row))
    begin_if_due(connection, now=now)
    return row


def change_user(connection: Connection, name: str, values: dict[str, Any], *, now: datetime) -> Row[Any]:
    """Change what is given of a user: `email`, `role`, `os_user` (None: not linked), `enabled`; return its row.

    Raises Unknown, Refused, Conflict.
    """
    change_users(connection)
    before = find_user_row(connection, name)
    given: dict[str, Any] = {key: values[key] for key in ("email", "role", "os_user") if key in values}
    standing = {"name": before.name, "email": before.email, "role": before.role, "os_user": before.os_user}
    _require_possible(connection, UserOrder(**(standing | given)), name)
    if "enabled" in values and values["enabled"] != (before.disabled_at is None):
        given["disabled_at"] = None if values["enabled"] else now
    given = {column: value for column, value in given.items() if value != getattr(before, column)}
    if given:
        connection.execute(update(app_user).where(app_user.c.name == name).values(**given))
        note_rows(connection, app_user, [name])
    after = find_user_row(connection, name)
    if told(after) != told(before):
        record_change(connection, "users", name, told(before), told(after))
        begin_if_due(connection, now=now)
    return after


def set_password(connection: Connection, name: str, password: str) -> None:
    """Keep a password's hash for a user, in place of the one before. Raises Unknown, Refused."""
    change_users(connection)
    find_user_row(connection, name)
    if not PASSWORD_LENGTH_LEAST <= len(password) <= PASSWORD_LENGTH_MAX:
        problem = f"must be {PASSWORD_LENGTH_LEAST} to {PASSWORD_LENGTH_MAX} characters long"
        raise Refused([Fault("user", None, "password", None, problem, "several words make a good one")])
    kept = _hashed(password)
    connection.execute(update(app_user).where(app_user.c.name == name).values(password_hash=kept))
    note_rows(connection, app_user, [name])
    record_change(connection, "users", name, None, {"password_sha256": password_digest(kept)})


def find_user_row(connection: Connection, name: str) -> Row[Any]:
    """Return a user's row of `USERS`; raises Unknown."""
    row = connection.execute(USERS.where(app_user.c.name == name)).one_or_none()
    if row is None:
        raise Unknown(f"no user is named {name}: see `technopark-billing users list`")
    return row


def require_administrator(connection: Connection, who: Actor) -> None:
    """Raise NotAllowed for a known user who is no administrator, once an administrator can act.

    Before that somebody must begin; and whoever runs the program on its host without being linked to a user can read
    and write the database anyhow.
    """
    if who.scopes is None or ADMIN_SCOPE in who.scopes:
        return
    with_token = select(api_token.c.user_name).where(
        api_token.c.scope.contains(ADMIN_SCOPE), api_token.c.revoked_at.is_(None), api_token.c.user_name.is_not(None)
    )
    can_act = select(app_user.c.name).where(
        app_user.c.role == ADMIN,
        app_user.c.disabled_at.is_(None),
        or_(app_user.c.os_user.is_not(None), app_user.c.name.in_(with_token)),
    )
    administrator = connection.scalar(can_act.order_by(app_user.c.name).limit(1))
    if administrator is not None:
        raise NotAllowed(
            f"{who.user or who.name} may not administer users and tokens: ask {administrator}, an administrator"
        )


def require_own_or_administrator(connection: Connection, who: Actor, name: str) -> None:
    """Raise NotAllowed unless users give a password to themselves, or an administrator does."""
    if who.user != name:
        require_administrator(connection, who)


def _hashed(password: str) -> str:
    """Return `scrypt$N$r$p$SALT$KEY`, so that the parameters may grow."""
    salt = token_bytes(_SALT_BYTES)
    key = scrypt(password.encode("utf-8"), salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=_MEMORY, dklen=32)
    salted = (base64.b64encode(part).decode() for part in (salt, key))
    return "$".join(("scrypt", str(_SCRYPT_N), str(_SCRYPT_R), str(_SCRYPT_P), *salted))


def password_digest(kept: str | None) -> str | None:
    """Return the digest by which the audit log tells one password's hash from another; the hash itself stays here."""
    return None if kept is None else sha256(kept.encode()).hexdigest()


def told(row: Row[Any]) -> dict[str, Any]:
    """Return a user as the audit log keeps it."""
    return {"email": row.email, "role": row.role, "os_user": row.os_user, "enabled": row.disabled_at is None}


def _require_possible(connection: Connection, order: UserOrder, name: str | None) -> None:
    """Raise Refused or Conflict for a user that can't be so; `name` is the user that is changed, None: a new one."""
    faults = list(_faults(order))
    if faults:
        raise Refused(faults)
    c = app_user.c
    others = select(c.name).where(c.name != (name or "")).limit(1)
    if name is None and connection.scalar(others.where(func.lower(c.name) == order.name.lower())) is not None:
        raise Conflict(f"a user named {order.name} exists or existed: choose another name")
    holder = connection.scalar(others.where(func.lower(c.email) == order.email.lower()))
    if holder is not None:
        raise Conflict(f"{order.email} is {holder}'s: one person is one user")
    if order.os_user is not None:
        holder = connection.scalar(others.where(c.os_user == order.os_user))
        if holder is not None:
            raise Conflict(f"the operating system's user {order.os_user} is linked to {holder}: one person is one user")


def _faults(order: UserOrder) -> Iterator[Fault]:
    def fault(column: str, value: str, problem: str, remedy: str) -> Fault:
        return Fault("user", None, column, value, problem, remedy)

    if _NAME.fullmatch(order.name) is None:
        yield fault("name", order.name, "is no name for a user", "use 1 to 64 letters, digits, . _ or -")
    try:
        parse_mailbox(order.email)
    except UnusableAddress as error:
        yield fault("email", order.email, str(error), "give the person's own address")
    if order.role not in ROLES:
        yield fault("role", order.role, "is not a role", f"choose one of {', '.join(ROLES)}")
    login = order.os_user
    if login is not None and (not 0 < len(login) <= _LOGIN_LENGTH_MAX or not login.isprintable() or " " in login):
        yield fault("os_user", login, "is no login", "give the name that `whoami` prints")
