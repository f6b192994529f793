"""A file that holds statements of other accounts: ours are taken, the answer says what was left out."""

from datetime import date

from tests.support.api import Caller
from tests.support.bank_dialects import swift
from tests.support.bank_files import RIB, camt, entry

OTHER = "007780000151200000031512"


def test_an_answer_names_the_statements_of_other_accounts_and_is_silent_without(park: Caller) -> None:
    ours = swift(":61:2611161116C77,00NTRFNONREF//B77", closing="1077,00").replace(b"1116", b"0816")
    theirs = swift(":61:2611161116C9,00NTRFNONREF//C1", closing="1009,00", number="9/1").replace(b"1116", b"0816")
    content = theirs.replace(RIB.encode(), OTHER.encode()) + ours
    taken = park("POST", "/v1/statements?file=releve.sta", data=content, content_type="text/plain")
    assert taken.status_code == 201, taken.text
    assert taken.json["left_out"] == [{"account": OTHER, "currency": "", "reference": "9/1", "lines": 1}]
    assert [statement["name"] for statement in taken.json["statements"]] == ["releve.sta 1/1"]
    on = date(2026, 8, 17)
    alone = camt([entry(100, on)], opening=107_700, closing=107_800, on=on)
    assert "left_out" not in park("POST", "/v1/statements", data=alone, content_type="application/xml").json
