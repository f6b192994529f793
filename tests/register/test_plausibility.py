"""What is unlikely is taken with a warning: file, line, value (R24, R34; findings A4, B2, B4, H1)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.frame.errors import Fault, Refused
from billing.register.network_import import import_folder
from tests.oracle.service import NOW
from tests.support.api import Caller
from tests.support.networks import COLUMNS, GROUND, Row, write_network
from tests.support.park import Park, open_park
from tests.support.spoiling import behind_its_back

SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"
TANGER = {"site": "TNG", "service": "OFFICE", "effective_from": "2015-01-01"}
T1, T2 = {"code": "T1", "ice": "001561191000066"}, {"code": "T2", "ice": "002163624000014", "kind": "large"}
LEASE = {"code": "L1", "tenant": "T1"}


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    park = open_park(engine, tmp_path)
    park.opens(tenants=[T1, T2], leases=[LEASE])
    return park


def warned(park: Park, *, dry_run: bool = False, **files: Sequence[Row]) -> list[Fault]:
    """Import these rows and nothing else; return the warnings about rows."""
    write_network(park.folder, **{**dict.fromkeys(COLUMNS), **files})
    report = import_folder(park.engine, park.folder, now=NOW, dry_run=dry_run)
    return [warning for warning in report.warnings if warning.column is not None]


def told(warnings: list[Fault]) -> list[tuple[str, int | None, str | None, str]]:
    return [(w.file, w.line, w.column, w.problem) for w in warnings]


def test_the_sample_network_imports_without_a_warning(engine: Engine) -> None:
    after_its_usage = NOW.replace(month=12)
    assert import_folder(engine, SAMPLE, now=after_its_usage).warnings == ()
    assert import_folder(engine, SAMPLE, now=after_its_usage).warnings == ()


def test_a4_a_price_30_percent_or_more_off_is_told_with_file_line_and_value(park: Park) -> None:
    for market, problem in (
        ("195.00", "is 30 % above 150.00, the price before it"),
        ("1500.00", "is 900 % above 150.00, the price before it"),
        ("105.00", "is 30 % below 150.00, the price before it"),
    ):
        (warning,) = warned(park, dry_run=True, rates=[{**TANGER, "market": market}])
        assert (warning.file, warning.line, warning.column, warning.value) == ("rates.csv", 2, "market", market)
        assert warning.problem == problem
    assert warned(park, dry_run=True, rates=[{**TANGER, "market": "194.99"}]) == []
    assert warned(park, dry_run=True, rates=[{**TANGER, "market": "105.01"}]) == []
    assert told(warned(park, rates=[{**TANGER, "market": "1500.00"}])) == [
        ("rates.csv", 2, "market", "is 900 % above 150.00, the price before it")
    ]
    # The same again is no news.
    assert warned(park, rates=[{**TANGER, "market": "1500.00"}]) == []


def test_a4_a_new_version_is_held_against_the_one_in_force_the_day_before(park: Park) -> None:
    later = {**TANGER, "effective_from": "2027-01-01"}
    assert warned(park, dry_run=True, rates=[{**later, "market": "160.00"}]) == []
    assert told(warned(park, dry_run=True, rates=[{**later, "subsidised": "5.00", "full_cost": "13.40"}])) == [
        ("rates.csv", 2, "subsidised", "makes 5.00, which is 90 % below 50.00, the price before it"),
        ("rates.csv", 2, "full_cost", "is 90 % below 134.00, the price before it"),
    ]
    # A kind's own first version replaces that of every kind (R6).
    own = {**later, "tenant_kind": "large", "market": "15.00", "subsidised": "5.00"}
    assert [column for _, _, column, _ in told(warned(park, rates=[own]))] == ["market", "subsidised"]


def test_b4_a_vat_rate_that_changes_days_gone_by(park: Park) -> None:
    past = {"service": "OFFICE", "effective_from": "2017-01-01", "rate": "0.10"}
    assert told(warned(park, dry_run=True, vat_rates=[past])) == [
        ("vat_rates.csv", 2, "rate", "changes the VAT of OFFICE for days gone by, from 2017-01-01 on")
    ]
    (corrected,) = warned(park, dry_run=True, vat_rates=[{**past, "effective_from": "2015-01-01"}])
    assert corrected.problem.endswith("from 2015-01-01 on (it was 0.20)")
    assert warned(park, vat_rates=[{**past, "effective_from": "2027-01-01"}]) == []


def test_b4_tenants_that_can_hardly_be_so(park: Park) -> None:
    unlikely = {
        "code": "T3", "ice": T1["ice"], "incorporated_on": "2034-01-15", "address": "",
        "legal_name": "Atlas \U0001f680 \u202eSARL 日本",
    }  # fmt: skip
    assert sorted(told(warned(park, dry_run=True, tenants=[unlikely]))) == [
        ("tenants.csv", 2, "address", "is blank"),
        ("tenants.csv", 2, "ice", "is the ICE of tenant T1 too"),
        ("tenants.csv", 2, "incorporated_on", "is still to come: no firm was founded after today"),
        ("tenants.csv", 2, "legal_name", "holds the invisible mark U+202E, which documents leave out"),
        ("tenants.csv", 2, "legal_name", "holds 日 (U+65E5), which documents print as □"),
        ("tenants.csv", 2, "legal_name", "holds 本 (U+672C), which documents print as □"),
        ("tenants.csv", 2, "legal_name", "holds \U0001f680 (U+1F680), which documents print as □"),
    ]
    fine = {**unlikely, "ice": "000030205000041", "incorporated_on": "2025-01-15", "address": "1, rue Ibn Sina"}
    assert warned(park, tenants=[{**fine, "legal_name": "Société « Œuvre » شركة ⵜⴰⵎⴰⵣⵉⵖⵜ"}]) == []


def test_b4_leases_that_can_hardly_be_so(park: Park) -> None:
    assert told(warned(park, dry_run=True, leases=[{**LEASE, "area_m2": "45"}])) == [
        ("leases.csv", 2, "area_m2", "is twice what it was or more, 22.5")
    ]
    assert warned(park, dry_run=True, leases=[{**LEASE, "area_m2": "44.9"}]) == []
    assert told(warned(park, dry_run=True, leases=[{**LEASE, "tenant": "T2"}])) == [
        ("leases.csv", 2, "tenant", "was T1: a lease is seldom given to another tenant")
    ]
    for starts_on, problem in (
        ("1900-01-01", "is before TNG opened on 2015-09-01"),
        ("2062-01-01", "is more than 2 years ahead"),
    ):
        (warning,) = warned(park, dry_run=True, leases=[{**LEASE, "starts_on": starts_on}])
        assert (warning.column, warning.value, warning.problem) == ("starts_on", starts_on, problem)
    (warning,) = warned(park, leases=[{**LEASE, "ends_on": "2199-12-31"}])
    assert (warning.column, warning.problem) == ("ends_on", "is more than 30 years ahead")


def test_b4_a_lease_where_nothing_can_be_billed(park: Park) -> None:
    site = {"code": "AGA", "city": "Agadir"}
    (warning,) = warned(park, sites=[site], leases=[{"code": "L2", "tenant": "T2", "site": "AGA"}])
    assert (warning.file, warning.line, warning.column, warning.value) == ("leases.csv", 2, "site", "AGA")
    assert "no rate for OFFICE at AGA for tenants of kind large" in warning.problem
    assert ".csv" not in str(warning.remedy)


def test_r34_leases_beyond_a_sites_capacity(park: Park) -> None:
    small = {"code": "TNG", "name": "Technopark Tanger", "city": "Tanger", "capacity": 2, "opened_on": "2015-09-01"}
    second = {"code": "L2", "tenant": "T2", "starts_on": "2026-12-01", "ends_on": "2026-12-31"}
    assert warned(park, sites=[small], leases=[second]) == []
    # A firm takes one place, however many leases it has.
    again = {"code": "L5", "tenant": "T2", "starts_on": "2026-12-10"}
    assert warned(park, dry_run=True, leases=[again]) == []
    newcomer = {"code": "T3", "ice": "000030205000041"}
    third = {"code": "L3", "tenant": "T3", "starts_on": "2026-11-15"}
    after = {"code": "L4", "tenant": "T3", "starts_on": "2027-03-01"}
    assert told(warned(park, dry_run=True, tenants=[newcomer], leases=[after, third, again])) == [
        ("leases.csv", 3, "site", "has room for 2: on 2026-12-01 there are 3 firms")
    ]
    assert warned(park, tenants=[newcomer], leases=[{**third, "ends_on": "2026-11-30"}]) == []


def test_r34_leases_and_units_that_contradict_each_other(park: Park) -> None:
    room = {"code": "TNG-S1", "kind": "meeting_room", "area_m2": "30"}
    wrong = {"code": "L2", "tenant": "T2", "starts_on": "2026-12-01", "unit": "TNG-S1"}
    unknown = {"code": "L3", "tenant": "T2", "starts_on": "2026-12-01", "unit": "TNG-8", "ends_on": "2026-12-31"}
    # Where no unit is entered, none is contradicted.
    assert warned(park, dry_run=True, leases=[unknown]) == []
    assert told(warned(park, dry_run=True, units=[room], leases=[wrong, unknown])) == [
        ("leases.csv", 2, "unit", "is a meeting_room, which is not let"),
        ("leases.csv", 2, "area_m2", "is not 30, the unit's area"),
        ("leases.csv", 3, "unit", "is no unit of TNG"),
    ]
    own = {"code": "U-L1", "area_m2": "22.5"}
    assert warned(park, units=[own, room]) == []
    # A unit that is entered or corrected later is held against the leases that stand.
    assert told(warned(park, units=[{**own, "area_m2": "23", "kind": "training_room"}])) == [
        ("units.csv", 2, "kind", "does not go with lease L1 of 22.5 m²"),
        ("units.csv", 2, "area_m2", "does not go with lease L1 of 22.5 m²"),
    ]
    assert warned(park, units=[{**own, "area_m2": "23", "kind": "training_room"}]) == []


def test_b2_usage_that_keeps_its_tenant_from_being_billed(park: Park) -> None:
    event = {"event_id": "X1", "tenant": "T1", "occurred_on": "1999-11-03"}
    assert sorted(told(warned(park, usage=[event]))) == [
        (
            "usage.csv", 2, "occurred_on",
            "of event X1 can't be billed, nor anything else of the tenant: no rate for MEAL at TNG for tenants of kind "
            "startup on 1999-11-03",
        ),
        ("usage.csv", 2, "occurred_on", "of event X1 is a day on which the tenant has no lease"),
    ]  # fmt: skip
    assert warned(park, usage=[event]) == []


def test_b2_usage_that_can_hardly_be_so(park: Park) -> None:
    usual = [
        {"event_id": f"E{n}", "tenant": "T1", "quantity": "2", "occurred_on": "2026-09-01"} for n in range(5)
    ]  # fmt: skip
    assert warned(park, usage=usual) == []
    to_come = {"event_id": "X1", "tenant": "T1", "occurred_on": "2026-11-23"}
    half = {"event_id": "X2", "tenant": "T1", "quantity": "1.5", "occurred_on": "2026-11-22"}
    too_much = {"event_id": "X3", "tenant": "T1", "quantity": "100000", "occurred_on": "2026-11-10"}
    at_most = {"event_id": "X4", "tenant": "T1", "quantity": "20", "occurred_on": "2026-11-10"}
    hour = {**half, "event_id": "X5", "service": "MEETING"}
    all_day = {**hour, "event_id": "X6", "quantity": "24.5"}
    assert told(warned(park, usage=[usual[0], to_come, half, too_much, at_most, hour, all_day])) == [
        ("usage.csv", 3, "occurred_on", "of event X1 is still to come"),
        ("usage.csv", 4, "quantity", "of event X2 is a part of something that is used as a whole"),
        ("usage.csv", 5, "quantity", "of event X3 is more than ten times the mean, 2 of MEAL an event"),
        ("usage.csv", 8, "quantity", "of event X6 is more than a day has hours"),
        ("usage.csv", 8, "quantity", "of event X6 is more than ten times the mean, 1.5 of MEETING an event"),
    ]


def test_b1_a_newcomers_first_usage_is_held_against_everybodys(park: Park) -> None:
    usual = [{"event_id": f"E{n}", "tenant": "T1", "quantity": "3", "occurred_on": "2026-09-01"} for n in range(3)]
    assert warned(park, usage=usual, leases=[{"code": "L2", "tenant": "T2"}]) == []
    first = {"event_id": "X1", "tenant": "T2", "quantity": "100000", "occurred_on": "2026-11-10"}
    assert [column for _, _, column, _ in told(warned(park, usage=[first]))] == ["quantity"]


def test_many_alike_are_counted_beyond_the_first_ones(park: Park) -> None:
    rows = [{"event_id": f"E{n}", "tenant": "T2", "occurred_on": "2026-09-01"} for n in range(25)]
    warnings = warned(park, usage=rows)
    assert len(warnings) == 11
    assert [warning.line for warning in warnings] == [None, *range(2, 12)]
    assert any("in 15 more rows" in warning.problem for warning in warnings)


def test_h1_requests_are_answered_with_the_same_warnings(ground: Caller) -> None:
    posted = ground.post(
        "/v1/tenants",
        {
            "code": "T9", "legal_name": "Atlas", "kind": "startup", "incorporated_on": "2034-01-15",
            "ice": "123456789012345", "email": "pas une adresse", "address": "1 rue A", "language": "fr",
        },
    )  # fmt: skip
    assert posted.status_code == 201
    begun = [warning.partition(" ")[0] for warning in posted.json["warnings"]]
    assert sorted(begun) == ["email", "ice", "incorporated_on"]
    fields: Any = ground("PATCH", "/v1/tenants/T9", json={"incorporated_on": "2024-01-15"}).json["warnings"]
    assert all(not warning.startswith("incorporated_on") for warning in fields)
    rate = ground("PATCH", "/v1/rates/TNG/OFFICE/any/2015-01-01", json={"market": "1500.00"}, headers={"X-Reason": "x"})
    assert rate.json["warnings"] == [
        "market '1500.00' is 900 % above 150.00, the price before it (correct it if it is not meant: it is billed "
        "from its first day on)"
    ]
    event = {"event_id": "X1", "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "1"}
    batch = [{**event, "occurred_on": "2026-08-01"}, {**event, "event_id": "X2", "occurred_on": "2026-09-03"}]
    taken = ground.post("/v1/usage-events/batch", {"events": batch}).json
    assert [warning.partition(" ")[0] for warning in taken["warnings"]] == ["events.1.occurred_on"]
    assert ground.post("/v1/sites", {"code": "RAB", "name": "Technopark Rabat"}).json["warnings"] == []


@pytest.mark.parametrize("code", ["T/25", "TX/statement", ".", "..", "a?b", "a#b", "a%2Fb", "quote", "batch"])
def test_h6_codes_that_cannot_stand_in_an_address_are_refused_when_entered(ground: Caller, code: str) -> None:
    lease = {"code": code, "tenant": "T2", "site": "TNG", "unit": "U", "area_m2": "1", "starts_on": "2026-01-01"}
    event = {
        "event_id": code, "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "1",
        "occurred_on": "2026-08-01",
    }  # fmt: skip
    for resource, body, field in (
        ("sites", {"code": code, "name": "x"}, "code"),
        ("tenants", {"code": code, "legal_name": "x", "kind": "large"}, "code"),
        ("leases", lease, "code"),
        ("usage-events", event, "event_id"),
        ("grants", {"code": code, "amount": "1.00", "granted_on": "2026-01-01"}, "code"),
    ):
        answer = ground.post(f"/v1/{resource}", body)
        assert answer.status_code == 422, resource
        assert [error["field"] for error in answer.json["errors"]] == [field], resource


def test_h6_a_file_names_every_such_code_and_a_stored_one_stays_usable(park: Park, engine: Engine) -> None:
    with pytest.raises(Refused) as refused:
        warned(
            park, tenants=[{"code": "T/25"}], usage=[{"event_id": "batch", "tenant": "T1", "occurred_on": "2026-08-01"}]
        )
    assert [(fault.file, fault.column, fault.value) for fault in refused.value.faults] == [
        ("tenants.csv", "code", "T/25"),
        ("usage.csv", "event_id", "batch"),
    ]
    # As an older version took it.
    behind_its_back(engine, "INSERT INTO site (code, name, city) VALUES ('A/B', 'Ancien', '')")
    assert warned(park, sites=[{"code": "A/B", "name": "Ancien parc", "city": ""}]) == []


def test_b7_columns_without_title_and_value_are_skipped(engine: Engine, tmp_path: Path) -> None:
    folder = write_network(tmp_path / "network", tenants=[T1])
    path = folder / "tenants.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{head},,", *(f"{row},, " for row in rows)]) + "\n", encoding="utf-8")
    assert import_folder(engine, folder, now=NOW).files["tenants.csv"].new == 1
    path.write_text("\n".join([f"{head},,", *(f"{row},,x" for row in rows)]) + "\n", encoding="utf-8")
    with pytest.raises(Refused, match=r"tenants.csv:2: 'x' stands in column 15, which has no title"):
        import_folder(engine, folder, now=NOW)


def test_a_removed_lease_that_comes_back_is_told(park: Park) -> None:
    from billing.frame.database import writing
    from billing.run.lease_removals.removing import remove_lease

    lease = {"code": "L7", "tenant": "T2", "starts_on": "2026-01-01"}
    assert warned(park, leases=[lease]) == []
    with writing(park.engine) as connection:
        remove_lease(connection, "L7", "saisi en double")
    assert told(warned(park, leases=[lease])) == [
        ("leases.csv", 2, "code", "was removed as entered by mistake, and is entered again")
    ]


def test_the_ground_network_is_likely(engine: Engine, tmp_path: Path) -> None:
    assert GROUND["rates"]
    report = import_folder(engine, write_network(tmp_path / "network"), now=NOW)
    assert report.warnings == ()
