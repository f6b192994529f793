"""Work is spread within this process, over this host's processes, or over the hosts of a Dask scheduler.

Three `concurrent.futures.Executor`, one way to use them (`run_tasks`). A task is a function and a key,
both picklable; it must be idempotent, because a worker may die at any point and its task is then done
again: the database is the only truth.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from billing.frame.errors import BadConfiguration, BillingError
from billing.frame.settings import Settings

LOCAL = "local"
# Tasks handed out per worker: enough that none waits while results are being dealt with.
_TASKS_PER_WORKER = 4
# A task that takes its worker down this often, alone in flight, is itself the cause.
_LOSSES_MAX = 3
_DASK_TIMEOUT_S = 30

Key = TypeVar("Key")
Result = TypeVar("Result")
P = ParamSpec("P")
PoolOpener: TypeAlias = Callable[[], AbstractContextManager[Executor]]


class WorkerLost(BillingError):
    """A task took its worker down again and again (out of memory, a crash in a library)."""


class InlineExecutor(Executor):
    """Runs each task within `submit`, in this process and thread."""

    workers = 1

    def submit(self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        """Return the finished future of the call."""
        future: Future[Result] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def worker_count() -> int:
    """Return the processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def open_executor(settings: Settings, workers: int | None = None) -> Iterator[Executor]:
    """Yield the executor that `EXECUTOR` names; closed, with nothing left running, when the block ends.

    `workers` is the number of processes on this host (default: its cores; 1: no process at all); it
    doesn't concern Dask. Raises BadConfiguration if the Dask scheduler can't be used.
    """
    if settings.executor != LOCAL:
        with _dask(settings.executor) as executor:
            yield executor
    elif (workers or worker_count()) == 1:
        yield InlineExecutor()
    else:
        with _processes(workers or worker_count()) as executor:
            yield executor


@contextmanager
def _processes(workers: int) -> Iterator[Executor]:
    # A fork server starts clean: no engine, connection, thread or lock of this process is inherited.
    context = multiprocessing.get_context("forkserver")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=begin_worker)
    pool.workers = workers  # type: ignore[attr-defined]
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def begin_worker() -> None:
    """Let this process end with its parent, and leave Ctrl-C to it."""
    # Ctrl-C reaches the whole process group: the parent decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    # A killed parent can't tell its workers; without this they would wait for tasks for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise BadConfiguration(
            f"EXECUTOR is {address}, but Dask is not installed: install technopark-billing[dask], or set EXECUTOR=local"
        ) from None
    try:
        client = distributed.Client(address, timeout=_DASK_TIMEOUT_S, set_as_default=False)
    except OSError as error:
        raise BadConfiguration(f"EXECUTOR: no Dask scheduler answers at {address}: {error}") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_DASK_TIMEOUT_S)
        except TimeoutError:
            raise BadConfiguration(f"EXECUTOR: the Dask scheduler at {address} has no worker: start one") from None
        # Not pure: the same task asked again must run again, not be answered from a cache.
        executor: Executor = client.get_executor(pure=False)
        executor.workers = sum(client.nthreads().values())  # type: ignore[attr-defined]
        yield executor


def _losses() -> tuple[type[BaseException], ...]:
    """Return the errors a future raises when its worker or its scheduler went away."""
    errors: list[type[BaseException]] = [BrokenExecutor, CancelledError]
    if "distributed" in sys.modules:
        errors += [sys.modules["distributed"].KilledWorker, import_module("distributed.comm").CommClosedError]
    return tuple(errors)


@dataclass(eq=False, slots=True)
class _Task(Generic[Key]):
    key: Key
    losses: int = 0


def run_tasks(
    open_pool: PoolOpener,
    function: Callable[[Key], Result],
    keys: Iterable[Key],
    on_done: Callable[[Key, Result], None],
    *,
    on_lost: Callable[[Key], None] | None = None,
) -> None:
    """Call `function(key)` for each key in a pool, and `on_done(key, result)` here as each is done.

    Keys are taken as workers come free, so `keys` may be a long iterator; no pool is opened if it is
    empty. When workers die the pool is opened anew and the tasks that were in flight are done again,
    one by one; one that takes its worker down three times by itself is given to `on_lost`, or raises
    WorkerLost. An exception of a task ends it all: what is in flight is cancelled or waited for, then
    it is raised here.
    """
    waiting: Iterator[_Task[Key]] = (_Task(key) for key in keys)
    suspects: deque[_Task[Key]] = deque()
    while True:
        if not suspects:
            first = next(waiting, None)
            if first is None:
                return
            waiting = chain((first,), waiting)
        with open_pool() as pool:
            _drive(pool, function, suspects, waiting, on_done, on_lost)


def _drive(
    pool: Executor,
    function: Callable[[Key], Result],
    suspects: deque[_Task[Key]],
    waiting: Iterator[_Task[Key]],
    on_done: Callable[[Key, Result], None],
    on_lost: Callable[[Key], None] | None,
) -> None:
    """Work until nothing is left, or until the pool breaks: then `suspects` holds what was in flight."""
    workers: int = getattr(pool, "workers", 1)
    in_flight: dict[Future[Result], _Task[Key]] = {}
    try:
        while True:
            # Tasks in flight when a pool broke run alone, to find the one that broke it.
            source, width = (_popped(suspects), 1) if suspects else (waiting, _in_flight_max(workers))
            while len(in_flight) < width and (task := next(source, None)) is not None:
                in_flight[_submit(pool, function, task.key)] = task
            if not in_flight:
                return
            for future in wait(in_flight, return_when=FIRST_COMPLETED).done:
                task = in_flight[future]
                try:
                    result = future.result()
                except _losses() as error:
                    # Dask has tried a task several times over before it says KilledWorker.
                    task.losses += _LOSSES_MAX if type(error).__name__ == "KilledWorker" else len(in_flight) == 1
                    if _is_cause(task, on_lost):
                        del in_flight[future]
                    suspects.extendleft(in_flight.values())
                    return
                del in_flight[future]
                on_done(task.key, result)
    except BaseException:
        for future in in_flight:
            future.cancel()
        raise


def _in_flight_max(workers: int) -> int:
    return 1 if workers == 1 else workers * _TASKS_PER_WORKER


def _popped(tasks: deque[_Task[Key]]) -> Iterator[_Task[Key]]:
    while tasks:
        yield tasks.popleft()


def _submit(pool: Executor, function: Callable[[Key], Result], key: Key) -> Future[Result]:
    try:
        return pool.submit(function, key)
    except BrokenExecutor as error:
        # The pool broke between two tasks: this one shares the fate of those in flight.
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


def _is_cause(task: _Task[Key], on_lost: Callable[[Key], None] | None) -> bool:
    """Return whether the task takes workers down; if so, call `on_lost` with its key."""
    if task.losses < _LOSSES_MAX:
        return False
    if on_lost is None:
        raise WorkerLost(
            f"workers died again and again on the same task ({task.key!r:.200}): look for 'out of memory' in the "
            "system's log, then start again: what is done stays done"
        )
    on_lost(task.key)
    return True
