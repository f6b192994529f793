"""Headers of every answer: no cache keeps it, its type is what it says; and its compression where a client asks."""

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


def register(app: Flask) -> None:
    """Let every answer of the app say it."""
    app.after_request(_say)


def _say(response: Response) -> Response:
    headers = response.headers
    # Debts, and the rights to see them, change from one moment to the next.
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
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
