"""Delivery: each document reaches its buyer once; what fails is visible, tried again, and mended (pitfalls)."""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Connection, Engine, Table, select, text
from sqlalchemy.exc import DBAPIError

from billing.documents.delivery.delivering import Which, deliver
from billing.documents.delivery.pdf_files import ensure_pdf
from billing.documents.delivery.queue_pass import DeliveryReport
from billing.documents.queries import find_delivery
from billing.frame.database import insert_rows, reading, writing
from billing.frame.errors import BadConfiguration
from billing.frame.executors import open_executor
from billing.frame.settings import Settings
from invoices.delivery import BACK_OFF, claim, due, failed_deliveries, hand_over, retry
from invoices.document import EDITION_NUMBERED, INVOICE
from invoices.einvoice.cii import cii_xml
from invoices.errors import FileDamaged, FileMissing, UnknownDocument
from invoices.issuing import Draft, Issue, issue
from invoices.models import delivery, delivery_attempt, document_file
from invoices.reading import load_documents
from invoices.rendering.pdf import render_pdf
from invoices.transport import CONNECTIONS
from tests.support.documents import SELLER, STARTUP, w1
from tests.support.pki import Pki, judged
from tests.support.queued import NOON, MovedClock, addresses, queue, settings
from tests.support.smtp_script import END, answering
from tests.support.smtp_sink import Sink, free_port, listening
from tests.support.tenants import add_tenant, change_tenant


def smtp(sink: Sink) -> str:
    return f"smtp://127.0.0.1:{sink.port}?security=none"


def state_of(engine: Engine, document_id: int) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(delivery).where(delivery.c.document_id == document_id)).one()


def attempts_of(engine: Engine, document_id: int) -> list[tuple[int, str]]:
    a = delivery_attempt.c
    with reading(engine) as connection:
        found = select(a.attempt, a.outcome).where(a.document_id == document_id).order_by(a.attempt)
        return [(row.attempt, row.outcome) for row in connection.execute(found)]


def deliver_here(chosen: Settings, engine: Engine, clock: MovedClock, **options: Any) -> DeliveryReport:
    return deliver(chosen, engine, clock=clock, open_pool=partial(open_executor, chosen, 1), **options)


def test_what_is_queued_is_rendered_on_all_cores_recorded_and_sent_once(engine: Engine, tmp_path: Path) -> None:
    ids = queue(engine, addresses(10))
    chosen = settings(engine, tmp_path)
    told: list[tuple[int, int]] = []
    report = deliver(chosen, engine, clock=MovedClock(), progress=lambda done, total: told.append((done, total)))
    assert (report.sent, report.rendered, report.queued, report.failed) == (10, 10, 0, 0)
    assert report.is_complete
    assert told == [(n, 10) for n in range(1, 11)]
    assert report.lines() == ["10 sent", "10 rendered", "0 queued", "0 failed"]
    mails = sorted((tmp_path / "outbox").iterdir())
    assert [mail.name for mail in mails] == [f"FA-2026-{n:06d}.eml" for n in range(1, 11)]
    with reading(engine) as connection:
        files = {row.document_id: row for row in connection.execute(select(document_file))}
    for document_id, mail in zip(ids, mails, strict=True):
        (pdf,) = message_from_bytes(mail.read_bytes(), policy=default).iter_attachments()
        assert hashlib.sha256(pdf.get_content()).hexdigest() == files[document_id].sha256
        assert state_of(engine, document_id).state == "sent"
        assert attempts_of(engine, document_id) == [(1, "sent")]
    assert deliver(chosen, engine, clock=MovedClock(), which=Which.UNSENT).sent == 0


