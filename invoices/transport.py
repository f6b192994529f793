"""How mails leave: over a few SMTP connections used for many mails, or as files in a folder.

The end of an SMTP message (the lone dot) is the point of no return. Just before it the caller is asked whether
the message may be ended (`may_end`), so that it can make sure it still may send and write down that it does; from
there until the server's answer is recorded, only a person decides whether to send again.

Some mails are sent together, one a connection: what each needs from the server is asked of all before any answer is
waited for. A distant server is waited for once instead of once a mail, and what is written down about them is written
once.
"""

import logging
import os
import re
import select
import smtplib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NoReturn, Protocol, Self, TypeAlias

from invoices.errors import (
    ClaimLost,
    MessageDeferred,
    MessageRefused,
    NotDelivered,
    OutcomeUnknown,
    ServerUnavailable,
)
from invoices.mail import Mail, shown

# Mails on their way at once: some servers grant one sender no more connections than three.
CONNECTIONS = 3
_COMMAND_TIMEOUT_S = 60
# RFC 5321 4.5.3.2.6 asks for ten minutes, so that a slow acceptance isn't taken for none.
_END_TIMEOUT_S = 600
# Answers that come within this of another are told of together.
_TOGETHER_S = 0.02
_REASON_MAX = 500
_log = logging.getLogger(__name__)
# What a server answers to sender, recipient and DATA if it takes them.
_GO_ON = ((250,), (250, 251), (354,))
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


# What became of a mail: the server's last word, or why it was not delivered.
Outcome: TypeAlias = str | NotDelivered
# Asked with the numbers of mails that wait for nothing but their end: gives those that may be ended.
MayEnd: TypeAlias = Callable[[Collection[str]], Collection[str]]
# Told what became of mails, by number, as it comes to be known.
Answered: TypeAlias = Callable[[Mapping[str, Outcome]], None]


class Transport(Protocol):
    """A way for mail to leave; a context manager that closes what it opened."""

    def __enter__(self) -> Self:
        """Nothing is opened yet."""

    def __exit__(self, *_: object) -> None:
        """Closes what was opened."""

    def send(self, mails: Sequence[Mail], may_end: MayEnd, answered: Answered) -> None:
        """Send some mails, no two of one number; each is told of once."""


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """Writes each mail to `<number>.eml` in a folder: whole or not at all, again over itself."""

    folder: Path

    def __enter__(self) -> Self:
        """Nothing is opened."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is closed."""

    def send(self, mails: Sequence[Mail], may_end: MayEnd, answered: Answered) -> None:  # noqa: ARG002
        """Write each as a file; ServerUnavailable if the folder takes none. A file can be written twice."""
        answered({mail.number: self._write(mail) for mail in mails})

    def _write(self, mail: Mail) -> Outcome:
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
            return ServerUnavailable(f"SMTP_URL: {target} can't be written: {error.strerror}")
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


@dataclass(eq=False, slots=True)
class _Line:
    """A connection to the server, and whether it has carried a mail."""

    connection: smtplib.SMTP
    is_used: bool = False


@dataclass(eq=False, slots=True)
class _Talk:
    """The dialogue about one mail, up to where it waits for the server or for leave to end."""

    line: _Line
    mail: Mail
    dialogue: Generator["_Pause", None, str]


class _Pause(Enum):
    ANSWER = "the server's answer is waited for"
    END = "the end of the message is all that is missing"


