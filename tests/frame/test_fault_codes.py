"""What is wrong with a field has a stable code, read off the sentence of the rule that found it."""

import pytest

from billing.frame.errors import Fault, Refused, Taken
from billing.frame.fault_codes import CODES, fault_code
from billing.frame.http.problems import ERRORS_MAX, field_error, field_errors, placed
from tests.support.api import Caller


@pytest.mark.parametrize(
    ("sentence", "code"),
    [
        ("is blank", "missing"),
        ("Missing data for required field.", "missing"),
        ("Unknown field.", "unknown_field"),
        ("Not a valid string.", "wrong_type"),
        ("Must be one of: startup, sme.", "not_a_choice"),
        ("is unknown", "unknown"),
        ("is longer than 64 characters", "length"),
        ("Length must be between 1 and 10000.", "length"),
        ("is below zero", "out_of_range"),
        ("is not a day of the calendar", "malformed"),
        ("is not an ICE of 15 digits", "malformed"),
        ("is there twice", "repeated"),
        ("comes after until", "order"),
        ("overlaps with L1", "overlap"),
        ("was billed by FA-2026-000001", "refused"),
    ],
)
def test_sentences_have_codes(sentence: str, code: str) -> None:
    assert fault_code(sentence) == code


def test_a_fault_is_pointed_at_and_said_whole() -> None:
    taken = Taken("leases", 3, "code", "L1", "exists with another area", "change it by PATCH")
    (error,) = field_errors(placed(Refused([taken]), "leases.{}.".format).faults)
    assert (error.pointer, error.field, error.row, error.code) == ("#/leases/2/code", "leases.2.code", 2, "taken")
    assert error.detail == "exists with another area: change it by PATCH"
    (of_file,) = field_errors([Fault("leases.csv", 7, "area_m2", "x", "is not a number")])
    assert (of_file.pointer, of_file.file, of_file.line, of_file.code) == ("#/area_m2", "leases.csv", 7, "malformed")
    assert field_error("body", ["a/b", "c~d"], "is blank").pointer == "#/a~1b/c~0d"


def test_a_thousand_errors_are_listed_and_the_page_names_their_codes(ground: Caller) -> None:
    refused = ground.post("/v1/tenants/batch", {"tenants": [{}] * (ERRORS_MAX + 1)})
    assert (refused.status_code, len(refused.json["errors"])) == (422, ERRORS_MAX)
    assert f"the first {ERRORS_MAX} of " in refused.json["detail"]
    told = ground.get("/problems/validation", None)["codes"]
    assert list(told) == [each.code for each in CODES]
    page = ground("GET", "/problems/validation", None, headers={"Accept": "text/html"}).text
    assert "<code>out_of_range</code>" in page
