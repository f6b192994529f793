"""Webhooks over HTTP and at the terminal: for administrators alone, and the secret is shown once."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.check import check
from billing.frame.database import reading
from tests.audit.webhooks.conftest import Webhooks
from tests.support.api import Caller, CallerOf
from tests.support.people import add, invoker, ok, refused, token
from tests.support.webhook_sink import webhook_sink

URL = "https://erp.example/hooks/T0-top-secret"


@pytest.fixture
def caller(engine: Engine, caller_of: CallerOf) -> Caller:
    """The caller of an app on an empty database."""
    return caller_of(engine)


def test_an_endpoint_is_added_changed_replayed_removed_and_its_secret_shown_once(
    caller: Caller, engine: Engine
) -> None:
    made = caller.post("/v1/webhook-endpoints", {"url": URL, "types": ["document.issued"]}, scope="admin")
    assert (made.status_code, made.headers["Location"]) == (201, "/v1/webhook-endpoints/WH-000001")
    secret = made.json["secret"]
    assert secret.startswith("whsec_")
    address = "/v1/webhook-endpoints/WH-000001"
    assert caller.get(address, "admin") == made.json["endpoint"]
    assert made.json["endpoint"]["state"] == "enabled"

    read = caller("GET", address, "admin").headers["ETag"]

    def changed(**values: Any) -> Any:
        answer = caller("PATCH", address, "admin", json=values, headers={"X-Reason": "panne"})
        assert answer.status_code == 200, answer.text
        return answer.json

    assert changed(types=["receipt.*", "document.*"])["types"] == ["document.*", "receipt.*"]
    assert changed(types=[], url="https://erp.example/other")["types"] == []
    stale = caller("PATCH", address, "admin", json={"types": []}, headers={"If-Match": read})
    assert stale.status_code == 412
    disabled = changed(enabled=False)
    assert (disabled["state"], disabled["disabled_for"]) == ("disabled", "panne")
    conflict = caller.post(f"{address}/replay", {"from": "2026-09-01"}, scope="admin")
    assert (conflict.status_code, "enable it first" in conflict.text) == (409, True)
    assert changed(enabled=True)["disabled_for"] is None
    replayed = caller.post(f"{address}/replay", {"from": "2026-09-01"}, scope="admin")
    assert replayed.json["told_until"] == "1.0.0"
    assert caller.get(f"{address}/deliveries", "admin") == {"items": [], "next": None}
    assert caller.post(f"{address}/removal", {}, scope="admin").json["state"] == "removed"
    for tail, body in (("removal", {}), ("replay", {"from": "2026-09-01"})):
        assert caller.post(f"{address}/{tail}", body, scope="admin").status_code == 409
    assert caller("GET", "/v1/webhook-endpoints/WH-000009", "admin").status_code == 404

    said = caller.get("/v1/changes?limit=500", "auditor")["items"]
    assert [each["key"] for each in said if each["subject"] == "webhook-endpoints"] == ["WH-000001"] * 7
    everything = str(said) + str(caller.get("/v1/events?limit=500", "auditor"))
    assert secret not in everything
    assert "T0-top-secret" not in everything
    assert check(engine) == []


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        ({"url": "http://erp.example/"}, "is not encrypted"),
        ({"url": "https://169.254.169.254/latest"}, "is an address of a private network"),
        ({"url": URL, "types": ["document.paid"]}, "is no type of event"),
        ({"url": URL, "types": ["*"]}, "is no type of event"),
    ],
)
def test_what_can_not_be_is_refused(caller: Caller, order: dict[str, Any], problem: str) -> None:
    refusal = caller.post("/v1/webhook-endpoints", order, scope="admin")
    assert (refusal.status_code, problem in refusal.text) == (422, True), refusal.text


@pytest.mark.parametrize("scope", ["auditor", "finance"])
def test_who_is_no_administrator_sees_and_adds_none(caller: Caller, scope: str) -> None:
    assert caller("GET", "/v1/webhook-endpoints", scope).status_code == 403
    assert caller.post("/v1/webhook-endpoints", {"url": URL}, scope=scope).status_code == 403


def test_the_command_line_does_the_same(engine: Engine, webhooks_of: Callable[[Engine], Webhooks]) -> None:
    add(engine, "nadia", "admin")
    add(engine, "amina", "finance")
    admin, finance = token(engine, "a", "admin", "nadia"), token(engine, "f", "finance", "amina")
    environment = {"DATABASE_URL": engine.url.render_as_string(hide_password=False), "WEBHOOK_NETWORKS": "127.0.0.1"}
    invoke = invoker({**environment, "BILLING_TOKEN": admin})
    with webhook_sink() as sink:
        added = ok(invoke("webhooks", "add", sink.url, "--type", "webhook_endpoint.*"))
        assert added.startswith("WH-000001 is added; its secret, which is not shown again:\nwhsec_")
        assert ok(invoke("webhooks", "deliver")) == "1 webhook sent\n"
        ok(invoke("webhooks", "change", "WH-000001", "--type", "webhook_endpoint.changed"))
        sink.answer = lambda _: 500
        failed = invoke("webhooks", "deliver")
        assert "1 endpoint did not take what it was sent" in refused(failed)
        assert "answered 500" in ok(invoke("webhooks", "deliveries", "WH-000001", "--failed"))
        assert '"state": "failing"' in ok(invoke("webhooks", "show", "WH-000001"))
        # Whoever has mended the receiver need not wait.
        ok(invoke("webhooks", "enable", "WH-000001"))
        assert '"attempts": 0' in ok(invoke("webhooks", "show", "WH-000001"))
        ok(invoke("webhooks", "disable", "WH-000001", "--reason", "maintenance"))
        assert "maintenance" in ok(invoke("webhooks", "list"))
        ok(invoke("webhooks", "enable", "WH-000001"))
        ok(invoke("webhooks", "replay", "WH-000001", "--from", "2020-01-01"))
        sink.answer = lambda _: 204
        assert ok(invoke("webhooks", "deliver")) == "4 webhooks sent\n"
        ok(invoke("webhooks", "remove", "WH-000001"))
    stands = webhooks_of(engine).stands(1)
    assert (stands.state, stands.created_by) == ("removed", "nadia")
    for words in (["list"], ["add", sink.url], ["remove", "WH-000001"]):
        assert "ask nadia, an administrator" in refused(invoke("webhooks", *words, BILLING_TOKEN=finance))
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT secret FROM webhook_endpoint").scalars().all() == [None]
