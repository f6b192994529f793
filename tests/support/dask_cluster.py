"""A Dask cluster of this host, for tests."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

# A Dask scheduler's address, and its workers' programs.
Cluster: TypeAlias = tuple[str, list[subprocess.Popen[bytes]]]


@pytest.fixture(params=["--no-nanny"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """A Dask scheduler and two workers, as separate programs: its address, and the workers (with their nannies)."""
    port_file = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    dask = [sys.executable, "-m", "dask"]
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"dask-{len(started)}.log").open("wb")
        process = subprocess.Popen([*dask, *arguments], env=environment, stdout=log, stderr=log, cwd=tmp_path)
        started.append(process)
        return process

    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(port_file))
    wait_until(lambda: port_file.exists() and port_file.stat().st_size > 0, 60)
    options = ["--scheduler-file", str(port_file), "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard"]
    workers = [start("worker", *options, "--name", f"w{n}", request.param) for n in range(2)]
    yield json.loads(port_file.read_text())["address"], workers
    for process in started:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
