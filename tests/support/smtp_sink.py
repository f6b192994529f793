"""A real SMTP server on the loopback interface that keeps what it takes and refuses what a test tells it to."""

import asyncio
import re
import socket
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_MESSAGE_ID = re.compile(rb"^Message-ID: (<.*>)\r$", re.MULTILINE)


@dataclass
class Sink:
    """The mails that came in, and the answers to give; answers are popped, so that a list of one refuses once."""

    taken: list[tuple[str, str, bytes]] = field(default_factory=list)
    at_mail: list[str] = field(default_factory=list)
    at_recipient: dict[str, list[str]] = field(default_factory=dict)
    at_end: list[str] = field(default_factory=list)
    on_taken: Callable[[str], None] = lambda _: None
    sessions: set[int] = field(default_factory=set)
    # The number of connections it grants.
    most_sessions: int = 99
    # The recipients whose mails wait for `answering`; if there are none, all mails do.
    slow: set[str] = field(default_factory=set)
    # Extensions it announces beyond those of aiosmtpd: commands in one packet are answered in turn.
    extensions: tuple[str, ...] = ()
    port: int = 0
    # The answer to the end of a message waits for this.
    answering: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self) -> Counter[str]:
        """Return how often each Message-ID was taken."""
        with self.lock:
            return Counter(message_id for message_id, _, _ in self.taken)

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        if self._is_full(session):
            return ["421 too many connections"]
        session.host_name = hostname
        return [*(f"250-{extension}" for extension in self.extensions), *responses]

    async def handle_HELO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str
    ) -> str:
        if self._is_full(session):
            return "421 too many connections"
        session.host_name = hostname
        return "250 raw"

    def _is_full(self, session: Session) -> bool:
        self.sessions.add(id(session))
        return len(self.sessions) > self.most_sessions

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_mail:
            return self.at_mail.pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_recipient.get(address):
            return self.at_recipient[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.at_end:
            return self.at_end.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message_id = _MESSAGE_ID.search(content)
        assert message_id is not None
        with self.lock:
            self.taken.append((message_id[1].decode(), envelope.rcpt_tos[0], content))
        self.on_taken(message_id[1].decode())
        while not self.answering.is_set() and (not self.slow or envelope.rcpt_tos[0] in self.slow):
            await asyncio.sleep(0.01)
        return "250 taken"


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out",
         str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@contextmanager
def listening(
    certificate: tuple[Path, Path] | None = None,
    login: tuple[str, str] | None = None,
    extensions: tuple[str, ...] = (),
    **options: Any,
) -> Iterator[Sink]:
    """A sink that listens; with a certificate it asks for STARTTLS, with a login it asks for that."""
    sink = Sink(extensions=extensions)
    sink.answering.set()
    sink.port = free_port()
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        options |= {"tls_context": context, "require_starttls": True}
    if login is not None:
        options |= {
            "auth_required": True,
            "authenticator": lambda _server, _session, _envelope, _mechanism, data: AuthResult(
                success=isinstance(data, LoginPassword)
                and (data.login, data.password) == tuple(map(str.encode, login)),
                handled=False,
            ),
        }
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, **options)
    controller.start()
    try:
        yield sink
    finally:
        sink.answering.set()
        controller.stop()
