"""How far sites are let on any day (R34), and that no unit is let twice, whoever enters leases at the same time."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins
from sqlalchemy import Engine

from billing.check import check
from billing.frame.database import writing
from billing.register.network_import import apply_records
from billing.register.occupancy.queries import occupancy
from tests.support.api import NOW, Caller
from tests.support.examples import QUIET, examples
from tests.support.networks import Row as Told
from tests.support.networks import cells
from tests.support.park import open_park
from tests.support.people import Invoke, invoker, ok
from tests.support.statements import counted_statements

SITES = ("AAA", "BBB", "CCC")
FIRST = date(2026, 1, 1)
KINDS = ("office", "desk", "shop", "meeting_room", "training_room")
DAYS = st.integers(0, 60).map(lambda days: FIRST + timedelta(days))
AREAS = st.decimals("0.5", "90", places=2).map(str)
LEASE = st.tuples(st.sampled_from(SITES), st.sampled_from(["T1", "T2", "T3", "T4"]), AREAS, DAYS, st.none() | DAYS)
UNIT = st.tuples(st.sampled_from(SITES), st.sampled_from(KINDS), AREAS)
Row = Mapping[str, Any]


def command_of(engine: Engine) -> Invoke:
    return invoker({"DATABASE_URL": engine.url.render_as_string(hide_password=False)})


def rate(part: Fraction, base: Fraction | int | None) -> str | None:
    """The rate to the percent, half away from zero."""
    if not base:
        return None
    hundredths = int(part * 100 / base + Fraction(1, 2))
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def expected(
    capacities: Mapping[str, int | None], units: Sequence[Row], leases: Sequence[Row], day: date
) -> dict[str, Any]:
    """Occupancy as R34 has it, counted lease by lease: areas as fractions."""
    there = [x for x in leases if x["starts_on"] <= day and (x["ends_on"] is None or day <= x["ends_on"])]

    def of(sites: Sequence[str]) -> dict[str, Any]:
        here = [x for x in there if x["site"] in sites]
        let = sum((Fraction(x["area_m2"]) for x in here), Fraction())
        entered = {unit["site"] for unit in units}
        lettable = sum(
            (Fraction(x["area_m2"]) for x in units if x["site"] in sites and x["kind"] in ("office", "desk", "shop")),
            Fraction(),
        )
        let_sites = {x["site"] for x in here}
        sized = [capacities[site] for site in sites if capacities[site] is not None]
        with_capacity = sized and all(capacities[site] is not None for site in let_sites)
        capacity = sum(filter(None, sized)) if with_capacity else None
        equipped = entered & set(sites) and let_sites <= entered
        firms = len({x["tenant"] for x in here})
        return {
            "capacity": capacity, "firms": firms, "firms_rate": rate(Fraction(firms), capacity),
            "lettable_m2": lettable if equipped else None, "let_m2": let,
            "m2_rate": rate(let, lettable) if equipped else None, "waiting": None,
            "coming": None, "coming_m2": None,
        }  # fmt: skip

    return {"on": str(day), "sites": {site: of([site]) for site in SITES}, "network": of(SITES)}


def with_fractions(found: dict[str, Any]) -> dict[str, Any]:
    for place in (*found["sites"].values(), found["network"]):
        for name in ("lettable_m2", "let_m2"):
            place[name] = None if place[name] is None else Fraction(place[name])
    return found


def test_r34_occupancy_is_what_counting_lease_by_lease_gives_on_any_day_in_one_statement(engine: Engine) -> None:
    @settings(max_examples=examples(60), suppress_health_check=QUIET)
    @given(
        st.fixed_dictionaries(dict.fromkeys(SITES, st.none() | st.integers(0, 4))),
        st.lists(UNIT, max_size=5),
        st.lists(LEASE, max_size=8),
        DAYS,
    )
    def check_network(capacities: dict[str, int | None], units: Any, lets: Any, day: date) -> None:
        rented = [
            {"code": f"L{n}", "tenant": tenant, "site": site, "unit": f"U{n}", "area_m2": area, "starts_on": start,
             "ends_on": None if end is None else max(start, end)}
            for n, (site, tenant, area, start, end) in enumerate(lets)
        ]  # fmt: skip
        built = [
            {"site": site, "code": f"U{n}", "kind": kind, "area_m2": area, "floor": ""}
            for n, (site, kind, area) in enumerate(units)
        ]
        records: dict[str, Sequence[Row]] = {
            "sites": [{"code": code, "name": code, "city": "", "capacity": n} for code, n in capacities.items()],
            "units": built,
            "tenants": [{"code": f"T{n}", "legal_name": f"T{n}", "kind": "large"} for n in range(1, 5)],
            "leases": rented,
        }
        texts = {
            stem: [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
            for stem, rows in records.items()
        }
        with writing(engine) as connection:
            apply_records(connection, texts, now=NOW, source="test")
            with counted_statements(engine) as statements:
                found = occupancy(connection, day)
            connection.rollback()
        assert with_fractions(to_builtins(found)) == expected(capacities, built, rented, day)
        assert len(statements) == 1

    check_network()


def test_command_and_api_answer_alike_and_a_table_shows_the_network_last(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    units: list[Told] = [
        ("TNG", "TNG-1", "office", "22.5", "1"),
        ("TNG", "TNG-2", "desk", "7.5", ""),
        ("TNG", "S", "shop", "30", "0"),
    ]
    tenants: list[Told] = [{"code": "T1"}, {"code": "T2", "kind": "large", "ice": "002163624000014"}]
    leases: list[Told] = [
        {"code": "L1", "tenant": "T1", "unit": "TNG-1"},
        {"code": "L2", "tenant": "T1", "unit": "TNG-2", "area_m2": "7.5"},
        {"code": "L3", "tenant": "T2", "unit": "S", "area_m2": "30", "starts_on": "2027-01-01"},
    ]
    park.opens(units=units, tenants=tenants, leases=leases)
    run = command_of(engine)
    on = ("sites", "occupancy", "--on", "2026-12-31")
    said = json.loads(ok(run(*on, "--format", "json")))
    assert said["on"] == "2026-12-31"
    assert said["sites"]["TNG"] == {
        "capacity": 80, "firms": 1, "firms_rate": "0.01", "lettable_m2": "60", "let_m2": "30", "m2_rate": "0.50",
        "waiting": None, "coming": None, "coming_m2": None,
    }  # fmt: skip
    assert said["network"] == {**said["sites"]["TNG"], "capacity": 280, "firms_rate": "0.00"}
    assert ok(run("sites", "occupancy", "--on", "2027-01-01")).strip().splitlines()[-1].split() == (
        ["network", "280", "2", "0.01", "60", "60", "1.00"]
    )
    assert ok(run(*on, "--format", "csv")).splitlines()[-1] == "2026-12-31,network,,280,1,0.00,60,30,0.50,,,"
    assert run(*on, "--output", "o").exit_code == 2


def test_the_api_says_what_the_command_says(ground: Caller, engine: Engine) -> None:
    answer = ground.get("/v1/occupancy?on=2026-12-31", "auditor")
    assert answer == json.loads(ok(command_of(engine)("sites", "occupancy", "--on", "2026-12-31", "--format", "json")))
    assert ground.get("/v1/occupancy")["on"] == "2026-09-02"
    assert ground("GET", "/v1/occupancy?on=2026-02-30").status_code == 422


def test_no_unit_is_let_twice_on_a_day_by_eight_at_once(ground: Caller, engine: Engine) -> None:
    def let(n: int) -> int:
        names = ("code", "tenant", "site", "unit", "area_m2", "starts_on", "ends_on")
        row = {"code": f"N{n}", "tenant": "T2", "unit": "TNG-7", "starts_on": f"2026-10-0{n}", "ends_on": None}
        code: int = ground.post("/v1/leases", dict(zip(names, cells("leases", row), strict=True))).status_code
        return code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(let, range(1, 9))) == [201, *[422] * 7]
    assert check(engine) == []
