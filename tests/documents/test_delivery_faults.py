"""A pass stops when the mail server or the machine is at fault, not the mails; a person settles what is unknown."""

import errno
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from billing.documents.delivery.delivering import IN_DOUBT_PAUSE, Which, deliver
from billing.documents.delivery.queries import unsent_mails
from billing.documents.delivery.queue_pass import IN_DOUBT, UNKNOWNS_MAX, DeliveryReport
from billing.documents.delivery.settling import Settlement, settle_deliveries
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, ReasonRequired
from billing.frame.executors import open_executor
from billing.frame.settings import Settings
from billing.frame.tables import audit_change
from invoices.errors import PrintingUnavailable
from invoices.models import delivery, delivery_attempt
from tests.support.queued import NOON, MovedClock, addresses, queue, settings
from tests.support.smtp_script import END, Script, answering
from tests.support.smtp_sink import listening
from tests.support.told import tell, to_tell


def url(server: Any) -> str:
    return f"smtp://127.0.0.1:{server.port}?security=none"


def deliver_here(chosen: Settings, engine: Engine, clock: MovedClock, **options: Any) -> DeliveryReport:
    return deliver(chosen, engine, clock=clock, open_pool=partial(open_executor, chosen, 1), **options)


def states(engine: Engine) -> dict[str, int]:
    """The mails that have not left, by state."""
    with reading(engine) as connection:
        mails = unsent_mails(connection)
    return {state: len([mail for mail in mails if mail.state == state]) for state in {mail.state for mail in mails}}


def attempts(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(delivery_attempt)).all())


def settle(engine: Engine, settlement: Settlement, numbers: list[str] | None, why: str | None = "Journal lu") -> Any:
    act = Act("mme.alaoui", CLI, "deliveries settle", "r1", why)
    with writing(on_behalf(engine, act, lambda: NOON)) as connection:
        return settle_deliveries(connection, settlement, numbers, now=NOON)


def leave_unknown(engine: Engine, tmp_path: Path, script: Script, clock: MovedClock | None = None) -> None:
    """Let a pass be stopped by three mails of unknown outcome."""
    report = deliver_here(settings(engine, tmp_path, url(script)), engine, clock or MovedClock())
    assert report.unavailable == IN_DOUBT


# I4: the mail server's faults


@pytest.mark.parametrize("answer", [b"", b"whatever\r\n"], ids=["drops", "gibberish"])
def test_three_unknown_outcomes_in_a_row_stop_a_pass(engine: Engine, tmp_path: Path, answer: bytes) -> None:
    queue(engine, addresses(20))
    tell(engine, [to_tell(n) for n in range(1, 6)])
    with answering({END: answer}) as script:
        leave_unknown(engine, tmp_path, script)
        assert len(script.ended) == UNKNOWNS_MAX
    assert states(engine) == {"unknown": 3, "queued": 22}
    with listening() as sink:
        report = deliver_here(settings(engine, tmp_path, url(sink)), engine, MovedClock(), which=Which.UNSENT)
        assert (report.sent, report.unavailable, len(sink.taken)) == (22, None, 22)
    assert states(engine) == {"unknown": 3}


def test_unknown_outcomes_between_others_stop_nothing(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(12))
    with listening() as sink:
        sink.at_end = ["(nothing)", "250 taken"] * 6
        report = deliver_here(settings(engine, tmp_path, url(sink)), engine, MovedClock())
    assert (report.sent, report.unavailable) == (6, None)
    assert states(engine) == {"unknown": 6}


def test_the_clock_waits_after_such_a_pass_then_tries_one_mail(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(30))
    clock = MovedClock()
    with answering({END: b""}) as script:
        chosen = settings(engine, tmp_path, url(script))
        leave_unknown(engine, tmp_path, script, clock)
        for _ in range(59):
            clock.now += timedelta(minutes=1)
            report = deliver_here(chosen, engine, clock, which=Which.DUE)
            assert (report.sent, report.failures, report.unavailable) == (0, (), IN_DOUBT)
        assert len(script.ended) == 3
        clock.now += timedelta(minutes=1)
        deliver_here(chosen, engine, clock, which=Which.DUE)
        assert len(script.ended) == 4
        deliver_here(chosen, engine, clock, which=Which.DUE)
        assert len(script.ended) == 4
    clock.now += IN_DOUBT_PAUSE
    with listening() as sink:
        assert deliver_here(settings(engine, tmp_path, url(sink)), engine, clock, which=Which.DUE).sent == 26
        queue_more = tell(engine, [to_tell(1)])
        assert deliver_here(settings(engine, tmp_path, url(sink)), engine, clock, which=Which.DUE).sent == 1
        assert len(queue_more) == 1
    assert states(engine) == {"unknown": 4}


def test_settled_mails_let_the_clock_go_on(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(6))
    with answering({END: b""}) as script:
        leave_unknown(engine, tmp_path, script)
    settle(engine, Settlement.AGAIN, None)
    with listening() as sink:
        chosen = settings(engine, tmp_path, url(sink))
        assert deliver_here(chosen, engine, MovedClock(), which=Which.DUE).sent == 6
        assert set(sink.count().values()) == {1}


# Settling in bulk


