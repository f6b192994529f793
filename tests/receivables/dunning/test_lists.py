"""Lists of reminders and of disputes: no statement a row is asked of the database."""

from sqlalchemy import Engine

from tests.support.api import Caller
from tests.support.statements import assert_no_statement_a_row


def test_reminders_and_disputes_are_listed_set_wise(park: Caller, engine: Engine) -> None:
    tenants = [reminder["tenant"] for reminder in park.get("/v1/dunning/due")["reminders"]]
    assert park.post("/v1/dunning/reminders", {}).status_code == 201
    assert_no_statement_a_row(park, engine, "/v1/dunning/reminders")
    for tenant in tenants:
        order = {"kind": "dispute", "tenant": tenant}
        assert park("POST", "/v1/dunning/holds", json=order, headers={"X-Reason": "litige"}).status_code == 201
    assert_no_statement_a_row(park, engine, "/v1/dunning/holds")