def test_what_a_server_refuses_for_now_is_tried_again_with_growing_pauses_then_left_to_a_person(
    engine: Engine, tmp_path: Path
) -> None:
    (document_id,) = queue(engine, ["busy@tenants.example"])
    clock = MovedClock()
    with listening() as sink:
        chosen = settings(engine, tmp_path, smtp(sink))
        sink.at_recipient["busy@tenants.example"] = ["450 mailbox busy"] * 99
        for pause in BACK_OFF:
            report = deliver_here(chosen, engine, clock, which=Which.DUE)
            assert [failure.reason for failure in report.failures] == [
                "the mail server refuses it for now: 450 mailbox busy"
            ]
            assert state_of(engine, document_id).state == "queued"
            assert report.failures[0].next_attempt_at == clock.now + pause
            clock.now += pause - timedelta(seconds=1)
            assert deliver_here(chosen, engine, clock, which=Which.DUE).failures == ()
            clock.now += timedelta(seconds=1)
        report = deliver_here(chosen, engine, clock, which=Which.DUE)
        assert (report.queued, report.failed) == (0, 1)
        assert state_of(engine, document_id).state == "failed"
        clock.now += timedelta(days=365)
        assert deliver_here(chosen, engine, clock).failures == ()
        sink.at_recipient.clear()
        assert deliver_here(chosen, engine, clock, which=Which.UNSENT).sent == 1
    assert attempts_of(engine, document_id) == [(n, "deferred") for n in range(1, 8)] + [(8, "sent")]
    assert sum(BACK_OFF, timedelta()) < timedelta(days=2)


def test_a_person_who_delivers_need_not_wait_for_the_next_attempt(engine: Engine, tmp_path: Path) -> None:
    queue(engine, ["busy@tenants.example"])
    clock = MovedClock()
    with listening() as sink:
        chosen = settings(engine, tmp_path, smtp(sink))
        sink.at_recipient["busy@tenants.example"] = ["450 mailbox busy"]
        assert deliver_here(chosen, engine, clock).sent == 0
        assert deliver_here(chosen, engine, clock, which=Which.DUE).sent == 0
        assert deliver_here(chosen, engine, clock).sent == 1


def test_what_a_server_refuses_for_good_waits_for_a_person_and_hinders_nobody_else(
    engine: Engine, tmp_path: Path
) -> None:
    ids = queue(engine, ["gone@tenants.example", *addresses(3)])
    clock = MovedClock()
    with listening() as sink:
        chosen = settings(engine, tmp_path, smtp(sink))
        sink.at_recipient["gone@tenants.example"] = ["550 no such user"]
        report = deliver_here(chosen, engine, clock)
        assert report.sent == 3
        assert [str(failure) for failure in report.failures] == [
            "FA-2026-000001 to gone@tenants.example: the mail server refuses it: 550 no such user"
        ]
        assert not report.is_complete
        clock.now += timedelta(days=9)
        assert deliver_here(chosen, engine, clock).sent == 0
        with writing(engine) as connection:
            assert [failure.key for failure in failed_deliveries(connection)] == ids[:1]
            assert retry(connection, ids, now=clock(), recipients={ids[0]: "new@tenants.example"}) == ids[:1]
        assert deliver_here(chosen, engine, clock).sent == 1
        *first, last = (recipient for _, recipient, _ in sink.taken)
        assert sorted(first) == addresses(3)  # three connections send at a time, in no order
        assert last == "new@tenants.example"
    assert attempts_of(engine, ids[0]) == [(1, "refused"), (2, "sent")]


def test_a_tenant_without_address_fails_with_that_reason_and_is_sent_once_it_has_one(
    engine: Engine, tmp_path: Path
) -> None:
    (document_id,) = queue(engine, [""])
    chosen, clock = settings(engine, tmp_path), MovedClock()
    report = deliver_here(chosen, engine, clock)
    assert [str(failure) for failure in report.failures] == [
        "FA-2026-000001 to T0001: no e-mail address: give one, then retry"
    ]
    assert report.rendered == 1
    with writing(engine) as connection:
        retry(connection, [document_id], now=clock(), recipients={document_id: "a@tenants.example"})
    assert deliver_here(chosen, engine, clock).sent == 1


