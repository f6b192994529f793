"""Nobody stalls anybody: real sockets against the real server."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Engine

from tests.support.api import Caller
from tests.support.served import Served, environment, serving

# Half a body: the headers promise more than ever comes.
_HALF = "POST /v1/quotes HTTP/1.1\r\nHost: park\r\nAuthorization: Bearer {}\r\nContent-Length: 1000\r\n\r\n{{"
_SHORT_DEADLINES = """
from billing.api import front, serve as serving
front.BODY_WAIT_S, serving.HEADERS_WAIT_S = 1.0, 1
"""
_SMALL_QUEUE = """
from billing.api import front
front.WAITING_MOST, front.SLOW_MOST = 1, 0
"""


def connected(served: Served, sent: str = "") -> socket.socket:
    """A connection on which so much was sent."""
    host, port = served.address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(sent.encode())
    return connection


def answer_on(connection: socket.socket) -> http.client.HTTPResponse:
    """What comes on a connection."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer


@contextmanager
def exports_going_on(served: Served, secret: str, count: int) -> Iterator[None]:
    """So many readers who take one export after the other."""
    ended = threading.Event()

    def export() -> None:
        while not ended.is_set():
            assert served.open("/v1/ledger/exports?format=fec", secret)[0] in (200, 503)

    readers = [threading.Thread(target=export) for _ in range(count)]
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        ended.set()
        for reader in readers:
            reader.join()


def test_health_answers_within_a_second_whatever_clients_do(ground: Caller, engine: Engine, tmp_path: Path) -> None:
    secret = ground.secrets["auditor"]
    with serving(environment(engine, tmp_path), tmp_path) as served, ExitStack() as stack:
        for sent in [_HALF.format(secret)] * 50 + [""] * 200:
            stack.enter_context(connected(served, sent))
        with exports_going_on(served, secret, 8):
            for path in ("/healthz", "/readyz", "/v1/sites") * 5:
                began = time.monotonic()
                assert served.open(path, secret)[0] == 200, path
                assert time.monotonic() - began < 1, path


def test_headers_and_bodies_have_deadlines(ground: Caller, engine: Engine, tmp_path: Path) -> None:
    with serving(environment(engine, tmp_path), tmp_path, 1, _SHORT_DEADLINES) as served:
        half, idle = connected(served, _HALF.format(ground.secrets["auditor"])), connected(served)
        begun = connected(served, "GET /v1/sites HTTP/1.1\r\nHost: pa")
        answer = answer_on(half)
        assert answer.status == 408
        assert answer.headers["Server"] == "technopark-billing"
        assert b'"/problems/too-slow"' in answer.read()
        # The server hangs up, on whoever says nothing too.
        assert half.recv(1) == b""
        for connection in (idle, begun):
            while connection.recv(1000):
                pass
        # What breaks off in pieces could not be told from what ended.
        chunked = _HALF.replace("Content-Length: 1000", "Transfer-Encoding: chunked").format(ground.secrets["auditor"])
        assert answer_on(connected(served, chunked)).status == 411
        # Whoever leaves in the middle of a body harms nobody.
        connected(served, _HALF.format(ground.secrets["auditor"])).close()
        assert served.open("/healthz")[0] == 200
        served.stop()
    assert "Traceback" not in served.log.read_text(encoding="utf-8")
    assert [line["status"] for line in served.lines() if line.get("route") == "/v1/quotes"] == [408, 411]


def test_who_comes_when_too_many_wait_is_told_when_to_come_again(
    ground: Caller, engine: Engine, tmp_path: Path
) -> None:
    secret = ground.secrets["auditor"]
    asked = f"GET /v1/sites HTTP/1.1\r\nHost: park\r\nAuthorization: Bearer {secret}\r\n\r\n"
    with serving(environment(engine, tmp_path), tmp_path, 1, _SMALL_QUEUE) as served, ExitStack() as stack:
        waiting = [stack.enter_context(connected(served, asked)) for _ in range(40)]
        answers = [answer_on(connection) for connection in waiting]
    assert {answer.status for answer in answers} == {200, 503}
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.headers["Retry-After"] == "5"
    assert refused.headers["Content-Type"] == "application/problem+json"