def test_all_unknown_mails_are_settled_as_sent_by_one_act(engine: Engine, tmp_path: Path) -> None:
    ids = queue(engine, addresses(2))
    tell(engine, [to_tell(1)])
    with answering({END: b""}) as script:
        leave_unknown(engine, tmp_path, script)
    assert settle(engine, Settlement.SENT, None) == ["FA-2026-000001", "FA-2026-000002", "ME-000001"]
    assert states(engine) == {}
    with reading(engine) as connection:
        rows = connection.execute(select(delivery).where(delivery.c.document_id.in_(ids))).all()
        changes = connection.execute(
            select(audit_change.c.subject, audit_change.c.key, audit_change.c.after).order_by(
                audit_change.c.act_id.desc(), audit_change.c.seq
            )
        ).all()
    assert [(row.state, row.attempts, row.last_error, row.sent_at == row.handed_over_at) for row in rows] == [
        ("sent", 1, None, True)
    ] * 2
    assert [(subject, key) for subject, key, _ in changes[:3]] == [
        ("deliveries", "FA-2026-000001"), ("deliveries", "FA-2026-000002"), ("message-deliveries", "ME-000001"),
    ]  # fmt: skip
    assert settle(engine, Settlement.SENT, None) == []
    with listening() as sink:
        assert deliver_here(settings(engine, tmp_path, url(sink)), engine, MovedClock(), which=Which.UNSENT).sent == 0


def test_some_are_settled_as_sent_and_others_sent_again(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(3))
    with answering({END: b""}) as script:
        leave_unknown(engine, tmp_path, script)
    settle(engine, Settlement.SENT, ["FA-2026-000002"])
    settle(engine, Settlement.AGAIN, ["FA-2026-000003", "FA-2026-000001"])
    with listening() as sink:
        assert deliver_here(settings(engine, tmp_path, url(sink)), engine, MovedClock()).sent == 2
        assert set(sink.count()) == {"<FA-2026-000001@parcs.example>", "<FA-2026-000003@parcs.example>"}


def test_what_is_not_unknown_is_not_settled_and_then_none_is(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(4))
    with answering({END: b""}) as script:
        leave_unknown(engine, tmp_path, script)
    for other in ("FA-2026-000004", "FA-2031-000001", "ME-000001", "x"):
        with pytest.raises(Conflict, match=f"nothing is unknown about {other}"):
            settle(engine, Settlement.SENT, ["FA-2026-000001", other])
    with pytest.raises(ReasonRequired):
        settle(engine, Settlement.SENT, None, why=None)
    assert states(engine) == {"unknown": 3, "queued": 1}


def test_eight_who_settle_at_once_settle_once(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(3))
    with answering({END: b""}) as script:
        leave_unknown(engine, tmp_path, script)
    both = [Settlement.SENT, Settlement.AGAIN] * 4
    with ThreadPoolExecutor(8) as pool:
        settled = [len(numbers) for numbers in pool.map(lambda how: settle(engine, how, None), both)]
    assert sorted(settled) == [0] * 7 + [3]


# I5: the machine's faults


def test_a_full_disk_costs_no_attempt_stops_the_pass_and_is_said_once(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(engine, addresses(20))
    tell(engine, [to_tell(1)])
    for number, name in ((errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only"), (errno.EACCES, "Permission")):

        def refuse(*_: Any, number: int = number) -> None:
            import os

            raise OSError(number, os.strerror(number), "/documents")

        with monkeypatch.context() as patched:
            patched.setattr("invoices.storage._write", refuse)
            report = deliver_here(settings(engine, tmp_path), engine, MovedClock())
        assert report.failures == ()
        assert (report.sent, report.queued, report.failed) == (0, 21, 0)
        assert report.unavailable is not None
        assert report.unavailable.startswith("PDFs can't be made or kept on this machine: ")
        assert name in report.unavailable
    assert attempts(engine) == 0
    assert deliver_here(settings(engine, tmp_path), engine, MovedClock()).sent == 21


def test_a_machine_that_cannot_print_costs_no_attempt(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(engine, addresses(7))

    def missing(*_: Any) -> bytes:
        raise PrintingUnavailable("printing needs Pango: install libpango-1.0-0")

    with monkeypatch.context() as patched:
        patched.setattr("invoices.rendering.workers.render_pdf", missing)
        report = deliver_here(settings(engine, tmp_path), engine, MovedClock())
    assert (report.failures, attempts(engine)) == ((), 0)
    assert report.unavailable is not None
    assert "install libpango" in report.unavailable
    assert deliver_here(settings(engine, tmp_path), engine, MovedClock()).sent == 7


def test_a_folder_of_documents_that_is_not_mounted_costs_no_attempt(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(4))
    with listening() as sink:
        sink.at_end = ["450 later"] * 4
        chosen = settings(engine, tmp_path, url(sink))
        assert len(deliver_here(chosen, engine, MovedClock()).failures) == 4
        (tmp_path / "documents").rename(tmp_path / "elsewhere")
        report = deliver_here(chosen, engine, MovedClock())
        assert report.failures == ()
        assert report.unavailable is not None
        assert "is missing from the documents" in report.unavailable
        (tmp_path / "elsewhere").rename(tmp_path / "documents")
        assert attempts(engine) == 4
        assert deliver_here(chosen, engine, MovedClock()).sent == 4
