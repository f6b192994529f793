"""The front of each process: it takes requests in whole, lets them wait their turn, and sends whole answers.

One loop holds all connections, so a client that is slow to send or to read holds no thread. Requests are done one at
a time, which is fastest for short ones; one that takes longer lets the next begin beside it. Health is asked apart.
"""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NamedTuple, TypeAlias

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Why the front does not let a request through, as the application is told (`billing.api.refusals`).
REFUSAL = "technopark.refusal"
BUSY, TOO_SLOW, NO_LENGTH = "busy", "too-slow", "length-required"
# Each is answered by a thread of its own, whatever else goes on.
VITAL = ("/healthz", "/readyz")
# A body has this long to begin and to pause, and must come at this pace on the whole.
BODY_WAIT_S = 20.0
BODY_BYTES_PER_S = 4096
# All bodies of a process together hold so many octets at most, arriving and waiting.
BODIES_BYTES_MAX = 64 << 20
# Longer than this, and the next request begins beside it; so many at once, and as many in the queue.
TURN_S = 0.05
SLOW_MOST = 8
WAITING_MOST = 100
WAIT_S = 30.0
# A larger answer is laid into a file until its client has taken it, piece by piece.
_ANSWER_IN_MEMORY = 1 << 20
_PIECE = 256 << 10
_SEND_WAIT_S = 60.0
# The library that serves is nobody's business.
_SERVER = ("server", "technopark-billing")
# A thread that computes gives way this soon to another that answers a short request.
_SWITCH_S = 0.0005
_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """An answer as a whole; the file is closed by whoever sends it."""

    status: int
    headers: list[tuple[str, str]]
    body: IO[bytes]
    length: int


class Turns:
    """Gives requests their turns, within one loop: one at a time, and the slow ones beside."""

    def __init__(self) -> None:
        self._is_free = True
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._slow = 0

    async def take(self) -> bool:
        """Wait for one's turn; false where too many wait already, or it takes too long."""
        if self._is_free:
            self._is_free = False
            return True
        if len(self._waiting) >= WAITING_MOST:
            return False
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(turn)
        late = loop.call_later(WAIT_S, _settle, turn, False)
        try:
            return await turn
        finally:
            late.cancel()

    def give(self) -> None:
        """Let the next begin."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._is_free = True

    async def run(self, work: "asyncio.Future[Answer]") -> Answer:
        """Wait for work whose turn it is; give the turn on when it is done, or is slow."""
        slow = False

        def go_beside() -> None:
            nonlocal slow
            if self._slow < SLOW_MOST:
                slow = True
                self._slow += 1
                self.give()

        timer = asyncio.get_running_loop().call_later(TURN_S, go_beside)
        try:
            return await work
        finally:
            timer.cancel()
            if slow:
                self._slow -= 1
            else:
                self.give()


def _settle(turn: "asyncio.Future[bool]", value: bool) -> None:
    if not turn.done():
        turn.set_result(value)


class _Refused(Exception):
    """The front does not let a request through; the message is why."""


class _Gone(Exception):
    """The client left before its request was whole."""


class Front:
    """Serves a WSGI application to granian (RSGI). `body_max` says how much is taken at an address."""

    def __init__(self, application: Application, body_max: Callable[[str, str], int]) -> None:
        self._application = application
        self._body_max = body_max
        self._turns = Turns()
        self._held = 0
        self._pool = ThreadPoolExecutor(1 + SLOW_MOST, "request")
        self._vital = {path: ThreadPoolExecutor(1, path) for path in VITAL}
        self._refusing = ThreadPoolExecutor(1, "refusing")
        sys.setswitchinterval(_SWITCH_S)

    async def answer(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        environ = _environ(scope)
        try:
            async with self._body(environ, protocol) as body:
                environ["wsgi.input"] = BytesIO(body)
                answer = await self._answer(environ)
        except _Refused as refused:
            answer = await self._refuse(environ, str(refused))
        except _Gone:
            protocol.response_empty(400, [])
            return
        await _send(answer, protocol)

    @asynccontextmanager
    async def _body(self, environ: dict[str, Any], protocol: HTTPProtocol) -> AsyncIterator[bytes]:
        """Hold a body while its request is done, if its address takes one so large; raise _Refused or _Gone."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if "HTTP_TRANSFER_ENCODING" in environ:
            # A body in pieces that has broken off looks like one that has ended.
            raise _Refused(NO_LENGTH)
        if length > self._body_max(environ["REQUEST_METHOD"], environ["PATH_INFO"]) or environ["PATH_INFO"] in VITAL:
            # The application refuses it by its length, unread.
            length = 0
        pieces: list[bytes] = []
        try:
            if length:
                async for piece in _arriving(protocol):
                    self._held += len(piece)
                    pieces.append(piece)
                    if self._held > BODIES_BYTES_MAX:
                        raise _Refused(BUSY)
                if sum(map(len, pieces)) != length:
                    raise _Gone
            yield b"".join(pieces)
        finally:
            self._held -= sum(map(len, pieces))

    async def _answer(self, environ: dict[str, Any]) -> Answer:
        loop = asyncio.get_running_loop()
        vital = self._vital.get(environ["PATH_INFO"])
        if vital is not None:
            return await loop.run_in_executor(vital, _done, self._application, environ)
        if not await self._turns.take():
            return await self._refuse(environ, BUSY)
        return await self._turns.run(loop.run_in_executor(self._pool, _done, self._application, environ))

    async def _refuse(self, environ: dict[str, Any], why: str) -> Answer:
        """Have the application say why a request is not let through: it logs and counts that too."""
        environ[REFUSAL] = why
        return await asyncio.get_running_loop().run_in_executor(self._refusing, _done, self._application, environ)


