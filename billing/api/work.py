"""The work of one job, in a process of its own: the request is done by the app itself, its answer becomes files."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import Row
from werkzeug.test import EnvironBuilder, run_wsgi_app

from billing.api.app import create_app
from billing.frame.civil_time import Clock
from billing.frame.database import open_engine, reading
from billing.frame.deferred import rows
from billing.frame.deferred.files import JobFiles, files_of
from billing.frame.executors import begin_worker
from billing.frame.http.deferring import environ_of
from billing.frame.http.problems import GONE, INTERNAL, Gone, problem_body
from billing.frame.logs import configure_logging
from billing.frame.settings import Settings
from invoices.private_files import private_file

_KEPT_HEADERS = ("Content-Type", "Content-Disposition", "Location", "ETag")
# Requests that wait for an answer come first.
_NICENESS = 10
_log = logging.getLogger(__name__)


def work(settings: Settings, name: str, clock: Clock) -> None:
    """Do a job, as the only thing this process does."""
    begin_worker()
    configure_logging(settings.log_format)
    os.nice(_NICENESS)
    files = files_of(settings, name)
    with files.held():
        engine = open_engine(settings.database_url)
        with reading(engine) as connection:
            row = rows.find(connection, name)
        if row is None:
            return
        _name_in_logs(row)
        # Whatever a killed process leaves goes with the job's folder.
        tempfile.tempdir = str(files.scratch)
        app = create_app(settings, engine, clock)
        _log.info("job begun: %s %s", row.method, row.address.partition("?")[0])
        perform(app, row, files)
        _log.info("job ended")


def _name_in_logs(row: Row[Any]) -> None:
    """Let every line that this process logs bear the job, and the id of the request that ordered it."""
    make: Callable[..., logging.LogRecord] = logging.getLogRecordFactory()

    def named(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.job, record.request_id = row.name, row.request_id
        return record

    logging.setLogRecordFactory(named)


def perform(app: Flask, row: Row[Any], files: JobFiles) -> None:
    """Do a job's request by the app, and keep its answer; a request that fails has one as well."""
    files.make_ready()
    try:
        if not files.body.exists():
            # Restored from a backup, which holds no jobs; or another host keeps them elsewhere.
            raise Gone("what was sent is no more: order it again (several hosts share one JOBS_FOLDER)")
        with files.body.open("rb") as body:
            size = os.fstat(body.fileno()).st_size
            built = EnvironBuilder(**environ_of(row), input_stream=body, content_length=size)
            pieces, status, headers = run_wsgi_app(app.wsgi_app, built.get_environ())
            kept = {header: value for header in _KEPT_HEADERS if (value := headers.get(header)) is not None}
            answer = {"status": int(status.split()[0]), "headers": kept, **_write(files, iter(pieces))}
    except Exception as error:
        _log.exception("a job failed")
        kind, detail = INTERNAL, f"report this with the request id {row.request_id}"
        if isinstance(error, Gone):
            kind, detail = GONE, str(error)
        content = problem_body(kind, detail, row.request_id)
        answer = {"status": kind.status, "headers": {}, **_write(files, iter((content,)))}
    files.finish(orjson.dumps(answer))


def _write(files: JobFiles, pieces: Iterator[bytes]) -> dict[str, Any]:
    """Write the body of the answer; return its size and digest."""
    size, digest = 0, sha256()
    try:
        with private_file(files.result) as result:
            for piece in pieces:
                result.write(piece)
                digest.update(piece)
                size += len(piece)
    finally:
        # The end of the answer ends its snapshot.
        getattr(pieces, "close", lambda: None)()
    return {"size": size, "sha256": digest.hexdigest()}
