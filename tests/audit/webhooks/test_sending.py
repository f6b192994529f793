"""One webhook on the wire: its signature, the address it goes to, and receivers that behave badly."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from billing.audit.feed.shapes import Event, EventSubject
from billing.audit.webhooks import sending
from billing.audit.webhooks.addresses import Network, Target, parse_target
from billing.audit.webhooks.sending import Outcome, Sender, signed
from tests.support.webhook_sink import webhook_sink, write_certificate

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HERE = (ip_network("127.0.0.0/8"),)
EVENT = Event(
    "248.1.433", "2026-09-02T08:00:00Z", "document.issued", EventSubject("document", "FA-2026-000001"), "amina",
    {"gross": "1200.00", "tenant": "Société d’Été"},
)  # fmt: skip


def now() -> datetime:
    """The real clock, since signatures that are not of this moment are refused."""
    return datetime.now(UTC)


def sent(target: Target | str, networks: tuple[Network, ...] = HERE, tls: ssl.SSLContext | None = None) -> Outcome:
    """What becomes of one event."""
    chosen = parse_target(target, networks) if isinstance(target, str) else target
    with Sender(chosen, SECRET, networks, tls or ssl.create_default_context()) as sender:
        return sender.send(EVENT, now())


def test_signatures_are_those_of_standard_webhooks() -> None:
    # The example that its libraries share.
    at = datetime.fromtimestamp(1614265330, UTC)
    assert signed(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_receiver_gets_the_feeds_item_and_can_prove_who_sent_it() -> None:
    with webhook_sink() as sink:
        assert sent(sink.url) == Outcome(204, None)
    (received,) = sink.received
    whole = Webhook(SECRET).verify(received.body, received.headers)
    assert whole["type"] == "document.issued"
    assert whole["timestamp"] == "2026-09-02T08:00:00Z"
    assert whole["data"] == {
        "id": "248.1.433", "at": "2026-09-02T08:00:00Z", "type": "document.issued",
        "subject": {"kind": "document", "id": "FA-2026-000001"}, "actor": "amina",
        "data": {"gross": "1200.00", "tenant": "Société d’Été"},
    }  # fmt: skip
    assert received.headers["webhook-id"] == "evt_248-1-433"
    assert received.headers["content-type"] == "application/json"


def test_a_connection_is_kept_and_one_that_was_closed_meanwhile_is_opened_again() -> None:
    with webhook_sink() as sink, Sender(parse_target(sink.url, HERE), SECRET, HERE, ssl.create_default_context()) as to:
        assert [to.send(EVENT, now()).status for _ in range(3)] == [204] * 3
        assert sink.connections == 1
        sink.headers["Connection"] = "close"
        assert [to.send(EVENT, now()).status for _ in range(3)] == [204] * 3
        assert sink.connections == 3
    assert len(sink.received) == 6


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (302, {"Location": "/elsewhere"}, Outcome(302, "answered 302")),
        (500, {}, Outcome(500, "answered 500")),
        (503, {"Retry-After": "120"}, Outcome(503, "answered 503", 120)),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, Outcome(429, "answered 429")),
    ],
)
def test_whatever_is_no_2xx_failed_and_redirects_are_not_followed(
    status: int, headers: dict[str, str], outcome: Outcome
) -> None:
    with webhook_sink() as sink:
        sink.answer, sink.headers = lambda _: status, headers
        assert sent(sink.url) == outcome
    assert [each.path for each in sink.received] == ["/hook"]


def names(found: dict[str, list[str]]) -> Callable[..., Any]:
    """A resolver that gives a name's next address at each look-up."""

    def look_up(host: str, port: int, **_: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found[host].pop(0), port))]

    return look_up


def test_a_name_that_leads_into_a_private_network_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_sink() as sink:
        port = parse_target(sink.url, HERE).port
        monkeypatch.setattr(socket, "getaddrinfo", names({"erp.example": ["127.0.0.1"]}))
        assert sent(Target(False, "erp.example", port, "/"), ()) == Outcome(
            None, "OSError: erp.example leads to 127.0.0.1: no address that WEBHOOK_NETWORKS allows"
        )
    assert sink.connections == 0


def test_the_address_that_was_judged_is_the_one_connected_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: were the name looked up again to connect, it would lead to another network."""
    certificate = write_certificate(tmp_path / "erp.pem", "erp.example")
    with webhook_sink(certificate) as sink:
        port = int(sink.url.rpartition(":")[2].partition("/")[0])
        left = {"erp.example": ["127.0.0.1", "169.254.169.254"], "other.example": ["127.0.0.1"]}
        monkeypatch.setattr(socket, "getaddrinfo", names(left))
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert sent(Target(False, "erp.example", port, "/"), HERE, trusting) == Outcome(204, None)
        assert left["erp.example"] == ["169.254.169.254"]
        # TLS and Host bear the name, not the address.
        assert sink.received[0].headers["host"] == f"erp.example:{port}"
        other = sent(Target(False, "other.example", port, "/"), HERE, trusting)
        assert "certificate is not valid for 'other.example'" in (other.failure or "")
    assert len(sink.received) == 1


@contextmanager
def behaving(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a receiver that is not HTTP's friend."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    answer(connection)
                    # Closed with something unread, the kernel would take the answer back.
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 16):
                        pass
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(5)


def _drips(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"H")
        threading.Event().wait(0.05)


def _floods(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def test_a_receiver_that_drips_or_floods_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ATTEMPT_S", 0.4)
    with behaving(_drips) as url:
        assert sent(url) == Outcome(None, "did not answer within 0.4 s")
    with behaving(_floods) as url:
        assert sent(url) == Outcome(None, "OSError: its answer is longer than 65536 bytes")
    with behaving(lambda connection: connection.sendall(b"SSH-2.0\r\n")) as url:
        assert sent(url) == Outcome(None, "BadStatusLine: SSH-2.0")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert sent(f"http://127.0.0.1:{port}/").failure == "ConnectionRefusedError: [Errno 111] Connection refused"