def test_a_server_that_is_down_costs_no_attempt_and_shows_why_nothing_left(engine: Engine, tmp_path: Path) -> None:
    ids = queue(engine, addresses(3))
    clock = MovedClock()
    port = free_port()
    report = deliver_here(settings(engine, tmp_path, f"smtp://127.0.0.1:{port}?security=none"), engine, clock)
    assert report.unavailable is not None
    assert f"127.0.0.1:{port} can't be used" in report.unavailable
    assert (report.sent, report.queued, report.is_complete) == (0, 3, False)
    assert [state_of(engine, one).attempts for one in ids] == [0, 0, 0]
    assert state_of(engine, ids[0]).last_error == report.unavailable
    with listening() as sink:
        assert deliver_here(settings(engine, tmp_path, smtp(sink)), engine, clock).sent == 3


@pytest.mark.parametrize("answer", [b"251 forwarded\r\n", b"200 OK\r\n", b"250-taken\r\n250 as 4711\r\n"])
def test_what_a_server_took_by_any_2yz_is_sent_and_never_again(engine: Engine, tmp_path: Path, answer: bytes) -> None:
    ids = queue(engine, addresses(5))
    clock = MovedClock()
    with answering({END: answer}) as script:
        chosen = settings(engine, tmp_path, f"smtp://127.0.0.1:{script.port}?security=none")
        assert deliver_here(chosen, engine, clock).sent == 5
        clock.now += timedelta(days=1)
        assert deliver_here(chosen, engine, clock, which=Which.UNSENT).sent == 0
        assert len(script.ended) == 5
    assert [attempts_of(engine, one) for one in ids] == [[(1, "sent")]] * 5


def test_what_got_an_unreadable_answer_is_unknown_and_never_sent_again_by_itself(
    engine: Engine, tmp_path: Path
) -> None:
    ids = queue(engine, addresses(2))
    clock = MovedClock()
    with answering({END: b"thank you\r\n"}) as script:
        chosen = settings(engine, tmp_path, f"smtp://127.0.0.1:{script.port}?security=none")
        for which in (Which.DUE, Which.QUEUED, Which.UNSENT):
            deliver_here(chosen, engine, clock, which=which)
            clock.now += timedelta(days=1)
        assert len(script.ended) == 2
    assert [attempts_of(engine, one) for one in ids] == [[(1, "unknown")]] * 2
    assert [state_of(engine, one).state for one in ids] == ["failed"] * 2


def test_a_mail_goes_to_the_address_its_tenant_has_when_it_leaves(engine: Engine, tmp_path: Path) -> None:
    """The first delivery too, and each later one, however often the address changes (F4)."""
    (document_id,) = queue(engine, ["old@tenants.example"])
    clock = MovedClock()
    with listening() as sink:
        chosen = settings(engine, tmp_path, smtp(sink))
        add_tenant(engine, "T0001", email="second@tenants.example")
        sink.at_recipient["second@tenants.example"] = ["550 no such user"]
        sink.at_recipient["third@tenants.example"] = ["450 mailbox busy"]
        report = deliver_here(chosen, engine, clock)
        assert [str(failure) for failure in report.failures] == [
            "FA-2026-000001 to second@tenants.example: the mail server refuses it: 550 no such user"
        ]
        change_tenant(engine, "T0001", email="third@tenants.example")
        assert deliver_here(chosen, engine, clock, which=Which.UNSENT).sent == 0
        change_tenant(engine, "T0001", email="fourth@tenants.example")
        with reading(engine) as connection:
            assert find_delivery(connection, "FA-2026-000001").recipient == "fourth@tenants.example"
        clock.now += BACK_OFF[1]
        with writing(engine) as connection:
            retry(connection, [document_id], now=clock())
        assert deliver_here(chosen, engine, clock, which=Which.DUE).sent == 1
        change_tenant(engine, "T0001", email="fifth@tenants.example")
        assert [recipient for _, recipient, _ in sink.taken] == ["fourth@tenants.example"]
    with reading(engine) as connection:
        assert find_delivery(connection, "FA-2026-000001").recipient == "fourth@tenants.example"


