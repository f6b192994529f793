"""Proof that every user and token is exactly what the recorded acts made it (R32)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from billing.frame.checking import Proof, Step
from billing.frame.tables import api_token, app_user, audit_change, audit_event
from billing.frame.tokens import TOKENS, token_of
from billing.users.administering import password_digest, told


def users(connection: Connection, _step: Step) -> Iterator[str]:
    """Each user is what the acts made it: e-mail, role, login, enabled or not, password."""
    recorded = _recorded(connection, "users")
    rows = {row.name: row for row in connection.execute(select(app_user))}
    for name, row in rows.items():
        stands = told(row) | {"password_sha256": password_digest(row.password_hash)}
        yield from _differences(f"user {name}", stands, recorded.get(name))
    yield from (f"user {name} was added by an act and is missing" for name in recorded.keys() - rows.keys())


def tokens(connection: Connection, _step: Step) -> Iterator[str]:
    """Each token is what the acts made it: scope, user, sites, revoked or not."""
    recorded = _recorded(connection, "tokens")
    first = connection.scalar(select(func.min(audit_event.c.recorded_at)))
    rows = connection.execute(TOKENS.order_by(api_token.c.name)).all()
    for row in rows:
        token = token_of(row)
        stands = {
            "scope": token.scope,
            "user": token.user,
            "sites": list(token.sites),
            "revoked": token.revoked_at is not None,
        }
        acts = recorded.get(token.name)
        if acts is None and first is not None and row.created_at < first:
            # Older than the audit log.
            continue
        made = None if acts is None else {"user": None, "sites": [], "revoked": False} | acts
        yield from _differences(f"token {token.name}", stands, made)
    yield from (f"token {name} was made and is missing" for name in recorded.keys() - {row.name for row in rows})


def _recorded(connection: Connection, subject: str) -> dict[str, dict[str, Any]]:
    """Return what the acts made of each thing: of every value the last that was recorded."""
    c = audit_change.c
    changes = select(c.key, c.after).where(c.subject == subject, c.after.is_not(None)).order_by(c.act_id, c.seq)
    made: dict[str, dict[str, Any]] = {}
    for key, after in connection.execute(changes):
        made.setdefault(key, {}).update(json.loads(after))
    return made


def _differences(thing: str, stands: Mapping[str, Any], made: Mapping[str, Any] | None) -> Iterator[str]:
    if made is None:
        yield f"{thing} stands, and no act made it"
        return
    for column, value in stands.items():
        if made.get(column) != value:
            yield f"{thing}: {column} is {value!r}, the acts made it {made.get(column)!r}"


CHECKS: tuple[Proof, ...] = (users, tokens)
