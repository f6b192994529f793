"""Mail leaves over SMTP as the operator set it up, and every refusal is told apart from every other."""

import socket
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from invoices.errors import (
    ClaimLost,
    MessageDeferred,
    MessageRefused,
    NotDelivered,
    OutcomeUnknown,
    ServerUnavailable,
)
from invoices.mail import Mail, Mailbox, parse_mailbox
from invoices.transport import CONNECTIONS, FolderTransport, MayEnd, Outcome, SmtpServer, SmtpTransport, Transport
from tests.support.documents import w1
from tests.support.mails import build_mail
from tests.support.smtp_sink import Sink, free_port, listening, make_certificate

NOW = datetime(2026, 9, 1, 6, 30, tzinfo=UTC)
OPERATOR = Mailbox("facturation", "parcs.example")


def mail(recipient: str = "a@b.example", sequence: int = 12, pdf: bytes = b"%PDF-1.7\n") -> Mail:
    document = replace(w1(), number=f"FA-2026-{sequence:06d}")
    return build_mail(document, pdf, sender=OPERATOR, sender_name="Op", recipient=parse_mailbox(recipient), now=NOW)


def go_ahead(numbers: Collection[str]) -> Collection[str]:
    """Nobody else has them: their ends may be put."""
    return numbers


def send_all(transport: Transport, *mails: Mail, may_end: MayEnd = go_ahead) -> list[Outcome]:
    """Return the outcomes of mails that are sent together, in their order; each is reported once."""
    reported: dict[str, Outcome] = {}

    def answered(outcomes: Mapping[str, Outcome]) -> None:
        assert outcomes
        assert not reported.keys() & outcomes.keys()
        reported.update(outcomes)

    transport.send(mails, may_end, answered)
    return [reported[mail.number] for mail in mails]


def send(transport: Transport, mail: Mail, may_end: MayEnd = go_ahead) -> str:
    """The server's last word about one mail; raises why it was not delivered."""
    (outcome,) = send_all(transport, mail, may_end=may_end)
    if isinstance(outcome, NotDelivered):
        raise outcome
    return outcome


def server(sink: Sink, security: str = "none", user: str = "", password: str = "") -> SmtpServer:
    return SmtpServer("127.0.0.1", sink.port, security, user, password)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


either_way = pytest.mark.parametrize("extensions", [(), ("PIPELINING",)], ids=["in-turn", "at-once"])


@either_way
def test_many_mails_leave_over_one_connection_and_arrive_as_they_were(extensions: tuple[str, ...]) -> None:
    with listening(extensions=extensions) as sink, SmtpTransport(server(sink)) as transport:
        mails = [mail(sequence=n) for n in range(1, 6)]
        assert [send(transport, each) for each in mails] == ["250 taken"] * 5
        assert [content for _, _, content in sink.taken] == [each.content for each in mails]
        assert len(sink.sessions) == 1


