"""Starts the HTTP API: granian, some processes, each with its own engine and its own front (`billing.api.front`).

On SQLite threads of one process would fight over the interpreter, which is released at every row step
(docs/performance.md); so there are processes, and each does one short request at a time.
"""

import logging
import os
import resource
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from billing.api.app import body_bytes_max, create_app
from billing.api.front import Front
from billing.api.metrics import share_between_processes
from billing.api.pool import job_pool
from billing.frame.database import open_engine
from billing.frame.logs import configure_logging
from billing.frame.schema_version import require_current
from billing.frame.settings import Settings

# Long enough for a month of a large network to be run, once the server has been told to stop.
STOP_WAIT_S = 600
PROCESSES_LEAST = 2
# A connection has this long to send the headers of a request, the first as well as the next.
HEADERS_WAIT_S = 10
HEADERS_BYTES_MAX = 64 << 10
# How many a process holds, idle ones too, and how many wait to be taken up.
CONNECTIONS_MAX = 4000
CONNECTIONS_WAITING_MAX = 2048
_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def application(settings: Settings, counts: Path) -> Callable[..., Any]:
    """Return what answers requests in one process: its front, with the application behind it."""
    configure_logging(settings.log_format)
    engine, has_pool = open_engine(settings.database_url), settings.jobs_processes > 0
    return Front(create_app(settings, engine, _now, has_pool=has_pool, counts=counts), body_bytes_max).answer


def serve(settings: Settings, *, host: str = "127.0.0.1", port: int = 8000, workers: int | None = None) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); requests under way are answered first.

    `workers` is the number of processes: one a core unless given, but two at least, since a month being run
    keeps one busy. Raises SchemaNotReady.
    """
    engine = open_engine(settings.database_url)
    require_current(engine)
    # A connection must not cross a fork.
    engine.dispose()
    configure_logging(settings.log_format)
    # Each connection is a file.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    processes = workers or max(PROCESSES_LEAST, os.cpu_count() or 1)
    with TemporaryDirectory(prefix="technopark-metrics-") as folder, job_pool(settings):
        share_between_processes(Path(folder))
        server = Granian(
            "billing.api.serve",
            address=host,
            port=port,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WAIT_S * 1000, max_buffer_size=HEADERS_BYTES_MAX),
            websockets=False,
            backlog=CONNECTIONS_WAITING_MAX,
            backpressure=CONNECTIONS_MAX,
            workers=processes,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_WAIT_S,
            log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
        )
        _log.info("serving on http://%s:%s with %s processes", host, port, processes)
        server.serve(target_loader=partial(application, settings, Path(folder) / "requests"), wrap_loader=False)
    _log.info("stopped")
