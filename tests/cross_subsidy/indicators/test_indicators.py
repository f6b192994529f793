"""The indicators (R36) equal what counting day by day gives; without data they are null; all ways say the same."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins
from openpyxl import load_workbook
from sqlalchemy import Engine

from billing.check import check
from billing.cross_subsidy.indicators.periods import parse_period
from billing.cross_subsidy.indicators.queries import indicator_report
from billing.cross_subsidy.indicators.shapes import IndicatorsAnswer
from billing.frame.database import reading, writing
from billing.register.network_import import apply_records
from tests.oracle.reference import plus_months
from tests.support.api import NOW, CallerOf
from tests.support.examples import QUIET, examples
from tests.support.networks import Row as Told
from tests.support.pages import read_aloud
from tests.support.park import Park, open_park
from tests.support.people import Invoke, invoker, ok

SITES, TENANTS = ("AAA", "BBB"), tuple(f"T{n}" for n in range(1, 9))
PERIODS = ("2026", "2025", "2026-06", "2025-12")
# Days at which something turns.
TURNS = tuple(
    map(date.fromisoformat, (
        "2020-12-31", "2021-01-01", "2021-06-01", "2021-06-30", "2021-12-31", "2022-01-01", "2024-07-01", "2024-07-02",
        "2024-12-01", "2025-01-01", "2025-06-30", "2025-07-01", "2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01",
        "2026-12-31", "2027-01-01",
    ))
)  # fmt: skip
Row = Mapping[str, Any]


def to_percent(part: Fraction | int, whole: int) -> str | None:
    if not whole:
        return None
    hundredths = int(Fraction(part) * 100 / whole + Fraction(1, 2))
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def days_of(asked: str) -> tuple[date, date]:
    """The first and the last day of a year or a month."""
    first = date.fromisoformat(f"{asked}-01-01" if len(asked) == 4 else f"{asked}-01")
    return first, plus_months(first, 12 if len(asked) == 4 else 1) - timedelta(1)


def expected(
    tenants: Row, leases: Sequence[Row], answers: Mapping[Any, Any], asked: str
) -> dict[str | None, dict[str, Any]]:
    """R36, day by day, from the rule: a place's figures by site; None is the network."""
    first, last = days_of(asked)
    after = last + timedelta(1)
    a_year = [day for n in range(367) if after.replace(year=after.year - 1) <= (day := last - timedelta(n))]
    then = first.replace(year=first.year - 5), after.replace(year=after.year - 5)

    def rents(tenant: str, day: date, site: str | None) -> bool:
        return any(
            x["tenant"] == tenant and site in (None, x["site"]) and x["starts_on"] <= day
            and (x["ends_on"] is None or day <= x["ends_on"])
            for x in leases
        )  # fmt: skip

    def own(tenant: str) -> list[Row]:
        return sorted((x for x in leases if x["tenant"] == tenant), key=lambda x: (x["starts_on"], x["site"]))

    def admission(tenant: str) -> date | None:
        known = [x["starts_on"] for x in own(tenant)] + [day for day in [tenants[tenant][2]] if day]
        return min(known) if known else None

    def what_became(tenant: str) -> Any:
        """The latest answer that says what became of a firm that left."""
        ended = max((x["ends_on"] for x in own(tenant) if x["starts_on"] <= last and x["ends_on"]), default=date.min)
        years = [y for y in range(ended.year, last.year + 1) if any(answers.get((tenant, y), ("",) * 5)[3:])]
        return answers[tenant, years[-1]][3:] if years else None

    def of(site: str | None) -> dict[str, Any]:
        present = [t for t in tenants if rents(t, last, site)]
        before = [t for t in tenants if rents(t, a_year[-1] - timedelta(1), site)]
        seen = [t for t in tenants if any(rents(t, day, site) for day in a_year)]
        entered = [t for t in seen if t not in before]
        left = [t for t in {*seen, *before} if t not in present]
        ended, admitted = [], []
        for t, (kind, born, _) in tenants.items():
            day = admission(t)
            if day is None:
                continue
            last_day = plus_months(day, 18) - timedelta(1)
            begun = [x["site"] for x in own(t) if x["starts_on"] <= last_day]
            if kind == "startup" and day < plus_months(born, 24) and first <= last_day <= last:
                ended += [t] if site is None or begun[-1:] == [site] else []
            if then[0] <= day < then[1]:
                admitted += [t] if site is None or [x["site"] for x in own(t)][:1] == [site] else []
        good = [
            t for t in ended
            if rents(t, last, None) or what_became(t) in {("yes", ""), ("", "graduated"), ("yes", "graduated"),
                                                          ("no", "graduated")}
        ]  # fmt: skip
        gone = {t: what_became(t) for t in admitted if not rents(t, last, None)}
        unknown = [t for t, said in gone.items() if said is None or not said[0]]
        active = [t for t in admitted if t not in gone or (gone[t] or ("",))[0] == "yes"]
        rows = [answers[t, last.year] for t in present if (t, last.year) in answers]
        jobs, shares, scores = ([x[n] for x in rows if x[n] is not None] for n in range(3))
        score = to_percent(sum(map(Fraction, scores), Fraction()), len(scores))
        return {
            "firms": len(present), "entered": len(entered), "left": len(left),
            "renewal": to_percent(len(entered), len(present)), "departures": to_percent(len(left), len(present)),
            "success": to_percent(len(good), len(ended)),
            "survival_5y": None if unknown else to_percent(len(active), len(admitted)),
            "jobs": sum(jobs) if jobs else None, "export_share": to_percent(sum(map(Fraction, shares)), len(shares)),
            "satisfaction": score,
        }  # fmt: skip

    return {site: of(site) for site in (None, *SITES)}


