"""The pool of processes that do jobs, beside the API: so many at once, each job in a process of its own.

A process watches; a thread of it for each place in the pool begins a job, waits for the job's process to end, and
writes down what came of it. It alone moves jobs on; whoever cancels one leaves a file. A job whose process dies is
begun again, three times at most: what was written was committed with its idempotency key, or was not.
"""

import logging
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from multiprocessing.connection import wait
from multiprocessing.util import get_temp_dir
from threading import Event, Thread
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row

from billing.api.metrics import count_alone
from billing.frame.database import maintenance_transaction, open_engine, reading
from billing.frame.deferred import rows
from billing.frame.deferred.files import JobFiles, files_of, held_file
from billing.frame.executors import begin_worker
from billing.frame.http.problems import INTERNAL, problem_body
from billing.frame.logs import configure_logging
from billing.frame.settings import Settings
from billing.subjects import SUBJECTS
from invoices.private_files import private_folder

# Seconds until a place looks again: for a job or its end; after trouble with the database.
_LOOK_S, _TROUBLE_S = 0.2, 5.0
# A job under way has so long to end when the service stops; then it is ended, and begun again by the next start.
STOP_WAIT_S = 10.0
# Files that no job needs are removed after this time, every hour.
_SWEPT, _SWEEP_S = timedelta(days=2), 3600.0
_WORK_MODULE = "billing.api.work"
_log = logging.getLogger(__name__)


