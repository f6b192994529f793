"""Headers of every answer: no cache keeps it, its type is what it says, whose pages may read it; its compression."""

import gzip
import zlib
from collections.abc import Iterator

from flask import Flask, Response, request

# Smaller than this, packing wins nothing.
_PACKED_LEAST = 1024
# Half the time of the usual level, for a tenth more octets.
_LEVEL = 3
_PACKABLE = ("application/json", "application/problem+json", "application/xml", "text/")
_GZIP = 16 + zlib.MAX_WBITS


# Once asked by TLS, a browser asks by nothing else for a year.
_ONLY_TLS = "max-age=31536000"
_SENT = "Authorization, Content-Type, API-Version, Idempotency-Key, If-Match, Prefer, X-Reason, X-Request-ID"
_SHOWN = (
    "API-Version, Content-Disposition, ETag, Idempotent-Replayed, Location, Preference-Applied, RateLimit-Limit, "
    "RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"
)


def register(app: Flask, origins: frozenset[str]) -> None:
    """Let every answer of the app say it; pages of these origins may read the answers (CORS)."""
    app.after_request(_say)
    if origins:
        app.after_request(lambda response: _share(response, origins))


def _share(response: Response, origins: frozenset[str]) -> Response:
    """Let a page of an origin that may read the answer; tokens are sent by the page, cookies are none."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin in origins:
        headers = response.headers
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = _SHOWN
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            headers["Access-Control-Allow-Methods"] = headers.get("Allow", "")
            headers["Access-Control-Allow-Headers"] = _SENT
            headers["Access-Control-Max-Age"] = "600"
    return response


def _say(response: Response) -> Response:
    headers = response.headers
    # Debts, and the rights to see them, change from one moment to the next.
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    if request.scheme == "https":
        headers["Strict-Transport-Security"] = _ONLY_TLS
    # A tag is that of the octets as they are: an answer that bears one is small, and stays unpacked.
    if (response.content_type or "").startswith(_PACKABLE) and "ETag" not in headers:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings.quality("gzip") > 0 and request.method != "HEAD":
            _pack(response)
    return response


def _pack(response: Response) -> None:
    if not response.is_streamed:
        content = response.get_data()
        if len(content) < _PACKED_LEAST:
            return
        response.set_data(gzip.compress(content, _LEVEL, mtime=0))
    else:
        response.response = _packed(response.iter_encoded())
        response.headers.pop("Content-Length", None)
    response.headers["Content-Encoding"] = "gzip"


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