def test_an_address_that_a_person_chose_for_a_mail_stays(engine: Engine, tmp_path: Path) -> None:
    (document_id,) = queue(engine, ["old@tenants.example"])
    add_tenant(engine, "T0001", email="second@tenants.example")
    clock = MovedClock()
    with writing(engine) as connection:
        retry(connection, [document_id], now=clock(), recipients={document_id: "chosen@tenants.example"})
    change_tenant(engine, "T0001", email="third@tenants.example")
    with listening() as sink:
        assert deliver_here(settings(engine, tmp_path, smtp(sink)), engine, clock).sent == 1
        assert [recipient for _, recipient, _ in sink.taken] == ["chosen@tenants.example"]


def test_a_tenant_whose_address_was_taken_away_is_not_written_to(engine: Engine, tmp_path: Path) -> None:
    queue(engine, ["old@tenants.example"])
    add_tenant(engine, "T0001", email="")
    report = deliver_here(settings(engine, tmp_path), engine, MovedClock())
    assert [str(failure) for failure in report.failures] == [
        "FA-2026-000001 to T0001: no e-mail address: give one, then retry"
    ]


def test_mail_without_a_sender_is_refused_before_anything_is_claimed(engine: Engine, tmp_path: Path) -> None:
    from dataclasses import replace

    (document_id,) = queue(engine, addresses(1))
    chosen = settings(engine, tmp_path)
    party = replace(chosen.operator.party, email="")
    chosen = replace(chosen, operator=replace(chosen.operator, party=party))
    with pytest.raises(BadConfiguration, match="OPERATOR_FILE: email must be the address"):
        deliver_here(chosen, engine, MovedClock())
    assert state_of(engine, document_id).claimed_by is None


def test_a_folder_that_takes_no_pdf_stops_the_pass_and_costs_no_attempt(engine: Engine, tmp_path: Path) -> None:
    (document_id, *_) = queue(engine, addresses(2))
    (tmp_path / "documents").write_text("a file where the folder of PDFs should be")
    report = deliver_here(settings(engine, tmp_path), engine, MovedClock())
    assert (report.sent, report.failures) == (0, ())
    assert report.unavailable is not None
    assert report.unavailable.startswith("PDFs can't be made or kept on this machine: ")
    assert (attempts_of(engine, document_id), state_of(engine, document_id).state) == ([], "queued")
    (tmp_path / "documents").unlink()
    assert deliver_here(settings(engine, tmp_path), engine, MovedClock()).sent == 2


def test_a_pass_told_to_stop_ends_after_the_mails_under_way_and_leaves_the_rest_free(
    engine: Engine, tmp_path: Path
) -> None:
    ids = queue(engine, addresses(8))
    stop = Event()
    with listening() as sink:
        sink.on_taken = lambda _: stop.set()
        chosen = settings(engine, tmp_path, smtp(sink))
        report = deliver_here(chosen, engine, MovedClock(), stop=stop)
        assert (report.sent, report.queued) == (CONNECTIONS, 8 - CONNECTIONS)
        assert [state_of(engine, one).claimed_by for one in ids] == [None] * 8
        assert deliver_here(chosen, engine, MovedClock()).sent == 8 - CONNECTIONS
        assert set(sink.count().values()) == {1}


def test_what_another_process_holds_is_left_to_it_until_its_claim_lapses(engine: Engine, tmp_path: Path) -> None:
    ids = queue(engine, addresses(3))
    clock, chosen = MovedClock(), settings(engine, tmp_path)
    with writing(engine) as connection:
        assert len(claim(connection, {ids[0]: 0}, by="other", now=clock())) == 1
    assert deliver_here(chosen, engine, clock).sent == 2
    # Waiting moves the clock here, until the claim of the other, which doesn't renew it, has lapsed.
    assert deliver_here(chosen, engine, clock, wait=clock.wait).sent == 1
    assert clock.now > NOON + timedelta(seconds=29)


