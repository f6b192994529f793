"""A database of any earlier version, with rows in every table, upgrades to what a new installation gets."""

import re
import secrets
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, make_url, text
from sqlalchemy.engine import URL

from billing.books.journal.checks import accounts as accounts_proof
from billing.frame.database import maintenance_transaction, open_engine, reading
from billing.frame.schema_version import alembic_config
from billing.schema.migrating import migrate
from billing.schema.row_checks import rows as rows_proof
from ledger.accounts import chart
from tests.conftest import opened, postgres_database
from tests.support.spoiling import unguarded

ROWS = Path(__file__).parent.parent / "golden" / "upgrades" / "rows.sql"
RENAMED = {
    "act": "audit_event", "act_change": "audit_change", "act_counter": "audit_counter",
    "switch_notice": "tier_change_announcement",
}  # fmt: skip
# Migrations that name what stands count on.
COUNTERS = {"act_counter", "audit_counter"}
# What a database knows of its schema. PostgreSQL's catalogues answer faster than its information_schema.
STRUCTURE = {
    "sqlite": {"schema": "SELECT type, name, tbl_name, sql FROM sqlite_schema"},
    "postgresql": {
        "column": """
            SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                   a.attgenerated, a.attcollation::regcollation::text, pg_get_expr(d.adbin, d.adrelid)
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        """,
        "index": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "constraint": """
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace
        """,
        "trigger": """
            SELECT pg_get_triggerdef(t.oid), t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
        """,
        "function": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "right on a table": """
            SELECT c.relname, c.relkind, acl.grantee::regrole::text, acl.privilege_type
            FROM pg_class c, aclexplode(c.relacl) AS acl WHERE c.relnamespace = 'public'::regnamespace
        """,
        "right on the schema": """
            SELECT acl.grantee::oid::text, acl.privilege_type
            FROM pg_namespace n, aclexplode(n.nspacl) AS acl WHERE n.nspname = 'public'
        """,
    },
}

Contents: TypeAlias = Mapping[str, list[dict[str, Any]]]
CopyDatabase: TypeAlias = Callable[[Engine], AbstractContextManager[Engine]]


@pytest.fixture
def copy_database(request: pytest.FixtureRequest, tmp_path: Path) -> CopyDatabase:
    """Opens a copy of a database that nobody else is connected to."""

    @contextmanager
    def copied(original: Engine) -> Iterator[Engine]:
        original.dispose()
        if original.dialect.name == "sqlite":
            path = tmp_path / f"{uuid.uuid4().hex}.sqlite"
            shutil.copyfile(str(original.url.database), path)
            with opened(make_url(f"sqlite:///{path}")) as engine:
                yield engine
            return
        server: Engine = request.getfixturevalue("postgres")
        with postgres_database(server, str(original.url.database)) as url, opened(url) as engine:
            yield engine

    return copied


@pytest.fixture
def service_role(request: pytest.FixtureRequest) -> Iterator[str]:
    """A role of the PostgreSQL server for the service."""
    server: Engine = request.getfixturevalue("postgres")
    role = f"service_{secrets.token_hex(4)}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
    yield role
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP ROLE {role}")


def rows_by_version() -> dict[str, list[str]]:
    """The INSERT statements that each version of the schema is the first to accept."""
    sections = re.split(r"^-- version (\d{4})$", ROWS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        version: [line for line in section.splitlines() if line]
        for version, section in zip(sections[::2], sections[1::2], strict=True)
    }


