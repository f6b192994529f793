"""Who wrote what, when, why, by which request: every transaction that writes is somebody's act."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DatabaseError

from billing.check import check
from billing.frame.audit_log import API, Act, on_behalf, record_change, require_reason
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.errors import ReasonRequired
from billing.frame.settings import operating_user
from billing.frame.tables import audit_change, audit_event
from billing.register.network_import import import_folder
from billing.register.tables import tenant
from billing.run.month import run_month
from ledger.entry import Entry, Posting
from ledger.journal import post
from tests.support.networks import write_network
from tests.support.queued import settings

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
DAY = date(2026, 9, 1)
CLERK = Act("clerk", API, "POST /v1/somewhere", "request-1", "asked by the tenant")


def acts(engine: Engine) -> Sequence[Any]:
    with reading(engine) as connection:
        return connection.execute(select(audit_event).order_by(audit_event.c.id)).all()


def opening(reference: str) -> Entry:
    postings = (Posting("5141", 10_00), Posting("4497", -10_00))
    return Entry(reference, "VTE", DAY, "À nouveau", reference, postings)


def test_an_act_says_who_when_why_and_names_what_its_transaction_added(engine: Engine) -> None:
    with writing(on_behalf(engine, CLERK, lambda: NOW)) as connection:
        post(connection, [opening("A"), opening("B")], recorded_at=NOW)
    with writing(engine) as connection:
        post(connection, [opening("C")], recorded_at=NOW)
    first, second = acts(engine)
    assert (first.actor, first.origin, first.operation, first.request_id, first.reason) == (
        "clerk", "api", "POST /v1/somewhere", "request-1", "asked by the tenant",
    )  # fmt: skip
    assert first.recorded_at.replace(tzinfo=UTC) == NOW
    assert (first.first_entry, first.last_entry, first.first_document) == (1, 2, None)
    assert (second.actor, second.origin, second.first_entry, second.last_entry) == (
        operating_user(), "program", 3, 3,
    )  # fmt: skip


def test_what_wrote_nothing_is_no_act(engine: Engine, tmp_path: Path) -> None:
    with writing(engine) as connection:
        connection.execute(select(tenant)).all()
    import_folder(engine, write_network(tmp_path), now=NOW, dry_run=True)
    assert acts(engine) == []


def test_an_import_notes_what_each_row_was_and_has_become(engine: Engine, tmp_path: Path) -> None:
    import_folder(engine, write_network(tmp_path, tenants=[{"code": "T1", "email": "old@t1.ma"}]), now=NOW)
    import_folder(engine, write_network(tmp_path, tenants=[{"code": "T1", "email": "new@t1.ma"}]), now=NOW)
    with reading(engine) as connection:
        of_tenant = audit_change.c.subject == "tenants"
        c = audit_change.c
        added, changed = connection.execute(
            select(c.act_id, c.before, c.after).where(of_tenant).order_by(c.act_id)
        ).all()
    assert added.before is None
    assert '"email": "old@t1.ma"' in added.after
    assert (changed.act_id, changed.before, changed.after) == (2, '{"email": "old@t1.ma"}', '{"email": "new@t1.ma"}')
    assert [(found.first_import, found.last_import) for found in acts(engine)] == [(1, 1), (2, 2)]


def test_every_batch_of_a_run_is_the_act_of_whoever_ordered_it(engine: Engine, tmp_path: Path) -> None:
    tenants = [{"code": "T1"}, {"code": "T2", "kind": "large"}]
    leases = [("L1", "T1", "TNG", "A", "20", "2026-01-01", None), ("L2", "T2", "TNG", "B", "30", "2026-01-01", None)]
    import_folder(engine, write_network(tmp_path, tenants=tenants, leases=leases), now=NOW)
    run_month(settings(engine, tmp_path), on_behalf(engine, CLERK, lambda: NOW), DAY, issued_on=DAY, clock=lambda: NOW)
    run = [found for found in acts(engine) if found.request_id == "request-1"]
    assert {found.actor for found in run} == {"clerk"}
    documents = [found for found in run if found.first_document]
    assert [(found.first_document, found.last_document) for found in documents] == [(1, 2)]
    assert run[-1].last_entry == documents[0].last_entry + 1
    assert check(engine) == []


def test_ranges_stay_exact_however_many_post_at_once(engine: Engine) -> None:
    def work(number: int) -> None:
        mine = on_behalf(engine, Act(f"poster-{number}", API, "post", str(number)), lambda: NOW)
        for turn in range(6):
            with writing(mine) as connection:
                if (number + turn) % 3 == 0:
                    record_change(connection, "notes", str(number), None, {"turn": turn})
                    continue
                post(connection, [opening(f"{number}/{turn}/{k}") for k in range(turn + 1)], recorded_at=NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with reading(engine) as connection:
        heads = connection.execute(text("SELECT id, reference FROM entry")).all()
        found = connection.execute(select(audit_event)).all()
    for number, reference in heads:
        (owner,) = [a for a in found if a.first_entry is not None and a.first_entry <= number <= a.last_entry]
        assert owner.request_id == reference.split("/")[0]
    assert [problem for problem in check(engine) if {"act", "audit"} & set(problem.split())] == []


def test_check_names_entries_that_nobody_answers_for(engine: Engine) -> None:
    with maintenance_transaction(engine) as connection:
        post(connection, [opening("A"), opening("B")], recorded_at=NOW)
    assert "entries 1 to 2 belong to no audit event: nobody is named for them" in check(engine)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_event SET actor = 'somebody else'", "DELETE FROM audit_event", "DELETE FROM audit_change"],
)
def test_r22_the_database_refuses_to_change_who_did_it(engine: Engine, statement: str) -> None:
    with writing(engine) as connection:
        post(connection, [opening("A")], recorded_at=NOW)
        record_change(connection, "tenants", "T1", None, {})
    with pytest.raises(DatabaseError, match="R22"), writing(engine) as connection:
        connection.execute(text(statement))


def test_an_exception_from_the_rule_needs_a_reason(engine: Engine) -> None:
    with (
        pytest.raises(ReasonRequired, match="a price override needs a reason: give --reason"),
        writing(engine) as connection,
    ):
        require_reason(connection, "a price override")
    with writing(on_behalf(engine, CLERK, lambda: NOW)) as connection:
        assert require_reason(connection, "a price override") == "asked by the tenant"
