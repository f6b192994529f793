"""How a mail leaves: over one SMTP connection for many mails, or as files in a folder.

The end of an SMTP message (the lone dot) is the point of no return. Just before it the caller's
`before_end` is called, so that it can make sure it still may send and write down that it does; from
there until the server's answer is recorded, only a person decides whether to send again.
"""

import os
import re
import select
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol, Self

from invoices.errors import MessageDeferred, MessageRefused, OutcomeUnknown, ServerUnavailable
from invoices.mail import Mail, shown

_COMMAND_TIMEOUT_S = 60
# RFC 5321 4.5.3.2.6 asks for ten minutes, so that a slow acceptance isn't taken for none.
_END_TIMEOUT_S = 600
_REASON_MAX = 500
# What a server answers to sender, recipient and DATA if it takes them.
_GO_ON = ((250,), (250, 251), (354,))
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class Transport(Protocol):
    """A way for mail to leave; a context manager that closes what it opened."""

    def __enter__(self) -> Self:
        """Nothing is opened yet."""

    def __exit__(self, *_: object) -> None:
        """Closes what was opened."""

    def send(self, mail: Mail, before_end: Callable[[], None]) -> str:
        """Send one mail and say what became of it; raises NotDelivered with the reason."""


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """Writes each mail to `<number>.eml` in a folder: whole or not at all, again over itself."""

    folder: Path

    def __enter__(self) -> Self:
        """Nothing is opened."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is closed."""

    def send(self, mail: Mail, before_end: Callable[[], None]) -> str:  # noqa: ARG002 - a file can be written twice
        """Write the file; raises ServerUnavailable if the folder takes none."""
        target = self.folder / f"{mail.number}.eml"
        unfinished = self.folder / f".{mail.number}.{os.getpid()}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.write(mail.content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise ServerUnavailable(f"SMTP_URL: {target} can't be written: {error.strerror}") from error
        return f"written to {target}"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how mail is handed over; `security` is `starttls`, `tls` or `none`."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SmtpTransport:
    """One connection, opened for the first mail and used for those that follow.

    The server's certificate is verified against the system's authorities, or those of the file that
    the environment variable SSL_CERT_FILE names.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Takes leave of the server."""
        if self._connection is not None:
            try:
                self._connection.quit()
            except (smtplib.SMTPException, OSError):
                # Every mail has had its answer; there is nothing left that a farewell could change.
                self._connection.close()
            self._connection = None

    def send(self, mail: Mail, before_end: Callable[[], None]) -> str:
        """Send one mail; the server's last word. Raises NotDelivered, by kind (`invoices.errors`)."""
        if self._connection is not None:
            try:
                return self._converse(self._connection, mail, before_end)
            except ServerUnavailable:
                # Servers close connections that idled or carried many mails: ask once more on a new one.
                self._drop()
        self._connection = self._connect(mail.sender.domain)
        return self._converse(self._connection, mail, before_end)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, local_hostname: str) -> smtplib.SMTP:
        server = self._server
        context = ssl.create_default_context()
        connection: smtplib.SMTP | None = None
        try:
            if server.security == "tls":
                connection = smtplib.SMTP_SSL(
                    server.host, server.port, local_hostname, timeout=_COMMAND_TIMEOUT_S, context=context
                )
            else:
                connection = smtplib.SMTP(server.host, server.port, local_hostname, timeout=_COMMAND_TIMEOUT_S)
            if connection.sock is not None:
                # The end of a message is a packet of five bytes, which must not wait until the server has
                # acknowledged what came before: with delayed acknowledgements that is 40 ms a mail.
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if server.security == "starttls":
                connection.starttls(context=context)
            connection.ehlo_or_helo_if_needed()
            if server.user:
                connection.login(server.user, server.password)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            if connection is not None:
                connection.close()
            reason = "SMTP_URL: user and password must be ASCII" if isinstance(error, UnicodeError) else _reason(error)
            raise ServerUnavailable(f"the mail server {server} can't be used: {reason}") from error
        return connection

    def _converse(self, connection: smtplib.SMTP, mail: Mail, before_end: Callable[[], None]) -> str:
        if mail.is_international and not connection.has_extn("smtputf8"):
            address = mail.recipient if mail.recipient.is_international else mail.sender
            raise MessageRefused(f"the mail server takes no address beyond ASCII (SMTPUTF8), such as {address}")
        try:
            self._open_message(connection, mail)
            connection.send(_LEADING_DOT.sub(b"..", mail.content))
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise ServerUnavailable(f"the mail server {self._server} can't be used: {_reason(error)}") from error
        try:
            before_end()
        except BaseException:
            # Without its dot the message is none.
            self._drop()
            raise
        if connection.sock is None or select.select([connection.sock], [], [], 0)[0]:
            self._drop()
            raise ServerUnavailable(f"the mail server {self._server} hung up before the end of the message")
        return self._end(connection, mail)

    def _open_message(self, connection: smtplib.SMTP, mail: Mail) -> None:
        """Name sender and recipient, and have the server wait for the content."""
        parameters = f" SIZE={len(mail.content)}" if connection.has_extn("size") else ""
        if mail.is_international:
            parameters += " SMTPUTF8"
        answers = _ask(connection, f"MAIL FROM:<{mail.sender}>{parameters}", f"RCPT TO:<{mail.recipient}>", "DATA")
        refused = next((at for at, (code, _) in enumerate(answers) if code not in _GO_ON[at]), None)
        if refused is None:
            return
        if answers[-1][0] in _GO_ON[-1]:
            # It waits for the content of what it has refused: without its dot the message is none.
            self._drop()
        code, answer = answers[refused]
        if refused == 0 and code >= 500 and code != 552:
            # It would refuse every mail we send: not this one's fault.
            raise smtplib.SMTPSenderRefused(code, answer, str(mail.sender))
        self._refuse(connection, code, answer)

    def _end(self, connection: smtplib.SMTP, mail: Mail) -> str:
        ending = b".\r\n" if mail.content.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            if connection.sock is not None:
                connection.sock.settimeout(_END_TIMEOUT_S)
            connection.send(ending)
            code, answer = connection.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise OutcomeUnknown(
                f"the mail server {self._server} broke off before it said whether it took the message "
                f"{mail.message_id}: look for it in that server's log, retry only if it isn't there "
                f"({_reason(error)})"
            ) from error
        if connection.sock is not None:
            connection.sock.settimeout(_COMMAND_TIMEOUT_S)
        if code != 250:
            self._refuse(connection, code, answer)
        return _answer(code, answer)

    def _refuse(self, connection: smtplib.SMTP, code: int, answer: bytes) -> NoReturn:
        try:
            # The next mail begins afresh.
            connection.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()
        said = _answer(code, answer)
        if code >= 500:
            raise MessageRefused(f"the mail server refuses it: {said}")
        raise MessageDeferred(f"the mail server refuses it for now: {said}")


