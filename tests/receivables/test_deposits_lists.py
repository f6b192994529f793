"""The list of deposits: no statement a row is asked of the database."""

from sqlalchemy import Engine

from tests.support.api import Caller
from tests.support.statements import assert_no_statement_a_row


def test_deposits_are_listed_set_wise(park: Caller, engine: Engine) -> None:
    for lease in park.get("/v1/leases")["items"]:
        assert park.post("/v1/deposits", {"lease": lease["code"]}).status_code == 201
    assert_no_statement_a_row(park, engine, "/v1/deposits")
