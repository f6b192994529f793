"""Several schedulers at once, killed ones too, over a real SMTP server: each step of an invoice is mailed once."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from billing.check import check
from billing.frame.database import reading
from billing.receivables.tables.dunning import dunning_act, dunning_step
from billing.register.network_import import import_folder
from billing.run.month import run_month
from invoices.messages.tables import message, message_delivery
from invoices.transport import CONNECTIONS
from tests.support.networks import write_network
from tests.support.queued import environment, settings
from tests.support.smtp_sink import listening

JUNE = date(2026, 6, 1)
# Two days after the third one past the due date, noon in Casablanca.
LATE = datetime(2026, 8, 5, 11, tzinfo=UTC)
_REMIND = """
import sys
from dataclasses import replace
from datetime import datetime
from threading import Event
from billing.frame.settings import load_settings
from billing.frame.database import open_engine
from billing.scheduler.scheduler import all_jobs, context_of
if __name__ == "__main__":
    settings = load_settings()
    engine = open_engine(settings.database_url)
    at = datetime.fromisoformat(sys.argv[1])
    facts = {"dunning": {"result": ["0 reminders queued"]}, "deliver": {"sent": 0}}
    jobs = {job.name: job for job in all_jobs()}
    for name in ("dunning", *sys.argv[2:]):
        say = lambda _level, outcome, **told: facts[name].update(told) if outcome == "done" else None
        jobs[name].work(replace(context_of(jobs[name], settings, engine, lambda: at, Event()), say=say))
    print(facts["dunning"]["result"][0].split()[0], facts["deliver"]["sent"], flush=True)
"""

BY_THE_CLOCK = """
[[dunning.by_the_clock]]
effective_from = 1900-01-01
value = true
source = "test"
"""


@pytest.fixture
def billed(engine: Engine, tmp_path: Path) -> Engine:
    """Twelve tenants who owe June."""
    codes = [f"T{n:02d}" for n in range(1, 13)]
    folder = write_network(
        tmp_path / "network",
        tenants=[
            {"code": code, "kind": "large", "incorporated_on": "2000-01-01", "email": f"{code.lower()}@tenants.example"}
            for code in codes
        ],
        leases=[{"code": f"L{code}", "tenant": code, "area_m2": "10", "starts_on": "2024-01-01"} for code in codes],
    )
    import_folder(engine, folder, now=LATE)
    run_month(settings(engine, tmp_path), engine, JUNE, clock=lambda: LATE, issued_on=JUNE, deliver=False)
    return engine


def where_the_clock_reminds(engine: Engine, folder: Path, url: str = "") -> dict[str, str]:
    """The environment of a scheduler whose settings leave reminders to it."""
    terms = folder / "terms.toml"
    terms.write_text(BY_THE_CLOCK, encoding="utf-8")
    return {**os.environ, **environment(engine, folder, url), "TERMS_FILE": str(terms)}


def start(engine: Engine, folder: Path, url: str, at: datetime, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _REMIND, at.isoformat(), *arguments],
        env=where_the_clock_reminds(engine, folder, url),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_eight_schedulers_at_once_send_each_tenant_one_mail(billed: Engine, tmp_path: Path) -> None:
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        running = [start(billed, tmp_path, url, LATE, "deliver") for _ in range(8)]
        told = [process.communicate(timeout=300)[0].split() for process in running]
        assert [process.returncode for process in running] == [0] * 8
        assert sum(int(queued) for queued, _ in told) == 12
        # Whoever came late to the queue left it to the others; what is left goes with the next pass.
        start(billed, tmp_path, url, LATE + timedelta(minutes=1), "deliver").communicate(timeout=120)
        assert sink.count() == {f"<ME-{n:06d}@parcs.example>": 1 for n in range(1, 13)}
    with reading(billed) as connection:
        assert connection.scalar(select(func.count()).select_from(dunning_act)) == 12
        assert connection.scalar(select(func.count()).select_from(dunning_step)) == 12
        assert set(connection.scalars(select(message_delivery.c.state))) == {"sent"}
    assert check(billed) == []


def test_a_scheduler_killed_while_it_queues_has_queued_nothing_and_the_next_does_all(
    billed: Engine, tmp_path: Path
) -> None:
    killed = (
        "import os, signal\n"
        "import billing.receivables.dunning.sending as sending\n"
        "record = sending.insert_rows\n"
        "def insert_rows(*given):\n"
        "    record(*given)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "sending.insert_rows = insert_rows\n"
    )
    program = killed + _REMIND
    died = subprocess.run(
        [sys.executable, "-c", program, LATE.isoformat()],
        env=where_the_clock_reminds(billed, tmp_path),
        check=False,
    )
    assert died.returncode == -9
    with reading(billed) as connection:
        assert connection.scalar(select(func.count()).select_from(message)) == 0
        assert connection.scalar(select(func.count()).select_from(dunning_act)) == 0
    assert start(billed, tmp_path, "", LATE).communicate(timeout=120)[0].split() == ["12", "0"]
    assert start(billed, tmp_path, "", LATE).communicate(timeout=120)[0].split() == ["0", "0"]
    assert check(billed) == []


def test_a_scheduler_killed_while_the_server_takes_a_letter_never_causes_a_second(
    billed: Engine, tmp_path: Path
) -> None:
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        sink.answering.clear()
        process = start(billed, tmp_path, url, LATE, "deliver")
        while len(sink.count()) < CONNECTIONS:
            assert process.poll() is None
        process.kill()
        process.wait()
        sink.answering.set()
        start(billed, tmp_path, url, LATE + timedelta(minutes=5), "deliver").communicate(timeout=120)
        assert set(sink.count().values()) == {1}
        assert len(sink.count()) == 12
    with reading(billed) as connection:
        states = connection.scalars(select(message_delivery.c.state).order_by(message_delivery.c.state)).all()
    assert states == [*["failed"] * CONNECTIONS, *["sent"] * (12 - CONNECTIONS)]
