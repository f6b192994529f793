"""The SMTP clients of `smtplib`, with answers read by their first digit.

The first digit decides what an answer means (RFC 5321 4.2.1, 4.3.2): 2 yes, 3 go on, 4 not now, 5 no. `smtplib`
compares whole codes in places, and reads what is no answer as one. What is no answer raises `UnreadableAnswer` here.
"""

import re
import smtplib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

# RFC 5321 4.5.3.1.5 allows 512 bytes; some servers write more.
_LINE_MAX = 8192
_LINES_MAX = 1000
# Three digits that begin no longer number; a dash says that another line follows.
_LINE = re.compile(rb"([2-5][0-9]{2})(?![0-9])(-?)(.*)", re.DOTALL)
YES, GO_ON = 2, 3


class UnreadableAnswer(smtplib.SMTPException):
    """The server's answer is none of SMTP: what it means is unknown."""


def is_yes(code: int) -> bool:
    """Return whether a server did what it was asked."""
    return code // 100 == YES


class SmtpClient(smtplib.SMTP):
    """A connection in clear, which may be encrypted by STARTTLS."""

    # The code that `smtplib` compares with at this step, by first digit.
    _expected: Mapping[int, int] = {}

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer of one or more lines.

        Raises UnreadableAnswer, SMTPServerDisconnected, OSError; the connection is closed then.
        """
        try:
            code, text = self._read_answer()
        except (smtplib.SMTPException, OSError):
            self.close()
            raise
        return self._expected.get(code // 100, code), text

    def _read_answer(self) -> tuple[int, bytes]:
        codes: set[int] = set()
        texts: list[bytes] = []
        is_last = False
        while not is_last:
            line = self._read_line()
            matched = _LINE.fullmatch(line)
            if matched is None or len(texts) == _LINES_MAX:
                raise UnreadableAnswer(f"its answer can't be read: {line[:80]!r}")
            code, dash, text = matched.groups()
            codes.add(int(code))
            texts.append(text.strip())
            is_last = not dash
        if len(codes) > 1:
            raise UnreadableAnswer(f"its answer contradicts itself: {' and '.join(map(str, sorted(codes)))}")
        return codes.pop(), b"\n".join(texts)

    def _read_line(self) -> bytes:
        if self.file is None:
            self.file = self.sock.makefile("rb")  # type: ignore[union-attr]
        line: bytes = self.file.readline(_LINE_MAX + 1)
        if not line.endswith(b"\n"):
            if len(line) > _LINE_MAX:
                raise UnreadableAnswer("its answer is a line without end")
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return line.rstrip(b"\r\n")

    @contextmanager
    def _expecting(self, codes: Mapping[int, int]) -> Iterator[None]:
        before, self._expected = self._expected, codes
        try:
            yield
        finally:
            self._expected = before

    def connect(self, *arguments: Any, **keywords: Any) -> tuple[int, bytes]:
        """Connect; any 2yz is a greeting."""
        with self._expecting({YES: 220}):
            return super().connect(*arguments, **keywords)

    def ehlo(self, name: str = "") -> tuple[int, bytes]:
        """Say EHLO; any 2yz lists the server's extensions."""
        with self._expecting({YES: 250}):
            return super().ehlo(name)

    def starttls(self, *, context: SSLContext | None = None) -> tuple[int, bytes]:  # type: ignore[override]
        """Encrypt the connection; any 2yz begins it."""
        with self._expecting({YES: 220}):
            return super().starttls(context=context)

    def login(self, user: str, password: str, *, initial_response_ok: bool = True) -> tuple[int, bytes]:
        """Log in; any 2yz has done so, any 3yz asks for more."""
        with self._expecting({YES: 235, GO_ON: 334}):
            return super().login(user, password, initial_response_ok=initial_response_ok)


class TlsClient(SmtpClient, smtplib.SMTP_SSL):
    """A connection that is encrypted from the first byte."""
