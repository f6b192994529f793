"""Closing months of a park that is billed: what must be done first, and where late facts go."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import DBAPIError

from billing.books.periods.checks import periods as proof
from billing.books.periods.closing import close_accounts_of, close_period, reopen_period, undo_accounts_of
from billing.check import check
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.errors import PeriodRefused, ReasonRequired
from billing.frame.settings import load_settings
from billing.register.network_import import import_folder
from billing.register.tables import billing_run
from billing.run.month import run_month
from invoices.models import document
from ledger.balances import trial_balance
from ledger.entry import Entry, Posting
from ledger.errors import PeriodClosed, PeriodNotYetOpen
from ledger.journal import post
from ledger.models import entry
from ledger.periods import closings, digest, last_day
from tests.support.networks import write_network

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
TODAY = date(2026, 10, 5)
JUNE, JULY, AUGUST, SEPTEMBER = (date(2026, month, 1) for month in (6, 7, 8, 9))
TENANTS = [{"code": "T1"}, {"code": "T2", "kind": "large"}]
LEASES = [("L1", "T1", "TNG", "A", "20", "2026-01-01", None), ("L2", "T2", "TNG", "B", "30", "2026-01-01", None)]


def network(engine: Engine, folder: Path, *grants: tuple[str, str, str]) -> None:
    listed = [(code, "Région", "TNG", amount, granted_on) for code, amount, granted_on in grants]
    import_folder(engine, write_network(folder, tenants=TENANTS, leases=LEASES, grants=listed), now=NOW)


def run(engine: Engine, month: date, day: date | None = None, *, now: datetime = NOW) -> None:
    run_month(load_settings({}), engine, month, issued_on=day or month, clock=lambda: now, workers=1)


def close(engine: Engine, month: date, today: date = TODAY) -> None:
    with writing(engine) as connection:
        close_period(connection, month, today=today, recorded_at=NOW, open_months_max=2, terms=load_settings({}).terms)


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Engine:
    network(engine, tmp_path)
    run(engine, JUNE)
    run(engine, JULY)
    close(engine, JUNE)
    return engine


def test_a_month_is_closed_when_it_has_ended_and_its_run_is_finished(engine: Engine, tmp_path: Path) -> None:
    network(engine, tmp_path)
    run(engine, JUNE)
    with pytest.raises(PeriodRefused, match="2026-06 has not ended"):
        close(engine, JUNE, today=date(2026, 6, 30))
    with maintenance_transaction(engine) as connection:
        connection.execute(update(billing_run).values(status="running"))
    with pytest.raises(PeriodRefused, match="the run of 2026-06 was interrupted: finish it first"):
        close(engine, JUNE)


def test_a_run_dated_in_a_closed_month_is_refused_before_it_begins(park: Engine) -> None:
    with pytest.raises(PeriodNotYetOpen, match="2026-09 can't be begun while 2026-07 is open"):
        run(park, AUGUST, SEPTEMBER)
    close(park, JULY)
    with pytest.raises(PeriodClosed, match="2026-07 is closed: give a day from 2026-08-01 on"):
        run(park, AUGUST, date(2026, 7, 31))
    with reading(park) as connection:
        assert connection.scalars(select(billing_run.c.period)).all() == [JUNE, JULY]
    run(park, AUGUST)
    assert check(park) == []


def test_a_late_grant_is_posted_on_the_first_open_day(park: Engine, tmp_path: Path) -> None:
    network(park, tmp_path, ("G1", "500.00", "2026-06-15"))
    close(park, JULY)
    run(park, AUGUST)
    network(park, tmp_path, ("G1", "900.00", "2026-06-15"))
    with reading(park) as connection:
        c = entry.c
        found = connection.execute(select(c.reference, c.effective_on).where(c.reference.like("PER/grant/%")))
        assert found.all() == [
            ("PER/grant/G1/1", JULY), ("PER/grant/G1/1/reversal", AUGUST), ("PER/grant/G1/2", AUGUST),
        ]  # fmt: skip
    close(park, AUGUST)
    run(park, SEPTEMBER)
    assert check(park) == []


def test_a_reopening_keeps_its_reason(park: Engine) -> None:
    with writing(park) as connection:
        found = reopen_period(connection, JUNE, "frais bancaires oubliés", recorded_at=NOW)
    assert found.reason == "frais bancaires oubliés"
    assert check(park) == []


def test_december_is_closed_after_the_years_accounts(engine: Engine, tmp_path: Path) -> None:
    network(engine, tmp_path)
    later, december = date(2027, 2, 5), date(2026, 12, 1)
    run(engine, december, now=datetime(2026, 12, 1, 9, tzinfo=UTC))
    run(engine, date(2027, 1, 1), now=datetime(2027, 1, 1, 9, tzinfo=UTC))
    with pytest.raises(PeriodRefused, match=r"2026-12 ends the year: close its accounts first with .* close-year 2026"):
        close(engine, december, today=later)
    with pytest.raises(PeriodRefused, match="2026 has not ended"), writing(engine) as connection:
        close_accounts_of(connection, 2026, today=date(2026, 12, 31), recorded_at=NOW, terms=load_settings({}).terms)
    with writing(engine) as connection:
        net = connection.scalar(select(func.sum(document.c.net)).where(document.c.issued_on == december))
        assert (
            close_accounts_of(connection, 2026, today=later, recorded_at=NOW, terms=load_settings({}).terms).result
            == net
        )
    close(engine, december, today=later)
    run(engine, date(2027, 2, 1), now=datetime(2027, 2, 5, 9, tzinfo=UTC))
    with pytest.raises(ReasonRequired), writing(engine) as connection:
        undo_accounts_of(connection, 2026, recorded_at=NOW)
    assert check(engine) == []


def test_a_repair_of_a_closed_month_is_booked_in_the_open_one(park: Engine, tmp_path: Path) -> None:
    with reading(park) as connection:
        before = trial_balance(connection, last_day(JUNE))
        kept = closings(connection)[0].digest
    shorter = [("L1", "T1", "TNG", "A", "20", "2026-01-01", "2026-06-10"), LEASES[1]]
    import_folder(park, write_network(tmp_path / "again", tenants=TENANTS, leases=shorter), now=NOW)
    close(park, JULY)
    run(park, AUGUST)
    with reading(park) as connection:
        assert connection.scalar(select(func.count()).where(document.c.kind == "credit_note")) == 1
        assert trial_balance(connection, last_day(JUNE)) == before
        assert digest(JUNE, trial_balance(connection, last_day(JUNE))) == kept
    assert check(park) == []


def test_nothing_slips_into_a_month_while_it_is_being_closed(engine: Engine) -> None:
    def sell(poster: int) -> int:
        for turn in range(40):
            name = f"{poster}/{turn}"
            postings = (Posting("3421", 100, "T1"), Posting("71243", -100, None, "TNG"))
            try:
                with writing(engine) as connection:
                    post(connection, [Entry(name, "VTE", JUNE, name, name, postings)], recorded_at=NOW)
            except (PeriodClosed, DBAPIError):
                return turn
        return 40

    def close_meanwhile(_: int) -> int:
        close(engine, JUNE)
        return -1

    sell(9)
    with ThreadPoolExecutor(4) as pool:
        posted = sum(pool.map(lambda act: act[0](act[1]), [(sell, 1), (sell, 2), (close_meanwhile, 0), (sell, 3)])) + 1
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(entry)) == 40 + posted
        assert list(proof(connection, lambda _: None)) == []