@pytest.mark.parametrize("security", ["none", "starttls"])
def test_the_end_of_a_message_does_not_wait_until_the_server_acknowledges_what_came_before(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    # 40 ms a mail where acknowledgements are delayed, which Linux does once a connection is under way.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    shown_certificate = certificate if security == "starttls" else None
    with listening(shown_certificate) as sink, SmtpTransport(server(sink, security)) as transport:
        send(transport, mail())
        sock = transport._sessions[0].smtp.sock
        assert sock is not None
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_line_that_begins_with_a_dot_arrives_as_it_was() -> None:
    dotted = replace(mail(), content=b"Message-ID: <x@y>\r\n\r\n.\r\n..\r\n.dot\r\n")
    with listening() as sink, SmtpTransport(server(sink)) as transport:
        send(transport, dotted)
        assert sink.taken[0][2] == dotted.content


def test_with_starttls_and_a_login_mail_leaves_encrypted(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A private authority is trusted as OpenSSL has it: by the file that SSL_CERT_FILE names.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with listening(certificate, ("facturation", "sesame+1")) as sink:
        with SmtpTransport(server(sink, "starttls", "facturation", "sesame+1")) as transport:
            assert send(transport, mail()) == "250 taken"
        wrong = SmtpTransport(server(sink, "starttls", "facturation", "wrong"))
        with wrong as transport, pytest.raises(ServerUnavailable, match="535") as refusal:
            send(transport, mail())
        assert "wrong" not in str(refusal.value)
        beyond = SmtpTransport(server(sink, "starttls", "facturation", "sésame"))
        with beyond as transport, pytest.raises(ServerUnavailable, match="must be ASCII"):
            send(transport, mail())
        assert len(sink.taken) == 1


def test_a_certificate_nobody_vouches_for_stops_everything(certificate: tuple[Path, Path]) -> None:
    with listening(certificate) as sink, SmtpTransport(server(sink, "starttls")) as transport:
        with pytest.raises(ServerUnavailable, match="certificate verify failed"):
            send(transport, mail())
        assert sink.taken == []


def test_without_starttls_nothing_is_sent_in_clear_when_it_is_required() -> None:
    with listening() as sink, SmtpTransport(server(sink, "starttls", "user", "secret")) as transport:
        with pytest.raises(ServerUnavailable, match="offers no STARTTLS"):
            send(transport, mail())
        assert sink.taken == []


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    transport = SmtpTransport(SmtpServer("127.0.0.1", free_port(), "none"))
    with pytest.raises(ServerUnavailable, match="refused"):
        send(transport, mail())


@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 no such user", MessageRefused), ("450 mailbox busy", MessageDeferred), ("452 full", MessageDeferred)],
)
@either_way
def test_the_refusal_of_one_recipient_concerns_that_mail_alone(
    answer: str, error: type[NotDelivered], extensions: tuple[str, ...]
) -> None:
    with listening(extensions=extensions) as sink, SmtpTransport(server(sink)) as transport:
        sink.at_recipient["gone@b.example"] = [answer]
        with pytest.raises(error, match=answer):
            send(transport, mail("gone@b.example"))
        send(transport, mail(sequence=13))
        assert [recipient for _, recipient, _ in sink.taken] == ["a@b.example"]
        assert len(sink.sessions) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [("554 looks like spam", MessageRefused), ("451 try later", MessageDeferred), ("421 leaving", MessageDeferred)],
)
@either_way
def test_a_refusal_after_the_end_of_the_message_is_an_answer_not_a_doubt(
    answer: str, error: type[NotDelivered], extensions: tuple[str, ...]
) -> None:
    with listening(extensions=extensions) as sink, SmtpTransport(server(sink)) as transport:
        sink.at_end = [answer]
        with pytest.raises(error, match=answer):
            send(transport, mail())
        send(transport, mail(sequence=13))
        assert list(sink.count()) == ["<FA-2026-000013@parcs.example>"]


@either_way
def test_a_server_that_refuses_the_sender_refuses_everything(extensions: tuple[str, ...]) -> None:
    with listening(extensions=extensions) as sink, SmtpTransport(server(sink)) as transport:
        sink.at_mail = ["530 authentication required"]
        with pytest.raises(ServerUnavailable, match="530 authentication required"):
            send(transport, mail())


@either_way
def test_a_connection_the_server_has_closed_is_opened_anew_for_the_next_mail(extensions: tuple[str, ...]) -> None:
    with listening(extensions=extensions) as sink, SmtpTransport(server(sink)) as transport:
        send(transport, mail(sequence=1))
        sink.at_mail = ["421 too many mails on this connection"]
        send(transport, mail(sequence=2))
        assert len(sink.taken) == 2
        assert len(sink.sessions) == 2


def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    with listening(enable_SMTPUTF8=True) as sink, SmtpTransport(server(sink)) as transport:
        send(transport, mail("عنوان@t0042.example"))
        assert sink.taken[0][1] == "عنوان@t0042.example"
    with listening(enable_SMTPUTF8=False) as sink, SmtpTransport(server(sink)) as transport:
        with pytest.raises(MessageRefused, match="SMTPUTF8"):
            send(transport, mail("عنوان@t0042.example"))
        send(transport, mail("contact@société.example"))
        assert sink.taken[0][1] == "contact@xn--socit-esab.example"


