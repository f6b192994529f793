"""The state that every request needs, made once by the app factory: settings, engine, clock, tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import Engine

from billing.frame.civil_time import Clock, today
from billing.frame.computed import Computed
from billing.frame.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Table

    from billing.frame.http.authentication import Door

_EXTENSION = "technopark-billing"


@dataclass(frozen=True, slots=True)
class Service:
    """The app's own state; `clock` gives UTC instants."""

    settings: Settings
    engine: Engine
    clock: Clock
    door: "Door"
    # The kinds of order that may wait for a second person, by name (`billing.approvals.orderable`).
    orderables: Mapping[str, Any] = field(default_factory=dict)
    # Every table of the service, each after those it refers to.
    tables: Sequence["Table"] = ()
    # The files of a network folder that other subjects bring (`billing.register.network_import.further`).
    import_files: Sequence[Any] = ()
    computed: Computed = field(default_factory=Computed)
    # Whether processes beside this one do jobs (`billing.api.jobs`).
    has_pool: bool = False

    def today(self) -> date:
        """Return the civil day in Casablanca (R2)."""
        return today(self.clock())

    def install(self, app: object) -> None:
        """Make this the state of `app`."""
        app.extensions[_EXTENSION] = self  # type: ignore[attr-defined]


def service() -> Service:
    """Return the state of the app that answers this request."""
    installed: Service = current_app.extensions[_EXTENSION]
    return installed
