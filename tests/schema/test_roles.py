"""The service's own role in PostgreSQL does the whole month, and can change nothing that is written for good."""

import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError, ProgrammingError

from billing.api.app import create_app
from billing.backup.taking import take_backup
from billing.books.periods.closing import close_period
from billing.check import check
from billing.documents.delivery.delivering import deliver
from billing.frame import tables as frame_tables
from billing.frame.database import maintenance_transaction, open_engine, reading, writing
from billing.frame.errors import Refused
from billing.frame.settings import load_settings
from billing.frame.tokens import create_token
from billing.register.network_import import import_folder
from billing.run.month import run_month
from billing.schema.migrating import migrate
from billing.schema.roles import excessive_rights
from billing.schema.triggers import append_only_tables
from billing.users.administering import UserOrder, add_user
from tests.support.api import Caller
from tests.support.networks import write_network
from tests.support.spoiling import literal, other_value

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
JUNE = date(2026, 6, 1)


@pytest.fixture
def service(engine: Engine) -> Iterator[Engine]:
    """The database as the service's role sees it, which `migrate` has given its rights."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no roles")
    role, password = f"service_{secrets.token_hex(4)}", secrets.token_hex(8)
    with maintenance_transaction(engine) as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    try:
        migrate(engine, service_role=role)
        opened = open_engine(engine.url.set(username=role, password=password))
        yield opened
        opened.dispose()
    finally:
        with maintenance_transaction(engine) as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}")
            connection.exec_driver_sql(f"DROP ROLE {role}")


def test_the_service_does_its_month_with_its_own_role(service: Engine, engine: Engine, tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": service.url.render_as_string(hide_password=False),
        "DOCUMENTS_URL": f"file:{tmp_path / 'documents'}",
        "SMTP_URL": f"file:{tmp_path / 'outbox'}",
    }
    settings = load_settings(environment)
    tenants = [{"code": "T1"}, {"code": "T2", "kind": "large"}]
    leases = [("L1", "T1", "TNG", "A", "20", "2026-01-01", None), ("L2", "T2", "TNG", "B", "30", "2026-01-01", None)]
    grants = [("G1", "Région", "TNG", "500.00", "2026-06-01")]
    import_folder(service, write_network(tmp_path / "n", tenants=tenants, leases=leases, grants=grants), now=NOW)
    run_month(settings, service, JUNE, issued_on=JUNE, clock=lambda: NOW)
    assert deliver(settings, service, clock=lambda: NOW).sent == 2
    with writing(service) as connection:
        secret = create_token(connection, "erp", "finance", now=NOW)
        close_period(connection, JUNE, today=NOW.date(), recorded_at=NOW, open_months_max=2, terms=settings.terms)
    caller = Caller(create_app(settings, service, lambda: NOW), {"finance": secret})
    grant = {"code": "G2", "funder": "État", "site": None, "amount": "10.00", "granted_on": "2026-06-01"}
    assert caller.post("/v1/grants", grant, key="once").status_code == 201
    assert caller("POST", "/v1/billing-runs", json={"period": "2026-07", "issue_date": "2026-07-01"}).status_code == 201
    assert check(service, documents_url=settings.documents_url) == []
    taken = take_backup(settings, service, tmp_path / "backup", files={}, now=NOW, progress=lambda _: nullcontext())
    assert taken.facts.rows["document"] == 4
    with reading(service) as connection:
        assert excessive_rights(connection) == []
    with reading(engine) as connection:
        assert "owns the tables, or is a superuser" in excessive_rights(connection)[0]


def test_r22_the_service_has_no_right_to_change_what_is_written_for_good(service: Engine) -> None:
    for table in (found.name for found in append_only_tables()):
        for statement in (
            f"UPDATE {table} SET {_any_column(service, table)} = NULL",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                maintenance_transaction(service) as connection,
            ):
                connection.execute(text(statement))
    for statement in (
        "DROP TRIGGER entry_append_only ON entry", "ALTER TABLE entry DISABLE TRIGGER ALL", "CREATE TABLE mine ()",
        "DELETE FROM entry_counter", "DELETE FROM document_file", "UPDATE alembic_version SET version_num = '0'",
    ):  # fmt: skip
        with (
            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
            maintenance_transaction(service) as connection,
        ):
            connection.execute(text(statement))


def _any_column(engine: Engine, table: str) -> str:
    with reading(engine) as connection:
        column = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attnum = 1"
        return str(connection.scalar(text(column), {"table": table}))


@pytest.mark.parametrize(
    ("role", "problem"),
    [
        ("nobody_knows_it", "does not exist"),
        ("a b", "is no name for a role"),
        ("postgres", "is the owner that migrates"),
    ],
)
def test_a_role_that_cannot_be_the_services_is_refused(engine: Engine, role: str, problem: str) -> None:
    told = problem if engine.dialect.name == "postgresql" else "SQLite has no roles"
    with pytest.raises(Refused, match=told):
        migrate(engine, service_role=role)


KEPT = ("site", "service", "vat_rate", "rate", "tenant", "lease", "subsidy_grant", "app_user", "api_token")


@pytest.mark.parametrize("table", KEPT)
def test_r32_the_service_writes_no_row_of_the_register_without_an_act(
    service: Engine, tmp_path: Path, table: str
) -> None:
    """Plain SQL is refused at COMMIT: another value in any column, a row more, a row less."""
    folder = write_network(
        tmp_path / "n",
        tenants=[{"code": "T1"}],
        leases=[("L1", "T1", "TNG", "A", "20", "2026-01-01", None)],
        grants=[("G1", "Région", "TNG", "500.00", "2026-06-01")],
    )
    import_folder(service, folder, now=NOW)
    with writing(service) as connection:
        create_token(connection, "erp", "finance", now=NOW)
        add_user(connection, UserOrder("amina", "amina@example.ma", "finance"), now=NOW)
    declared = frame_tables.metadata.tables[table]
    first = f"ctid = (SELECT min(ctid) FROM {table})"
    with reading(service) as connection:
        row = connection.execute(declared.select().where(text(first))).mappings().one()
    changed = [
        f"UPDATE {table} SET {column.name} = {literal(other_value(column, row[column.name]))} WHERE {first}"
        for column in declared.columns
        if row[column.name] is not None
    ]
    reasons = []
    for statement in [*changed, f"DELETE FROM {table} WHERE {first}"]:
        with pytest.raises(DatabaseError) as refused, maintenance_transaction(service) as connection:
            connection.execute(text(statement.replace(":", "\\:")))
        reasons.append(str(refused.value.orig))
    # Some values break a constraint before; all others are refused at COMMIT.
    by_guard = [reason for reason in reasons if "was changed by no recorded act" in reason]
    others = [reason for reason in reasons if reason not in by_guard]
    assert by_guard
    assert all("violates" in reason or "permission denied" in reason for reason in others), others
    with maintenance_transaction(service) as connection:
        # What changes nothing needs no act.
        connection.execute(text(f"UPDATE {table} SET {declared.columns[0].name} = {declared.columns[0].name}"))
    assert check(service) == []