async def _arriving(protocol: HTTPProtocol) -> AsyncIterator[bytes]:
    """Yield the pieces of a body; raise _Refused when they come too slowly."""
    loop = asyncio.get_running_loop()
    began, size = loop.time(), 0
    pieces = aiter(protocol)
    while True:
        until = began + BODY_WAIT_S + size / BODY_BYTES_PER_S
        try:
            async with asyncio.timeout_at(min(until, loop.time() + BODY_WAIT_S)):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise _Refused(TOO_SLOW) from None
        size += len(piece)
        yield piece


def _environ(scope: Scope) -> dict[str, Any]:
    """Return what WSGI says of a request (PEP 3333), without its body."""
    client, _, port = scope.client.rpartition(":")
    server, _, server_port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server,
        "SERVER_PORT": server_port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "REMOTE_PORT": port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        # An underscore would pass for the hyphen of a header that a proxy sets.
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _done(application: Application, environ: dict[str, Any]) -> Answer:
    """Call the application and take its whole answer, in the thread that does the work."""
    said: list[Any] = []

    def start_response(status: str, headers: Sequence[tuple[str, str]], exc_info: Any = None) -> None:
        if exc_info is not None and said:
            raise exc_info[1]
        said[:] = [int(status[:3]), [(name.lower(), value) for name, value in headers]]

    pieces = application(environ, start_response)
    try:
        body = SpooledTemporaryFile(_ANSWER_IN_MEMORY)  # noqa: SIM115 - closed when it was sent
        length = sum(body.write(piece) for piece in pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    body.seek(0)
    return Answer(said[0], said[1], body, length)


async def _send(answer: Answer, protocol: HTTPProtocol) -> None:
    """Send an answer; one that its client does not take is given up."""
    headers = [*answer.headers, _SERVER]
    with answer.body as body:
        if answer.length <= _ANSWER_IN_MEMORY:
            protocol.response_bytes(answer.status, headers, body.read())
            return
        transport = protocol.response_stream(answer.status, headers)
        try:
            while piece := body.read(_PIECE):
                async with asyncio.timeout(_SEND_WAIT_S):
                    await transport.send_bytes(piece)
        except TimeoutError:
            _log.warning("an answer of %s bytes was given up: its client does not take it", answer.length)
