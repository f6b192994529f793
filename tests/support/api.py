"""An app on a database, and who calls it: one token a scope."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from flask import Flask, request
from sqlalchemy import Engine

from billing.api.app import create_app
from billing.frame.database import writing
from billing.frame.settings import load_settings
from billing.frame.tokens import SCOPES, create_token
from billing.register.network_import import import_folder
from tests.support.billed_park import bill_park
from tests.support.documented import require_documented
from tests.support.networks import write_network

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)


class Caller:
    """Calls an app with the token of a scope, None without; what is answered must be what the document says."""

    def __init__(self, app: Flask, secrets: dict[str, str]) -> None:
        self.app = app
        self.secrets = secrets

    def __call__(self, method: str, path: str, scope: str | None = "finance", **options: Any) -> Any:
        """Call one address; `options` are those of Flask's test client."""
        headers = dict(options.pop("headers", {}))
        if scope is not None:
            headers["Authorization"] = f"Bearer {self.secrets[scope]}"
        with self.app.test_client() as client:
            answer = client.open(path, method=method, headers=headers, **options)
            if answer.status_code < 300 and answer.is_json:
                assert request.url_rule is not None
                require_documented(self.app, method, request.url_rule.rule, answer.status_code, answer.json)
        return answer

    def get(self, path: str, scope: str | None = "finance", **options: Any) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self("GET", path, scope, **options)
        assert answer.status_code == 200, answer.text
        return answer.json

    def post(self, path: str, body: Any, key: str | None = None, scope: str | None = "finance") -> Any:
        """Post JSON, with an idempotency key if one is given."""
        return self("POST", path, scope, json=body, headers={} if key is None else {"Idempotency-Key": key})


CallerOf: TypeAlias = Callable[..., Caller]


@pytest.fixture
def caller_of(tmp_path: Path) -> CallerOf:
    """Makes an app on a migrated database, and its caller."""

    def make(engine: Engine, **more: str) -> Caller:
        environment = {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "DOCUMENTS_URL": f"file:{tmp_path / 'documents'}",
            "SMTP_URL": f"file:{tmp_path / 'outbox'}",
            **more,
        }
        with writing(engine) as connection:
            secrets = {scope: create_token(connection, f"the-{scope}", scope, now=NOW) for scope in SCOPES}
        return Caller(create_app(load_settings(environment), engine, lambda: NOW), secrets)

    return make


@pytest.fixture
def ground(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> Caller:
    """The caller of an app on the ground network with two tenants, nothing billed."""
    folder = write_network(
        tmp_path / "ground",
        tenants=[{"code": "T1", "incorporated_on": "2024-01-15"}, {"code": "T2", "kind": "large"}],
        leases=[("L1", "T1", "TNG", "TNG-1", "22.5", "2025-03-10", None)],
    )
    import_folder(engine, folder, now=NOW)
    return caller_of(engine)


@pytest.fixture
def park(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> Caller:
    """The caller of an app on a small park billed for June, July and August 2026."""
    bill_park(engine, tmp_path / "park")
    return caller_of(engine)
