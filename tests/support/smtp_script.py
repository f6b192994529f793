"""An SMTP server on the loopback interface whose every answer a test writes out, byte by byte."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

END = "."
_POLITE = {
    "": b"220 scripted\r\n",
    "EHLO": b"250 scripted\r\n",
    "MAIL": b"250 OK\r\n",
    "RCPT": b"250 OK\r\n",
    "DATA": b"354 go on\r\n",
    END: b"250 taken\r\n",
    "RSET": b"250 OK\r\n",
    "QUIT": b"221 bye\r\n",
}


@dataclass
class Script:
    """What it answers by verb, and what it heard.

    "" is its greeting, "." the end of a message; where the answer is empty it hangs up.
    """

    answers: Mapping[str, bytes]
    certificate: tuple[Path, Path] | None = None
    port: int = 0
    # The content of each message that was ended.
    ended: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def converse(self, connection: socket.socket) -> None:
        """Answer one client until it leaves."""
        lines = connection.makefile("rb")
        connection.sendall(self.answers[""])
        while line := lines.readline():
            self.heard.append(line)
            verb = line[:4].decode("latin-1").strip().upper()
            # The lines of a login after its first have no verb.
            answer = self.answers.get("STARTTLS" if verb == "STAR" else verb, self.answers.get("LOGIN", b""))
            if not self._say(connection, answer):
                return
            if verb == "STAR" and self.certificate is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(*self.certificate)
                connection = context.wrap_socket(connection, server_side=True)
                lines = connection.makefile("rb")
            elif verb == "DATA" and answer.startswith(b"3"):
                self.ended.append(b"".join(iter(lines.readline, b".\r\n")))
                if not self._say(connection, self.answers[END]):
                    return

    @staticmethod
    def _say(connection: socket.socket, answer: bytes) -> bool:
        if answer:
            connection.sendall(answer)
        return bool(answer)


@contextmanager
def answering(answers: Mapping[str, bytes], certificate: tuple[Path, Path] | None = None) -> Iterator[Script]:
    """A server that answers politely but where it is told otherwise."""
    script = Script({**_POLITE, **answers}, certificate)

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            script.converse(connection)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        script.port = listener.getsockname()[1]
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        try:
            yield script
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
