"""Endpoints of a database, and a clock that tests move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.audit.webhooks.delivering import WebhookReport, deliver_webhooks
from billing.audit.webhooks.endpoints import Made, add_endpoint, change_endpoint
from billing.audit.webhooks.queries import endpoint_row, latest_attempts
from billing.audit.webhooks.shapes import WebhookEndpoint
from billing.frame.audit_log import Act, on_behalf
from billing.frame.database import reading, writing
from billing.frame.settings import Settings, load_settings


@dataclass
class Webhooks:
    """The webhooks of a database, at an instant that tests move on."""

    engine: Engine
    settings: Settings
    now: datetime

    def clock(self) -> datetime:
        """The instant."""
        return self.now

    def passes(self, **values: float) -> None:
        """Let time pass."""
        self.now += timedelta(**values)

    def add(self, url: str, *types: str) -> Made:
        """Add an endpoint."""
        networks = self.settings.webhook_networks
        act = Act("amina", "cli", "webhooks add", "r")
        with writing(on_behalf(self.engine, act, self.clock)) as connection:
            return add_endpoint(connection, url, types, networks=networks, now=self.now)

    def change(self, key: int, **values: Any) -> None:
        """Change an endpoint."""
        networks = self.settings.webhook_networks
        with writing(self.engine) as connection:
            change_endpoint(connection, key, values, networks=networks, now=self.now)

    def deliver(self, **options: Any) -> WebhookReport:
        """One pass."""
        return deliver_webhooks(self.settings, self.engine, clock=self.clock, **options)

    def stands(self, key: int) -> WebhookEndpoint:
        """An endpoint as it stands."""
        with reading(self.engine) as connection:
            return WebhookEndpoint.of(endpoint_row(connection, key))

    def tried(self, key: int) -> Sequence[tuple[str, int | None, str | None]]:
        """What the log says, oldest first: event, status, failure."""
        with reading(self.engine) as connection:
            return [(row.event_id, row.status, row.failure) for row in latest_attempts(connection, key, None, 999)][
                ::-1
            ]


@pytest.fixture
def webhooks_of() -> Callable[[Engine], Webhooks]:
    """Makes the webhooks of a database, which may go to this host."""

    def make(engine: Engine) -> Webhooks:
        environment = {"DATABASE_URL": engine.url.render_as_string(hide_password=False)}
        settings = load_settings({**environment, "WEBHOOK_NETWORKS": "127.0.0.0/8"})
        return Webhooks(engine, settings, datetime.now(UTC))

    return make


@pytest.fixture
def webhooks(engine: Engine, webhooks_of: Callable[[Engine], Webhooks]) -> Webhooks:
    """The webhooks of an empty database."""
    return webhooks_of(engine)
