"""`check` names what is spoilt of receipts, column by column; and money is spent once, however many spend it."""

import sqlite3
import threading
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, Table
from sqlalchemy.exc import IntegrityError

from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.errors import Refused
from billing.receivables.debts.deciding import Order, decide
from billing.receivables.receipts.allocating import allocate
from billing.receivables.receipts.certificates import record_certificate
from billing.receivables.receipts.orders import NONE, Part
from billing.receivables.tables.receipts import APPEND_ONLY
from tests.oracle.service import NOW
from tests.support.credit_notes import credits_by_hand
from tests.support.park import Park
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.spoiling import behind_its_back, literal, other_value
from tests.support.till import (
    allocates,
    bounces,
    cancels,
    cancels_refund,
    clears,
    order,
    places,
    receives,
    refunds,
    settles,
    undoes,
    withdraws,
)


@pytest.fixture
def told(engine: Engine, tmp_path: Path) -> Engine:
    """Something of everything: payments undone or withdrawn in part, cheques, refunds, a loss, a certificate."""
    park = Park(engine, tmp_path / "network")
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    loss = Order(FIRST, "written_off", date(2026, 6, 10), 100, "litige", "amina", "karim")
    with writing(engine) as connection:
        decide(connection, loss, recorded_at=NOW)
    receives(park, order("4000.00", means="cheque", reference="7", rent_withholding="100.00", reason="attestation"))
    receives(park, order("1500.00", means="cheque", reference="8", tenant="T2"))
    receives(park, order("700.00", reference="V2", tenant=None))
    receives(park, order("50.00", reference="V3", tenant="T1"))
    places(park, 3, "T2", "600.00")
    allocates(park, 3, {SECOND: "200.00"}, on="2026-06-23")
    withdraws(park, 3, "T2", "150.00")
    undoes(park, 3)
    clears(park, 1)
    bounces(park, 2)
    refunds(park, "20.00", receipt=3)
    credits_by_hand(park, FIRST, (1, 50000), on="2026-06-21")
    settles(park)
    credits_by_hand(park, SECOND, (1, 10000), on="2026-06-22")
    refunds(park, "60.00", note="AV-2026-000002", reference="R2")
    receives(park, order("30.00", reference="V4", tenant="T2", pays=NONE))
    refunds(park, "10.00", receipt=5, tenant="T2", reference="R3")
    cancels_refund(park, 3)
    cancels(park, 5)
    with writing(engine) as connection:
        record_certificate(connection, 1, "rent_withholding", "A-1", date(2026, 7, 1), recorded_at=NOW)
    assert check(engine) == []
    return engine


@pytest.mark.parametrize("table", APPEND_ONLY, ids=lambda table: table.name)
def test_every_column_of_a_row_is_proved(told: Engine, table: Table) -> None:
    keys = [column.name for column in table.primary_key]
    for column in table.columns:
        with reading(told) as connection:
            found = table.select().where(column.is_not(None)).order_by(*table.primary_key).limit(1)
            row = connection.execute(found).mappings().one_or_none()
        if row is None:
            continue
        where = " AND ".join(f"{key} = {literal(row[key])}" for key in keys)
        other = other_value(column, row[column.name])
        there = " AND ".join(f"{key} = {literal(other if key == column.name else row[key])}" for key in keys)
        try:
            behind_its_back(told, f"UPDATE {table.name} SET {column.name} = {literal(other)} WHERE {where}")
        except (IntegrityError, sqlite3.IntegrityError):
            continue
        assert check(told), column.name
        behind_its_back(told, f"UPDATE {table.name} SET {column.name} = {literal(row[column.name])} WHERE {there}")
    assert check(told) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM receipt_event WHERE kind = 'bounced'", "is undone by a return that is not of"),
        ("DELETE FROM receipt_event WHERE kind = 'cleared'", "fell due with a cheque that was not cleared"),
        ("DELETE FROM receipt_cancellation", "RG-000005/annulation books an act about money that does not stand"),
        ("DELETE FROM refund_cancellation", "it was cancelled, though RB-000003 paid a part of it back"),
        (
            "UPDATE receipt SET occurrence = 2 WHERE id = 1",
            "cheque 7 of 2026-06-20: those of that name",
        ),
        ("DELETE FROM allocation_undoing WHERE in_return = 0", "stands, but its settlements are undone"),
        ("DELETE FROM settlement WHERE act = 'undone'", "was undone for another share than it moved"),
        ("DELETE FROM settlement WHERE act = 'refunded'", "RB-000002: by rate it is 0.00, not 60.00"),
        ("DELETE FROM placement_withdrawal", "entry OD/RP-1 books an act about money that does not stand"),
        ("DELETE FROM refund WHERE id = 1", "entry BQ/RB-000001 books an act about money that does not stand"),
        (
            "UPDATE placement SET amount = amount + 1 WHERE in_receipt = 0",
            "account 4497 moves by 600.00 instead of 600.01",
        ),
        ("UPDATE settlement SET base = base + 1000000 WHERE act = 'written_off'", "are settled at 0.20"),
        ("UPDATE settlement SET vat_released = vat_released + 1 WHERE act = 'cleared'", "account 44551 stands at"),
        ("UPDATE settlement SET act_id = act_id + 90 WHERE act = 'allocated'", "is settled by allocated 9"),
        ("UPDATE posting SET account = '5111' WHERE account = '5161' OR account = '5141'", "account 5111 stands at"),
    ],
)
def test_what_is_spoilt_is_named(told: Engine, statement: str, named: str) -> None:
    behind_its_back(told, statement)
    assert any(named in problem for problem in check(told)), check(told)


def test_eight_who_allocate_the_same_receipt_at_once_spend_it_once(engine: Engine, tmp_path: Path) -> None:
    park = Park(engine, tmp_path / "network")
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    receives(park, order("1000.00", pays=NONE))
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def spend() -> None:
        barrier.wait()
        try:
            with writing(park.engine) as connection:
                allocate(connection, 1, [Part(FIRST, 70000)], recorded_at=NOW, terms=park.settings.terms)
            outcomes.append("spent")
        except Refused as refused:
            outcomes.append(refused.faults[0].problem)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"spent": 1, "is more than there is": 7}
    assert check(park.engine) == []
