"""The migrations lead to the schema the program is written for, and to nothing else."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from billing.check.guards import guards
from billing.db import open_engine, reading
from billing.errors import SchemaNotReady
from billing.schema import METADATA, migrate, newest_version, require_current


def test_a_migrated_database_has_the_tables_the_models_declare(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences: list[Any] = compare_metadata(context, list(METADATA))  # type: ignore[arg-type]
    # Alembic can't tell apart foreign keys declared for SQLite alone, nor compare generated columns.
    told = [d for d in differences if not (d[0] == "add_fk" and engine.dialect.name == "postgresql")]
    assert told == []


def test_a_migrated_database_has_every_guard(engine: Engine) -> None:
    with reading(engine) as connection:
        assert list(guards(connection, lambda *_: None)) == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    tables = inspect(engine).get_table_names()
    assert migrate(engine) == (newest_version(), newest_version())
    assert inspect(engine).get_table_names() == tables


def test_a_database_without_tables_is_refused_with_the_command_to_give(database_url: Any) -> None:
    engine = open_engine(database_url)
    with pytest.raises(SchemaNotReady, match="has no tables yet: run `technopark-billing migrate` first"):
        require_current(engine)
    engine.dispose()
