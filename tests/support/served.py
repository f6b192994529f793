"""The real server in a process of its own, for tests of what only it can show."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

_PROGRAM = """
import sys
from billing.frame.settings import load_settings
from billing.api.serve import serve
exec(sys.argv[3])
serve(load_settings(), port=int(sys.argv[1]), workers=int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Served:
    """A running server: its process, address and log."""

    process: "subprocess.Popen[bytes]"
    address: str
    log: Path

    def open(
        self, path: str, secret: str | None = None, body: Any = None, method: str | None = None
    ) -> tuple[int, Any]:
        """Status and JSON (or text) of one request."""
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _read(answer)
        except urllib.error.HTTPError as error:
            return error.code, _read(error)

    def stop(self) -> int:
        """Tell it to stop and wait; gives its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def lines(self) -> list[dict[str, Any]]:
        """What it logged, line by line, where that is JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]


def environment(engine: Engine, folder: Path, **more: str) -> dict[str, str]:
    """The variables of a server on a database."""
    url = engine.url.render_as_string(hide_password=False)
    return {"DATABASE_URL": url, "DOCUMENTS_URL": f"file:{folder / 'documents'}", **more}


def _read(answer: Any) -> Any:
    content = answer.read()
    return json.loads(content) if "json" in answer.headers.get("Content-Type", "") else content.decode()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serving(environment: Mapping[str, str], folder: Path, workers: int = 2, before: str = "") -> Iterator[Served]:
    """A server that answers; it and its workers are killed at the end if they still run.

    `before` is done in its process first, such as shortening a deadline.
    """
    port, log = free_port(), folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(port), str(workers), before],
            env={**os.environ, "JOBS_FOLDER": str(folder / "jobs"), **environment},
            stdout=output,
            stderr=output,
            # A group of its own: workers outlive a server that is killed.
            start_new_session=True,
        )
    served = Served(process, f"http://127.0.0.1:{port}", log)
    try:
        _wait_until_alive(served, workers)
        yield served
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_alive(served: Served, workers: int) -> None:
    """Until it answers and every worker has started: granian's worker hears no signal before."""
    for _ in range(1200):
        if served.process.poll() is not None:
            break
        try:
            started = served.log.read_text(encoding="utf-8").count("runtime-1")
            if started >= workers and served.open("/healthz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(served.log.read_text(encoding="utf-8"))
