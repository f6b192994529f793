"""An application weighed: what admitting it really does to the runs ahead, told before it is done (R35)."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.cross_subsidy.forecast.assumptions import load_assumptions
from billing.cross_subsidy.forecast.forecasting import Question, forecast
from billing.frame.database import reading
from tests.oracle.service import NOW
from tests.support.api import CallerOf
from tests.support.park import Park, open_park
from tests.support.people import Invoke, invoker, ok

LARGE = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}
CLUB = {"code": "T2", "kind": "startup", "incorporated_on": "2025-09-01"}


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    park = open_park(engine, tmp_path)
    park.opens(
        tenants=[LARGE, CLUB],
        leases=[
            {"code": "L1", "tenant": "T1", "area_m2": "600"},
            {"code": "L2", "tenant": "T2", "starts_on": "2026-01-01", "area_m2": "10"},
        ],
        applications=[
            {"code": "A1", "state": "accepted", "decided_on": "2026-06-02", "incorporated_on": "2025-12-01"},
            {"code": "A2", "state": "accepted", "decided_on": "2026-06-03", "tenant": "T1", "kind": "large"},
            {"code": "A3", "kind": "startup"},
        ],
    )
    park.bills("2026-11")
    return park


def command_of(park: Park) -> Invoke:
    return invoker({"DATABASE_URL": park.engine.url.render_as_string(hide_password=False)})


def path_ahead(park: Park) -> list[tuple[int, int]]:
    """Contributions and draws of Tanger in the 18 runs ahead, on the exact path, without usage."""
    question = Question(load_assumptions(None), months=18, draws=1, usage="known")
    with reading(park.engine) as connection:
        ahead = forecast(connection, question, NOW.date())
    return [(month.sites["TNG"]["contributions"].path, month.sites["TNG"]["draws"].path) for month in ahead.months]


@pytest.mark.parametrize(
    ("code", "terms"),
    [("A1", ("--tenant", "T8", "--starts-on", "2026-12-10")), ("A2", ("--starts-on", "2027-02-01"))],
)
def test_r35_what_it_brings_and_takes_is_what_admitting_it_does_to_the_exact_path(
    park: Park, code: str, terms: tuple[str, ...]
) -> None:
    run = command_of(park)
    day = terms[-1]
    shown = json.loads(
        ok(
            run(
                "applications",
                "show",
                code,
                "--starts-on",
                day,
                "--usage",
                "known",
                "--draws",
                "20",
                "--format",
                "json",
            )
        )
    )
    before = path_ahead(park)
    ok(run("applications", "admit", code, "--unit", "TNG-9", *terms))
    told = [
        tuple(round(float(month[name]) * 100) for name in ("contribution", "draw"))
        for month in shown["pool"]["by_month"]
    ]
    after = path_ahead(park)
    assert told == [(new[0] - old[0], new[1] - old[1]) for old, new in zip(before, after, strict=True)]
    assert any(sum(month) for month in told)
    # The quote is what the run then bills for the office.
    park.bills("2026-12")
    park.bills("2027-01")
    park.bills("2027-02")
    lines = {
        (line["first_day"], line["last_day"]): line["amount"]
        for month in ("2026-12", "2027-01", "2027-02")
        for document in park.exported_documents(month)
        for line in document["lines"]
        if line["lease"] == code
    }
    quoted = {
        (line["first_day"], line["last_day"]): line["amount"]
        for month in shown["quote"]["months"]
        for line in month["lines"]
        if line["lease"] == "quote" and line["month"] <= "2027-02"
    }
    assert quoted == lines != {}


def test_r4_a_firm_of_unknown_age_is_quoted_at_the_market_price_and_told_so(park: Park, caller_of: CallerOf) -> None:
    run = command_of(park)
    caller = caller_of(park.engine)
    unknown = caller.get("/v1/applications/A3/prospect?draws=10", "auditor")
    assert (unknown["is_age_known"], unknown["quote"]["window"], unknown["place"]) == (False, None, None)
    assert "give --incorporated-on" in ok(run("applications", "show", "A3", "--draws", "10"))
    known = caller.get("/v1/applications/A3/prospect?draws=10&incorporated_on=2026-01-01&starts_on=2027-01-01")
    assert (known["is_age_known"], known["quote"]["window"]["first_day"]) == (True, "2027-01-01")
    first: Any = caller.get("/v1/applications/A1/prospect?draws=10")
    assert (first["place"], first["site"]["waiting"], first["pool"]["without"]) == (1, 2, "1.00")


def test_the_reserve_with_and_without_it_is_told(park: Park) -> None:
    # A small newcomer is carried as long as the large firm stays; one of 4 000 m2 empties the reserve in every draw.
    park.enters(applications=[{"code": "A9", "area_m2": "4000", "incorporated_on": "2026-01-01"}])
    run = command_of(park)

    def weighed(code: str) -> dict[str, Any]:
        pool: dict[str, Any] = json.loads(ok(run("applications", "show", code, "--draws", "50", "--format", "json")))
        return pool["pool"]  # type: ignore[no-any-return]

    small, huge = weighed("A1"), weighed("A9")
    assert 0 < float(small["with_it"]) <= float(small["without"]) == float(huge["without"])
    assert (huge["with_it"], huge["is_carried"]) == ("0.00", False)
    assert small["is_carried"] == (float(small["with_it"]) >= 0.95)
