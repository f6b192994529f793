"""What every answer says of itself; what HEAD and OPTIONS answer."""

import gzip
from typing import Any

from tests.support.api import Caller
from tests.support.operations import operations


def ask(caller: Caller, method: str, path: str, **headers: str) -> Any:
    """Ask as a client does, whatever the body is."""
    token = {"Authorization": f"Bearer {caller.secrets['finance']}"}
    return caller.app.test_client().open(path, method=method, headers={**token, **headers})


def test_no_cache_keeps_an_answer_and_no_browser_guesses_its_type(park: Caller) -> None:
    for path, scope in (("/v1/documents", "finance"), ("/v1/nothing", None), ("/v1/sites", None), ("/healthz", None)):
        headers = park("GET", path, scope).headers
        assert headers["Cache-Control"] == "no-store", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer", path


def test_large_answers_are_packed_for_those_who_want_it(park: Caller) -> None:
    wanted = "br, gzip;q=0.8"
    for path in ("/v1/documents?limit=500", "/v1/reports/aged-balance?format=csv", "/v1/ledger/exports?format=fec"):
        plain, packed = ask(park, "GET", path), ask(park, "GET", path, **{"Accept-Encoding": wanted})
        assert plain.status_code == packed.status_code == 200, path
        assert "Content-Encoding" not in plain.headers, path
        assert packed.headers["Content-Encoding"] == "gzip", path
        assert "Accept-Encoding" in packed.headers["Vary"], path
        assert gzip.decompress(packed.get_data()) == plain.get_data(), path
        unwanted = ask(park, "GET", path, **{"Accept-Encoding": "gzip;q=0"})
        assert "Content-Encoding" not in unwanted.headers, path
    [number] = [d["number"] for d in park.get("/v1/documents?limit=1")["items"]]
    for path in ("/v1/sites/TNG", f"/v1/documents/{number}/pdf"):
        assert "Content-Encoding" not in ask(park, "GET", path, **{"Accept-Encoding": wanted}).headers, path


def test_head_says_what_get_would_and_options_what_an_address_takes(park: Caller) -> None:
    got, head = ask(park, "GET", "/v1/documents"), ask(park, "HEAD", "/v1/documents")
    assert head.status_code == 200
    assert head.get_data() == b""
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == got.headers[name]
    assert park("HEAD", "/v1/documents", None).status_code == 401
    for operation in operations(park.app):
        answer = park("OPTIONS", operation.path, None)
        assert (answer.status_code, answer.get_data()) == (200, b""), operation
        assert operation.method in answer.headers["Allow"].split(", "), operation
    assert park("OPTIONS", "/v1/nothing", None).status_code == 404