def test_a_process_that_was_taken_over_may_not_send_any_more(engine: Engine) -> None:
    (document_id,) = queue(engine, addresses(1))
    later = NOON + timedelta(minutes=2)
    with writing(engine) as connection:
        claim(connection, {document_id: 0}, by="slow", now=NOON)
        claim(connection, {document_id: 0}, by="quick", now=later)
    with writing(engine) as connection:
        assert hand_over(connection, [document_id], by="slow", now=later) == set()
    with writing(engine) as connection:
        assert hand_over(connection, [document_id], by="quick", now=later) == {document_id}


def test_what_was_put_to_the_server_by_a_process_that_died_is_never_sent_again_by_itself(
    engine: Engine, tmp_path: Path
) -> None:
    (document_id,) = queue(engine, addresses(1))
    clock, chosen = MovedClock(), settings(engine, tmp_path)
    with writing(engine) as connection:
        (held,) = claim(connection, due(connection, NOON), by="dead", now=NOON)
        assert hand_over(connection, [held.key], by="dead", now=NOON) == {document_id}
    report = deliver_here(chosen, engine, clock, wait=clock.wait)
    assert report.sent == 0
    assert "died before the mail server's answer was written down" in report.failures[0].reason
    assert attempts_of(engine, document_id) == [(1, "unknown")]
    assert deliver_here(chosen, engine, clock, which=Which.UNSENT, wait=clock.wait).sent == 0
    with writing(engine) as connection:
        assert retry(connection, [document_id], now=clock()) == [document_id]
    assert deliver_here(chosen, engine, clock).sent == 1
    assert attempts_of(engine, document_id) == [(1, "unknown"), (2, "sent")]


def test_what_is_sent_or_being_sent_cannot_be_retried(engine: Engine, tmp_path: Path) -> None:
    ids = queue(engine, addresses(2))
    with writing(engine) as connection:
        claim(connection, {ids[0]: 0}, by="other", now=NOON)
    assert deliver_here(settings(engine, tmp_path), engine, MovedClock()).sent == 1
    with writing(engine) as connection:
        assert retry(connection, ids, now=NOON) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE delivery SET state = 'queued' WHERE document_id = :sent",
        "UPDATE delivery SET state = 'failed' WHERE document_id = :sent",
        "UPDATE delivery SET sent_at = NULL WHERE document_id = :sent",
        "UPDATE delivery SET state = 'queued' WHERE document_id = :failed",
        "UPDATE delivery SET attempts = 0 WHERE document_id = :failed",
        "DELETE FROM delivery WHERE document_id = :failed",
        "UPDATE delivery_attempt SET outcome = 'sent' WHERE document_id = :failed",
        "DELETE FROM delivery_attempt WHERE document_id = :failed",
    ],
)
def test_the_database_refuses_to_turn_a_state_back_or_to_hide_a_failure(
    engine: Engine, tmp_path: Path, change: str
) -> None:
    sent, failed = queue(engine, ["a@tenants.example", ""])
    deliver_here(settings(engine, tmp_path), engine, MovedClock())
    keys = {"sent": sent, "failed": failed}
    with pytest.raises(DBAPIError, match="delivery"), writing(engine) as connection:
        connection.execute(text(change), {name: key for name, key in keys.items() if f":{name}" in change})
    assert (state_of(engine, sent).state, state_of(engine, failed).state) == ("sent", "failed")


def _as_before_editions(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Any]) -> None:
    """Write rows as the program did before documents had editions: the database says which one they are of."""
    kept = [place for place, name in enumerate(columns) if name != "edition"]
    insert_rows(connection, table, [columns[i] for i in kept], [tuple(row[i] for i in kept) for row in rows])


