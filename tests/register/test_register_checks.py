"""`check` names each row of the register that is not what the recorded acts made it: column, both values (R32)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, Table

from billing.check import check
from billing.frame.database import reading, writing
from billing.register.network_import import apply_records, import_folder
from billing.register.tables import (
    application,
    lease,
    rate,
    service,
    site,
    subsidy_grant,
    survey,
    tenant,
    unit,
    vat_rate,
)
from tests.conftest import FreshEngine
from tests.support.billed_park import NOW
from tests.support.networks import write_network
from tests.support.spoiling import OpenPark, behind_its_back, literal, other_value

SINGULAR = {
    site: "site", service: "service", vat_rate: "vat_rate", rate: "rate", tenant: "tenant", lease: "lease",
    subsidy_grant: "grant", unit: "unit", survey: "survey", application: "application",
}  # fmt: skip
PROVED = tuple(SINGULAR)
# Columns whose names in the file are others.
NAMES = {"area": "area_m2"}
APPLICATION = {
    "code": "C1", "tenant": "T1", "legal_name": "Argan", "kind": "startup", "site": "TNG", "area_m2": "20",
    "received_on": "2026-06-01", "state": "waiting", "decided_on": "2026-09-01", "incorporated_on": "2026-02-01",
}  # fmt: skip


@pytest.fixture
def park(open_park: OpenPark) -> Iterator[Engine]:
    with open_park() as engine:
        unit_of_park = {"site": "TNG", "code": "TNG-1", "kind": "office", "area_m2": "22.5", "floor": "1"}
        with writing(engine) as connection:
            answers = {"tenant": "A1", "year": "2026", "jobs": "7", "export_share": "0.25", "satisfaction": "82"}
            answered = {"surveys": [answers | {"active": "yes", "left_as": ""}], "applications": [APPLICATION]}
            apply_records(connection, {"units": [unit_of_park], **answered}, now=NOW, source="test")
        yield engine


def problems_after(engine: Engine, *statements: str) -> list[str]:
    behind_its_back(engine, *statements)
    return check(engine)


@pytest.mark.parametrize("table", PROVED, ids=lambda table: table.name)
def test_a_cell_changed_behind_its_back_is_named_with_both_values(park: Engine, table: Table) -> None:
    keys = [column.name for column in table.primary_key]
    proved = 0
    for column in table.columns:
        # A CHECK holds a treatment with its rate and reason, and what is in kind with its price: see the next test.
        if column.name in keys or column.name in ("treatment", "in_kind"):
            continue
        with reading(park) as connection:
            row = (
                connection.execute(
                    table.select().where(column.is_not(None)).order_by(*table.primary_key.columns).limit(1)
                )
                .mappings()
                .one_or_none()
            )
        if row is None:
            continue
        where = " AND ".join(f"{key} = {literal(row[key])}" for key in keys)
        other = other_value(column, row[column.name])
        if column.name in ("kind", "billing", "unit", "language", "state") and table is not lease:
            other = {
                "kind": "shop" if table is unit else "subsidiary",
                "billing": "advance",
                "unit": "hour",
                "language": "ar",
                "state": "accepted",
            }[column.name]
        if column.name in ("tenant", "site"):
            other = {"tenant": "E1", "site": "CAS" if row["site"] == "TNG" else "TNG"}[column.name]
        if column.name in ("active", "left_as"):
            other = {"active": "no", "left_as": "left"}[column.name]
        if column.name in ("subsidised_price", "export_share", "satisfaction"):
            other = row[column.name] - 1
        behind_its_back(park, f"UPDATE {table.name} SET {column.name} = {literal(other)} WHERE {where}")
        key = "/".join(str(row[name]) or "*" for name in keys)
        start = f"{SINGULAR[table].replace('vat_', 'VAT ')} {key}: {NAMES.get(column.name, column.name)} is "
        problems = check(park)
        assert any(problem.startswith(start) for problem in problems), (start, problems)
        behind_its_back(park, f"UPDATE {table.name} SET {column.name} = {literal(row[column.name])} WHERE {where}")
        proved += 1
    assert proved > 0
    assert check(park) == []


def test_a_treatment_changed_behind_its_back_is_named(park: Engine) -> None:
    behind_its_back(park, "UPDATE vat_rate SET rate = 0, treatment = 'exempt', reason = 'x' WHERE service = 'OFFICE'")
    problems = check(park)
    start = "VAT rate OFFICE/2015-01-01: "
    named = {problem.removeprefix(start).split(" is ")[0] for problem in problems if problem.startswith(start)}
    assert named == {"rate", "treatment", "reason"}, problems
    behind_its_back(park, "UPDATE rate SET in_kind = 'yes', subsidised_price = 0 WHERE service = 'OFFICE'")
    assert any("in_kind is 'yes', act 1 left it ''" in problem for problem in check(park))


def test_both_values_and_the_act_are_told(park: Engine) -> None:
    spoilt = "UPDATE rate SET market = market + 100000 WHERE site = 'CAS' AND service = 'OFFICE'"
    assert problems_after(park, spoilt) == ["rate CAS/OFFICE/*/2015-01-01: market is '155.00', act 1 left it '145.00'"]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "DELETE FROM rate WHERE site = 'CAS' AND service = 'COURSE'",
            "rate CAS/COURSE/*/2015-01-01 is missing: act 1",
        ),
        ("DELETE FROM lease WHERE code = 'L6'", "lease L6 is missing: act 1 wrote it, and none removed it"),
        (
            "INSERT INTO lease (code, tenant, site, unit, area, starts_on) "
            "VALUES ('LX', 'A1', 'TNG', 'X', 1000000, '2026-12-01')",
            "lease LX stands, and no act made it",
        ),
        (
            "INSERT INTO vat_rate (service, effective_from, rate) VALUES ('MEAL', '2026-10-01', 0)",
            "VAT rate MEAL/2026-10-01 stands, and no act made it",
        ),
        ("UPDATE tenant SET code = 'A9' WHERE code = 'A1'", "tenant A9 stands, and no act made it"),
        (
            "UPDATE tenant SET admitted_on = '2026-09-01' WHERE code = 'A1'",
            "tenant A1: admitted_on is '2026-09-01', act 1 left it ''",
        ),
    ],
)
def test_rows_taken_away_put_in_and_renamed_are_named(park: Engine, statement: str, named: str) -> None:
    problems = problems_after(park, statement)
    assert any(problem.startswith(named) for problem in problems), problems


def test_two_rows_swapped_are_both_named(park: Engine) -> None:
    problems = problems_after(
        park,
        "UPDATE tenant SET incorporated_on = CASE code WHEN 'A1' THEN '2025-06-01' ELSE '2025-10-01' END "
        "WHERE code IN ('A1', 'C1')".replace("'2025", "DATE '2025" if park.dialect.name == "postgresql" else "'2025"),
    )
    named = {problem.split(":")[0] for problem in problems if "incorporated_on" in problem}
    assert named == {"tenant A1", "tenant C1"}


def test_an_import_of_many_rows_and_of_changes_is_explained(fresh_engine: FreshEngine, tmp_path: Path) -> None:
    """More rows than are compared at a time, changed twice."""
    with fresh_engine() as engine:
        for area in ("20", "21", "22.5"):
            tenants = [{"code": f"T{number:04}", "incorporated_on": "2025-01-15"} for number in range(1_100)]
            leases = [
                (f"L{number:04}", f"T{number:04}", "TNG", f"U{number}", area, "2026-01-10", None)
                for number in range(1_100)
            ]
            import_folder(engine, write_network(tmp_path / area, tenants=tenants, leases=leases), now=NOW)
        assert check(engine) == []
        behind_its_back(engine, "UPDATE lease SET starts_on = '2026-01-11' WHERE code = 'L1099'")
        assert check(engine) == ["lease L1099: starts_on is '2026-01-11', act 3 left it '2026-01-10'"]
