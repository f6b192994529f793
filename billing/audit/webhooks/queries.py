"""The queries of webhooks: endpoints without their secrets, and what was tried."""

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from billing.audit.webhooks.tables import webhook_attempt, webhook_endpoint, webhook_progress
from billing.frame.codes import WEBHOOK
from billing.frame.errors import Unknown

ENDPOINT_KEY = (webhook_endpoint.c.id,)
ATTEMPT_KEY = (webhook_attempt.c.id,)
_NOT_SHOWN = "secret"


def endpoints() -> Select[Any]:
    """Select every endpoint there ever was, with how far it has been told, without its secret."""
    p = webhook_progress.c
    shown = [column for column in webhook_endpoint.c if column.name != _NOT_SHOWN]
    progress = (p.told_until, p.attempts, p.failing_since, p.next_attempt_at)
    return select(*shown, *progress).join(webhook_progress, p.endpoint_id == webhook_endpoint.c.id)


def endpoint_row(connection: Connection, key: int) -> Row[Any]:
    """Return an endpoint's row of `endpoints`; raises Unknown."""
    row = connection.execute(endpoints().where(webhook_endpoint.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no endpoint {WEBHOOK.format(key)}: see `technopark-billing webhooks list`")
    return row


def attempts(key: int, state: str | None = None) -> Select[Any]:
    """Select the attempts at an endpoint that the log still has; those that `arrived` or `failed` where it is asked."""
    a = webhook_attempt.c
    rows = select(webhook_attempt).where(a.endpoint_id == key)
    return rows if state is None else rows.where(a.failure.is_(None) if state == "arrived" else a.failure.is_not(None))


def latest_attempts(connection: Connection, key: int, state: str | None, most: int) -> list[Row[Any]]:
    """Return the latest attempts at an endpoint, newest first; raises Unknown."""
    endpoint_row(connection, key)
    rows = attempts(key, state).order_by(webhook_attempt.c.id.desc()).limit(most)
    return list(connection.execute(rows))
