"""How many requests a token and an address may send: counted by all processes of a server together.

A count is the instant at which all that was sent is worn off (GCRA): it needs no window and no cleaning up, for one
that lies behind is none. The table has a fixed size, whoever asks: the count that is worn off first gives way.
"""

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv6Address
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from flask import Flask, Request, Response, g, request

from billing.frame.http.problems import TooMany
from billing.frame.settings import Rate

_SLOTS = 1 << 16
# A key, and an instant of the host's clock in nanoseconds.
_SLOT = struct.Struct("=QQ")
_SECOND = 10**9
# A key lies in one of so many places.
_PLACES = 8
# Whoever watches over the service is never turned away.
_FREE = ("/healthz", "/readyz")


class Standing(NamedTuple):
    """Where a caller stands: whether this request is let through, how many more are, when all is worn off."""

    is_allowed: bool
    limit: int
    left: int
    reset_s: int
    retry_s: int


class Counts:
    """The counts of a server; in a file they are those of all processes that open it."""

    def __init__(self, file: Path | None = None, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600) if file is not None else -1
        size = _SLOTS * _SLOT.size
        if self._file >= 0:
            os.ftruncate(self._file, size)
        self._table = mmap.mmap(self._file, size)
        self._clock = clock
        self._lock = Lock()

    def count(self, kind: str, name: str, rate: Rate) -> Standing:
        """Count one request of a caller; what is refused does not count."""
        key = int.from_bytes(blake2b(f"{kind} {name}".encode(), digest_size=8).digest()) | 1
        with self._lock:
            if self._file >= 0:
                fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                return self._counted(key, rate)
            finally:
                if self._file >= 0:
                    fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _counted(self, key: int, rate: Rate) -> Standing:
        now = self._clock()
        place, worn_off = self._find(key, now)
        period = rate.seconds * _SECOND
        a_request = period // rate.requests
        then = max(worn_off, now) + a_request
        over = then - now - period
        is_allowed = over <= 0
        if is_allowed:
            _SLOT.pack_into(self._table, place, key, then)
            worn_off = then
        left = (period - (worn_off - now)) // a_request
        return Standing(is_allowed, rate.requests, left, _seconds(worn_off - now), _seconds(over))

    def _find(self, key: int, now: int) -> tuple[int, int]:
        """Return where a key's count lies, or may lie, and its instant."""
        places = [(key + n) % _SLOTS * _SLOT.size for n in range(_PLACES)]
        found = []
        for place in places:
            held, worn_off = _SLOT.unpack_from(self._table, place)
            if held == key:
                return place, worn_off
            found.append((worn_off, place))
        return min(found)[1], now


def _seconds(nanoseconds: int) -> int:
    """Return whole seconds that are long enough."""
    return -(-nanoseconds // _SECOND)


def _caller(address: str) -> str:
    """Return whom an address stands for: with IPv6 one host has a whole network of 64 bits."""
    return str(IPv6Address(int(IPv6Address(address.partition("%")[0])) >> 64 << 64)) if ":" in address else address


def register(app: Flask, counts: Counts, by_address: Rate | None, by_token: Rate | None) -> Callable[[], None]:
    """Count the requests of every address; return what counts those of a token, once it is known."""

    def judge(kind: str, name: str, rate: Rate) -> None:
        standing = counts.count(kind, name, rate)
        g.standing = standing
        if not standing.is_allowed:
            raise TooMany(
                f"this {kind} may send {rate.requests} requests in {rate.seconds} s: "
                f"wait {standing.retry_s} s, and ask for more at once (batches, limit=500)",
                standing.retry_s,
            )

    def judge_address() -> None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look-up through the proxy costs
        if by_address is not None and asked.path not in _FREE:
            judge("address", _caller(asked.remote_addr or ""), by_address)

    def judge_token() -> None:
        token = g.get("token")
        if by_token is not None and token is not None:
            judge("token", token, by_token)

    def say(response: Response) -> Response:
        standing: Standing | None = g.get("standing")
        if standing is not None:
            headers = response.headers
            headers["RateLimit-Limit"] = str(standing.limit)
            headers["RateLimit-Remaining"] = str(standing.left)
            headers["RateLimit-Reset"] = str(standing.reset_s)
        return response

    app.before_request(judge_address)
    app.after_request(say)
    return judge_token
