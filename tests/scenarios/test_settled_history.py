"""Whoever lets credits settle what is open reads what is open: years that are settled cost nothing (hordak #40)."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from billing.check import check
from billing.frame.database import maintenance_transaction, reading, writing
from billing.receivables.receipts.applying_credits import apply_credits
from billing.receivables.receipts.recognising import KnownReceipts
from tests.oracle.service import NOW
from tests.support.networks import Row
from tests.support.park import Park
from tests.support.till import NONE, applies, bounces, carried, order, receives, settles, still_open, undoes

RENT = "1740.00"
# What is read of money in, and of what it settles.
READ = (
    "document", "document_vat", "settlement", "receipt", "placement", "allocation", "allocation_undoing",
    "placement_withdrawal", "refund", "unsettled_document", "unsettled_placement",
)  # fmt: skip


def tenants_of(many: int) -> list[Row]:
    return [{"code": f"T{n}", "kind": "large", "incorporated_on": "2000-01-01"} for n in range(1, many + 1)]


def leases_of(many: int) -> list[Row]:
    return [
        {"code": f"L{n}", "tenant": f"T{n}", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"}
        for n in range(1, many + 1)
    ]


def rows_read(connection: Connection) -> int:
    read = text(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables WHERE relname = ANY(:read)"
    )
    return int(connection.scalar(read, {"read": list(READ)}) or 0)


@contextmanager
def work(engine: Engine) -> Iterator[tuple[Connection, list[int]]]:
    """A transaction whose work is counted when it ends: rows read on PostgreSQL, steps of its machine on SQLite."""
    spent: list[int] = []
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            # Tables of some rows are read whole however they are indexed; those of years are not.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            # What the connection's last transactions read may still be counted with this one's.
            before = rows_read(connection)
            yield connection, spent
            spent.append(rows_read(connection) - before)
            return
        driver = connection.connection.driver_connection
        assert driver is not None
        steps = [0]

        def count() -> int:
            steps[0] += 1
            return 0

        driver.set_progress_handler(count, 1)
        try:
            yield connection, spent
        finally:
            driver.set_progress_handler(None, 1)
        spent.append(steps[0])


def pays_a_month(park: Park, month: str, tenants: int = 3) -> None:
    """A month billed and paid to the centime."""
    park.bills(month)
    receives(
        park,
        *(order(RENT, reference=f"{month}/{n}", tenant=f"T{n}", on=f"{month}-05") for n in range(1, tenants + 1)),
    )


def test_credits_are_applied_at_the_same_cost_however_much_is_settled(park: Park) -> None:
    many = 50
    park.opens(tenants=tenants_of(many), leases=leases_of(many))
    # T3 always has 0.05 too much, so that there is a credit and somebody whose invoices it might settle.
    receives(park, order("0.05", reference="A", tenant="T3", on="2025-12-20", pays="none"))
    cost = []
    for months in (("2026-01", "2026-02", "2026-03"), ("2026-04", "2026-05", "2026-06", "2026-07", "2026-08")):
        for month in months:
            pays_a_month(park, month, many)
        applies(park)
        with maintenance_transaction(park.engine) as connection:
            connection.execute(text("ANALYZE"))
        with work(park.engine) as (connection, spent):
            assert apply_credits(connection, recorded_at=NOW) == []
        cost += spent
    assert 0 < cost[1] <= cost[0] * 1.1
    assert check(park.engine) == []


def test_cash_is_recognised_at_the_same_cost_however_long_the_till_has_taken_it(park: Park) -> None:
    many = 20
    park.opens(tenants=tenants_of(many), leases=leases_of(many))
    cost = []
    for month in ("2026-05", "2026-06", "2026-07"):
        for day in range(1, 21):
            on = f"{month}-{day:02d}"
            cash = [
                order("10.00", means="cash", reference="ESPECES", tenant=f"T{n}", on=on, pays=NONE)
                for n in range(1, many + 1)
            ]
            receives(park, *cash)
        with maintenance_transaction(park.engine) as connection:
            connection.execute(text("ANALYZE"))
        with work(park.engine) as (connection, spent):
            known = KnownReceipts(connection, cash)
            assert [known.find(asked) is None for asked in cash] == [False] * many
        cost += spent
    assert 0 < cost[2] <= cost[0] * 1.1


def test_what_is_taken_back_is_found_again(park: Park) -> None:
    park.opens(tenants=tenants_of(3), leases=leases_of(3))
    pays_a_month(park, "2026-01")
    (cheque,) = receives(
        park, order(RENT, means="cheque", reference="C", tenant="T2", on="2026-01-08", pays="none")
    )  # fmt: skip
    applies(park)
    assert still_open(park) == {}
    park.bills("2026-02", issued_on="2026-02-01")
    settles(park)
    # The cheque carried forward has settled February of T2; T1's January is taken back.
    undoes(park, 1, on="2026-02-03")
    bounces(park, cheque, on="2026-02-04")
    assert check(park.engine) == []
    assert set(still_open(park)) == {"FA-2026-000001", "FA-2026-000004", "FA-2026-000005", "FA-2026-000006"}
    assert carried(park) == [f"RG-000001 T1 {RENT}"]
    assert len(applies(park, on="2026-02-05")) == 1
    assert set(still_open(park)) == {"FA-2026-000004", "FA-2026-000005", "FA-2026-000006"}
    assert carried(park) == []
    assert check(park.engine) == []


def test_what_would_be_overlooked_is_named(park: Park) -> None:
    park.opens(tenants=tenants_of(3), leases=leases_of(3))
    park.bills("2026-01")
    receives(park, order("10.00", reference="A", tenant="T1", on="2026-01-05", pays="none"))
    applies(park)
    receives(park, order("10.00", reference="B", tenant=None, on="2026-01-05"))
    with reading(park.engine) as connection:
        named = connection.scalars(text("SELECT document_id FROM unsettled_document ORDER BY 1")).all()
    assert named == [1, 2, 3]
    with maintenance_transaction(park.engine) as connection:
        connection.execute(text("DELETE FROM unsettled_document WHERE document_id = 2"))
    assert check(park.engine) == ["FA-2026-000002 is open and would be overlooked: unsettled_document does not name it"]
