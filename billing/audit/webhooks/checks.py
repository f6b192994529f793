"""Proof of webhooks: each endpoint is told on from a place of the feed, and none beyond its end."""

import re
from collections.abc import Iterator

from sqlalchemy import Connection, select

from billing.audit.feed.queries import is_ahead
from billing.audit.feed.shapes import CURSOR
from billing.audit.webhooks.tables import webhook_endpoint, webhook_progress
from billing.frame.checking import Proof, Step
from billing.frame.codes import WEBHOOK


def endpoints(connection: Connection, _step: Step) -> Iterator[str]:
    """Each endpoint has a place in the feed, not beyond its end: what comes next would never be told."""
    rows = select(webhook_endpoint.c.id, webhook_progress.c.told_until).outerjoin(webhook_progress)
    for key, told_until in connection.execute(rows.order_by(webhook_endpoint.c.id)):
        if told_until is None:
            yield f"endpoint {WEBHOOK.format(key)} has no place in the feed"
        elif re.fullmatch(CURSOR, told_until, re.ASCII) is None:
            yield f"endpoint {WEBHOOK.format(key)} was told until {told_until!r}, which is no place in the feed"
        elif is_ahead(connection, told_until):
            yield f"endpoint {WEBHOOK.format(key)} was told until {told_until}, beyond the end of the feed"


CHECKS: tuple[Proof, ...] = (endpoints,)
