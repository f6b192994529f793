"""One batch is priced while the server still writes the one before: nobody waits for it, and nothing else changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from threading import Event, Thread, Timer

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import IntegrityError

from billing.check import check
from billing.frame.background_copy import copying_beside
from billing.frame.database import change_facts, insert_rows, maintenance_transaction, reading, writing
from billing.register.network_import import import_folder
from billing.register.tables import service
from billing.run import plan
from billing.run.month import run_month
from billing.run.report import RunReport
from billing.run.tables import run_batch, run_outcome
from tests.oracle.sample import SAMPLE, golden
from tests.oracle.service import NOW
from tests.support.expected import require_expected, run_json
from tests.support.park import Park
from tests.support.spoiling import unguarded

JUNE = date(2026, 6, 1)
BATCHES = 8
ONLY_POSTGRESQL = pytest.mark.parametrize("fresh_engine", ["postgresql"], indirect=True)


@pytest.fixture
def network(park: Park, monkeypatch: pytest.MonkeyPatch) -> Park:
    """The sample network, billed in eight batches."""
    monkeypatch.setattr(plan, "BATCH_TENANTS", 60)
    import_folder(park.engine, SAMPLE, now=NOW)
    return park


def run(park: Park, told: Callable[[int, int], None] = lambda *_: None) -> RunReport:
    return run_month(
        park.settings, park.engine, JUNE, clock=lambda: NOW, issued_on=JUNE, deliver=False, progress=told, workers=1
    )


def require_june(park: Park, report: RunReport) -> None:
    require_expected(run_json(report), golden("months.json")[0])
    assert check(park.engine) == []


@contextmanager
def patience(give_up: Callable[[], None]) -> Iterator[Event]:
    """Ends what would otherwise wait for ever; the event says that it had to."""
    ended = Event()

    def end() -> None:
        ended.set()
        give_up()

    timer = Timer(30, end)
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()


@ONLY_POSTGRESQL
def test_a_batch_that_somebody_else_holds_is_waited_for_with_nothing_in_hand(network: Park) -> None:
    # Held while numbers are taken, a wait for a batch would be a wait for somebody who may wait for the numbers.
    class Stopped(Exception):
        pass

    def stop(done: int, _in_all: int) -> None:
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        run(network, stop)
    with network.engine.connect() as other, patience(other.close) as hung:
        held = other.execute(select(run_batch.c.status).where(run_batch.c.batch_no == 4).with_for_update()).scalar_one()
        assert held == "open"
        done: list[int] = []

        def told(so_far: int, _in_all: int) -> None:
            done.append(so_far)
            if so_far == 3:
                other.rollback()

        require_june(network, run(network, told))
        assert not hung.is_set()
    assert done == list(range(2, BATCHES + 1))


@ONLY_POSTGRESQL
def test_whoever_waits_to_change_the_register_gets_its_turn_between_two_batches(network: Park) -> None:
    order: list[str] = []

    def change() -> None:
        with maintenance_transaction(network.engine) as connection:
            change_facts(connection)
            order.append("changed")

    changing = Thread(target=change, daemon=True)

    def waits() -> bool:
        mine = "SELECT oid FROM pg_database WHERE datname = current_database()"
        asked = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = ({mine})"
        with network.engine.connect() as connection:
            return bool(connection.scalar(text(asked)))

    def told(done: int, _in_all: int) -> None:
        order.append(str(done))
        if done == 2:
            changing.start()
            while not waits() and "changed" not in order:
                pass

    report = run(network, told)
    changing.join(30)
    assert "changed" in order[:-2]
    require_june(network, report)


def test_rows_the_database_refuses_take_their_batch_back_and_no_other(network: Park) -> None:
    first = [0]

    def told(done: int, _in_all: int) -> None:
        first[0] = done
        if done == 3:
            with maintenance_transaction(network.engine) as connection:
                refuse_postings(connection)

    with pytest.raises(Exception, match="refused for a test"):
        run(network, told)
    # The next one was priced by then, and wrote its rows in vain.
    assert first == [3]
    with reading(network.engine) as connection:
        done = select(func.count()).select_from(run_batch).where(run_batch.c.status == "done")
        assert connection.scalar(done) == 3
        assert connection.scalar(select(func.count()).select_from(run_outcome)) == 180
    with maintenance_transaction(network.engine) as connection:
        allow_postings(connection)
    require_june(network, run(network))


def refuse_postings(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(
            text("CREATE TRIGGER no_more BEFORE INSERT ON posting BEGIN SELECT RAISE(ABORT, 'refused for a test'); END")
        )
        return
    connection.execute(
        text(
            "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'refused for a test'; END $$"
        )
    )
    connection.execute(text("CREATE TRIGGER no_more BEFORE INSERT ON posting EXECUTE FUNCTION no_more()"))


def allow_postings(connection: Connection) -> None:
    on = "" if connection.dialect.name == "sqlite" else " ON posting"
    connection.execute(text(f"DROP TRIGGER no_more{on}"))


COLUMNS = ("code", "label", "unit", "billing", "revenue_account")


def services(first: int, count: int, unit: str = "each") -> list[tuple[str, ...]]:
    return [(f"S{number:04}", f"Service\t{number}", unit, "arrears", "71243") for number in range(first, first + count)]


def test_what_is_copied_beside_stands_before_any_other_statement(park: Park) -> None:
    with writing(park.engine) as connection, copying_beside(connection) as insert:
        unguarded(connection)
        insert(connection, service, COLUMNS, services(0, 2000))
        insert(connection, service, COLUMNS, services(2000, 3))
        insert(connection, service, COLUMNS, services(3000, 500))
        assert connection.scalar(select(func.count()).select_from(service)) == 2503
        insert(connection, service, COLUMNS, services(5000, 100))
    with reading(park.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(service)) == 2603
        assert connection.scalar(select(service.c.label).where(service.c.code == "S3001")) == "Service\t3001"


def copy_and(park: Park, then: Callable[[Connection], object], *copies: list[tuple[str, ...]]) -> None:
    """Copy those services beside one transaction, then do something else within it."""
    with writing(park.engine) as connection, copying_beside(connection) as insert:
        unguarded(connection)
        for rows in copies:
            insert(connection, service, COLUMNS, rows)
        then(connection)


def stands(park: Park) -> int:
    with reading(park.engine) as connection:
        return connection.scalar(select(func.count()).select_from(service)) or 0


@ONLY_POSTGRESQL
def test_a_copy_that_is_refused_is_raised_by_the_next_statement_and_nothing_stands(park: Park) -> None:
    went_through = []

    def next_statement(connection: Connection) -> None:
        went_through.append(connection.scalar(text("SELECT 1")))

    with pytest.raises(IntegrityError, match="pk_service"):
        copy_and(park, next_statement, services(0, 100), services(50, 100), services(200, 100))
    assert went_through == []
    assert stands(park) == 0


@ONLY_POSTGRESQL
def test_a_copy_that_is_refused_last_is_raised_before_commit(park: Park) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        copy_and(park, lambda _: None, services(0, 100), services(50, 100))
    assert stands(park) == 0


@ONLY_POSTGRESQL
def test_what_is_on_its_way_when_a_transaction_fails_is_rolled_back(park: Park) -> None:
    with pytest.raises(ZeroDivisionError):
        copy_and(park, lambda _: 1 // 0, *(services(2000 * place, 2000) for place in range(5)))
    assert stands(park) == 0


@ONLY_POSTGRESQL
def test_rows_go_nowhere_but_into_their_own_transaction(park: Park) -> None:
    with (
        writing(park.engine) as connection,
        copying_beside(connection) as insert,
        park.engine.connect() as other,
        pytest.raises(ValueError, match="their own transaction"),
    ):
        insert(other, service, COLUMNS, services(0, 100))


def test_sqlite_has_no_server_to_wait_for() -> None:
    with create_engine("sqlite://").connect() as connection, copying_beside(connection) as insert:
        assert insert is insert_rows