def day_of(chance: Random) -> date:
    return chance.choice(TURNS) if chance.random() < 0.6 else date(2020, 9, 1) + timedelta(chance.randrange(2500))


def test_r36_indicators_are_what_counting_day_by_day_gives(engine: Engine) -> None:
    told: set[str] = set()

    @settings(max_examples=examples(40), suppress_health_check=QUIET)
    # Drawn evenly: Hypothesis' own draws hold few firms whose window ends just now.
    @given(st.integers(0, 2**32).map(Random))
    def check_network(chance: Random) -> None:
        tenants = {
            code: (
                chance.choice(("startup", "startup", "large")),
                day_of(chance) if chance.random() < 0.3 else date(2023, 8, 1),
                day_of(chance) if chance.random() < 0.2 else None,
            )
            for code in TENANTS
        }
        leases: list[Row] = [
            {"code": f"L{n}", "tenant": chance.choice(TENANTS), "site": chance.choice(SITES), "unit": f"U{n}",
             "area_m2": "20", "starts_on": min(days), "ends_on": chance.choice((max(days), max(days), None))}
            for n, days in enumerate((day_of(chance), day_of(chance)) for _ in range(chance.randint(1, 16)))
        ]  # fmt: skip
        answers = {
            (tenant, year): (
                chance.choice((None, 0, 7)), chance.choice((None, "0.1234", "1.0")), chance.choice((None, "0", "82.5")),
                chance.choice(("", "yes", "no")), chance.choice(("", "", "graduated", "left")),
            )
            for tenant in TENANTS for year in (2024, 2025, 2026) if chance.random() < 0.5
        }  # fmt: skip
        names = ("jobs", "export_share", "satisfaction", "active", "left_as")
        records: dict[str, list[Row]] = {
            "sites": [{"code": code, "name": code} for code in SITES],
            "tenants": [
                {"code": code, "legal_name": code, "kind": kind, "incorporated_on": born, "admitted_on": came}
                for code, (kind, born, came) in tenants.items()
            ],
            "leases": leases,
            "surveys": [
                {"tenant": tenant, "year": year, **dict(zip(names, said, strict=True))}
                for (tenant, year), said in answers.items()
            ],
        }
        texts = {
            stem: [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
            for stem, rows in records.items()
        }
        with writing(engine) as connection:
            apply_records(connection, texts, now=NOW, source="test")
            found = {
                asked: to_builtins(IndicatorsAnswer.of(indicator_report(connection, parse_period(asked)), rows=True))
                for asked in PERIODS
            }
            connection.rollback()
        for asked, answer in found.items():
            for site, figures in expected(tenants, leases, answers, asked).items():
                place = answer["network"] if site is None else answer["sites"][site]
                assert {name: place[name] for name in figures} == figures, (site, asked)
                behind = [row for row in answer["rows"] if row["site"] == site]
                assert [sum(row[name] for row in behind) for name in ("present", "entered", "left")] == (
                    [figures["firms"], figures["entered"], figures["left"]]
                )
                told.update(name for name, value in figures.items() if value not in (None, "0.00", "1.00", 0))

    check_network()
    # Each figure was seen between its bounds.
    assert told == set(expected({}, [], {}, "2026")[None])


STARTS = {"T1": "2025-03-01", "T2": "2025-03-01", "T3": "2021-05-01", "T4": "2021-06-01", "T5": "2021-07-01"}
LEASES: list[Told] = [
    # Two offices, one of them at the other site since July.
    {"code": "L1", "tenant": "T1", "site": "TNG", "starts_on": "2025-03-01", "ends_on": "2026-06-30"},
    {"code": "L6", "tenant": "T1", "site": "CAS", "starts_on": "2026-07-01"},
    {"code": "L2", "tenant": "T2", "site": "TNG", "starts_on": "2025-03-01", "ends_on": "2026-08-31"},
    {"code": "L3", "tenant": "T3", "site": "TNG", "starts_on": "2021-05-01"},
    {"code": "L4", "tenant": "T4", "site": "CAS", "starts_on": "2021-06-01", "ends_on": "2024-05-31"},
    {"code": "L5", "tenant": "T5", "site": "CAS", "starts_on": "2021-07-01", "ends_on": "2024-05-31"},
]
SURVEYS: list[Told] = [
    {"tenant": "T1", "year": "2026", "jobs": "7", "export_share": "0.10", "satisfaction": "80"},
    {"tenant": "T3", "year": "2026", "jobs": "13", "satisfaction": "85"},
    {"tenant": "T4", "year": "2026", "jobs": "90", "active": "yes"},
]


@pytest.fixture
def board(engine: Engine, tmp_path: Path) -> Park:
    """T1 moved, T2 left with nothing on record, T3 to T5 came in 2021; December was billed."""
    park = open_park(engine, tmp_path)
    tenants: list[Told] = [
        {"code": code, "kind": "startup" if code in ("T1", "T2") else "large", "incorporated_on": "2024-06-01"}
        for code in STARTS
    ]
    park.opens(tenants=tenants, leases=LEASES, surveys=SURVEYS)
    park.bills("2026-12")
    return park


def command_of(engine: Engine) -> Invoke:
    return invoker({"DATABASE_URL": engine.url.render_as_string(hide_password=False)})


def test_r36_a_year_in_figures_with_the_money_beside(board: Park) -> None:
    """The run of December gave no advantage: the windows of T1 and T2 ended on 2026-08-31."""
    with reading(board.engine) as connection:
        answer = IndicatorsAnswer.of(indicator_report(connection, parse_period("2026")), rows=True)
    found, tanger = answer.network, answer.sites["TNG"]
    assert (found.firms, found.entered, found.left, found.renewal, found.departures) == (2, 0, 1, "0.00", "0.50")
    # At Tanger both have left; at Casablanca T1 came in.
    assert (tanger.firms, tanger.left, answer.sites["CAS"].entered) == (1, 2, 1)
    # T1 still rents; nobody knows how T2 left.
    assert (found.windows_ended, found.succeeded, found.state_unknown, found.success) == (2, 1, 1, "0.50")
    # T3 rents, T4 is recorded as active, nothing is on record about T5: no rate is made up.
    assert (found.admitted_5y, found.active_5y, found.survival_unknown, found.survival_5y) == (3, 2, 1, None)
    assert tanger.survival_5y == "1.00"
    # T4 is no firm of the network any more.
    assert (found.surveyed, found.jobs, found.satisfaction, found.export_share) == (2, 20, "82.50", "0.10")
    # December: T1 at Casablanca 22.5 × 145.00, T3 at Tanger 22.5 × 150.00.
    assert (found.income, found.advantage, found.cost_per_job, answer.months_run) == ("6637.50", "0.00", "0.00", 1)
    board.enters(surveys=[{"tenant": "T5", "year": "2026", "active": "no"}])
    with reading(board.engine) as connection:
        again = IndicatorsAnswer.of(indicator_report(connection, parse_period("2026")), rows=False).network
    assert (again.survival_5y, again.success) == ("0.67", "0.50")
    assert check(board.engine) == []


def test_r36_what_no_data_stands_behind_is_null(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    park.opens(tenants=[{"code": "T1", "kind": "large"}], leases=[{"code": "L1", "tenant": "T1"}])
    with reading(engine) as connection:
        found = IndicatorsAnswer.of(indicator_report(connection, parse_period("2026")), rows=False).network
    assert found.firms == 1
    for name in ("success", "survival_5y", "jobs", "satisfaction", "export_share", "income", "advantage", "support",
                 "cost_per_job", "cost_per_success"):  # fmt: skip
        assert getattr(found, name) is None, name


def test_command_and_api_answer_alike_in_every_format(board: Park, caller_of: CallerOf) -> None:
    run, caller = command_of(board.engine), caller_of(board.engine)
    year = ("report", "indicators", "--year", "2026")
    said = json.loads(ok(run(*year, "--format", "json", "--rows")))
    assert said["period"] == "2026"
    assert (
        said
        == caller.get("/v1/indicators?year=2026&rows=true", "auditor")
        == caller.get("/v1/indicators?period=2026&rows=true")
    )
    assert caller.get("/v1/indicators")["rows"] is None
    month = caller.get("/v1/indicators?period=2026-09")
    assert (month["period"], month["network"]["windows_ended"], month["network"]["success"]) == ("2026-09", 0, None)
    for wrong in ("period=2026-13", "year=26", "period=2026-09&year=2026"):
        assert caller("GET", f"/v1/indicators?{wrong}").status_code == 422, wrong
    assert "0.50" in ok(run(*year))
    assert ok(run(*year, "--format", "csv")).splitlines()[-1].startswith("2026,network,,2,0,1,0.00,0.50,")
    assert run("report", "indicators").exit_code == 2
    assert run(*year, "--format", "csv", "--rows").exit_code == 2
    workbook = load_workbook(BytesIO(caller("GET", "/v1/indicators/xlsx?year=2026").data))
    assert workbook.sheetnames == ["Indicateurs 2026", "Définitions", "Entreprises"]
    assert sum(row[2] == "oui" and row[0] == "Réseau" for row in workbook["Entreprises"].values) == 2
    pdf = caller("GET", "/v1/indicators/pdf?year=2026").data
    first, second = (" ".join(page.split()) for page in read_aloud(pdf).removesuffix("\f").split("\f"))
    assert "non renseigné" in first
    assert "1 sur 2 ; 1 au devenir inconnu" in first
    assert "6 637,50 DH" in second
