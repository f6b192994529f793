"""Tenants entered and changed as the API does it, one by one, with the act that says so."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from billing.frame.database import writing
from billing.register.network_import import apply_records, stored_record

_NOW = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)


def add_tenant(engine: Engine, code: str, **values: str) -> None:
    """Enter a tenant, a start-up unless `values` say otherwise."""
    _apply(engine, {"code": code, "legal_name": code, "kind": "startup"} | values)


def change_tenant(engine: Engine, code: str, **values: str) -> None:
    """Change columns of a tenant."""
    with writing(engine) as connection:
        row = stored_record(connection, "tenants", (code,))
    assert row is not None, f"there is no tenant {code}"
    _apply(engine, {**row, **values})


def _apply(engine: Engine, row: dict[str, str]) -> None:
    with writing(engine) as connection:
        apply_records(connection, {"tenants": [row]}, now=_NOW, source="test")
