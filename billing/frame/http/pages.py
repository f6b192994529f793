"""Pages for people's browsers: each may use its own script and style, ask its own server, and nothing else."""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

from flask import Response

HTML = "text/html; charset=utf-8"
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def policy_of(page: str) -> str:
    """Return the content security policy of a page: its inline parts are named by their hashes."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(page):
        hashes[kind].append(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
    own = [f"{kind}-src {' '.join(texts)}" for kind, texts in hashes.items() if texts]
    if hashes["script"]:
        own.append("connect-src 'self'")
    return "; ".join(("default-src 'none'", *own, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"))


def html_page(page: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer a page under the policy of its own parts."""
    policy = {"Content-Security-Policy": policy_of(page)}
    return Response(page, status, content_type=HTML, headers=policy | dict(headers or {}))
