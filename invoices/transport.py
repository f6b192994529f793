"""Sends mails: over a few SMTP connections used for many mails, or as files in a folder.

The end of an SMTP message (the lone dot) is the point of no return. Just before it the caller is asked whether
the message may be ended (`may_end`), so that it can make sure it still may send and write down that it does; from
there until the server's answer is recorded, only a person decides whether to send again. `smtplib.SMTP.sendmail` can't
stop at that point: its parts are called one by one.

Some mails are sent together, one a connection and thread, and `may_end` is asked about all of them at once. A distant
server is waited for once instead of once a mail, and what is written down about them is written once.
"""

import logging
import os
import re
import select
import smtplib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol, Self, TypeAlias, TypeVar

from invoices.errors import (
    ClaimLost,
    MessageDeferred,
    MessageRefused,
    NotDelivered,
    OutcomeUnknown,
    ServerUnavailable,
)
from invoices.mail import Mail, shown
from invoices.private_files import private_file, private_folder
from invoices.smtp_client import GO_ON, SmtpClient, TlsClient, UnreadableAnswer, is_yes

# Mails on their way at once: some servers grant one sender no more connections than three.
CONNECTIONS = 3
_COMMAND_TIMEOUT_S = 60
# RFC 5321 4.5.3.2.6 asks for ten minutes, so that a slow acceptance isn't taken for none.
_END_TIMEOUT_S = 600
# Answers that come within this of another are reported together.
_TOGETHER_S = 0.02
_REASON_MAX = 500
_log = logging.getLogger(__name__)
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


# The code and the text of a server's answer.
_Answer: TypeAlias = tuple[int, bytes]
# The server's last word about a mail it took, or why it was not delivered.
Outcome: TypeAlias = "Taken | NotDelivered"
Result = TypeVar("Result")
# Asked with the numbers of mails of which nothing but the end is missing: returns those that may be ended.
MayEnd: TypeAlias = Callable[[Collection[str]], Collection[str]]
# Called with the outcomes of mails, by number, as they come to be known.
Answered: TypeAlias = Callable[[Mapping[str, Outcome]], None]


class Taken(str):
    """The server's last word about a mail that it took; `not_for` names the recipients it refused, each with why."""

    __slots__ = ("not_for",)

    not_for: str

    def __new__(cls, answer: str, not_for: str = "") -> Self:
        """Return the answer as a text that also knows whom the mail is not for."""
        taken = super().__new__(cls, answer)
        taken.not_for = not_for
        return taken


