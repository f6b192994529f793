"""What every answer says of itself; what HEAD and OPTIONS answer."""

import gzip
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.frame.errors import BadConfiguration
from billing.frame.settings import load_settings
from tests.support.api import Caller, CallerOf
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


def test_accept_chooses_the_format_and_is_refused_where_none_fits(park: Caller) -> None:
    def given(path: str, accept: str) -> str:
        answer = ask(park, "GET", path, Accept=accept)
        return str(answer.content_type).partition(";")[0] if answer.status_code == 200 else str(answer.status_code)

    report = "/v1/reports/aged-balance"
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    for accept, media_type in (
        ("text/csv", "text/csv"), (xlsx, xlsx), ("application/pdf", "application/pdf"), ("*/*", "application/json"),
        ("text/csv;q=0.5, application/json", "application/json"), ("application/*", "application/json"),
        ("text/html,*/*;q=0.8", "text/html"), ("image/png", "406"),
    ):  # fmt: skip
        assert given(report, accept) == media_type, accept
    assert given(f"{report}?format=csv", "application/json") == "text/csv"
    assert given("/v1/sites", "text/csv") == "406"
    refused = ask(park, "GET", "/v1/sites", Accept="text/csv")
    assert refused.content_type == "application/problem+json"
    assert "application/json" in refused.json["detail"]


def test_accept_chooses_among_no_formats_that_an_address_refuses(park: Caller) -> None:
    for operation in operations(park.app):
        if operation.method == "GET" and "{" not in operation.path:
            for accept in ("text/csv", "application/pdf", "text/html", "application/json"):
                answer = ask(park, "GET", operation.path, Accept=accept)
                faults = (
                    [fault["field"] for fault in answer.json.get("errors", ())] if answer.status_code == 422 else []
                )
                assert "format" not in faults, (operation, accept)


def test_the_version_is_named_and_one_that_is_none_refused(ground: Caller) -> None:
    for asked in ({}, {"API-Version": "2026-12-01"}):
        assert ask(ground, "GET", "/v1/sites", **asked).headers["API-Version"] == "2026-12-01"
    refused = ask(ground, "GET", "/v1/sites", **{"API-Version": "2024-01-01"})
    assert (refused.status_code, refused.json["type"]) == (400, "/problems/unknown-version")
    page = ask(ground, "GET", "/docs/changes")
    assert "<h2>2026-12-01</h2>" in page.text
    assert "/docs/changes" in ask(ground, "GET", "/docs").text


def test_pages_of_named_origins_alone_may_read_answers(engine: Engine, caller_of: CallerOf) -> None:
    caller = caller_of(engine, CORS_ORIGINS="https://console.parcs.example")
    for origin, allowed in (
        ("https://console.parcs.example", "https://console.parcs.example"),
        ("https://console.parcs.example.evil.example", None), ("http://console.parcs.example", None), ("null", None),
    ):  # fmt: skip
        answer = ask(caller, "GET", "/v1/sites", Origin=origin)
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed, origin
        assert "Origin" in answer.headers["Vary"]
    before = ask(
        caller, "OPTIONS", "/v1/sites", Origin="https://console.parcs.example",
        **{"Access-Control-Request-Method": "POST"},
    )  # fmt: skip
    assert "POST" in before.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in before.headers["Access-Control-Allow-Headers"]
    for bad in ("*", "https://a.example/", "a.example"):
        with pytest.raises(BadConfiguration, match="CORS_ORIGINS"):
            load_settings({"CORS_ORIGINS": bad})


def test_no_page_reads_answers_where_no_origin_is_named(ground: Caller) -> None:
    answer = ask(ground, "GET", "/v1/sites", Origin="https://console.parcs.example")
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_only_a_trusted_proxy_says_that_tls_was_spoken(engine: Engine, caller_of: CallerOf) -> None:
    caller = caller_of(engine, TRUSTED_PROXIES="10.0.0.0/8")
    for peer, scheme, told in (
        ("10.1.2.3", "https", True), ("10.1.2.3", "http", False), ("192.0.2.7", "https", False),
    ):  # fmt: skip
        answer = caller.app.test_client().get(
            "/healthz", headers={"X-Forwarded-Proto": scheme}, environ_base={"REMOTE_ADDR": peer}
        )
        assert ("Strict-Transport-Security" in answer.headers) is told, (peer, scheme)
