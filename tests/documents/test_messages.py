"""Messages: told once, ever, as they were queued; mailed at most once, by the discipline of documents (pitfalls)."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from billing.check import check
from billing.documents.delivery.delivering import Which, deliver
from billing.documents.delivery.queue_pass import DeliveryReport
from billing.documents.messages.queries import load_message
from billing.frame.codes import MESSAGE
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.errors import Unknown
from billing.frame.executors import open_executor
from billing.frame.tables import audit_change
from invoices.delivery import BACK_OFF, claim, hand_over, retry
from invoices.errors import IllFormedDocument
from invoices.messages.message import number_of
from invoices.messages.papers import print_paper
from invoices.messages.queueing import MESSAGES
from invoices.messages.tables import message, message_attempt, message_delivery, message_file
from invoices.rendering.letter import render_letter
from tests.support.queued import (
    NOON,
    MovedClock,
    addresses,
    environment,
    queue,
    settings,
    start_delivering,
)
from tests.support.smtp_sink import Sink, listening
from tests.support.tenants import add_tenant, change_tenant
from tests.support.told import DAY, letter, tell, to_tell


def smtp(sink: Sink) -> str:
    return f"smtp://127.0.0.1:{sink.port}?security=none"


def deliver_here(engine: Engine, folder: Path, url: str = "", **options: Any) -> DeliveryReport:
    chosen = settings(engine, folder, url)
    clock = options.pop("clock", MovedClock())
    return deliver(chosen, engine, clock=clock, open_pool=partial(open_executor, chosen, 1), **options)


def state_of(engine: Engine, key: int) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(message_delivery).where(message_delivery.c.message_id == key)).one()


def attempts_of(engine: Engine, key: int) -> list[tuple[int, str]]:
    a = message_attempt.c
    with reading(engine) as connection:
        found = select(a.attempt, a.outcome).where(a.message_id == key).order_by(a.attempt)
        return [(row.attempt, row.outcome) for row in connection.execute(found)]


def test_a_message_reads_back_as_it_was_queued_and_prints_the_same_bytes(engine: Engine) -> None:
    [key] = tell(engine, [to_tell(1, papers=2)]).values()
    with reading(engine) as connection:
        told = load_message(connection, key)
    assert told.message == to_tell(1, papers=2)
    assert (told.number, told.written_on) == ("ME-000001", DAY)
    assert print_paper(told.message.papers[1]) == render_letter(letter(title="Relevé 2"))


def test_a_kind_and_a_key_are_told_once_ever(engine: Engine) -> None:
    assert tell(engine, [to_tell(1), to_tell(2)]) == {"T0001 2026-09-01": 1, "T0002 2026-09-01": 2}
    assert list(tell(engine, [to_tell(2), to_tell(3), to_tell(3)])) == ["T0003 2026-09-01"]
    assert list(tell(engine, [replace(to_tell(1), recipient="other@tenants.example")])) == []
    assert len(tell(engine, [to_tell(1)], kind="window_end")) == 1
    with reading(engine) as connection:
        assert len(connection.execute(select(message)).all()) == 4


def test_eight_processes_that_tell_the_same_at_once_queue_it_once(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        queued = list(pool.map(lambda _: tell(engine, [to_tell(n) for n in range(1, 31)]), range(8)))
    assert sum(len(one) for one in queued) == 30
    with reading(engine) as connection:
        assert len(connection.execute(select(message_delivery)).all()) == 30


def test_what_is_queued_is_printed_kept_and_sent_with_its_papers_after_the_documents(
    engine: Engine, tmp_path: Path
) -> None:
    queue(engine, addresses(2))
    told = list(tell(engine, [to_tell(1, papers=2), to_tell(2, papers=0), to_tell(3)]).values())
    shown: list[tuple[int, int]] = []
    report = deliver_here(engine, tmp_path, progress=lambda done, total: shown.append((done, total)))
    assert (report.sent, report.rendered, report.queued, report.failed) == (5, 4, 0, 0)
    assert shown == [(n, 5) for n in range(1, 6)]
    mails = {
        mail.stem: message_from_bytes(mail.read_bytes(), policy=default) for mail in (tmp_path / "outbox").iterdir()
    }
    assert sorted(mails) == ["FA-2026-000001", "FA-2026-000002", "ME-000001", "ME-000002", "ME-000003"]
    first = mails["ME-000001"]
    assert first["Message-ID"] == "<ME-000001@parcs.example>"
    assert first["Subject"] == "Relance n° 1 – Parc"
    assert first["To"] == "Noor Santé <t1@tenants.example>"
    assert [one.get_filename() for one in first.iter_attachments()] == ["Releve-1.pdf", "Releve-2.pdf"]
    assert [one.get_content() for one in first.iter_attachments()] == [
        render_letter(letter(title=f"Relevé {n}")) for n in (1, 2)
    ]
    plain = first.get_body(("plain",))
    assert plain is not None
    assert (
        plain.get_content()
        .replace("\r\n", "\n")
        .startswith(
            "Bonjour,\n\nSauf erreur de notre part, ces factures restent à régler :\n\n"
            "Reste à payer : 360,00\u00a0DH\n\nCordialement,\n\nLe Parc\n\n"
        )
    )
    assert list(mails["ME-000002"].iter_attachments()) == []
    assert [(state_of(engine, key).state, attempts_of(engine, key)) for key in told] == [("sent", [(1, "sent")])] * 3
    assert deliver_here(engine, tmp_path, which=Which.UNSENT).sent == 0
    chosen = settings(engine, tmp_path)
    assert [one for one in check(engine, documents_url=chosen.documents_url) if "message" in one or "ME-" in one] == []


def test_a_refusal_for_now_is_tried_again_with_growing_pauses_under_one_message_id(
    engine: Engine, tmp_path: Path
) -> None:
    [key] = tell(engine, [to_tell(1)]).values()
    clock = MovedClock()
    with listening() as sink:
        sink.at_recipient["t1@tenants.example"] = ["450 busy"] * 2
        for pause in BACK_OFF[:2]:
            assert deliver_here(engine, tmp_path, smtp(sink), clock=clock, which=Which.DUE).sent == 0
            assert deliver_here(engine, tmp_path, smtp(sink), clock=clock, which=Which.DUE).failures == ()
            clock.now += pause
        assert deliver_here(engine, tmp_path, smtp(sink), clock=clock, which=Which.DUE).sent == 1
        assert sink.count() == {"<ME-000001@parcs.example>": 1}
    assert attempts_of(engine, key) == [(1, "deferred"), (2, "deferred"), (3, "sent")]


def test_a_server_that_is_down_leaves_everything_queued_and_no_attempt_counted(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(1))
    [key] = tell(engine, [to_tell(1)]).values()
    report = deliver_here(engine, tmp_path, "smtp://127.0.0.1:9?security=none")
    assert report.unavailable is not None
    assert (report.sent, report.queued) == (0, 2)
    assert (state_of(engine, key).state, state_of(engine, key).attempts) == ("queued", 0)


def test_an_unusable_address_is_shown_and_mended_by_the_tenants_new_one(engine: Engine, tmp_path: Path) -> None:
    add_tenant(engine, "T0001", email="")
    [key] = tell(engine, [to_tell(1, recipient="")]).values()
    report = deliver_here(engine, tmp_path)
    assert [str(one) for one in report.failures] == ["ME-000001 to T0001: no e-mail address: give one, then retry"]
    assert state_of(engine, key).state == "failed"
    change_tenant(engine, "T0001", email="new@tenants.example")
    assert deliver_here(engine, tmp_path).sent == 0
    assert deliver_here(engine, tmp_path, which=Which.UNSENT).sent == 1
    assert state_of(engine, key).recipient == "new@tenants.example"


def test_a_first_mail_goes_to_the_address_its_tenant_has_by_then(engine: Engine, tmp_path: Path) -> None:
    [key] = tell(engine, [to_tell(1)]).values()
    add_tenant(engine, "T0001", email="new@tenants.example")
    with listening() as sink:
        assert deliver_here(engine, tmp_path, smtp(sink)).sent == 1
        assert [recipient for _, recipient, _ in sink.taken] == ["new@tenants.example"]
    assert state_of(engine, key).recipient == "new@tenants.example"


def test_a_mail_put_to_the_server_by_a_process_that_died_is_left_to_a_person(engine: Engine, tmp_path: Path) -> None:
    [key] = tell(engine, [to_tell(1)]).values()
    clock = MovedClock()
    with maintenance_transaction(engine) as connection:
        [held] = claim(connection, {key: 0}, by="dead", now=NOON, queue=MESSAGES)
        assert hand_over(connection, [held.key], by="dead", now=NOON, queue=MESSAGES) == {key}
    clock.now += timedelta(minutes=5)
    report = deliver_here(engine, tmp_path, clock=clock, which=Which.UNSENT)
    assert report.sent == 0
    assert "look for ME-000001 in the server's log" in report.failures[0].reason
    with writing(engine) as connection:
        assert retry(connection, [key], now=clock(), queue=MESSAGES) == [key]
    assert deliver_here(engine, tmp_path, clock=clock).sent == 1
    assert attempts_of(engine, key) == [(1, "unknown"), (2, "sent")]


def test_eight_processes_that_deliver_at_once_send_each_message_once(engine: Engine, tmp_path: Path) -> None:
    told = tell(engine, [to_tell(n, papers=n % 2) for n in range(1, 25)])
    with listening() as sink:
        running = [start_delivering(engine, tmp_path, smtp(sink), 30) for _ in range(8)]
        assert sum(int(process.communicate(timeout=120)[0]) for process in running) == len(told)
        assert sink.count() == {f"<ME-{n:06d}@parcs.example>": 1 for n in range(1, 25)}


def test_a_process_killed_while_the_server_takes_a_message_never_causes_a_second_mail(
    engine: Engine, tmp_path: Path
) -> None:
    [key] = tell(engine, [to_tell(1)]).values()
    with listening() as sink:
        sink.answering.clear()
        process = start_delivering(engine, tmp_path, smtp(sink))
        while not sink.count():
            assert process.poll() is None
        process.kill()
        process.wait()
        sink.answering.set()
        assert start_delivering(engine, tmp_path, smtp(sink)).communicate(timeout=60)[0] == "0\n"
        assert list(sink.count().values()) == [1]
    assert (state_of(engine, key).state, attempts_of(engine, key)) == ("failed", [(1, "unknown")])


def test_a_process_killed_while_it_queues_has_queued_nothing(engine: Engine, tmp_path: Path) -> None:
    program = (
        "import os, signal\n"
        "from billing.frame.settings import load_settings\n"
        "from billing.frame.database import open_engine, writing\n"
        "from billing.frame.messages import queue_messages\n"
        "from tests.support.told import DAY, NOON, to_tell\n"
        "with writing(open_engine(load_settings().database_url)) as connection:\n"
        "    queue_messages(connection, 'dunning', [to_tell(1)], written_on=DAY, queued_at=NOON)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment(engine, tmp_path)}, check=False
    )
    assert killed.returncode == -9
    assert list(tell(engine, [to_tell(1)])) == ["T0001 2026-09-01"]


def test_what_was_told_never_changes_and_states_never_go_back(engine: Engine, tmp_path: Path) -> None:
    [key] = tell(engine, [to_tell(1)]).values()
    deliver_here(engine, tmp_path)
    for statement in (
        "UPDATE message SET content = '{}'",
        "DELETE FROM message",
        "DELETE FROM message_delivery",
        "UPDATE message_delivery SET state = 'queued'",
        "UPDATE message_delivery SET attempts = 0",
        "UPDATE message_file SET path = 'x'",
        "DELETE FROM message_attempt",
    ):
        with pytest.raises(DBAPIError), writing(engine) as connection:
            connection.execute(text(statement))
    assert state_of(engine, key).state == "sent"
    with reading(engine) as connection:
        assert len(connection.execute(select(message_file)).all()) == 1


def test_acts_tell_what_was_queued_and_what_became_of_it(engine: Engine, tmp_path: Path) -> None:
    tell(engine, [to_tell(1)])
    deliver_here(engine, tmp_path)
    c = audit_change.c
    with reading(engine) as connection:
        found = connection.execute(select(c.subject, c.key).where(c.key == "ME-000001").order_by(c.act_id, c.seq)).all()
    assert [tuple(row) for row in found] == [("messages", "ME-000001"), ("message-deliveries", "ME-000001")]


def test_a_number_names_one_message_and_nothing_else() -> None:
    assert MESSAGE.parse(number_of(12)) == 12
    for wrong in ("ME-12", "ME-0000012", "me-000012", "ME-000012 ", "FA-2026-000001", ""):
        with pytest.raises(Unknown):
            MESSAGE.parse(wrong)


def test_a_papers_name_is_one_for_a_file() -> None:
    for wrong in ("../x.pdf", "relevé.pdf", 'a".pdf', "a\r\nb.pdf", "a.exe", ".pdf"):
        with pytest.raises(IllFormedDocument):
            replace(to_tell(1).papers[0], file_name=wrong)


def test_check_names_a_message_that_was_never_queued_or_lost_its_papers(engine: Engine, tmp_path: Path) -> None:
    tell(engine, [to_tell(n) for n in (1, 2, 3)])
    deliver_here(engine, tmp_path)
    guards = "message_no_update" if engine.dialect.name == "sqlite" else "message_append_only"
    with writing(engine) as connection:
        on = "" if engine.dialect.name == "sqlite" else " ON message"
        connection.execute(text(f"DROP TRIGGER {guards}{on}"))
        connection.execute(text("UPDATE message SET content = '{\"text\": 1}' WHERE id = 1"))
        connection.execute(
            text(
                "INSERT INTO message "
                "(id, kind, key, tenant, written_on, recipient, recipient_name, content, queued_at) "
                "SELECT 99, 'x', 'y', tenant, written_on, recipient, recipient_name, content, queued_at "
                "FROM message WHERE id = 3"
            )
        )
        connection.execute(
            text(
                "INSERT INTO message_file (message_id, paper_no, path, sha256, size_bytes, rendered_at) "
                "SELECT message_id, 2, path, sha256, size_bytes, rendered_at FROM message_file WHERE message_id = 2"
            )
        )
    assert [one for one in check(engine) if one.startswith("message")] == [
        "message 1 is not what act 1 wrote: it was changed",
        "message 99 stands, and no act wrote it",
        "message file 2/2 stands, and no act wrote it",
        "message ME-000001 can't be read: TypeError(\"'int' object is not subscriptable\")",
        "message ME-000002 carries 1 papers, 2 are kept",
        "message ME-000099 was never queued for delivery",
    ]
