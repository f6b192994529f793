"""Checkpoints published where the operator can't take them back: a file, an address, a mail."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

import pytest

from billing.check import check
from billing.documents.delivery.delivering import deliver
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import reading
from billing.frame.errors import BadConfiguration
from billing.frame.executors import open_executor
from billing.frame.jobs import JobContext, say_for
from billing.frame.proof_errors import NotPublished
from billing.frame.settings import load_settings
from billing.proof.checkpoints import Checkpoint, make_checkpoint, newest_checkpoint
from billing.proof.export import export_files, write_folder
from billing.proof.jobs import JOBS
from billing.proof.publishing import publish
from billing.proof.verify_books import main
from tests.support.proofs import Proved
from tests.support.proved_park import NOW
from tests.support.witnesses import NAME, asked, cosigned, taken_in, with_witness


class Receiver(ThreadingHTTPServer):
    """A server on loopback that is given notes, and what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 201
        self.taken: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_PUT(self) -> None:
        """Take a note."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.taken.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that listens."""
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def published(proved: Proved, *places: str) -> list[str]:
    """What is said when the newest checkpoint is published to these places."""
    acting = on_behalf(proved.engine, Act("amina", CLI, "proof checkpoint", "r-publish"), lambda: NOW)
    return publish(replace(proved.settings, proof_publish=places), acting, newest(proved), NOW)


def newest(proved: Proved) -> Checkpoint:
    """The newest checkpoint."""
    with reading(proved.engine) as connection:
        found = newest_checkpoint(connection)
    assert found is not None
    return found


def test_a_file_and_an_address_are_given_the_note_with_its_witnesses(proved: Proved, receiver: Receiver) -> None:
    settings = with_witness(proved.settings, proved.folder)
    note = cosigned(proved.engine, proved.folder, asked(proved.engine, settings), NOW)
    taken_in(proved.engine, settings, note, NOW)
    web = proved.folder / "web"
    web.mkdir()
    address = f"http://127.0.0.1:{receiver.server_port}/books.txt"
    assert published(proved, f"file:{web}/books.txt", f"{address}?secret=1") == [
        f"published to {web}/books.txt", f"published to {address} (HTTP 201)"
    ]  # fmt: skip
    assert NAME in note
    assert receiver.taken == [("/books.txt?secret=1", note)]
    assert [(path.name, path.read_text(encoding="utf-8")) for path in web.iterdir()] == [("books.txt", note)]
    assert (web / "books.txt").stat().st_mode & 0o777 == 0o644


def test_every_place_is_tried_and_those_that_fail_are_named(proved: Proved, receiver: Receiver) -> None:
    address = f"http://127.0.0.1:{receiver.server_port}/books.txt"
    for receiver.status in (500, 307):
        with pytest.raises(NotPublished) as told:
            published(
                proved, f"file:{proved.folder}/no/books.txt", f"{address}?secret=1", f"file:{proved.folder}/b.txt"
            )
        words = str(told.value)
        assert words.startswith("checkpoint 1 is signed and kept, but not published to file:")
        assert f"not published to {address}: HTTP Error {receiver.status}" in words
        assert words.endswith(f"; published to {proved.folder}/b.txt")
        assert "secret" not in words
    with pytest.raises(NotPublished, match="Connection refused"):
        published(proved, "http://127.0.0.1:9/books.txt")
    with pytest.raises(NotPublished, match="PROOF_PUBLISH names no place"):
        published(proved)


def test_a_mail_a_day_brings_the_note_as_the_verifier_takes_it(
    proved: Proved, capsys: pytest.CaptureFixture[str]
) -> None:
    assert published(proved, "mailto:cabinet@example.ma") == ["ME-000001 to cabinet@example.ma is queued"]
    assert "already" in published(proved, "mailto:cabinet@example.ma")[0]
    deliver(proved.settings, proved.engine, clock=lambda: NOW, open_pool=partial(open_executor, proved.settings, 1))
    raw = (proved.folder / "outbox" / "ME-000001.eml").read_bytes()
    mail = message_from_bytes(raw, policy=default)
    assert mail["To"] == "cabinet@example.ma"
    note = newest(proved).note
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    text = plain.get_content().replace("\r\n", "\n")
    assert note in text
    assert f"{note}</pre>" in html.get_content().replace("\r\n", "\n")
    assert "verify_books.py prend par --checkpoint" in text
    kept = proved.folder / "kept.txt"
    kept.write_text("\r\n" + text[text.index(note) : text.index(note) + len(note)].replace("\n", "\r\n") + "\r\n")
    make_checkpoint(proved.settings, proved.engine, lambda: NOW)
    with reading(proved.engine) as connection:
        write_folder(export_files(connection), proved.folder / "export")
    assert main([str(proved.folder / "export"), f"--checkpoint={kept}"]) == 0, capsys.readouterr().err
    assert check(proved.engine, documents_url=proved.settings.documents_url) == []


def test_the_clock_publishes_what_it_signs(proved: Proved) -> None:
    place = proved.folder / "books.txt"
    settings = replace(proved.settings, proof_publish=(f"file:{place}", "mailto:cabinet@example.ma"))
    later = NOW + timedelta(hours=2)

    def at_work() -> None:
        JOBS[0].work(JobContext(settings, proved.engine, lambda: later, Event(), say_for("prove")))

    # Nothing is new: nothing is signed.
    at_work()
    assert not place.exists()
    published(proved, "mailto:autre@example.ma")
    at_work()
    assert place.read_text(encoding="utf-8") == newest(proved).note
    assert newest(proved).id == 2


@pytest.mark.parametrize(
    "place",
    [
        "ftp://h/x", "http://books.example.ma/x", "https://user:word@h/x", "https:///x", "file:books.txt", "file://h/x",
        "mailto:cabinet", "https://[::1/x", "x",
    ],
)  # fmt: skip
def test_a_place_that_can_be_none_is_refused_at_the_start(place: str) -> None:
    with pytest.raises(BadConfiguration, match="PROOF_PUBLISH"):
        load_settings({"PROOF_PUBLISH": f"mailto:a@example.ma {place}"})
