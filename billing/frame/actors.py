"""Whoever gives a command: the user of BILLING_TOKEN, else the operating system's user, as a person if linked."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from billing.frame import tokens
from billing.frame.errors import NotAllowed
from billing.frame.tokens import find_token
from billing.frame.users import find_operating_user

_VARIABLE = "BILLING_TOKEN"
_READ = frozenset({tokens.AUDITOR, tokens.FINANCE, tokens.ADMIN})
_WRITE = frozenset({tokens.FINANCE, tokens.ADMIN})
# The fine scope that opens a command too, by its words or the first of them; `audit` opens those that only read.
_FINE = {
    "payments refund": None,
    "import": tokens.REGISTER,
    "sync": tokens.REGISTER,
    "applications": tokens.REGISTER,
    "usage": tokens.USAGE,
    "payments": tokens.RECEIPTS,
    "cash": tokens.RECEIPTS,
    "statements": tokens.RECEIPTS,
    "run": tokens.RUNS,
    "approvals": tokens.APPROVALS,
    "audit-bundle": tokens.AUDIT,
    "check": tokens.AUDIT,
    "export": tokens.AUDIT,
    "proof": tokens.AUDIT,
    "report": tokens.AUDIT,
    "trail": tokens.AUDIT,
}


class Actor(NamedTuple):
    """Whoever acts, as the audit log calls it; the user behind it, if known; what it may do, None: everything."""

    name: str
    user: str | None = None
    scopes: frozenset[str] | None = None


def actor_at_terminal(connection: Connection, secret: str | None, login: str, *, now: datetime) -> Actor:
    """Return who gives a command: the holder of the token, or without one the user of the operating system.

    Raises NotAllowed for a token that is unknown, has ended or is bound to sites, and for a disabled user.
    """
    if secret is None:
        user = find_operating_user(connection, login)
        if user is None:
            return Actor(login)
        user.require_enabled()
        return Actor(login, user.name, tokens.SCOPES_OF_ROLE[user.role])
    token = find_token(connection, secret.strip())
    if token is None:
        raise NotAllowed(f"{_VARIABLE} is no token that is known: mend it, or unset it to act as {login}")
    if not token.is_valid(now):
        raise NotAllowed(
            f"{_VARIABLE}: the token {token.name} opens nothing any more ({token.state(now)}): make another"
        )
    if token.sites:
        sites = ", ".join(token.sites)
        raise NotAllowed(f"{_VARIABLE}: the token {token.name} is bound to {sites}, and commands are not of one site")
    return Actor(token.name, token.user, token.scopes)


def require_scope(who: Actor, command: str, *, writes: bool) -> None:
    """Raise NotAllowed unless what the actor may do opens a command, named by its words."""
    if who.scopes is None:
        return
    fine = _FINE.get(command, _FINE.get(command.partition(" ")[0]))
    opened = (_WRITE if writes else _READ) | ({fine} if fine and not (writes and fine == tokens.AUDIT) else set())
    if not who.scopes & opened:
        has = " ".join(sorted(who.scopes)) or "none"
        raise NotAllowed(
            f"{who.user or who.name} may not give this command: it needs scope {' or '.join(sorted(opened))}, not {has}"
        )
