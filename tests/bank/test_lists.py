"""Lists of bank statements and their lines: no statement a row is asked of the database."""

from datetime import date

from sqlalchemy import Engine

from tests.support.api import Caller
from tests.support.bank_files import camt, entry
from tests.support.statements import assert_no_statement_a_row


def test_statements_and_lines_are_listed_set_wise(park: Caller, engine: Engine) -> None:
    closing = 0
    for month in (6, 7, 8):
        on = date(2026, month, 20)
        lines = [entry(7_700 + number, on, debtor="INCONNU", reference=f"R{month}{number}") for number in range(3)]
        content = camt(lines, opening=closing, closing=closing + 23_103, on=on)
        closing += 23_103
        answer = park("POST", "/v1/statements", data=content, content_type="application/xml")
        assert (answer.status_code, answer.json["new"]) == (201, 3), answer.text
    decided = park.post("/v1/statements/RE-000001/lines/1/decisions", {"kind": "received", "tenant": "A1"})
    assert decided.status_code == 201, decided.text
    assert_no_statement_a_row(park, engine, "/v1/statements")
    assert_no_statement_a_row(park, engine, "/v1/statement-lines")
