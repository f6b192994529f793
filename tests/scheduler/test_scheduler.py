"""The clock's work: which month is due when, downtime caught up, a month run once however many watch the clock."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select

from billing.documents.delivery.jobs import say_delivered
from billing.documents.delivery.queue_pass import DeliveryReport
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, RunRefused
from billing.frame.jobs import Job, JobContext, begin, say_for
from billing.frame.settings import load_settings
from billing.receivables.tables.receipts import looked_through, unsettled_document
from billing.register.network_import import import_folder
from billing.register.tables import billing_run
from billing.run.jobs import Standing, bring_up_to_date, due_period, month_to_run, read_standing
from billing.run.month import run_month
from billing.run.report import RunReport, Totals
from billing.scheduler.scheduler import CHECK, all_jobs, context_of, make_scheduler
from invoices.delivery import FailedDelivery
from invoices.models import delivery, document
from ledger.models import account
from tests.support.networks import write_network
from tests.support.queued import MovedClock, environment, settings

CASABLANCA = ZoneInfo("Africa/Casablanca")
JUNE, JULY, AUGUST = date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1)
CROSS_SUBSIDY = {"advantage": "0.00", "reserve_after": "0.00"}


@dataclass
class Park:
    """What the jobs would do, kept in memory: the timetable is what is tested here."""

    latest: date | None = None
    is_complete: bool = True
    has_facts: bool = True
    run: list[date] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)

    def run_month(self, period: date) -> RunReport:
        if self.refusals:
            raise self.refusals.pop(0)
        self.run.append(period)
        self.latest, self.is_complete = period, True
        return RunReport(period, period, Totals(), Totals(), CROSS_SUBSIDY, (), issued_now=True)

    def standing(self) -> Standing:
        return Standing(self.latest, self.is_complete, self.has_facts)

    def looks(self, now: datetime, run_day: int = 1, run_hour: int = 6) -> None:
        """The clock looks at the month."""

        def work(context: JobContext) -> None:
            bring_up_to_date(self.standing, self.run_month, due_period(now, run_day, run_hour), context.say)

        done(work, "run")


def done(work: Callable[[JobContext], None], name: str) -> None:
    """A job of that name is begun, without a database."""
    job = Job(name, CHECK.timetable, work)
    begin(job, context_of(job, load_settings({}), cast("Engine", None), MovedClock(), Event()))


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.__dict__["job"], record.__dict__["outcome"]) for record in caplog.records]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # UTC+1: six o'clock in Casablanca is five o'clock UTC.
        ("2026-09-01T04:59:59Z", AUGUST),
        ("2026-09-01T05:00:00Z", date(2026, 9, 1)),
        ("2026-09-30T23:30:00Z", date(2026, 9, 1)),
        # Ramadan, UTC+0, from 15 February to 22 March 2026.
        ("2026-03-01T05:30:00Z", date(2026, 2, 1)),
        ("2026-03-01T06:00:00Z", date(2026, 3, 1)),
        ("2026-04-01T05:00:00Z", date(2026, 4, 1)),
        # Midnight comes an hour earlier than UTC's.
        ("2026-12-31T23:30:00Z", date(2026, 12, 1)),
        ("2027-01-01T04:59:00Z", date(2026, 12, 1)),
        ("2027-01-01T05:00:00Z", date(2027, 1, 1)),
    ],
)
def test_a_month_is_due_from_the_day_and_hour_by_the_clocks_of_casablanca_r2(now: str, due: date) -> None:
    assert due_period(datetime.fromisoformat(now), run_day=1, run_hour=6) == due


def test_a_run_day_late_in_the_month_leaves_the_month_before_due_until_then() -> None:
    assert due_period(datetime(2026, 3, 27, 12, tzinfo=UTC), 28, 0) == date(2026, 2, 1)
    assert due_period(datetime(2026, 3, 27, 23, 0, tzinfo=UTC), 28, 0) == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("latest", "is_complete", "has_facts", "expected"),
    [
        (None, False, False, None),
        (None, False, True, JULY),
        (JUNE, True, True, JULY),
        (date(2026, 1, 1), True, True, date(2026, 2, 1)),
        (JULY, True, True, None),
        (JULY, False, True, JULY),
        (JUNE, False, True, JUNE),
        (AUGUST, True, True, None),
        (AUGUST, False, True, None),
    ],
)
def test_what_is_run_follows_from_what_stands_r14(
    latest: date | None, is_complete: bool, has_facts: bool, expected: date | None
) -> None:
    assert month_to_run(Standing(latest, is_complete, has_facts), JULY) == expected


def test_two_years_of_hours_run_every_month_once_on_its_day() -> None:
    park, clock, when = Park(latest=date(2025, 12, 1)), MovedClock(datetime(2025, 12, 15, tzinfo=UTC)), []
    while clock.now < datetime(2028, 1, 1, tzinfo=UTC):
        before = len(park.run)
        park.looks(clock.now, 5, 2)
        if len(park.run) > before:
            when.append(clock.now.astimezone(CASABLANCA))
        clock.now += timedelta(hours=1)
    assert park.run == [date(year, month, 1) for year in (2026, 2027) for month in range(1, 13)]
    assert {(at.day, at.hour, at.minute) for at in when} == {(5, 2, 0)}


def test_after_downtime_an_interrupted_month_is_finished_and_those_due_are_run_one_after_the_other() -> None:
    park = Park(latest=JUNE, is_complete=False)
    park.looks(datetime(2026, 9, 20, tzinfo=UTC))
    assert park.run == [JUNE, JULY, AUGUST, date(2026, 9, 1)]


def test_a_month_that_is_refused_is_logged_and_tried_again_the_next_hour(caplog: pytest.LogCaptureFixture) -> None:
    park = Park(latest=JUNE, refusals=[RunRefused("the disk is full")])
    for _ in range(2):
        park.looks(datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert park.run == [JULY]
    assert logged(caplog)[0] == ("run", "failed")
    assert "the disk is full" in caplog.records[0].getMessage()


def test_a_replica_that_loses_the_race_counts_the_month_as_done(caplog: pytest.LogCaptureFixture) -> None:
    park = Park(latest=JUNE, is_complete=False)

    def overtaken(period: date) -> RunReport:
        park.latest, park.is_complete = JULY, True
        raise RunRefused("2026-06 comes before 2026-07, the latest run")

    bring_up_to_date(park.standing, overtaken, due_period(datetime(2026, 7, 1, 12, tzinfo=UTC), 1, 6), say_for("run"))
    assert "failed" not in [outcome for _, outcome in logged(caplog)]


def test_a_job_that_fails_is_logged_with_its_reason_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_context: JobContext) -> None:
        raise Conflict("the database is elsewhere")

    for job in all_jobs():
        done(broken, job.name)
    names = (
        "run",
        "deliver",
        "dunning",
        "tier-changes",
        "accounts",
        "prove",
        "webhooks",
        "salesforce",
        "folder",
        "check",
    )
    assert logged(caplog) == [(name, "failed") for name in names]


def test_what_was_not_delivered_is_logged_by_name(caplog: pytest.LogCaptureFixture) -> None:
    failure = FailedDelivery(1, "FA-2026-000001", "T1", "a@b.example", "failed", 1, None, "550 no such user")
    caplog.set_level("INFO")
    say_delivered(DeliveryReport(2, 3, (failure,), None, 0, 1), say_for("deliver"))
    assert logged(caplog) == [("deliver", "not delivered"), ("deliver", "done")]
    assert caplog.records[0].__dict__["number"] == "FA-2026-000001"


def test_what_is_wrong_is_logged_by_name(engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with writing(engine) as connection:
        connection.execute(account.delete().where(account.c.code == "6167"))
    begin(CHECK, context_of(CHECK, settings(engine, tmp_path), engine, MovedClock(), Event()))
    assert logged(caplog) == [("check", "problem"), ("check", "done")]
    assert "account 6167" in caplog.records[0].__dict__["problem"]


def test_the_timetable_is_every_hour_every_minute_and_every_night_and_what_is_overdue_at_once() -> None:
    now = datetime(2026, 2, 14, 12, 34, 56, tzinfo=UTC)
    timetable = make_scheduler(all_jobs(), load_settings({}), cast("Engine", None), lambda: now, Event())
    timetable.start(paused=True)
    try:
        jobs = {job.id: job for job in timetable.get_jobs()}
        assert jobs["run"].next_run_time == jobs["deliver"].next_run_time == now
        assert {(job.coalesce, job.max_instances, job.misfire_grace_time) for job in jobs.values()} == {(True, 1, None)}
        hour = jobs["run"].trigger.get_next_fire_time(now, now)
        assert hour == datetime(2026, 2, 14, 13, 0, tzinfo=UTC)
        assert jobs["deliver"].trigger.interval == timedelta(minutes=1)
        # The night of 15 February 2026 the clocks go back to UTC+0 for Ramadan.
        nights, at = [], now
        for _ in range(3):
            at = jobs["check"].trigger.get_next_fire_time(at, at + timedelta(seconds=1))
            nights.append(at.astimezone(UTC))
        assert nights == [datetime(2026, 2, day, 3, 30, tzinfo=UTC) for day in (15, 16, 17)]
    finally:
        timetable.shutdown(wait=False)


def park_with_a_tenant(engine: Engine, folder: Path) -> None:
    """One tenant with one office, since long ago; nothing run yet."""
    write_network(
        folder / "network",
        tenants=[{"code": "T1", "incorporated_on": "2015-01-15"}, {"code": "T2", "incorporated_on": "2015-01-15"}],
        leases=[{"code": "L1", "tenant": "T1"}, {"code": "L2", "tenant": "T2"}],
    )
    import_folder(engine, folder / "network", now=datetime.now(UTC))


def test_how_far_billing_has_come_is_read_off_the_database(engine: Engine, tmp_path: Path) -> None:
    def found() -> Standing:
        with reading(engine) as connection:
            return read_standing(connection)

    assert found() == Standing(None, is_complete=False, has_facts=False)
    park_with_a_tenant(engine, tmp_path)
    assert found() == Standing(None, is_complete=False, has_facts=True)
    run_month(settings(engine, tmp_path), engine, JUNE, clock=MovedClock())
    assert found() == Standing(JUNE, is_complete=True, has_facts=True)


def test_by_night_what_may_be_open_is_looked_through_again(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="billing.scheduler")
    park_with_a_tenant(engine, tmp_path)
    chosen = settings(engine, tmp_path)
    run_month(chosen, engine, JUNE, clock=MovedClock())
    with reading(engine) as connection:
        assert connection.scalar(select(looked_through.c.document_id)) == 0
    begin(CHECK, context_of(CHECK, chosen, engine, MovedClock(), Event()))
    assert logged(caplog) == [("check", "done")]
    with reading(engine) as connection:
        assert connection.scalar(select(looked_through.c.document_id)) == 2
        assert sorted(connection.scalars(select(unsettled_document.c.tenant))) == ["T1", "T2"]


def start_scheduler(engine: Engine, folder: Path, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from billing.cli import main; main()", "scheduler"],
        env={**os.environ, **environment(engine, folder), "RUN_DAY": "1", "RUN_HOUR": "0"},
        stderr=log.open("wb"),
    )


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_replicas_catch_the_month_up_once_deliver_it_and_stop_when_told(engine: Engine, tmp_path: Path) -> None:
    park_with_a_tenant(engine, tmp_path)
    due = due_period(datetime.now(UTC), 1, 0)
    logs = [tmp_path / f"scheduler-{n}.log" for n in range(3)]
    replicas = [start_scheduler(engine, tmp_path, log) for log in logs]

    def is_run() -> bool:
        with reading(engine) as connection:
            return read_standing(connection).is_complete

    wait_until(lambda: is_run() and all("scheduler: started" in log.read_text() for log in logs))
    for replica in replicas:
        replica.send_signal(signal.SIGTERM)
    assert [replica.wait(timeout=30) for replica in replicas] == [0, 0, 0]
    with reading(engine) as connection:
        assert list(connection.scalars(select(billing_run.c.period))) == [due]
        assert connection.scalar(select(func.count()).select_from(document)) == 2
        unsent = connection.scalar(select(func.count()).select_from(delivery).where(delivery.c.state != "sent"))
    # A scheduler that starts again catches up what the others left.
    if unsent:
        again = start_scheduler(engine, tmp_path, logs[0])
        wait_until(lambda: len(list((tmp_path / "outbox").glob("*.eml"))) == 2)
        again.send_signal(signal.SIGTERM)
        assert again.wait(timeout=30) == 0
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 2
    for log in logs:
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert [line["outcome"] for line in lines if line.get("job") == "scheduler"] == ["started", "stopped"]
        assert [line for line in lines if line.get("outcome") == "failed"] == []
