"""Requests that write are acts: whose token, which request, for which reason."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, select

from billing.frame.database import reading
from billing.frame.tables import audit_event
from tests.support.api import Caller


def acts(engine: Engine) -> Sequence[Any]:
    with reading(engine) as connection:
        return connection.execute(select(audit_event).order_by(audit_event.c.id)).all()


def test_a_request_is_the_act_of_its_token_with_its_reason(engine: Engine, ground: Caller) -> None:
    headers = {"X-Reason": b"Erreur de saisie".decode("latin-1"), "X-Request-ID": "mended-1"}
    answer = ground("PATCH", "/v1/tenants/T1", json={"city": "Fès"}, headers=headers)
    assert answer.status_code == 200
    last = acts(engine)[-1]
    assert (last.actor, last.origin, last.operation) == ("the-finance", "api", "PATCH /v1/tenants/<code:code>")
    assert (last.request_id, last.reason) == ("mended-1", "Erreur de saisie")


def test_a_repeated_request_is_no_second_act(engine: Engine, ground: Caller) -> None:
    body = {"code": "GX", "funder": "Région", "site": None, "amount": "10.00", "granted_on": "2026-09-01"}
    first = ground.post("/v1/grants", body, key="once")
    before = len(acts(engine))
    again = ground.post("/v1/grants", body, key="once")
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert len(acts(engine)) == before


def test_a_reason_longer_than_can_be_kept_is_refused(ground: Caller) -> None:
    answer = ground("PATCH", "/v1/tenants/T1", json={"city": "Fès"}, headers={"X-Reason": "x" * 501})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "X-Reason"
