"""Tasks are spread over processes or hosts, and are done again when a worker dies."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from billing.frame.errors import BadConfiguration
from billing.frame.executors import InlineExecutor, PoolOpener, WorkerLost, open_executor, run_tasks
from billing.frame.settings import load_settings
from tests.support.dask_cluster import Cluster, wait_until

SETTINGS = load_settings({})
PROCESSES = partial(open_executor, SETTINGS, 2)
HERE = partial(open_executor, SETTINGS, 1)


def double(key: int) -> int:
    return 2 * key


def whoami(key: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def refuse_three(key: int) -> int:
    if key == 3:
        raise ValueError("three is refused")
    return key


def kill_worker_once(key: tuple[str, int]) -> int:
    """Takes its own worker down, as the kernel does when memory runs out, the first time it sees 5 or 9."""
    folder, number = key
    scar = Path(folder) / str(number)
    if number in (5, 9) and not scar.exists():
        scar.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number


def kill_worker_always(key: int) -> int:
    if key == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return key


def sleep_long(key: tuple[str, int]) -> None:
    (Path(key[0]) / str(os.getpid())).touch()
    time.sleep(600)


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("open_pool", [HERE, PROCESSES])
def test_every_key_is_done_once_and_its_result_arrives_in_this_process(open_pool: PoolOpener) -> None:
    done = []
    run_tasks(open_pool, double, range(50), lambda key, result: done.append((key, result)))
    assert sorted(done) == [(key, 2 * key) for key in range(50)]


def test_one_worker_means_this_process_and_two_mean_others() -> None:
    pids: set[int] = set()
    run_tasks(HERE, whoami, range(3), lambda _, pid: pids.add(pid))
    assert pids == {os.getpid()}
    pids.clear()
    run_tasks(PROCESSES, whoami, range(12), lambda _, pid: pids.add(pid))
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_no_pool_is_opened_when_there_is_nothing_to_do() -> None:
    @contextmanager
    def refuse() -> Iterator[InlineExecutor]:
        raise AssertionError("a pool was opened")
        yield

    run_tasks(refuse, double, [], lambda *_: None)


def test_keys_are_taken_as_workers_come_free_not_all_at_once() -> None:
    taken = 0
    ahead: list[int] = []

    def keys() -> Iterator[int]:
        nonlocal taken
        for key in range(100):
            taken += 1
            yield key

    done = []

    def on_done(key: int, _: int) -> None:
        done.append(key)
        ahead.append(taken - len(done))

    run_tasks(PROCESSES, double, keys(), on_done)
    assert len(done) == 100
    assert max(ahead) <= 8


@pytest.mark.parametrize("open_pool", [HERE, PROCESSES])
def test_the_exception_of_a_task_ends_the_work_and_is_raised_here(open_pool: PoolOpener) -> None:
    with pytest.raises(ValueError, match="three is refused"):
        run_tasks(open_pool, refuse_three, range(100), lambda *_: None)


def test_tasks_whose_worker_is_killed_are_done_again(tmp_path: Path) -> None:
    done = []
    keys = [(str(tmp_path), number) for number in range(30)]
    run_tasks(PROCESSES, kill_worker_once, keys, lambda _, result: done.append(result))
    assert sorted(done) == list(range(30))
    assert {path.name for path in tmp_path.iterdir()} == {"5", "9"}


def test_a_task_that_always_kills_its_worker_is_named_and_all_others_are_done() -> None:
    done: list[int] = []
    lost: list[int] = []
    run_tasks(PROCESSES, kill_worker_always, range(20), lambda key, _: done.append(key), on_lost=lost.append)
    assert lost == [7]
    assert sorted(done) == [key for key in range(20) if key != 7]


def test_without_somebody_to_tell_a_task_that_always_kills_its_worker_stops_the_work() -> None:
    with pytest.raises(WorkerLost, match=r"again and again on the same task \(7\)"):
        run_tasks(PROCESSES, kill_worker_always, range(20), lambda *_: None)


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        from tests.frame.test_executors import PROCESSES, sleep_long, run_tasks
        if __name__ == "__main__":
            run_tasks(PROCESSES, sleep_long, [({str(tmp_path)!r}, n) for n in range(2)], print)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert all(map(is_alive, workers))
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(map(is_alive, workers)))


def test_a_dask_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.frame.executors._DASK_TIMEOUT_S", 1)
    settings = replace(SETTINGS, executor="tcp://127.0.0.1:9")
    with pytest.raises(BadConfiguration, match=r"EXECUTOR: no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_tasks(partial(open_executor, settings, None), double, [1], lambda *_: None)


def test_without_the_optional_package_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadConfiguration, match=r"install technopark-billing\[dask\], or set EXECUTOR=local"):
        run_tasks(partial(open_executor, replace(SETTINGS, executor="tcp://127.0.0.1:9"), None), double, [1], print)


def record_start(key: tuple[str, int]) -> int:
    """Leaves its worker's pid in a file a start, so that a test can kill a worker that is busy."""
    folder, number = key
    with (Path(folder) / f"{number}").open("a") as started:
        started.write(f"{os.getpid()}\n")
    time.sleep(0.2)
    return number


def test_a_dask_worker_killed_mid_run_loses_nothing(tmp_path: Path, cluster: Cluster) -> None:
    address, workers = cluster
    starts = tmp_path / "starts"
    starts.mkdir()
    done: list[int] = []

    def on_done(_: tuple[str, int], number: int) -> None:
        done.append(number)
        if len(done) == 4:
            # Whichever worker began the newest task is busy with it now.
            newest = max(starts.iterdir(), key=lambda path: path.stat().st_mtime_ns)
            os.kill(int(newest.read_text().split()[-1]), signal.SIGKILL)

    settings = replace(SETTINGS, executor=address)
    run_tasks(partial(open_executor, settings, None), record_start, [(str(starts), n) for n in range(20)], on_done)
    assert sorted(done) == list(range(20))
    assert [worker.poll() is None for worker in workers].count(False) == 1
    again = [path.name for path in starts.iterdir() if len(path.read_text().split()) > 1]
    assert again, "the killed worker's task was begun again by the other"


@pytest.mark.parametrize("cluster", ["--nanny"], indirect=True)
def test_a_dask_task_that_kills_every_worker_is_named_and_all_others_are_done(cluster: Cluster) -> None:
    address, _ = cluster
    done: list[int] = []
    lost: list[int] = []
    open_pool = partial(open_executor, replace(SETTINGS, executor=address), None)
    run_tasks(open_pool, kill_worker_always, range(12), lambda key, _: done.append(key), on_lost=lost.append)
    assert lost == [7]
    assert sorted(done) == [key for key in range(12) if key != 7]