def test_a_message_whose_claim_is_lost_before_its_end_is_never_taken() -> None:
    def lost(_numbers: Collection[str]) -> Collection[str]:
        return ()

    with listening() as sink, SmtpTransport(server(sink)) as transport:
        with pytest.raises(ClaimLost):
            send(transport, mail(sequence=1), lost)
        send(transport, mail(sequence=2))
        assert list(sink.count()) == ["<FA-2026-000002@parcs.example>"]


def raw_server(until: bytes, listener: socket.socket, conversations: int = 1) -> threading.Thread:
    """A server that answers politely, and hangs up as soon as it has read `until`."""

    def converse() -> None:
        for _ in range(conversations):
            connection, _address = listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 raw\r\n")
                for line in lines:
                    if line.startswith(until):
                        break
                    if line.lower().startswith((b"ehlo", b"mail", b"rcpt", b"rset")):
                        connection.sendall(b"250 OK\r\n")
                    elif line.startswith(b"DATA"):
                        connection.sendall(b"354 go on\r\n")

    thread = threading.Thread(target=converse, daemon=True)
    thread.start()
    return thread


@either_way
def test_mails_that_are_sent_together_use_a_few_connections_and_each_is_reported(extensions: tuple[str, ...]) -> None:
    with listening(extensions=extensions) as sink, SmtpTransport(server(sink)) as transport:
        sink.at_recipient["gone@b.example"] = ["550 no such user"]
        mails = [mail(f"a{n}@b.example" if n != 2 else "gone@b.example", n) for n in range(1, 8)]
        outcomes = send_all(transport, *mails)
        assert [outcome for outcome in outcomes if isinstance(outcome, str)] == ["250 taken"] * 6
        assert isinstance(outcomes[1], MessageRefused)
        assert sorted(recipient for _, recipient, _ in sink.taken) == [f"a{n}@b.example" for n in (1, 3, 4, 5, 6, 7)]
        assert len(sink.sessions) == CONNECTIONS


def test_of_mails_that_are_sent_together_those_whose_claims_are_lost_are_not_ended() -> None:
    asked: list[Collection[str]] = []

    def but_the_first(numbers: Collection[str]) -> Collection[str]:
        asked.append(numbers)
        return list(numbers)[1:]

    with listening() as sink, SmtpTransport(server(sink)) as transport:
        outcomes = send_all(transport, *(mail(sequence=n) for n in (1, 2, 3)), may_end=but_the_first)
        assert isinstance(outcomes[0], ClaimLost)
        assert outcomes[1:] == ["250 taken"] * 2
        assert sorted(sink.count()) == ["<FA-2026-000002@parcs.example>", "<FA-2026-000003@parcs.example>"]
    assert asked == [["FA-2026-000001", "FA-2026-000002", "FA-2026-000003"]]


def test_a_server_that_grants_one_connection_gets_one_mail_after_the_other() -> None:
    with listening() as sink, SmtpTransport(server(sink)) as transport:
        sink.most_sessions = 1
        assert send_all(transport, *(mail(sequence=n) for n in range(1, 5))) == ["250 taken"] * 4
        # It was asked for a second one once.
        assert len(sink.sessions) == 2


def test_no_mail_waits_to_be_reported_for_a_server_that_takes_its_time_over_another() -> None:
    reported: dict[str, Outcome] = {}
    with listening() as sink, SmtpTransport(server(sink)) as transport:
        sink.slow.add("slow@b.example")
        sink.answering.clear()
        mails = [mail("slow@b.example", 1), mail(sequence=2), mail(sequence=3)]
        sending = threading.Thread(target=transport.send, args=(mails, go_ahead, reported.update), daemon=True)
        sending.start()
        for _ in range(500):
            if len(reported) == 2:
                break
            time.sleep(0.01)
        assert reported == {"FA-2026-000002": "250 taken", "FA-2026-000003": "250 taken"}
        sink.answering.set()
        sending.join(10)
    assert reported["FA-2026-000001"] == "250 taken"


