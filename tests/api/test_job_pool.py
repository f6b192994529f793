"""The pool of processes that do jobs, beside a real server: killed, cancelled, stopped and started in the middle."""

import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tests.support.api import Caller
from tests.support.served import Served, environment, serving

EXPORT = "/v1/ledger/exports?format=xlsx"


def order(served: Served, secret: str, path: str = EXPORT, method: str = "GET") -> str:
    """Order an export, or something else, for later; the address of its job."""
    headers = {"Authorization": f"Bearer {secret}", "Prefer": "respond-async", "X-Request-ID": "ordered-here"}
    request = urllib.request.Request(served.address + path, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202
        return str(answer.headers["Location"])


def content(served: Served, secret: str, path: str) -> bytes:
    """The body of an answer."""
    asked = urllib.request.Request(served.address + path, headers={"Authorization": f"Bearer {secret}"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return bytes(answer.read())


def until(holds: Callable[[], Any]) -> Any:
    """Wait until something is, and give it."""
    for _ in range(6000):
        if found := holds():
            return found
        time.sleep(0.01)
    raise AssertionError("it never came")


def processes_of(files: Path) -> Iterator[int]:
    """The processes that hold a job."""
    held = files / "held"
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(link.readlink() == held for link in (folder / "fd").iterdir()):
                yield int(folder.name)
        except OSError:
            continue


def halted(jobs: Path, address: str) -> int:
    """Halt the process that does a job as soon as it does; its number."""
    files = jobs / address.rpartition("/")[2]
    number: int = until(lambda: next(processes_of(files), None))
    os.kill(number, signal.SIGSTOP)
    return number


def test_jobs_outlive_their_process_and_their_server_and_end_when_cancelled(
    park: Caller, engine: Engine, tmp_path: Path
) -> None:
    jobs, secret = tmp_path / "jobs", park.secrets["finance"]
    settings = environment(engine, tmp_path, JOBS_FOLDER=str(jobs), JOBS_PROCESSES="1")
    with serving(settings, tmp_path, workers=1) as served:

        def state(address: str) -> Any:
            return served.open(address, secret)[1]

        at_once = content(served, secret, EXPORT)
        # Killed in the middle: begun again.
        killed = order(served, secret)
        os.kill(halted(jobs, killed), signal.SIGKILL)
        done = until(lambda: (job := state(killed))["state"] == "done" and job)
        assert (done["attempts"], done["request_id"]) == (2, "ordered-here")
        assert content(served, secret, done["result"]["href"]) == at_once
        # One at a time; cancelled in the middle: nothing is left.
        cancelled, waiting, dropped = (order(served, secret) for _ in range(3))
        halted(jobs, cancelled)
        assert [state(address)["state"] for address in (cancelled, waiting)] == ["running", "queued"]
        assert served.open(f"{dropped}/cancellation", secret, method="POST")[1]["state"] == "cancelled"
        served.open(f"{cancelled}/cancellation", secret, method="POST")
        until(lambda: state(cancelled)["state"] == "cancelled" and not (jobs / cancelled.rpartition("/")[2]).exists())
        # The server dies in the middle of the next one.
        halted(jobs, waiting)
        os.killpg(served.process.pid, signal.SIGKILL)
    with serving(settings, tmp_path, workers=1) as served:
        done = until(lambda: (job := state(waiting))["state"] == "done" and job)
        assert done["attempts"] == 2
        assert content(served, secret, done["result"]["href"]) == at_once
        until(lambda: state(dropped)["state"] == "cancelled")
        assert served.stop() == 0
    begun = [line for line in served.lines() if line["message"].startswith("job begun")]
    assert {line["request_id"] for line in begun} == {"ordered-here"}
    assert not any(next(processes_of(files), None) for files in jobs.iterdir() if files.is_dir())


def test_a_job_has_processes_of_its_own_however_long_the_name_of_its_folder(
    park: Caller, engine: Engine, tmp_path: Path
) -> None:
    """The socket by which they are begun has a name of 108 bytes at most."""
    settings = environment(
        engine, tmp_path, JOBS_FOLDER=str(tmp_path / ("j" * 100)), SMTP_URL=f"file:{tmp_path / 'outbox'}"
    )
    with serving(settings, tmp_path, workers=1) as served:
        secret = park.secrets["finance"]
        address = order(served, secret, "/v1/deliveries", "POST")
        done = until(lambda: (job := served.open(address, secret)[1])["state"] not in ("queued", "running") and job)
        assert (done["state"], done["problem"]) == ("done", None)
        assert served.open(done["result"]["href"], secret)[1]["sent"] > 0
