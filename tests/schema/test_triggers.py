"""What the databases refuse to whoever would rewrite what was issued (R22): every table, on SQLite and PostgreSQL."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DatabaseError

import ledger.models
from billing.frame.database import reading, writing
from billing.schema.triggers import append_only_tables
from invoices.models import document_file
from tests.support.billed_park import bill_park

# Entries and postings have tests of their own (tests/ledger).
TABLES = [t for t in append_only_tables() if t is not document_file and t.metadata is not ledger.models.metadata]


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Engine:
    bill_park(engine, tmp_path / "network")
    return engine


def test_r22_no_row_is_updated_deleted_or_replaced_in_any_table_of_what_was_issued(park: Engine) -> None:
    filled = set()
    for table in TABLES:
        with reading(park) as connection:
            before = connection.execute(select(table)).all()
        if not before:
            continue
        filled.add(table.name)
        key = next(iter(table.primary_key.columns))
        row = dict(before[0]._mapping)
        replace = table.insert().values(row)
        if park.dialect.name == "sqlite":
            replace = replace.prefix_with("OR REPLACE")
        for statement in (table.update().values({key: key}), table.delete(), replace):
            with pytest.raises(DatabaseError, match=r"R22|duplicate key"), writing(park) as connection:
                connection.execute(statement)
        with reading(park) as connection:
            assert connection.execute(select(table)).all() == before
    assert {"document", "document_line", "document_vat", "party", "usage_event", "run_position"} <= filled


def test_a_file_recorded_twice_stays_as_first_recorded(park: Engine) -> None:
    """Two workers may render one document at the same time."""
    if park.dialect.name == "postgresql":
        return
    from invoices.models import document

    with writing(park) as connection:
        row = {"document_id": connection.scalar(select(func.min(document.c.id))), "path": "first", "size_bytes": 1}
        row |= {"sha256": "0" * 64, "rendered_at": func.current_timestamp()}
        connection.execute(document_file.insert().values(row))
        connection.execute(document_file.insert().prefix_with("OR REPLACE").values(row | {"path": "second"}))
        assert connection.scalars(select(document_file.c.path)).all() == ["first"]