@contextmanager
def job_pool(settings: Settings) -> Iterator[None]:
    """Do jobs as long as the block lasts, in a pool that is begun anew should it die."""
    if settings.jobs_processes == 0:
        yield
        return
    context = multiprocessing.get_context("spawn")
    stopping = Event()

    def begun() -> Any:
        watcher = context.Process(target=_watch, args=(settings,), name="job-pool")
        watcher.start()
        return watcher

    def keep_going(watcher: Any) -> None:
        while True:
            # The server forks meanwhile, and this thread holds nothing: it only waits.
            while watcher.exitcode is None and not stopping.wait(_LOOK_S):
                pass
            if watcher.exitcode is None:
                watcher.terminate()
                watcher.join()
            if stopping.is_set():
                return
            _log.error("the pool of jobs ended (%s) and is begun anew", watcher.exitcode)
            if stopping.wait(1.0):
                return
            watcher = begun()

    # Begun here, not by the thread: beginning it loads modules, and a process that is forked while another thread
    # loads one waits for that module for ever.
    keeper = Thread(target=keep_going, args=(begun(),), name="job-pool-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stopping.set()
        keeper.join()


def _watch(settings: Settings) -> None:
    """Be the pool, until SIGTERM."""
    begin_worker()
    configure_logging(settings.log_format)
    # Jobs are no requests: how long they take is not counted with those.
    count_alone()
    stop = Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    folder = settings.jobs_folder
    private_folder(folder)
    # One pool a folder and database; another server's waits until it is the only one.
    database = sha256(str(settings.database_url).encode()).hexdigest()[:16]
    while not stop.is_set():
        try:
            with held_file(folder / f"pool-{database}"):
                Pool(settings, open_engine(settings.database_url), stop).run()
        except BlockingIOError:
            stop.wait(1.0)


class Pool:
    """The places of the pool, and what they share."""

    def __init__(self, settings: Settings, engine: Engine, stop: Event) -> None:
        self._settings = settings
        self._engine = engine
        self._stop = stop
        self._context: Any = multiprocessing.get_context("forkserver")
        # Processes that a job begins are reached by a socket, whose name is short: jobs share this folder for it, for
        # their own is too long a name.
        get_temp_dir()
        # The fork server loads the modules that jobs need once, before the first job.
        loaded = [f"{subject.package}.{module}" for subject in SUBJECTS for module in subject.resources]
        self._context.set_forkserver_preload([_WORK_MODULE, *loaded])

    def run(self) -> None:
        """Do jobs until told to stop."""
        self._until_done(self._recover)
        places = [Thread(target=self._place, name=f"job-{n}") for n in range(self._settings.jobs_processes)]
        for place in places:
            place.start()
        while not self._stop.is_set():
            self._until_done(self._sweep)
            self._stop.wait(_SWEEP_S)
        for place in places:
            place.join()

    def _place(self) -> None:
        while not self._stop.wait(_LOOK_S):
            try:
                row = self._claim()
                if row is not None:
                    self._do(row)
            except Exception:
                _log.exception("a place of the pool failed")
                self._stop.wait(_TROUBLE_S)

    def _claim(self) -> Row[Any] | None:
        with reading(self._engine) as connection:
            if not rows.is_any_queued(connection):
                return None
        with maintenance_transaction(self._engine) as connection:
            return rows.claim(connection, _now())

    def _do(self, row: Row[Any]) -> None:
        files = files_of(self._settings, row.name)
        if not files.is_cancelled():
            run_process(self._context, self._settings, row.name, files, self._stop)
        self._until_done(lambda: self._conclude(row.name, row.attempts, files, is_stopping=self._stop.is_set()))

    def _conclude(self, name: str, attempts: int, files: JobFiles, *, is_stopping: bool) -> None:
        """Write down what became of a job whose process has ended."""
        with maintenance_transaction(self._engine) as connection:
            state = conclude(connection, name, attempts, files, is_stopping=is_stopping)
        if state != rows.QUEUED:
            files.clear(keep_result=state == rows.DONE)

    def _recover(self) -> None:
        """Write down what became of the jobs of a pool that died; those whose process still ends are waited for."""
        with reading(self._engine) as connection:
            names = rows.running(connection)
        for name, attempts in names.items():
            files = files_of(self._settings, name)
            private_folder(files.folder)
            while files.is_held() and not self._stop.wait(_LOOK_S):
                pass
            self._conclude(name, attempts, files, is_stopping=False)

    def _sweep(self) -> None:
        """Forget jobs that ended long ago, and the files that none needs any more."""
        now = _now()
        with reading(self._engine) as connection:
            needed, expired = rows.needed_and_expired(connection, now)
        with maintenance_transaction(self._engine) as connection:
            rows.forget(connection, now)
        for folder in self._settings.jobs_folder.iterdir():
            # Jobs of another database may have theirs here as well.
            is_old = datetime.fromtimestamp(folder.stat().st_mtime, UTC) < now - _SWEPT
            if folder.is_dir() and (folder.name in expired or (is_old and folder.name not in needed)):
                JobFiles(folder).clear(keep_result=False)

    def _until_done(self, write: Callable[[], None]) -> None:
        """Write to the database, again and again until it answers or all is to stop."""
        while True:
            try:
                write()
            except Exception:
                _log.exception("the pool could not write down what became of its jobs")
                if self._stop.wait(_TROUBLE_S):
                    return
            else:
                return


def run_process(context: Any, settings: Settings, name: str, files: JobFiles, stop: Event) -> None:
    """Let a process do a job; kill it when it is cancelled, or has not ended in time once all is to stop."""
    process = context.Process(target=_work, args=(settings, name), name=f"job {name}")
    process.start()
    stopping_s = 0.0
    while not wait([process.sentinel], _LOOK_S):
        stopping_s += _LOOK_S if stop.is_set() else 0.0
        if files.is_cancelled() or stopping_s >= STOP_WAIT_S:
            process.kill()
    process.join()


def _work(settings: Settings, name: str) -> None:
    # Loaded by the process that does it, not by the one that watches.
    from billing.api.work import work

    work(settings, name, _now)


def conclude(connection: Connection, name: str, attempts: int, files: JobFiles, *, is_stopping: bool) -> str:
    """Write down what became of a job whose process has ended; returns its state."""
    answer, now = files.answer(), _now()
    if answer is not None:
        kept = orjson.loads(answer)
        if kept["status"] < 400:
            rows.end(connection, name, rows.DONE, now, answer=answer.decode())
            return rows.DONE
        rows.end(connection, name, rows.FAILED, now, problem=files.result.read_text(encoding="utf-8"))
        return rows.FAILED
    if files.is_cancelled():
        rows.end(connection, name, rows.CANCELLED, now)
        return rows.CANCELLED
    if is_stopping or attempts < rows.ATTEMPTS_MAX:
        rows.queue_again(connection, name, counted=not is_stopping)
        return rows.QUEUED
    text = f"its process died {attempts} times (look for 'out of memory' in the system's log): nothing stays half done"
    rows.end(connection, name, rows.FAILED, now, problem=problem_body(INTERNAL, text, name).decode())
    return rows.FAILED


def _now() -> datetime:
    return datetime.now(UTC)
