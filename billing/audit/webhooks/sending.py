"""One webhook is sent, signed as Standard Webhooks asks, over a connection with a deadline and bounds.

Redirects are not followed. Of the answer only the status counts; the rest is read as far as the next webhook needs
the connection, and kept nowhere.
"""

import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook

from billing.audit.feed.shapes import Event
from billing.audit.webhooks.addresses import Network, Target, may_be_told
from billing.frame.shapes import encode

# One attempt takes no longer, from the first byte to the receiver's last.
ATTEMPT_S = 15.0
_ANSWER_BYTES_MAX = 1 << 16
_BODY_BYTES_MAX = 1 << 14
_FAILURE_MAX = 300
_OK, _NOT_OK, _GONE = 200, 300, 410


class Outcome(NamedTuple):
    """What became of an attempt: the receiver's status, if it gave one; why it failed, None if it did not.

    `wait_s`: the seconds the receiver asks to be left alone.
    """

    status: int | None
    failure: str | None
    wait_s: int = 0

    @property
    def is_gone(self) -> bool:
        """Return whether the receiver wants no webhooks any more."""
        return self.status == _GONE


def webhook_id(event_id: str) -> str:
    """Return the name of an event's webhook, the same at each attempt; Standard Webhooks allows no full stop in it."""
    return f"evt_{event_id.replace('.', '-')}"


def signed(secret: str, name: str, body: bytes, now: datetime) -> Mapping[str, str]:
    """Return the headers that say what is sent, when, and prove who sends it."""
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, now, body.decode()),
    }


def body_of(event: Event) -> bytes:
    """Return what is sent of an event: the feed's own item, in the envelope of Standard Webhooks."""
    return encode({"type": event.type, "timestamp": event.at, "data": event})


class Sender(AbstractContextManager["Sender"]):
    """Sends webhooks to one endpoint, one after the other, over one connection as long as the receiver keeps it."""

    def __init__(self, target: Target, secret: str, networks: Sequence[Network], tls: ssl.SSLContext) -> None:
        self._secret = secret
        self._connection = _Connection(target, networks, tls)
        self._path = target.path

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(self, event: Event, now: datetime) -> Outcome:
        """Send an event and return what became of it; nothing is raised for a receiver that fails."""
        body = body_of(event)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "technopark-billing",
            **signed(self._secret, webhook_id(event.id), body, now),
        }
        self._connection.begin_attempt()
        was_open = self._connection.sock is not None
        try:
            try:
                answer = self._asked(body, headers)
            except (ConnectionError, ssl.SSLEOFError):
                # A receiver may close a connection that was idle; the webhook's id makes a repeat harmless.
                if not was_open:
                    raise
                self._connection.close()
                answer = self._asked(body, headers)
            self._drain(answer)
        except TimeoutError:
            self._connection.close()
            return Outcome(None, f"did not answer within {ATTEMPT_S:g} s")
        except (OSError, HTTPException, UnicodeError) as error:
            self._connection.close()
            why = " ".join(str(error).split())
            return Outcome(None, f"{type(error).__name__}: {why}"[:_FAILURE_MAX])
        return _outcome(answer)

    def _asked(self, body: bytes, headers: Mapping[str, str]) -> HTTPResponse:
        self._connection.request("POST", self._path, body, dict(headers))
        return self._connection.getresponse()

    def _drain(self, answer: HTTPResponse) -> None:
        """Read a short body to its end, so that the connection can be used again; with any other it is closed."""
        try:
            answer.read(_BODY_BYTES_MAX)
        except (OSError, HTTPException):
            # The receiver has said what became of it.
            self._connection.close()
        if not answer.isclosed():
            self._connection.close()


def _outcome(answer: HTTPResponse) -> Outcome:
    status = answer.status
    if _OK <= status < _NOT_OK:
        return Outcome(status, None)
    asked = answer.headers.get("Retry-After", "")
    wait_s = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0
    return Outcome(status, f"answered {status}", wait_s)


class _Connection(HTTPConnection):
    """A connection to the first address of a target's host that may be told, with the host's name in TLS and Host."""

    def __init__(self, target: Target, networks: Sequence[Network], tls: ssl.SSLContext) -> None:
        super().__init__(target.host, target.port)
        self.default_port = 80 if target.is_plain else 443
        self._target, self._networks, self._tls = target, networks, tls
        self._deadline = 0.0

    def begin_attempt(self) -> None:
        """Let the time of an attempt begin now."""
        self._deadline = time.monotonic() + ATTEMPT_S
        if isinstance(self.sock, _Wire):
            self.sock.deadline = self._deadline

    def connect(self) -> None:
        """Connect to an address that may be told; raises OSError where there is none, or none answers."""
        target = self._target
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        problem: OSError | None = None
        for family, kind, protocol, _, place in found:
            if not may_be_told(ip_address(place[0]), target, self._networks):
                continue
            try:
                self.sock = self._opened(socket.socket(family, kind, protocol), place)
            except OSError as error:
                problem = error
            else:
                return
        addresses = ", ".join(dict.fromkeys(str(place[0]) for *_, place in found))
        how = "is not encrypted, and " if target.is_plain else ""
        raise problem or OSError(f"{target.host} {how}leads to {addresses}: no address that WEBHOOK_NETWORKS allows")

    def _opened(self, plain: socket.socket, place: Any) -> "_Wire":
        try:
            plain.settimeout(_left(self._deadline))
            plain.connect(place)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Each step of the handshake has what time is left of the attempt.
            sock = plain if self._target.is_plain else self._tls.wrap_socket(plain, server_hostname=self._target.host)
        except BaseException:
            plain.close()
            raise
        return _Wire(sock, self._deadline)


def _left(deadline: float) -> float:
    """Return the seconds until a deadline; raises TimeoutError once it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Wire:
    """What `http.client` needs of a socket, where all that is sent and received has one deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.deadline = deadline
        self._sock = sock

    def sendall(self, content: bytes) -> None:
        """Send everything before the deadline."""
        rest = memoryview(content)
        while rest:
            self._sock.settimeout(_left(self.deadline))
            rest = rest[self._sock.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what one answer is read from."""
        return io.BufferedReader(_AnswerBytes(self._sock, self.deadline))

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


class _AnswerBytes(io.RawIOBase):
    """The bytes of one answer, until the deadline and no more than so many: a receiver that drips holds nobody."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline, self._allowed = sock, deadline, _ANSWER_BYTES_MAX

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Receive what comes next; raises TimeoutError, and OSError for an answer that does not end."""
        if self._allowed <= 0:
            raise OSError(f"its answer is longer than {_ANSWER_BYTES_MAX} bytes")
        self._sock.settimeout(_left(self._deadline))
        count = self._sock.recv_into(memoryview(buffer)[: self._allowed])
        self._allowed -= count
        return count