def _ask(connection: smtplib.SMTP, *commands: str) -> list[tuple[int, bytes]]:
    """The answers to the commands that open a message, up to the first refusal.

    All are asked at once where the server takes them so (PIPELINING, RFC 2920), which saves two round trips a mail;
    then all are answered.
    """
    lines = [f"{command}\r\n".encode() for command in commands]
    at_once = connection.has_extn("pipelining")
    if at_once:
        connection.send(b"".join(lines))
    answers: list[tuple[int, bytes]] = []
    for line, wanted in zip(lines, _GO_ON, strict=True):
        if not at_once:
            connection.send(line)
        code, answer = connection.getreply()
        if code == 421:
            # The server takes leave: it says nothing about this message.
            raise smtplib.SMTPResponseException(code, answer)
        answers.append((code, answer))
        if not at_once and code not in wanted:
            break
    return answers


def _answer(code: int, answer: bytes) -> str:
    return shown(f"{code} {answer.decode('utf-8', 'replace')}")[:_REASON_MAX]


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return _answer(error.smtp_code, answer if isinstance(answer, bytes) else answer.encode())
    if isinstance(error, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(error):
        return "it offers no STARTTLS, and without it nothing is sent; SMTP_URL with ?security=none would allow that"
    return shown(str(error) or type(error).__name__)[:_REASON_MAX]