class Transport(Protocol):
    """A way for mail to leave; a context manager that closes what it opened."""

    def __enter__(self) -> Self:
        """Open nothing yet."""

    def __exit__(self, *_: object) -> None:
        """Close what was opened."""

    def send(self, mails: Sequence[Mail], may_end: MayEnd, answered: Answered) -> None:
        """Send some mails, no two of one number; `answered` gets the outcome of each once."""


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """Writes each mail to `<number>.eml` in a folder: whole or not at all, again over itself."""

    folder: Path

    def __enter__(self) -> Self:
        """Open nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""

    def send(self, mails: Sequence[Mail], may_end: MayEnd, answered: Answered) -> None:  # noqa: ARG002
        """Write each as a file; ServerUnavailable if the folder takes none. A file can be written twice."""
        answered({mail.number: self._write(mail) for mail in mails})

    def _write(self, mail: Mail) -> Outcome:
        target = self.folder / f"{mail.number}.eml"
        unfinished = self.folder / f".{mail.number}.{os.getpid()}.part"
        try:
            private_folder(self.folder)
            with private_file(unfinished) as file:
                file.write(mail.content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            return ServerUnavailable(f"SMTP_URL: {target} can't be written: {error.strerror}")
        return Taken(f"written to {target}")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server that mail is handed over to; `security` is `starttls`, `tls` or `none`."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _Session:
    """A connection to the server, used for one mail after the other; closed for good by whatever goes wrong with it."""

    def __init__(self, server: SmtpServer, local_hostname: str) -> None:
        self.server = server
        self.smtp = _connect(server, local_hostname)
        # True once the server has answered the end of a mail on it.
        self.is_used = False
        # The recipients of the mail under way that the server refused, each with why.
        self._not_for = ""

    @property
    def is_open(self) -> bool:
        """Return whether another mail can be sent on it."""
        return self.smtp.sock is not None

    def begin(self, mail: Mail) -> None:
        """Put a mail to the server, all but its end; raises NotDelivered, by kind (`invoices.errors`)."""
        if mail.international and not self.smtp.has_extn("smtputf8"):
            address = mail.international[-1]
            raise MessageRefused(f"the mail server takes no address beyond ASCII (SMTPUTF8), such as {address}")
        try:
            self._not_for = self._open_message(mail)
            self.smtp.send(_LEADING_DOT.sub(b"..", mail.content))
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise _unavailable(self.server, _reason(error)) from error

    def end(self, mail: Mail) -> None:
        """Put the end of the mail that was begun; raises NotDelivered, by kind."""
        sock = self.smtp.sock
        if sock is None or select.select([sock], [], [], 0)[0]:
            self.close()
            raise ServerUnavailable(f"the mail server {self.server} hung up before the end of the message")
        sock.settimeout(_END_TIMEOUT_S)
        with self._in_doubt(mail):
            self.smtp.send(b".\r\n" if mail.content.endswith(b"\r\n") else b"\r\n.\r\n")

    def answer(self, mail: Mail) -> Taken:
        """Wait for the server's last word about the mail that was ended; raises NotDelivered, by kind."""
        with self._in_doubt(mail):
            code, answer = self.smtp.getreply()
            if code // 100 == GO_ON:
                raise UnreadableAnswer(f"its answer makes no sense here: {_answer(code, answer)}")
        if self.smtp.sock is not None:
            self.smtp.sock.settimeout(_COMMAND_TIMEOUT_S)
        self.is_used = True
        if not is_yes(code):
            self._refuse(code, answer)
        return Taken(_answer(code, answer), self._not_for)

    @contextmanager
    def _in_doubt(self, mail: Mail) -> Iterator[None]:
        """Raise OutcomeUnknown for whatever goes wrong with the connection now that the server may have the mail."""
        try:
            yield
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise OutcomeUnknown(
                f"the mail server {self.server} did not say whether it took the message {mail.message_id}: look for it "
                f"in that server's log, retry only if it isn't there ({_reason(error)})"
            ) from error

    def leave(self) -> None:
        """Take leave of the server; every mail has had its answer, and a failure can't change it."""
        with suppress(smtplib.SMTPException, OSError):
            self.smtp.quit()
        self.close()

    def close(self) -> None:
        """Break the connection off, also for a thread that waits for the server: a message without its end is none."""
        if self.smtp.sock is not None:
            with suppress(OSError):
                self.smtp.sock.shutdown(socket.SHUT_RDWR)
        self.smtp.close()

    def _open_message(self, mail: Mail) -> str:
        """Name sender and recipients, and have the server wait for the content; return whom it refuses, each with why.

        It takes the mail if it takes one recipient.
        """
        parameters = f" SIZE={len(mail.content)}" if self.smtp.has_extn("size") else ""
        if mail.international:
            parameters += " SMTPUTF8"
        recipients = [f"RCPT TO:<{recipient}>" for recipient in mail.recipients]
        sender, taken, content = self._ask(f"MAIL FROM:<{mail.sender}>{parameters}", recipients)
        answers = zip(mail.recipients, taken, strict=False)
        refused = [(recipient, said) for recipient, said in answers if not is_yes(said[0])]
        out_of_place = [said for said in (sender, *taken) if said[0] // 100 == GO_ON]
        if content is not None and is_yes(content[0]):
            out_of_place.append(content)
        if out_of_place:
            raise UnreadableAnswer(f"its answer makes no sense here: {_answer(*out_of_place[0])}")
        is_waiting = content is not None and content[0] // 100 == GO_ON
        if not (is_waiting and is_yes(sender[0]) and len(refused) < len(recipients)):
            if is_waiting:
                # It waits for the content of what it has refused.
                self.close()
            if not is_yes(sender[0]):
                self._refuse_sender(mail, *sender)
            if content is not None and len(refused) < len(recipients):
                self._refuse(*content)
            # Of several recipients, one that is refused for now may be taken later.
            self._refuse(*min((said for _, said in refused), key=lambda said: said[0] // 100))
        return "; ".join(f"{recipient}: {_answer(*said)}" for recipient, said in refused)

    def _refuse_sender(self, mail: Mail, code: int, answer: bytes) -> NoReturn:
        if code >= 500 and code != 552:
            # It would refuse every mail we send: not this one's fault.
            raise smtplib.SMTPSenderRefused(code, answer, str(mail.sender))
        self._refuse(code, answer)

    def _ask(self, mail_from: str, recipients: Sequence[str]) -> tuple[_Answer, list[_Answer], _Answer | None]:
        """Return the answers to the commands that open a message: the sender, the recipients, DATA.

        All are asked at once where the server takes them so (PIPELINING, RFC 2920), which saves two round trips a mail.
        Elsewhere nothing is asked that a refusal has made needless.
        """
        if self.smtp.has_extn("pipelining"):
            commands = (mail_from, *recipients, "DATA")
            self.smtp.send(b"".join(f"{command}\r\n".encode() for command in commands))
            sender, *taken, content = [self._read() for _ in commands]
            return sender, taken, content
        sender = self._command(mail_from)
        if not is_yes(sender[0]):
            return sender, [], None
        taken = [self._command(recipient) for recipient in recipients]
        return sender, taken, self._command("DATA") if any(is_yes(code) for code, _ in taken) else None

    def _command(self, command: str) -> _Answer:
        self.smtp.send(f"{command}\r\n".encode())
        return self._read()

    def _read(self) -> _Answer:
        code, answer = self.smtp.getreply()
        if code == 421:
            # The server takes leave: it says nothing about this message.
            raise smtplib.SMTPResponseException(code, answer)
        return code, answer

    def _refuse(self, code: int, answer: bytes) -> NoReturn:
        try:
            # The next mail begins afresh.
            if not is_yes(self.smtp.rset()[0]):
                self.close()
        except (smtplib.SMTPException, OSError):
            self.close()
        said = _answer(code, answer)
        if code >= 500:
            raise MessageRefused(f"the mail server refuses it: {said}")
        raise MessageDeferred(f"the mail server refuses it for now: {said}")


class SmtpTransport:
    """Sends mails over connections that are opened when they are needed, and used for the mails that follow.

    The server's certificate is verified against the system's authorities, or those of the file that
    the environment variable SSL_CERT_FILE names.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._sessions: list[_Session] = []
        self._sessions_max = CONNECTIONS
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="smtp")

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take leave of the server."""
        for session in self._sessions:
            session.leave()
        self._threads.shutdown()

    def send(self, mails: Sequence[Mail], may_end: MayEnd, answered: Answered) -> None:
        """Send some mails, as many at once as there are connections; see `Transport`."""
        waiting = deque(mails)
        while waiting:
            try:
                sessions = self._open_sessions(len(waiting), waiting[0].sender.domain)
            except ServerUnavailable as error:
                answered({mail.number: error for mail in waiting})
                return
            together = [(session, waiting.popleft()) for session in sessions]
            try:
                waiting.extendleft(self._send_together(together, may_end, answered))
            except BaseException:
                for session in sessions:
                    session.close()
                raise

    def _open_sessions(self, wanted: int, local_hostname: str) -> list[_Session]:
        """Return some sessions, at least one; fewer than wanted if the server grants no more."""
        self._sessions = [session for session in self._sessions if session.is_open]
        while len(self._sessions) < min(wanted, self._sessions_max):
            try:
                self._sessions.append(_Session(self._server, local_hostname))
            except ServerUnavailable as error:
                if not self._sessions:
                    raise
                _log.info("%s; going on with %d connections", error, len(self._sessions))
                self._sessions_max = len(self._sessions)
        return self._sessions[:wanted]

    def _send_together(
        self, together: Sequence[tuple[_Session, Mail]], may_end: MayEnd, answered: Answered
    ) -> list[Mail]:
        """Send some mails side by side; returns those that are to be tried on another connection."""
        outcomes: dict[str, Outcome] = {}
        again: list[Mail] = []

        def settle(session: _Session, mail: Mail, outcome: Outcome) -> None:
            # Servers close connections that idled or carried many mails: ask once more on a new one.
            if isinstance(outcome, ServerUnavailable) and session.is_used:
                again.append(mail)
            else:
                outcomes[mail.number] = outcome

        begun = [self._threads.submit(_outcome, session.begin, mail) for session, mail in together]
        ready: list[tuple[_Session, Mail]] = []
        for (session, mail), beginning in zip(together, begun, strict=True):
            failure = beginning.result()
            if failure is None:
                ready.append((session, mail))
            else:
                settle(session, mail, failure)
        allowed = may_end([mail.number for _, mail in ready]) if ready else ()
        answering: dict[Future[Outcome], tuple[_Session, Mail]] = {}
        for session, mail in ready:
            if mail.number not in allowed:
                session.close()
                outcomes[mail.number] = ClaimLost(f"{mail.number}: its delivery has been taken over by another process")
            elif (failure := _outcome(session.end, mail)) is None:
                answering[self._threads.submit(_outcome, session.answer, mail)] = session, mail
            else:
                settle(session, mail, failure)
        while answering:
            wait(answering, return_when=FIRST_COMPLETED)
            # Answers that come together are written down together.
            for future in wait(answering, timeout=_TOGETHER_S).done:
                settle(*answering.pop(future), future.result())
            answered(outcomes)
            outcomes = {}
        if outcomes:
            answered(outcomes)
        return again


def _outcome(step: Callable[[Mail], Result], mail: Mail) -> Result | NotDelivered:
    """Return what a step about a mail comes to, a failure as well: in a thread nobody would catch it."""
    try:
        return step(mail)
    except NotDelivered as error:
        return error


def _connect(server: SmtpServer, local_hostname: str) -> smtplib.SMTP:
    # Reading the system's authorities takes longer than sending some mails.
    context = None if server.security == "none" else ssl.create_default_context()
    smtp: SmtpClient | None = None
    try:
        if server.security == "tls":
            smtp = TlsClient(server.host, server.port, local_hostname, timeout=_COMMAND_TIMEOUT_S, context=context)
        else:
            smtp = SmtpClient(server.host, server.port, local_hostname, timeout=_COMMAND_TIMEOUT_S)
        if smtp.sock is not None:
            # The end of a message is a packet of five bytes, which must not wait until the server has
            # acknowledged what came before: with delayed acknowledgements that is 40 ms a mail.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.security == "starttls":
            smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        if smtp is not None:
            smtp.close()
        reason = "SMTP_URL: user and password must be ASCII" if isinstance(error, UnicodeError) else _reason(error)
        raise _unavailable(server, reason) from error
    return smtp


def _unavailable(server: SmtpServer, reason: str) -> ServerUnavailable:
    return ServerUnavailable(f"the mail server {server} can't be used: {reason}")


def _answer(code: int, answer: bytes) -> str:
    return shown(f"{code} {answer.decode('utf-8', 'replace')}")[:_REASON_MAX]


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return _answer(error.smtp_code, answer if isinstance(answer, bytes) else answer.encode())
    if isinstance(error, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(error):
        return "it offers no STARTTLS, and without it nothing is sent; SMTP_URL with ?security=none would allow that"
    return shown(str(error) or type(error).__name__)[:_REASON_MAX]