def test_the_e_invoice_in_ubl_goes_with_the_mail_where_it_is_wanted(engine: Engine, tmp_path: Path) -> None:
    queue(engine, addresses(1))
    deliver_here(dataclasses.replace(settings(engine, tmp_path), attaches_ubl=True), engine, MovedClock())
    (mail,) = (tmp_path / "outbox").iterdir()
    pdf, xml = message_from_bytes(mail.read_bytes(), policy=default).iter_attachments()
    assert (pdf.get_content_type(), xml.get_filename()) == ("application/pdf", "FA-2026-000001.xml")
    assert b"<cbc:ID>FA-2026-000001</cbc:ID>" in xml.get_content()


def test_a_sealed_document_is_kept_sent_and_never_sealed_again(engine: Engine, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki", rsa.generate_private_key(65537, 2048))
    chosen = dataclasses.replace(settings(engine, tmp_path), seal=pki.seal())
    (key,) = queue(engine, addresses(1))
    deliver_here(chosen, engine, MovedClock())
    (mail,) = (tmp_path / "outbox").iterdir()
    (attached,) = message_from_bytes(mail.read_bytes(), policy=default).iter_attachments()
    pdf = attached.get_content()
    assert judged(pdf, pki.ca_file).bottom_line
    assert ensure_pdf(engine, chosen.documents_url, key, clock=MovedClock(), seal=chosen.seal) == pdf
    (kept,) = (tmp_path / "documents" / "2026").iterdir()
    kept.unlink()
    # A seal holds the instant of its making: a backup alone has this file.
    with pytest.raises(FileMissing, match="restore it from a backup"):
        ensure_pdf(engine, chosen.documents_url, key, clock=MovedClock(), seal=chosen.seal)


def test_a_document_issued_before_editions_is_printed_again_as_it_was(engine: Engine, tmp_path: Path) -> None:
    # B9: the file that an upgraded database has lost is the same bytes when it is made anew.
    draft = Draft(INVOICE, STARTUP, w1().lines, 0, 0, None)
    terms = Issue(date(2026, 9, 1), date(2026, 9, 1), date(2026, 10, 31), SELLER)
    with writing(engine) as connection:
        (issued,) = issue(connection, [draft], terms, insert=_as_before_editions)
        ((_, document),) = load_documents(connection, [issued.id])
    assert (document.edition, document.payment_reference) == (EDITION_NUMBERED, issued.number)
    where = settings(engine, tmp_path).documents_url
    pdf = ensure_pdf(engine, where, issued.id, clock=MovedClock())
    assert b"RF" not in cii_xml(document)
    (kept,) = (tmp_path / "documents" / "2026").iterdir()
    kept.unlink()
    assert ensure_pdf(engine, where, issued.id, clock=MovedClock()) == pdf == render_pdf(document)


def test_the_pdf_of_any_document_is_made_once_and_then_the_kept_one(engine: Engine, tmp_path: Path) -> None:
    (document_id,) = queue(engine, addresses(1))
    where = settings(engine, tmp_path).documents_url
    pdf = ensure_pdf(engine, where, document_id, clock=MovedClock())
    assert pdf.startswith(b"%PDF-1.7")
    (kept,) = (tmp_path / "documents" / "2026").iterdir()
    written = kept.stat().st_mtime_ns
    assert ensure_pdf(engine, where, document_id, clock=MovedClock()) == pdf == kept.read_bytes()
    assert kept.stat().st_mtime_ns == written
    kept.unlink()
    assert ensure_pdf(engine, where, document_id, clock=MovedClock()) == pdf
    kept.write_bytes(pdf.replace(b"%PDF-1.7", b"%PDF-1.6"))
    with pytest.raises(FileDamaged):
        ensure_pdf(engine, where, document_id, clock=MovedClock())
    with pytest.raises(UnknownDocument):
        ensure_pdf(engine, where, 99, clock=MovedClock())
