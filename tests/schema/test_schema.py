"""The migrations lead to the schema the program is written for, and to nothing else."""

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from billing.frame.database import maintenance_transaction, open_engine, reading
from billing.frame.errors import SchemaNotReady
from billing.frame.schema_version import alembic_config, newest_version, require_current
from billing.schema.checks import triggers
from billing.schema.migrating import migrate
from billing.schema.tables import all_metadata


def test_a_migrated_database_has_the_tables_the_models_declare(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences: list[Any] = compare_metadata(context, list(all_metadata()))  # type: ignore[arg-type]
    # Alembic can't tell apart foreign keys declared for SQLite alone, nor compare generated columns.
    told = [d for d in differences if not (d[0] == "add_fk" and engine.dialect.name == "postgresql")]
    assert told == []


def test_a_migrated_database_has_every_guard(engine: Engine) -> None:
    with reading(engine) as connection:
        assert list(triggers(connection, lambda *_: None)) == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    tables = inspect(engine).get_table_names()
    assert migrate(engine) == (newest_version(), newest_version())
    assert inspect(engine).get_table_names() == tables


def test_a_database_without_tables_is_refused_with_the_command_to_give(database_url: Any) -> None:
    engine = open_engine(database_url)
    with pytest.raises(SchemaNotReady, match="has no tables yet: run `technopark-billing migrate` first"):
        require_current(engine)
    engine.dispose()


def test_documents_issued_before_credit_notes_by_hand_stay_as_they_are(database_url: Any) -> None:
    """Version 0003 rewords the declaration of `document`; on SQLite in place, with its rows and triggers."""
    engine = open_engine(database_url)
    insert = text(
        "INSERT INTO document (id, number, kind, period, issued_on, due_on, tenant, seller, buyer, net, tax, gross, "
        "advantage, contribution) VALUES (:id, :number, :kind, :period, '2026-06-01', '2026-06-01', 'T1', 'p', 'p', "
        "100, 20, 120, 0, 0)"
    )
    invoice = {"id": 1, "number": "FA-2026-000001", "kind": "invoice", "period": "2026-06-01"}
    with maintenance_transaction(engine) as connection:
        command.upgrade(alembic_config(connection), "0002")
        connection.execute(text("INSERT INTO party (digest, content) VALUES ('p', '{}')"))
        connection.execute(insert, invoice)
    migrate(engine)
    with maintenance_transaction(engine) as connection:
        # They are of the first edition: printed as they were then (version 0007).
        kept = connection.execute(text("SELECT number, gross, edition FROM document")).all()
        assert [tuple(row) for row in kept] == [("FA-2026-000001", 120, 1)]
        connection.execute(insert, {"id": 2, "number": "AV-2026-000001", "kind": "credit_note", "period": None})
        connection.execute(insert, {"id": 3, "number": "AV-2026-000002", "kind": "credit_note", "period": None})
        # Since version 0028 an invoice too: one made by hand, or brought.
        connection.execute(insert, {"id": 4, "number": "FA-2026-000002", "kind": "invoice", "period": None})
    again = {"id": 5, "number": "FA-2026-000003", "kind": "invoice", "period": "2026-06-01"}
    with pytest.raises(IntegrityError), maintenance_transaction(engine) as connection:
        connection.execute(insert, again)
    engine.dispose()


def test_what_was_written_off_before_receipts_is_told_by_rate(database_url: Any) -> None:
    """Version 0010 tells earlier losses as settlements, their base and VAT as they were booked."""
    engine = open_engine(database_url)
    with maintenance_transaction(engine) as connection:
        command.upgrade(alembic_config(connection), "0009")
        connection.execute(text("INSERT INTO party (digest, content) VALUES ('p', '{}')"))
        connection.execute(
            text(
                "INSERT INTO document (id, number, kind, period, issued_on, due_on, tenant, seller, buyer, net, tax, "
                "gross, advantage, contribution, edition) VALUES (1, 'FA-2026-000001', 'invoice', '2026-06-01', "
                "'2026-06-01', '2026-06-01', 'T1', 'p', 'p', 20000, 3000, 23000, 0, 0, 1)"
            )
        )
        for rate in (1000, 2000):
            of_rate = "INSERT INTO document_vat (document_id, rate, base, amount) VALUES (1, :rate, 10000, :rate)"
            connection.execute(text(of_rate), {"rate": rate})
        for number, kind, amount, vat in ((1, "written_off", 7667, 1001), (2, "recovered", 100, 13)):
            connection.execute(
                text(
                    "INSERT INTO debt_act (id, document_id, tenant, kind, decided_on, amount, vat, from_doubtful, "
                    "reason, asked_by, approved_by, recorded_at) VALUES (:id, 1, 'T1', :kind, '2026-12-31', "
                    ":amount, :vat, 0, 'perdu', 'amina', 'karim', '2026-12-31 10:00:00')"
                ),
                {"id": number, "kind": kind, "amount": amount, "vat": vat},
            )
    migrate(engine)
    with reading(engine) as connection:
        told = connection.execute(
            text("SELECT act, rate, base, vat, vat_released, base_due, vat_due FROM settlement ORDER BY act_id, rate")
        ).all()
    engine.dispose()
    assert [tuple(row) for row in told] == [
        ("written_off", 1000, 3333, 334, 334, 0, 0), ("written_off", 2000, 3333, 667, 667, 0, 0),
        ("recovered", 1000, 0, 0, 0, 44, 4), ("recovered", 2000, 0, 0, 0, 43, 9),
    ]  # fmt: skip


def test_messages_queued_before_they_could_be_stopped_stay_as_they_are(database_url: Any) -> None:
    """Version 0018 rewords the declaration of `message_delivery`; on SQLite in place, with its rows and triggers."""
    engine = open_engine(database_url)
    with maintenance_transaction(engine) as connection:
        command.upgrade(alembic_config(connection), "0017")
        connection.execute(
            text(
                "INSERT INTO message (id, kind, key, tenant, written_on, recipient, recipient_name, content, "
                "queued_at) VALUES (1, 'dunning', 'k', 'T1', '2026-06-01', 'a@b.ma', 'A', '{}', '2026-06-01 08:00:00')"
            )
        )
        connection.execute(
            text("INSERT INTO message_delivery (message_id, state, attempts, recipient) VALUES (1, 'failed', 2, 'a@b')")
        )
    migrate(engine)
    with maintenance_transaction(engine) as connection:
        kept = connection.execute(text("SELECT state, attempts, recipient FROM message_delivery")).all()
        assert [tuple(row) for row in kept] == [("failed", 2, "a@b")]
        connection.execute(text("UPDATE message_delivery SET state = 'stopped'"))
    for refused in ("SET state = 'failed'", "SET state = 'gone'"):
        with pytest.raises(IntegrityError), maintenance_transaction(engine) as connection:
            connection.execute(text(f"UPDATE message_delivery {refused}"))
    engine.dispose()