def earlier_versions() -> list[str]:
    """Every version of the schema but the newest, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()][:0:-1]


def insert_rows(connection: Connection, version: str) -> None:
    """Fill every table that a version knows; the tables that version 0019 renamed by their new names from then on."""
    # From version 0032 on PostgreSQL asks which act wrote a row of the register.
    unguarded(connection)
    for first, statements in rows_by_version().items():
        for statement in statements if first <= version else ():
            if version >= "0019":
                statement = re.sub(
                    r"^(INSERT INTO|UPDATE) (\w+)", lambda said: f"{said[1]} {RENAMED.get(said[2], said[2])}", statement
                )
            if connection.dialect.name == "postgresql":
                statement = re.sub(r"X'([0-9A-F]*)'", r"'\\x\1'", statement)
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def contents_of(connection: Connection) -> Contents:
    """All rows of all tables, by the names the tables have today."""
    tables = set(inspect(connection).get_table_names()) - COUNTERS - {"alembic_version"}
    return {
        RENAMED.get(table, table): [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]
        for table in tables
    }


def lost_rows(before: Contents, after: Contents) -> list[str]:
    """The rows that an upgrade has dropped or changed, columns added to them and labels of accounts apart."""
    return [
        f"{table}: {row}"
        for table, rows in before.items()
        for row in ([{"code": account["code"]} for account in rows] if table == "account" else rows)
        if not any(row.items() <= other.items() for other in after[table])
    ]


def structure_of(connection: Connection) -> set[str]:
    """Tables, columns, indexes, constraints, triggers, functions and rights, each as a line."""
    return {
        f"{kind}: {tuple(row)}"
        for kind, query in STRUCTURE[connection.dialect.name].items()
        for row in connection.exec_driver_sql(query)
    }


def seeded(connection: Connection) -> dict[str, list[Any]]:
    """Rows that migrations insert: the accounts of the chart, and the single rows of counters."""
    accounts = connection.execute(text("SELECT code, label FROM account WHERE code <> '71249' ORDER BY code")).all()
    counters = {
        table: list(connection.scalars(text(f"SELECT id FROM {table}")))
        for table in ("entry_counter", "audit_counter", "looked_through")
    }
    return {"account": [tuple(row) for row in accounts], **counters}


def test_every_earlier_version_with_data_in_it_upgrades_to_a_fresh_database(
    database_url: URL, copy_database: CopyDatabase, request: pytest.FixtureRequest
) -> None:
    role = request.getfixturevalue("service_role") if database_url.get_backend_name() == "postgresql" else None
    base = open_engine(database_url)
    with maintenance_transaction(base):
        # An empty database, which is a file on SQLite.
        pass
    with copy_database(base) as fresh:
        migrate(fresh, service_role=role)
        with reading(fresh) as connection:
            structure, seeds = structure_of(connection), seeded(connection)
    assert seeds["account"] == sorted(chart().items())
    versions = earlier_versions()
    # The newest version may have its section already.
    assert versions == list(rows_by_version())[: len(versions)]
    for version in versions:
        with maintenance_transaction(base) as connection:
            command.upgrade(alembic_config(connection), version)
        with copy_database(base) as upgraded:
            with maintenance_transaction(upgraded) as connection:
                insert_rows(connection, version)
                if role is not None:
                    connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
                before = contents_of(connection)
            migrate(upgraded, service_role=role)
            with reading(upgraded) as connection:
                after = contents_of(connection)
                assert (version, structure_of(connection) ^ structure) == (version, set())
                assert (version, seeded(connection)) == (version, seeds)
                assert (version, lost_rows(before, after)) == (version, [])
                counted = connection.scalar(text("SELECT last FROM audit_counter"))
                assert (version, counted) == (version, max(row["id"] for row in after["audit_event"]))
                # Rows that stood at version 0035 are what its act names, by the digests of today.
                if version < "0035":
                    assert (version, list(rows_proof(connection, lambda _: None))) == (version, [])
    # Whoever adds a table adds a row of it to `rows.sql`, in the section of its version; the newest has none yet.
    assert [table for table, rows in before.items() if not rows] == []
    base.dispose()


def test_accounts_that_bore_another_label_and_those_below_them_bear_the_chart_s(database_url: URL) -> None:
    engine = open_engine(database_url)
    with maintenance_transaction(engine) as connection:
        command.upgrade(alembic_config(connection), "0030")
        held = {"1181": "Résultats nets en instance d'affectation", "63861": "Différences de trésorerie"}
        add = text("INSERT INTO account (code, label) VALUES (:code, :label)")
        connection.execute(add, [{"code": code, "label": label} for code, label in held.items()])
    migrate(engine)
    with reading(engine) as connection:
        assert list(accounts_proof(connection, lambda _: None)) == []
        labels: dict[str, str] = dict(connection.execute(text("SELECT code, label FROM account")).all())
    assert labels["1181"] == "Résultats nets en instance d'affectation (solde créditeur)"
    assert (labels["63861"], labels["7386"]) == ("Escomptes accordés", "Escomptes obtenus")
    assert labels["5113"] == "Effets à encaisser ou à l'encaissement"
    engine.dispose()
