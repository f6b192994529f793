"""What became of a region's grant in a year: instalments received, used for whom, carried over (R18, R21)."""

import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine

from billing.cross_subsidy.grants_report.files import grants_pdf
from billing.cross_subsidy.grants_report.year import GrantsYear, grants_year
from billing.frame.database import reading
from billing.frame.errors import Unknown
from billing.frame.settings import load_settings
from tests.support.api import CallerOf
from tests.support.pages import text_of
from tests.support.park import Park, open_park
from tests.support.people import invoker, ok

REGION = "Région Souss-Massa"
NEWCOMER = {"kind": "startup", "incorporated_on": "2025-01-01"}


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """One million DH a year for five years: two instalments have come, at a site of two newcomers."""
    park = open_park(engine, tmp_path)
    park.opens(
        sites=[{"code": "SOU", "name": "Cité de l'innovation Souss-Massa", "city": "Agadir"}, {"code": "TNG"}],
        rates=[
            {"site": "SOU", "market": "100.00", "subsidised": "50.00", "full_cost": "90.00"},
            {"market": "150.00", "subsidised": "50.00", "full_cost": "134.00"},
        ],
        tenants=[{**NEWCOMER, "code": "N1", "legal_name": "Argan Robotique"}, {**NEWCOMER, "code": "N2"}],
        leases=[
            {"code": "L1", "tenant": "N1", "site": "SOU", "area_m2": "10", "starts_on": "2025-06-01"},
            {"code": "L2", "tenant": "N2", "site": "SOU", "area_m2": "30", "starts_on": "2026-01-01"},
        ],
        grants=[
            {"code": "SM-2025", "funder": REGION, "site": "SOU", "amount": "1000.00", "granted_on": "2025-12-01"},
            {"code": "SM-2026", "funder": REGION, "site": "SOU", "amount": "1000000.00", "granted_on": "2026-01-02"},
            {"code": "NAT", "funder": "État", "amount": "50.00", "granted_on": "2025-12-01"},
        ],
    )
    for month in ("2025-12", "2026-01", "2026-02"):
        park.bills(month)
    return park


def told(report: GrantsYear) -> tuple[list[tuple[str, int, int, int, int]], list[tuple[str, str, str, int]]]:
    grants = [(g.code, g.before, g.received, g.used, g.left) for g in report.grants]
    return grants, [(f"{u.period:%Y-%m}", u.grant, u.tenant, u.amount) for u in report.uses]


def test_an_instalment_is_used_oldest_first_and_what_is_left_is_carried_over(park: Park) -> None:
    with reading(park.engine) as connection:
        first, second = (grants_year(connection, year, REGION) for year in (2025, 2026))
        with pytest.raises(Unknown, match=r"no such grant was at hand in 2025: there is NAT \(État\), SM-2025"):
            grants_year(connection, 2025, "Région Fès")
    # December: 40.00 a m2 below cost for 10 m2. SM-2026 was granted after January began: February is its first.
    assert told(first) == ([("SM-2025", 0, 100_000, 40_000, 60_000)], [("2025-12", "SM-2025", "N1", 40_000)])
    grants, uses = told(second)
    assert grants == [("SM-2025", 60_000, 0, 60_000, 0), ("SM-2026", 0, 100_000_000, 160_000, 99_840_000)]
    assert [use for use in uses if use[0] == "2026-02"] == [
        ("2026-02", "SM-2026", "N1", 40_000), ("2026-02", "SM-2026", "N2", 120_000),
    ]  # fmt: skip
    assert sum(amount for month, code, _, amount in uses if (month, code) == ("2026-01", "SM-2025")) == 60_000
    assert second.by_firm()["SM-2026", "SOU", "N2"] == (1, 120_000)


def test_command_and_api_write_it_for_the_region(park: Park, caller_of: CallerOf) -> None:
    run = invoker({"DATABASE_URL": park.engine.url.render_as_string(hide_password=False)})
    caller = caller_of(park.engine)
    asked = ("report", "grants", "--year", "2026", "--grant", "SM-2026", "--format")
    said = json.loads(ok(run(*asked, "json")))
    assert said == caller.get("/v1/cross-subsidy-years/2026/grants?grant=SM-2026", "auditor")
    assert [grant["left"] for grant in said["grants"]] == ["998400.00"]
    assert said["uses"][0] == {
        "period": "2026-02", "grant": "SM-2026", "site": "SOU", "tenant": "N1", "legal_name": "Argan Robotique",
        "amount": "400.00",
    }  # fmt: skip
    book = load_workbook(io.BytesIO(caller("GET", "/v1/cross-subsidy-years/2026/grants/xlsx?grant=SM-2026").data))
    assert [cell.value for cell in list(book["Bénéficiaires"].rows)[-1]] == [
        "SM-2026", "Cité de l'innovation Souss-Massa", "N2", "Atlas Logiciel", 1, 1200,
    ]  # fmt: skip
    with reading(park.engine) as connection:
        paper = grants_pdf(grants_year(connection, 2026, REGION), load_settings({}).operator.party)
    page = " ".join(text_of(paper).replace("\u202f", " ").split())
    for text in ("Emploi des subventions 2026", REGION, "998 400,00", "Argan Robotique", "reportés"):
        assert text in page
    assert caller("GET", "/v1/cross-subsidy-years/2024/grants").status_code == 404