def test_a_failure_to_write_down_what_is_about_to_end_ends_nothing() -> None:
    def broken(_numbers: Collection[str]) -> Collection[str]:
        raise RuntimeError("the database is gone")

    with listening() as sink, SmtpTransport(server(sink)) as transport:
        with pytest.raises(RuntimeError, match="the database is gone"):
            send_all(transport, *(mail(sequence=n) for n in (1, 2)), may_end=broken)
        assert send(transport, mail(sequence=3)) == "250 taken"
        assert list(sink.count()) == ["<FA-2026-000003@parcs.example>"]


def test_a_failure_to_write_down_an_answer_waits_for_no_other_answer() -> None:
    def broken(_outcomes: Mapping[str, Outcome]) -> None:
        raise RuntimeError("the database is gone")

    with listening() as sink:
        sink.slow.add("slow@b.example")
        sink.answering.clear()
        with SmtpTransport(server(sink)) as transport, pytest.raises(RuntimeError, match="the database is gone"):
            transport.send([mail("slow@b.example", 1), mail(sequence=2)], go_ahead, broken)
        assert not sink.answering.is_set()


def test_a_server_that_takes_commands_at_once_gets_them_before_it_answers_any() -> None:
    """Two round trips a mail are saved; a message whose recipient it refuses, though it says go on, is never ended."""
    heard: list[bytes] = []

    def converse(listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 raw\r\n")
            assert lines.readline().upper().startswith(b"EHLO")
            connection.sendall(b"250-raw\r\n250 PIPELINING\r\n")
            heard.extend(lines.readline() for _ in range(3))
            connection.sendall(b"250 OK\r\n550 no such user\r\n354 go on\r\n")
            heard.append(lines.read())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=converse, args=(listener,), daemon=True)
        thread.start()
        with (
            SmtpTransport(SmtpServer("127.0.0.1", listener.getsockname()[1], "none")) as transport,
            pytest.raises(MessageRefused, match="no such user"),
        ):
            send(transport, mail())
        thread.join(10)
    assert heard == [b"MAIL FROM:<facturation@parcs.example>\r\n", b"RCPT TO:<a@b.example>\r\n", b"DATA\r\n", b""]


def test_a_connection_that_breaks_after_the_end_leaves_the_outcome_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = raw_server(b".\r\n", listener)
        transport = SmtpTransport(SmtpServer("127.0.0.1", listener.getsockname()[1], "none"))
        with pytest.raises(OutcomeUnknown, match="look for it in that server's log"):
            send(transport, mail())
        thread.join(10)


def test_a_connection_that_breaks_before_the_end_is_known_not_to_have_delivered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = raw_server(b"Date:", listener)
        transport = SmtpTransport(SmtpServer("127.0.0.1", listener.getsockname()[1], "none"))

        def wait_for_the_hang_up(numbers: Collection[str]) -> Collection[str]:
            thread.join(10)
            return numbers

        with pytest.raises(ServerUnavailable):
            send(transport, mail(), wait_for_the_hang_up)


def test_the_folder_holds_each_mail_once_however_often_it_is_written(tmp_path: Path) -> None:
    with FolderTransport(tmp_path / "outbox") as transport:
        for _ in range(2):
            answer = send(transport, mail())
    assert answer == f"written to {tmp_path / 'outbox' / 'FA-2026-000012.eml'}"
    (file,) = (tmp_path / "outbox").iterdir()
    assert b"\r\nMessage-ID: <FA-2026-000012@parcs.example>\r\n" in file.read_bytes()


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file, not a folder")
    with FolderTransport(tmp_path / "outbox") as transport, pytest.raises(ServerUnavailable, match="SMTP_URL"):
        send(transport, mail())
