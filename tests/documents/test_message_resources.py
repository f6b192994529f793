"""Messages over HTTP: what was told, its papers, whether it arrived, and another attempt."""

from typing import Any

from sqlalchemy import Engine, select, update

from billing.api.metrics import CONTENT_TYPE
from billing.frame.database import reading, writing
from billing.frame.tables import audit_change
from invoices.messages.tables import message_delivery
from invoices.rendering.letter import render_letter
from tests.support.api import Caller
from tests.support.told import letter, tell, to_tell


def set_state(engine: Engine, key: int, **values: Any) -> None:
    with writing(engine) as connection:
        connection.execute(update(message_delivery).where(message_delivery.c.message_id == key).values(**values))


def test_messages_are_asked_for_by_kinds_that_there_are(ground: Caller) -> None:
    assert ground.get("/v1/messages?kind=dunning")["items"] == []
    assert ground("GET", "/v1/messages?kind=reminder").status_code == 422


def test_messages_are_listed_with_their_state_and_shown_with_what_they_say(ground: Caller, engine: Engine) -> None:
    tell(engine, [to_tell(1, papers=2), to_tell(2, papers=0)])
    tell(engine, [to_tell(1)], kind="window_end")
    listed = ground.get("/v1/messages")["items"]
    assert [(one["number"], one["kind"], one["tenant"], one["state"]) for one in listed] == [
        ("ME-000001", "notice", "T0001", "queued"),
        ("ME-000002", "notice", "T0002", "queued"),
        ("ME-000003", "window_end", "T0001", "queued"),
    ]
    for query, numbers in (
        ("kind=window_end", ["ME-000003"]), ("tenant=T0001", ["ME-000001", "ME-000003"]), ("state=sent", []),
    ):  # fmt: skip
        assert [one["number"] for one in ground.get(f"/v1/messages?{query}")["items"]] == numbers
    one = ground.get("/v1/messages/ME-000001")
    assert (one["subject"], one["language"]) == ("Relance n° 1 – Parc", "fr")
    assert one["paragraphs"][0] == "Bonjour,"
    assert one["facts"] == {"Reste à payer": "360,00\u00a0DH"}
    assert one["papers"] == ["Releve-1.pdf", "Releve-2.pdf"]


def test_a_paper_is_the_same_bytes_for_ever(ground: Caller, engine: Engine) -> None:
    tell(engine, [to_tell(1, papers=2)])
    answer = ground("GET", "/v1/messages/ME-000001/papers/2")
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.data == render_letter(letter(title="Relevé 2"))
    assert answer.headers["Content-Disposition"] == 'inline; filename="Releve-2.pdf"'
    for address in ("ME-000001/papers/3", "ME-000009/papers/1", "ME-000001/papers/0", "ME-1"):
        assert ground("GET", f"/v1/messages/{address}").status_code == 404


def test_a_failed_message_is_retried_to_a_mended_address_and_the_act_tells(ground: Caller, engine: Engine) -> None:
    [key] = tell(engine, [to_tell(1)]).values()
    set_state(engine, key, state="failed", attempts=1, next_attempt_at=None, last_error="550 no such user")
    answer = ground.post("/v1/messages/ME-000001/retry", {"email": "new@tenants.example"})
    assert answer.status_code == 200
    assert (answer.json["recipient"], answer.json["attempts"]) == ("new@tenants.example", 1)
    assert answer.json["next_attempt_at"] == "2026-09-02T08:00:00Z"
    with reading(engine) as connection:
        c = audit_change.c
        found = connection.scalars(select(c.subject).where(c.key == "ME-000001").order_by(c.act_id)).all()
    assert found == ["messages", "message-deliveries"]
    assert ground.post("/v1/messages/ME-000009/retry", {}).status_code == 404
    set_state(engine, key, state="sent", next_attempt_at=None)
    assert ground.post("/v1/messages/ME-000001/retry", {}).status_code == 409


def test_a_stopped_message_is_listed_with_its_reason_and_not_retried(ground: Caller, engine: Engine) -> None:
    [key] = tell(engine, [to_tell(1)]).values()
    why = "not sent: settled meanwhile: FA-2026-000001"
    set_state(engine, key, state="stopped", next_attempt_at=None, last_error=why)
    (one,) = ground.get("/v1/messages?state=stopped")["items"]
    assert (one["number"], one["state"], one["last_error"]) == ("ME-000001", "stopped", why)
    answer = ground.post("/v1/messages/ME-000001/retry", {})
    assert (answer.status_code, answer.json["detail"]) == (409, f"ME-000001 is {why}")
    metrics = ground("GET", "/metrics").text
    assert 'message_deliveries{state="stopped"} 1.0' in metrics
    assert "delivery_queue_size 0.0" in metrics


def test_metrics_count_messages_by_state_and_with_what_is_due(ground: Caller, engine: Engine) -> None:
    tell(engine, [to_tell(1), to_tell(2)])
    answer = ground("GET", "/metrics")
    assert answer.content_type == CONTENT_TYPE
    assert 'message_deliveries{state="queued"} 2.0' in answer.text
    assert "delivery_queue_size 2.0" in answer.text
