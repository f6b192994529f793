"""What every request needs, made once by the app factory: settings, engine, clock, tokens, metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import Engine

from billing.config import TIME_ZONE, Settings

if TYPE_CHECKING:
    from billing.api.authentication import Door
    from billing.api.metrics import Metrics

Clock: TypeAlias = Callable[[], datetime]
_EXTENSION = "technopark-billing"


@dataclass(frozen=True, slots=True)
class Service:
    """The app's own state; `clock` gives UTC instants."""

    settings: Settings
    engine: Engine
    clock: Clock
    door: "Door"
    metrics: "Metrics"

    def today(self) -> date:
        """The civil day in Casablanca (R2)."""
        return self.clock().astimezone(ZoneInfo(TIME_ZONE)).date()

    def install(self, app: object) -> None:
        """Make this the state of `app`."""
        app.extensions[_EXTENSION] = self  # type: ignore[attr-defined]


def service() -> Service:
    """The state of the app that answers this request."""
    found: Service = current_app.extensions[_EXTENSION]
    return found
