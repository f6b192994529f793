"""Each fact that decides a billed office month, changed alone, is seen by the next run (R13).

A newcomer and a large firm at Tanger, June and July billed, then one cell is corrected. What the August run
then gives is the reference's; and that something was repaired at all is stated, so that no row tests nothing.
"""

from typing import Any

import pytest

from billing.check import check
from tests.oracle.reference import Files, Oracle
from tests.oracle.service import Service
from tests.support.networks import COLUMNS, DEFAULTS, GROUND, Row, cells
from tests.support.park import Park

TENANTS = ({"code": "N1", "incorporated_on": "2024-06-01"}, {"code": "OLD", "kind": "large"})
LEASES = (
    {"code": "L1", "tenant": "N1", "starts_on": "2025-01-20"},  # subsidised until 19 July 2026
    {"code": "L2", "tenant": "OLD", "starts_on": "2020-01-01", "ends_on": "2027-12-31"},
)
TANGER = {"site": "TNG", "service": "OFFICE", "effective_from": "2015-01-01", "market": "150.00",
          "subsidised": "50.00", "full_cost": "134.00"}  # fmt: skip

# What is entered after July's run, and who must then get a credit note.
CHANGES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "an area": ("leases", {**LEASES[0], "area_m2": "25"}, ["N1"]),
    "a site": ("leases", {**LEASES[0], "site": "CAS"}, ["N1"]),
    "a first day, later": ("leases", {**LEASES[0], "starts_on": "2026-06-10"}, ["N1"]),
    "a first day, earlier": ("leases", {**LEASES[0], "starts_on": "2024-12-20"}, ["N1"]),
    "a last day, early": ("leases", {**LEASES[1], "ends_on": "2026-07-15"}, ["OLD"]),
    "a last day at a month's end": ("leases", {**LEASES[1], "ends_on": "2026-06-30"}, ["OLD"]),
    "a last day within what is billed": ("leases", {**LEASES[1], "ends_on": "2026-07-30"}, ["OLD"]),
    "a tenant of a lease": ("leases", {**LEASES[0], "tenant": "OLD"}, ["N1"]),
    "a kind": ("tenants", {**TENANTS[0], "kind": "subsidiary"}, ["N1"]),
    "a day of incorporation": ("tenants", {**TENANTS[0], "incorporated_on": "2022-06-01"}, ["N1"]),
    "an earlier stay": ("tenants", {**TENANTS[0], "admitted_on": "2024-12-31"}, ["N1"]),
    "a full price": ("rates", {**TANGER, "market": "151.00"}, ["N1", "OLD"]),
    "a subsidised price": ("rates", {**TANGER, "subsidised": "1/4"}, ["N1"]),
    "a full cost": ("rates", {**TANGER, "full_cost": "134.01"}, ["N1", "OLD"]),
    "a version that began": ("rates", {**TANGER, "effective_from": "2026-07-31", "market": "152.00"}, ["N1", "OLD"]),
    "a version of the own kind": ("rates", {**TANGER, "tenant_kind": "large", "market": "175.00"}, ["OLD"]),
    "a VAT rate": ("vat_rates", {"service": "OFFICE", "effective_from": "2015-01-01", "rate": "0.10"}, ["N1", "OLD"]),
    "a VAT version that began": (
        "vat_rates", {"service": "OFFICE", "effective_from": "2026-07-20", "rate": "0.10"}, ["N1"],
    ),
    # What touches no billed month repairs nothing.
    "a last day to come": ("leases", {**LEASES[1], "ends_on": "2026-08-15"}, []),
    "a last day, the last one billed": ("leases", {**LEASES[1], "ends_on": "2026-07-31"}, []),
    "a version to come": ("rates", {**TANGER, "effective_from": "2026-08-01", "market": "152.00"}, []),
    "a version of equal prices": ("rates", {**TANGER, "effective_from": "2026-07-10"}, []),
    "another kind's version": ("rates", {**TANGER, "tenant_kind": "sme", "market": "175.00"}, []),
    "a VAT version to come": ("vat_rates", {"service": "OFFICE", "effective_from": "2026-08-01", "rate": "0.10"}, []),
    "another service's VAT": ("vat_rates", {"service": "MEETING", "effective_from": "2015-01-01", "rate": "0.10"}, []),
    "an office to come": ("leases", {"code": "L3", "tenant": "OLD", "site": "CAS", "starts_on": "2026-08-02"}, []),
    "a name": ("tenants", {**TENANTS[0], "legal_name": "Autre Nom"}, []),
}  # fmt: skip


def as_rows(files: dict[str, tuple[Row, ...]]) -> Files:
    """Rows told as in `tests.support.networks`, as CSV rows."""
    found = {}
    for name, rows in files.items():
        assert name in DEFAULTS
        found[name] = [
            {
                column: "" if cell is None else str(cell)
                for column, cell in zip(COLUMNS[name], cells(name, row), strict=True)
            }
            for row in rows
        ]
    return found


def enter(service: Service, oracle: Oracle, files: dict[str, tuple[Row, ...]]) -> None:
    service.enter(as_rows(files))
    oracle.enter(as_rows(files))


@pytest.mark.parametrize("fact", CHANGES)
def test_r13_a_fact_changed_alone_is_repaired_by_the_next_run(park: Park, fact: str) -> None:
    name, row, credited = CHANGES[fact]
    oracle = Oracle()
    enter(park, oracle, {**GROUND, "tenants": TENANTS, "leases": LEASES})
    for month in ("2026-06", "2026-07"):
        park.run(month)
        oracle.run(month)
    enter(park, oracle, {name: (row,)})
    park.run("2026-08")
    oracle.run("2026-08")
    found = park.shapes(sorted(oracle.runs))
    assert found == {month: run.shapes() for month, run in oracle.runs.items()}
    assert [of["tenant"] for of in found["2026-08"] if of["kind"] == "credit_note"] == credited
    assert park.balances() == oracle.balances()
    assert check(park.engine) == []
