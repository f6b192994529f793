"""Starts the HTTP API: granian, one thread a process, each process with its own engine.

On SQLite threads of one process would fight over the interpreter, which is released at every row step
(docs/performance.md); so there are processes, and each does one request at a time.
"""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from billing.api.app import create_app
from billing.api.metrics import share_between_processes
from billing.frame.database import open_engine
from billing.frame.logs import configure_logging
from billing.frame.schema_version import require_current
from billing.frame.settings import Settings

# Long enough for a month of a large network to be run, once the server has been told to stop.
STOP_WAIT_S = 600
PROCESSES_LEAST = 2
_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def application(settings: Settings) -> Callable[..., Any]:
    """Return the WSGI application of one process."""
    configure_logging(settings.log_format)
    return create_app(settings, open_engine(settings.database_url), _now)


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
    processes = workers or max(PROCESSES_LEAST, os.cpu_count() or 1)
    with TemporaryDirectory(prefix="technopark-metrics-") as folder:
        share_between_processes(Path(folder))
        server = Granian(
            "billing.api.serve",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=processes,
            blocking_threads=1,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_WAIT_S,
            log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
        )
        _log.info("serving on http://%s:%s with %s processes", host, port, processes)
        server.serve(target_loader=partial(application, settings), wrap_loader=False)
    _log.info("stopped")
