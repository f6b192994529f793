"""Several deliver at once, and die at any point: each document is mailed at most once, none is forgotten."""

import random
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from billing.documents.delivery.delivering import deliver
from billing.documents.delivery.pdf_files import ensure_pdf
from billing.frame.database import reading, writing
from invoices.delivery import retry
from invoices.models import delivery, delivery_attempt, document_file
from tests.support.dask_cluster import Cluster
from tests.support.queued import NOON, addresses, queue, settings, start_delivering
from tests.support.smtp_sink import Sink, free_port, listening

EVERY = {f"<FA-2026-{n:06d}@parcs.example>" for n in range(1, 41)}


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def states(engine: Engine) -> dict[int, str]:
    with reading(engine) as connection:
        found = select(delivery.c.document_id, delivery.c.state).order_by(delivery.c.document_id)
        return {row.document_id: row.state for row in connection.execute(found)}


def render_all(engine: Engine, folder: Path, ids: list[int]) -> None:
    """Make the PDFs beforehand, where a test is about sending."""
    where = settings(engine, folder).documents_url
    for one in ids:
        ensure_pdf(engine, where, one, clock=lambda: NOON)


@pytest.mark.parametrize("processes", [2, 8])
def test_processes_that_deliver_at_once_send_each_document_once(engine: Engine, tmp_path: Path, processes: int) -> None:
    ids = queue(engine, addresses(40))
    if processes > 2:
        render_all(engine, tmp_path, ids)
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        running = [start_delivering(engine, tmp_path, url, 30) for _ in range(processes)]
        sent = [int(process.communicate(timeout=120)[0]) for process in running]
        assert [process.returncode for process in running] == [0] * processes
        assert sum(sent) == 40
        assert sink.count() == dict.fromkeys(EVERY, 1)
    assert states(engine) == dict.fromkeys(ids, "sent")
    with reading(engine) as connection:
        assert len(connection.execute(select(delivery_attempt)).all()) == 40
        assert len(connection.execute(select(document_file)).all()) == 40


def test_a_process_killed_between_claim_and_dialogue_has_sent_nothing_and_its_mail_leaves_once(
    engine: Engine, tmp_path: Path
) -> None:
    (document_id,) = queue(engine, addresses(1))
    port = free_port()
    url = f"smtp://127.0.0.1:{port}?security=none"
    with socket.create_server(("127.0.0.1", port)) as silent:
        process = start_delivering(engine, tmp_path, url)
        connection, _ = silent.accept()
        with reading(engine) as transaction:
            assert transaction.scalar(select(delivery.c.claimed_by)) is not None
        kill(process)
        connection.close()
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        # The claim of the dead process lapses while this one waits.
        assert start_delivering(engine, tmp_path, url).communicate(timeout=60)[0] == "1\n"
        assert list(sink.count().values()) == [1]
    assert states(engine) == {document_id: "sent"}


def test_a_process_killed_within_the_message_has_sent_nothing_and_its_mail_leaves_once(
    engine: Engine, tmp_path: Path
) -> None:
    queue(engine, addresses(1))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = start_delivering(engine, tmp_path, f"smtp://127.0.0.1:{port}?security=none")
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 raw\r\n")
            for line in lines:
                if line.upper().startswith(b"DATA"):
                    break
                connection.sendall(b"250 OK\r\n")
            kill(process)
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        assert start_delivering(engine, tmp_path, url).communicate(timeout=60)[0] == "1\n"
        assert list(sink.count().values()) == [1]


def test_a_process_killed_while_the_server_takes_the_message_never_causes_a_second_mail(
    engine: Engine, tmp_path: Path
) -> None:
    (document_id,) = queue(engine, addresses(1))
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        sink.answering.clear()
        process = start_delivering(engine, tmp_path, url)
        wait_until(lambda: bool(sink.count()))
        kill(process)
        sink.answering.set()
        for arguments in ((), ("all",)):
            again = start_delivering(engine, tmp_path, url, 2, *arguments)
            assert again.communicate(timeout=60)[0] == "0\n"
        assert list(sink.count().values()) == [1]
        assert states(engine) == {document_id: "failed"}
        with writing(engine) as connection:
            retry(connection, [document_id], now=datetime.now(UTC))
        assert start_delivering(engine, tmp_path, url).communicate(timeout=60)[0] == "1\n"
        # What a person decided to send again bears the same Message-ID.
        assert list(sink.count().values()) == [2]


def test_a_process_slower_than_its_lease_keeps_what_it_holds(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(1))
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        sink.answering.clear()
        slow = start_delivering(engine, tmp_path, url, 1)
        wait_until(lambda: bool(sink.count()))
        other = start_delivering(engine, tmp_path, url, 1)
        time.sleep(4)
        sink.answering.set()
        assert (slow.communicate(timeout=60)[0], other.communicate(timeout=60)[0]) == ("1\n", "0\n")
        assert list(sink.count().values()) == [1]
    assert list(states(engine).values()) == ["sent"]


def has_taken(sink: Sink, goal: int, running: list[subprocess.Popen[str]]) -> bool:
    """Whether the server has taken so many mails, or nobody is left to send more."""
    return sum(sink.count().values()) >= goal or all(process.poll() is not None for process in running)


def test_processes_killed_at_any_moment_never_send_twice_and_forget_nothing(engine: Engine, tmp_path: Path) -> None:
    ids = queue(engine, addresses(40))
    render_all(engine, tmp_path, ids[8:])
    chance = random.Random(1)
    with listening() as sink:
        url = f"smtp://127.0.0.1:{sink.port}?security=none"
        for _ in range(3):
            goal = min(sum(sink.count().values()) + chance.randint(1, 8), 38)
            running = [start_delivering(engine, tmp_path, url, 1) for _ in range(2)]
            wait_until(partial(has_taken, sink, goal, running))
            for process in running:
                time.sleep(chance.random() / 50)
                kill(process)
        assert start_delivering(engine, tmp_path, url, 1).communicate(timeout=120)[0]
        assert set(sink.count().values()) == {1}
        found = states(engine)
        doubtful = [one for one, state in found.items() if state != "sent"]
        missing = EVERY - set(sink.count())
        # Whatever did not arrive is among what is shown as unknown.
        assert {f"<FA-2026-{one:06d}@parcs.example>" for one in doubtful} >= missing
        with writing(engine) as connection:
            assert retry(connection, doubtful, now=datetime.now(UTC)) == doubtful
        assert start_delivering(engine, tmp_path, url, 1).communicate(timeout=120)[0] == f"{len(doubtful)}\n"
        assert set(sink.count()) == EVERY
    assert set(states(engine).values()) == {"sent"}


def test_a_dask_worker_killed_while_rendering_costs_no_mail_and_doubles_none(
    engine: Engine,
    tmp_path: Path,
    cluster: Cluster,
) -> None:
    ids = queue(engine, addresses(40))
    address, workers = cluster
    chosen = replace(settings(engine, tmp_path), executor=address)

    def kill_one(done: int, _total: int) -> None:
        if done == 4:
            workers[0].kill()

    report = deliver(chosen, engine, clock=lambda: NOON, progress=kill_one)
    assert (report.sent, report.rendered, report.is_complete) == (40, 40, True)
    assert workers[1].poll() is None
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 40
    assert states(engine) == dict.fromkeys(ids, "sent")
