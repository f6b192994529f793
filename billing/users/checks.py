"""Proof that every user and token is exactly what the recorded acts made it (R32)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

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
    """Each token is what the acts made it: its digest, scope, user, sites, last day, revoked or not."""
    recorded = _recorded(connection, "tokens")
    e = audit_event.c
    first = connection.scalar(select(e.recorded_at).where(e.id == 1, e.operation == "migrate", e.request_id == "0002"))
    rows = connection.execute(TOKENS.add_columns(api_token.c.token_sha256).order_by(api_token.c.name)).all()
    for row in rows:
        token = token_of(row)
        stands = {
            "scope": token.scope,
            "user": token.user,
            "sites": list(token.sites),
            "revoked": token.revoked_at is not None,
            "expires_on": None if token.expires_on is None else token.expires_on.isoformat(),
            "token_sha256": row.token_sha256,
        }
        acts = recorded.get(token.name)
        if acts is None and first is not None and row.created_at < first:
            # Older than the audit log, whose first act then answers for what stood.
            continue
        # Digests are recorded since version 0032 of the schema.
        untold = {"user": None, "sites": [], "revoked": False, "token_sha256": row.token_sha256}
        made = None if acts is None else untold | acts
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


# What they find is named before whatever follows from it (`billing.check`).
CAUSES: tuple[Proof, ...] = (users, tokens)

CHECKS: tuple[Proof, ...] = (users, tokens)