class SmtpTransport:
    """Connections opened when they are needed, and used for the mails that follow.

    The server's certificate is verified against the system's authorities, or those of the file that
    the environment variable SSL_CERT_FILE names.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._lines: list[_Line] = []
        self._width = CONNECTIONS

    def __enter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Takes leave of the server."""
        for line in self._lines:
            try:
                line.connection.quit()
            except (smtplib.SMTPException, OSError):
                # Every mail has had its answer; there is nothing left that a farewell could change.
                line.connection.close()
        self._lines = []

    def send(self, mails: Sequence[Mail], may_end: MayEnd, answered: Answered) -> None:
        """Send some mails, as many at once as there are connections; see `Transport`."""
        waiting = deque(mails)
        while waiting:
            try:
                lines = self._opened(len(waiting), waiting[0].sender.domain)
            except ServerUnavailable as error:
                answered({mail.number: error for mail in waiting})
                return
            talks = [_Talk(line, mail, self._converse(line, mail)) for line, mail in zip(lines, waiting, strict=False)]
            for _ in talks:
                waiting.popleft()
            waiting.extendleft(self._hold(talks, may_end, answered))

    def _opened(self, wanted: int, local_hostname: str) -> list[_Line]:
        """Some connections, at least one; fewer than wanted if the server grants no more."""
        while len(self._lines) < min(wanted, self._width):
            try:
                self._lines.append(_Line(self._connect(local_hostname)))
            except ServerUnavailable as error:
                if not self._lines:
                    raise
                _log.info("%s; going on with %d connections", error, len(self._lines))
                self._width = len(self._lines)
        return self._lines[:wanted]

    def _drop(self, line: _Line) -> None:
        line.connection.close()
        if line in self._lines:
            self._lines.remove(line)

    def _hold(self, talks: Sequence[_Talk], may_end: MayEnd, answered: Answered) -> list[Mail]:
        """Hold these dialogues side by side; gives the mails that are to be tried on another connection."""
        told: dict[str, Outcome] = {}
        again: list[Mail] = []

        def advance(talk: _Talk) -> _Pause | None:
            try:
                return next(talk.dialogue)
            except StopIteration as end:
                told[talk.mail.number] = end.value
                talk.line.is_used = True
            except ServerUnavailable as error:
                # Servers close connections that idled or carried many mails: ask once more on a new one.
                if talk.line.is_used:
                    again.append(talk.mail)
                else:
                    told[talk.mail.number] = error
            except NotDelivered as error:
                told[talk.mail.number] = error
            return None

        ready: list[_Talk] = []
        opening = list(talks)
        while opening:
            paused = [(talk, advance(talk)) for talk in opening]
            ready += [talk for talk, pause in paused if pause is _Pause.END]
            opening = [talk for talk, pause in paused if pause is _Pause.ANSWER]
        try:
            allowed = may_end([talk.mail.number for talk in ready]) if ready else ()
        except BaseException:
            # Without its dot a message is none.
            for talk in ready:
                self._drop(talk.line)
            raise
        ending: list[_Talk] = []
        for talk in ready:
            if talk.mail.number not in allowed:
                self._drop(talk.line)
                told[talk.mail.number] = _lost(talk.mail)
            elif advance(talk) is _Pause.ANSWER:
                ending.append(talk)
        while ending:
            for talk in _answering(ending):
                advance(talk)
                ending.remove(talk)
            answered(told)
            told.clear()
        if told:
            answered(told)
        return again

    def _connect(self, local_hostname: str) -> smtplib.SMTP:
        server = self._server
        # Reading the system's authorities takes longer than sending some mails.
        context = None if server.security == "none" else ssl.create_default_context()
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

    def _converse(self, line: _Line, mail: Mail) -> Generator[_Pause, None, str]:
        """The dialogue about one mail, to be gone on with when what it waits for may be there; the server's last word.

        Raises NotDelivered, by kind (`invoices.errors`).
        """
        connection = line.connection
        if mail.is_international and not connection.has_extn("smtputf8"):
            address = mail.recipient if mail.recipient.is_international else mail.sender
            raise MessageRefused(f"the mail server takes no address beyond ASCII (SMTPUTF8), such as {address}")
        try:
            yield from self._open_message(line, mail)
            connection.send(_LEADING_DOT.sub(b"..", mail.content))
        except (smtplib.SMTPException, OSError) as error:
            self._drop(line)
            raise ServerUnavailable(f"the mail server {self._server} can't be used: {_reason(error)}") from error
        yield _Pause.END
        if connection.sock is None or select.select([connection.sock], [], [], 0)[0]:
            self._drop(line)
            raise ServerUnavailable(f"the mail server {self._server} hung up before the end of the message")
        try:
            connection.send(b".\r\n" if mail.content.endswith(b"\r\n") else b"\r\n.\r\n")
            yield _Pause.ANSWER
            code, answer = connection.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop(line)
            raise OutcomeUnknown(
                f"the mail server {self._server} broke off before it said whether it took the message "
                f"{mail.message_id}: look for it in that server's log, retry only if it isn't there "
                f"({_reason(error)})"
            ) from error
        if code != 250:
            self._refuse(line, code, answer)
        return _answer(code, answer)

    def _open_message(self, line: _Line, mail: Mail) -> Generator[_Pause, None, None]:
        """Name sender and recipient, and have the server wait for the content."""
        parameters = f" SIZE={len(mail.content)}" if line.connection.has_extn("size") else ""
        if mail.is_international:
            parameters += " SMTPUTF8"
        answers = yield from _ask(
            line.connection, f"MAIL FROM:<{mail.sender}>{parameters}", f"RCPT TO:<{mail.recipient}>", "DATA"
        )
        refused = next((at for at, (code, _) in enumerate(answers) if code not in _GO_ON[at]), None)
        if refused is None:
            return
        if answers[-1][0] in _GO_ON[-1]:
            # It waits for the content of what it has refused: without its dot the message is none.
            self._drop(line)
        code, answer = answers[refused]
        if refused == 0 and code >= 500 and code != 552:
            # It would refuse every mail we send: not this one's fault.
            raise smtplib.SMTPSenderRefused(code, answer, str(mail.sender))
        self._refuse(line, code, answer)

    def _refuse(self, line: _Line, code: int, answer: bytes) -> NoReturn:
        try:
            # The next mail begins afresh.
            line.connection.rset()
        except (smtplib.SMTPException, OSError):
            self._drop(line)
        said = _answer(code, answer)
        if code >= 500:
            raise MessageRefused(f"the mail server refuses it: {said}")
        raise MessageDeferred(f"the mail server refuses it for now: {said}")


def _lost(mail: Mail) -> ClaimLost:
    return ClaimLost(f"{mail.number}: its delivery has been taken over by another process")


def _answering(talks: Sequence[_Talk]) -> list[_Talk]:
    """Those of the dialogues whose server has answered, once one has; all when the server takes too long."""
    limit: float = _END_TIMEOUT_S
    sockets = ((talk.line.connection.sock, talk) for talk in talks)
    waiting, found = {sock: talk for sock, talk in sockets if sock is not None}, []
    while waiting and (come := select.select(list(waiting), [], [], limit)[0]):
        found += [waiting.pop(answered) for answered in come]
        # What comes together is written down together.
        limit = _TOGETHER_S
    return found or list(talks)


def _ask(connection: smtplib.SMTP, *commands: str) -> Generator[_Pause, None, list[tuple[int, bytes]]]:
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
        if line is lines[0] or not at_once:
            yield _Pause.ANSWER
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
