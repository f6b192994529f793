"""The clock announces switches: in office hours, once a step, unless people want to do it themselves."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import cast

import pytest
from sqlalchemy import Engine, select

from billing.check import check
from billing.cross_subsidy.tier_changes.jobs import JOBS
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.frame.audit_log import SCHEDULER
from billing.frame.database import reading
from billing.frame.jobs import begin
from billing.frame.settings import Settings, load_settings
from billing.frame.tables import audit_event
from billing.frame.terms import load_terms
from billing.scheduler.scheduler import context_of, make_scheduler
from tests.support.park import Park

# 30 days before 10 September 2026, half past midnight in UTC: the 11th of August in Casablanca as well.
NOW = datetime(2026, 8, 11, 0, 30, tzinfo=UTC)


def announces(engine: Engine, settings: Settings) -> None:
    """The clock looks at what is to be announced."""
    begin(JOBS[0], context_of(JOBS[0], settings, engine, lambda: NOW, Event()))


def park_on(engine: Engine, folder: Path) -> None:
    Park(engine, folder / "network").opens(
        tenants=[{"code": "T1", "incorporated_on": "2024-01-15"}],
        leases=[{"code": "L1", "tenant": "T1", "starts_on": "2025-03-10"}],
    )


def notices(engine: Engine) -> list[tuple[str, int]]:
    with reading(engine) as connection:
        return [
            tuple(row)
            for row in connection.execute(select(tier_change_announcement.c.tenant, tier_change_announcement.c.step))
        ]


def test_the_clock_announces_what_is_due_once_as_its_own_act(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    park_on(engine, tmp_path)
    caplog.set_level("INFO")
    announces(engine, load_settings({}))
    announces(engine, load_settings({}))
    assert notices(engine) == [("T1", 30)]
    assert [(r.__dict__["job"], r.__dict__["outcome"]) for r in caplog.records] == [("tier-changes", "done")]
    with reading(engine) as connection:
        newest = connection.execute(select(audit_event).order_by(audit_event.c.id.desc()).limit(1)).one()
    assert (newest.actor, newest.operation) == (SCHEDULER, "tier-changes announce")
    assert check(engine) == []


def test_it_leaves_it_to_people_where_they_want_so(engine: Engine, tmp_path: Path) -> None:
    park_on(engine, tmp_path)
    file = tmp_path / "terms.toml"
    file.write_text(
        '[[switches.by_the_clock]]\neffective_from = 2000-01-01\nvalue = false\nsource = "test"\n', encoding="utf-8"
    )
    settings = replace(load_settings({}), terms=load_terms(file))
    announces(engine, settings)
    assert notices(engine) == []


def test_it_looks_every_hour_of_the_day_and_at_once_when_it_starts_within_them() -> None:
    for hour, at_once in ((12, True), (20, False)):
        now = datetime(2026, 8, 11, hour, 34, tzinfo=UTC)
        timetable = make_scheduler(JOBS, load_settings({}), cast("Engine", None), lambda now=now: now, Event())  # type: ignore[misc]
        timetable.start(paused=True)
        try:
            job = timetable.get_job("tier-changes")
            assert (job.next_run_time == now) is at_once
            # Casablanca is an hour ahead: 8.20 there is 7.20.
            morning = datetime(2026, 8, 12, 5, tzinfo=UTC)
            following = job.trigger.get_next_fire_time(None, morning)
            assert following.astimezone(UTC) == datetime(2026, 8, 12, 7, 20, tzinfo=UTC)
        finally:
            timetable.shutdown(wait=False)
