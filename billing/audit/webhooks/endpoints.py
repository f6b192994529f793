"""Endpoints are added, changed, disabled, removed, and told again from a day; each by an act.

The act says the origin and the types, not the path: a URL may hold a secret of the receiver. The secret that signs is
kept as it is, since signing needs it; it is shown when it is made, and by nothing else.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, Select, insert, select, update

from billing.audit.feed.queries import end_of_feed, place_at
from billing.audit.feed.types import is_wanted_type
from billing.audit.webhooks.addresses import Network, origin_of, parse_target
from billing.audit.webhooks.tables import webhook_endpoint, webhook_progress
from billing.frame.added_rows import note_rows
from billing.frame.audit_log import act_of, record_change
from billing.frame.civil_time import midnight
from billing.frame.codes import WEBHOOK
from billing.frame.errors import Conflict, Fault, Refused, Unknown

SUBJECT = "webhook-endpoints"
_SECRET_BYTES = 32
_BY_ORDER = "disabled by order"


class Made(NamedTuple):
    """An endpoint that was added, and its secret, which nothing shows again."""

    key: int
    secret: str


def add_endpoint(
    connection: Connection, url: str, types: Sequence[str], *, networks: Sequence[Network], now: datetime
) -> Made:
    """Add an endpoint that is told what happens from now on; no types: all. Raises Refused."""
    _require_possible(url, types, networks)
    secret = f"whsec_{base64.b64encode(token_bytes(_SECRET_BYTES)).decode()}"
    person = act_of(connection).person
    values = {"url": url, "types": _kept(types), "secret": secret, "created_at": now, "created_by": person}
    row = connection.execute(insert(webhook_endpoint).values(values).returning(*webhook_endpoint.c)).one()
    note_rows(connection, webhook_endpoint, [row.id])
    from_now_on = {"endpoint_id": row.id, "told_until": end_of_feed(connection), "attempts": 0}
    connection.execute(insert(webhook_progress).values(from_now_on))
    record_change(connection, SUBJECT, WEBHOOK.format(row.id), None, _told(row))
    return Made(row.id, secret)


def change_endpoint(
    connection: Connection, key: int, values: Mapping[str, Any], *, networks: Sequence[Network], now: datetime
) -> None:
    """Change what is given of an endpoint: `url`, `types` (none: all), `enabled`; raises Unknown, Refused, Conflict.

    Enabled again, it is told all that it missed, in order.
    """
    row = hold_endpoint(connection, key)
    url, types = values.get("url", row.url), values.get("types", types_of(row))
    _require_possible(url, types, networks)
    changed: dict[str, Any] = {"url": url, "types": _kept(types)}
    enabled = values.get("enabled", row.disabled_at is None)
    if enabled != (row.disabled_at is None):
        why = act_of(connection).reason or _BY_ORDER
        changed |= {"disabled_at": None if enabled else now, "disabled_for": None if enabled else why}
    if any(getattr(row, name) != value for name, value in changed.items()):
        _change(connection, row, changed)
        _begin_anew(connection, key)
    elif values.get("enabled"):
        # Whoever has mended a receiver need not wait for the next attempt.
        _begin_anew(connection, key)


def disable_failing(connection: Connection, key: int, why: str, *, now: datetime) -> None:
    """Disable an endpoint that takes nothing any more, unless somebody has disabled or removed it by now."""
    row = connection.execute(_locked(key)).one()
    if row.disabled_at is None and row.removed_at is None:
        _change(connection, row, {"disabled_at": now, "disabled_for": why})


def remove_endpoint(connection: Connection, key: int, *, now: datetime) -> None:
    """Tell an endpoint nothing any more, for good; its secret is forgotten. Raises Unknown, Conflict."""
    _change(connection, hold_endpoint(connection, key), {"secret": None, "removed_at": now})
    _begin_anew(connection, key)


def replay(connection: Connection, key: int, since: date) -> None:
    """Have an endpoint told again what happened from a day on (Casablanca); raises Unknown, Conflict.

    Each webhook bears the id it had before. What lies before that day and was not told yet is left out.
    """
    if hold_endpoint(connection, key).disabled_at is not None:
        raise Conflict(f"{WEBHOOK.format(key)} is disabled: enable it first")
    _begin_anew(connection, key, told_until=place_at(connection, midnight(since)))
    record_change(connection, SUBJECT, WEBHOOK.format(key), {}, {"replayed_from": since.isoformat()})


def types_of(row: Row[Any]) -> list[str]:
    """Return the types an endpoint wants; none: all."""
    return [] if row.types is None else list(orjson.loads(row.types))


def _kept(types: Sequence[str]) -> str | None:
    return orjson.dumps(sorted(set(types))).decode() if types else None


def _told(row: Row[Any]) -> dict[str, Any]:
    """Return an endpoint as the audit log keeps it."""
    return {
        "origin": origin_of(row.url),
        "url_sha256": sha256(row.url.encode()).hexdigest(),
        "types": types_of(row) or None,
        "enabled": row.disabled_at is None,
        "disabled_for": row.disabled_for,
    }


def _locked(key: int) -> Select[Any]:
    return select(webhook_endpoint).where(webhook_endpoint.c.id == key).with_for_update()


def hold_endpoint(connection: Connection, key: int) -> Row[Any]:
    """Return an endpoint's row, which nobody else changes until the transaction ends; raises Unknown, Conflict."""
    row = connection.execute(_locked(key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no endpoint {WEBHOOK.format(key)}: see `technopark-billing webhooks list`")
    if row.removed_at is not None:
        raise Conflict(f"{WEBHOOK.format(key)} was removed for good: add an endpoint")
    return row


def _change(connection: Connection, row: Row[Any], values: Mapping[str, Any]) -> None:
    of_endpoint = webhook_endpoint.c.id == row.id
    connection.execute(update(webhook_endpoint).where(of_endpoint).values(**values))
    note_rows(connection, webhook_endpoint, [row.id])
    after = connection.execute(select(webhook_endpoint).where(of_endpoint)).one()
    became = _told(after) if after.removed_at is None else None
    record_change(connection, SUBJECT, WEBHOOK.format(row.id), _told(row), became)


def _begin_anew(connection: Connection, key: int, **values: Any) -> None:
    """Forget an endpoint's failures, and take it from whoever tells it at this moment."""
    fresh = {"attempts": 0, "failing_since": None, "next_attempt_at": None, "claimed_by": None, "claimed_until": None}
    of_endpoint = webhook_progress.c.endpoint_id == key
    connection.execute(update(webhook_progress).where(of_endpoint).values(**fresh, **values))


def _require_possible(url: str, types: Sequence[str], networks: Sequence[Network]) -> None:
    faults = list(_faults(types))
    try:
        parse_target(url, networks)
    except Refused as refused:
        faults = [*refused.faults, *faults]
    if faults:
        raise Refused(faults)


def _faults(types: Sequence[str]) -> Iterator[Fault]:
    for wanted in types:
        if not is_wanted_type(wanted):
            remedy = "write document.issued, receipt.*: docs/api.md lists them"
            yield Fault("webhooks", None, "types", wanted, "is no type of event", remedy)
