"""What lies ahead, over HTTP: computed when asked, written nowhere."""

from pathlib import Path

from sqlalchemy import Engine

from billing.api.app import create_app
from billing.frame.settings import load_settings
from tests.support.api import NOW, Caller
from tests.support.counts import counts


def test_the_runs_ahead_with_the_shipped_assumptions_and_with_ones_own(ground: Caller, engine: Engine) -> None:
    before = counts(engine)
    found = ground.get("/v1/forecasts?months=3&draws=20&seed=5", "auditor")
    assert (found["first"], found["last"], found["usual_from"]) == ("2026-09", "2026-11", "2026-09-02")
    assert [run["month"] for run in found["runs"]] == ["2026-09", "2026-10", "2026-11"]
    # T1's window ends on 9 September: nine days of 22.5 m² at 134.00 - 50.00, then 16.00 to the good.
    path = {name: found["runs"][0]["sites"]["TNG"][name]["path"] for name in ("draws", "contributions")}
    assert path == {"draws": "567.00", "contributions": "252.00"}
    asked = {"months": 3, "draws": 20, "seed": 5}
    assert ground.post("/v1/forecasts", asked, scope="auditor").json == found
    own = ground.post("/v1/forecasts", {**asked, "assumptions": {"arrivals": {"a_month": {"*": "0"}}}}).json
    assert own["assumptions"]["arrivals"]["a_month"] == {"*": "0"}
    assert own["assumptions"]["departures"] == ground.get("/v1/forecasts/assumptions")["departures"]
    assert own["whole"] != found["whole"]
    assert counts(engine) == before


def test_an_answer_is_given_again_until_something_is_written(ground: Caller) -> None:
    address = "/v1/forecasts?months=3&draws=20&seed=5"
    first = ground.get(address, "auditor")
    assert ground.get(address, "auditor") == first
    lease = {"code": "LX", "tenant": "T1", "site": "TNG", "unit": "X-1", "area_m2": "10", "starts_on": "2026-10-01"}
    assert ground.post("/v1/leases", lease).status_code == 201
    after = ground.get(address, "auditor")
    assert after["runs"][0] == first["runs"][0]
    assert after["runs"][1] != first["runs"][1]


def test_what_is_kept_of_one_forecast_changes_no_other(ground: Caller, engine: Engine) -> None:
    forecast = {"months": 18, "draws": 20, "seed": 1}
    asked = [
        ("/v1/forecasts", forecast),
        ("/v1/forecasts", {**forecast, "seed": 2}),
        ("/v1/forecasts/dial", {"area_m2": "10", "draws": 20}),
        ("/v1/forecasts", {**forecast, "draws": 30}),
    ]
    kept = [ground.post(address, body).json for address, body in asked]
    # Each by an app that has kept nothing.
    settings = load_settings({})
    anew = [
        Caller(create_app(settings, engine, lambda: NOW), ground.secrets).post(address, body).json
        for address, body in asked
    ]
    assert kept == anew
    assert len({str(answer) for answer in kept}) == len(asked)


def test_as_tables_for_spreadsheets(ground: Caller) -> None:
    answer = ground("GET", "/v1/forecasts/table?months=1&draws=5&format=csv&from=2026-10")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.text.startswith("month,site,figure,path,low,median,high\n2026-10,CAS,contributions,0.00,")
    assert ground("GET", "/v1/forecasts/table?months=1&draws=5&format=xlsx").data.startswith(b"PK")


def test_the_admission_dial(ground: Caller) -> None:
    dial = ground.post("/v1/forecasts/dial", {"area_m2": "10", "draws": 20}, scope="auditor")
    assert dial.status_code == 200
    assert (dial.json["months"], dial.json["area_m2"], dial.json["wanted_confidence"]) == (18, "10", "0.95")
    # The first run draws more than it brings: nothing is carried.
    assert dial.json["sites"]["TNG"] == {
        "newcomers": None, "confidence": "0.00", "confidence_one_more": None, "free_offices": 79,
    }  # fmt: skip
    assert dial.json["network"]["shares"] == {"CAS": 0, "TNG": 0}


def test_what_if(park: Caller, engine: Engine, tmp_path: Path) -> None:
    before = counts(engine)
    same = park.post("/v1/forecasts/what-if", {}, scope="auditor").json
    assert (same["from"], same["until"]) == ("2026-06", "2026-08")
    assert {both["difference"] for both in same["network"].values()} == {"0.00"}
    run = park.get("/v1/cross-subsidy/2026-08")
    assert same["reserve_after"]["today"] == run["reserve_after"]
    rates = [
        {
            "site": "TNG", "service": "OFFICE", "effective_from": "2015-01-01", "market": "160.00",
            "subsidised": "160.00", "full_cost": "134.00",
        }
    ]  # fmt: skip
    dearer = park.post("/v1/forecasts/what-if", {"rates": rates, "movers": 1}).json
    assert dearer["network"]["income"]["difference"].startswith("-") is False
    assert dearer["tenants"]["paying_more"] > 0
    assert len(dearer["most_more"]) == 1
    assert counts(engine) == before


def test_questions_that_are_none_are_refused_field_by_field(park: Caller) -> None:
    def fields(path: str, body: object) -> set[str]:
        answer = park.post(path, body)
        assert answer.status_code == 422, answer.text
        return {error["field"] for error in answer.json["errors"]}

    assert fields("/v1/forecasts", {"months": 37, "draws": 0, "seed": -1, "usage": "x"}) == {
        "months", "draws", "seed", "usage",
    }  # fmt: skip
    assert fields("/v1/forecasts", {"assumptions": {"departures": {"market": "2"}}}) == {"departures.market"}
    assert fields("/v1/forecasts", {"assumptions": {"arrivals": {"a_month": {"X": "1"}}}}) == {"arrivals.a_month"}
    assert fields("/v1/forecasts/dial", {"area_m2": "0"}) == {"area_m2"}
    assert fields("/v1/forecasts/what-if", {"window_months": 121}) == {"window_months"}
    assert fields("/v1/forecasts/what-if", {"discounts": {"NIX": "1/2"}}) == {"discount"}
    assert "discounts.OFFICE.value" in fields("/v1/forecasts/what-if", {"discounts": {"OFFICE": "2"}})
    assert fields("/v1/forecasts/what-if", {"from": "2026-08", "until": "2026-06"}) == {"from"}
    assert fields("/v1/forecasts/what-if", {"rates": [{"site": "X"}]}) >= {"rates.0.service", "rates.0.market"}
    refused = park.post("/v1/forecasts", {"from": "2026-08"})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/run-refused")


def test_before_any_run_what_if_must_be_told_the_months(ground: Caller) -> None:
    answer = ground.post("/v1/forecasts/what-if", {})
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found")
    assert ground.post("/v1/forecasts/what-if", {"from": "2026-06", "until": "2026-08"}).status_code == 200
