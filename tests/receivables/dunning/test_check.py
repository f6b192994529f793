"""What `check` finds when reminders were tampered with by straight SQL."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from billing.check import check
from billing.frame.database import writing
from billing.receivables.dunning.blocks import BlockKind
from tests.support.dunning_park import LEASES, TENANTS
from tests.support.park import Park, open_park
from tests.support.reminding import holds, reminds


@pytest.fixture
def reminded(engine: Engine, tmp_path: Path) -> Park:
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    for on in ("2026-07-28", "2026-08-03", "2026-08-15"):
        reminds(park, on)
    assert check(engine) == []
    return park


def spoil(engine: Engine, table: str, statement: str) -> None:
    with writing(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text(f"DROP TRIGGER {table}_no_update"))
        else:
            connection.execute(text(f"DROP TRIGGER {table}_append_only ON {table}"))
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("table", "statement", "sentence"),
    [
        ("dunning_act", "UPDATE dunning_act SET total = 1 WHERE id = 1",
         "the reminder ME-000001 is about 0.01, its invoices sum to 3480.00"),
        ("dunning_act", "UPDATE dunning_act SET acted_on = '2026-07-27' WHERE id = 1",
         "the reminder of FA-2026-000001 on 2026-07-27 came before its step of -3 days"),
        ("dunning_act", "UPDATE dunning_act SET tenant = 'T9' WHERE id = 1", "is about no invoice of T9"),
        ("dunning_step", "UPDATE dunning_step SET days = 14 WHERE days = 15", "is not of its ladder -3 3 15 30"),
        ("dunning_step", "UPDATE dunning_step SET ladder = '-3 3' WHERE days = 15", "is not of its ladder -3 3"),
        ("dunning_step", "UPDATE dunning_step SET amount = 999999 WHERE days = 3 AND document_id = 1",
         "asks for 9999.99 of 3480.00"),
        ("dunning_step", "UPDATE dunning_step SET due_on = '2026-07-30' WHERE days = 3", "came before its step of 3"),
        ("message", "UPDATE message SET kind = 'other' WHERE id = 1", "is ME-000001, of another kind, tenant or day"),
    ],
)  # fmt: skip
def test_what_was_changed_is_named(reminded: Park, table: str, statement: str, sentence: str) -> None:
    spoil(reminded.engine, table, statement)
    assert any(sentence in found for found in check(reminded.engine)), check(reminded.engine)


def test_a_message_without_its_act_is_named(reminded: Park) -> None:
    with writing(reminded.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO message "
                "(id, kind, key, tenant, written_on, recipient, recipient_name, content, queued_at) "
                "SELECT 99, kind, 'other', tenant, written_on, recipient, recipient_name, content, queued_at "
                "FROM message WHERE id = 1"
            )
        )
    assert "message ME-000099 reminds a tenant, but no act of dunning names it" in check(reminded.engine)


def test_what_was_sent_in_spite_of_a_dispute_is_named(reminded: Park) -> None:
    holds(reminded, BlockKind.DISPUTE, invoice="FA-2026-000001", since="2026-08-20")
    assert check(reminded.engine) == []
    spoil(reminded.engine, "dunning_hold", "UPDATE dunning_hold SET since = '2026-08-01', recorded_at = '2026-08-01'")
    assert "the reminder of FA-2026-000001 on 2026-08-15 was sent although SU-000001 held it back" in check(
        reminded.engine
    )
