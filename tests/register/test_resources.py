"""Sites, services, rates, tenants, leases, grants, usage: written by the import's rules, singly or in batches."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from billing.frame.database import reading
from billing.register.resources import BATCH_MAX
from billing.register.shapes import RESOURCES
from billing.register.tables import import_log, usage_event
from tests.support.api import NOW, Caller
from tests.support.counts import counts
from tests.support.operations import is_problem

NEW: dict[str, dict[str, Any]] = {
    "sites": {"code": "RAB", "name": "Technopark Rabat", "city": "Rabat", "capacity": 40, "opened_on": "2012-09-01"},
    "units": {"site": "TNG", "code": "TNG-9", "kind": "desk", "area_m2": "4", "floor": "2"},
    "services": {
        "code": "DOMI", "label": "Domiciliation", "unit": "each", "billing": "arrears", "revenue_account": "71243",
        "price_ceiling_incl_vat": "500.00",
    },
    "vat-rates": {
        "service": "OFFICE", "effective_from": "2027-01-01", "rate": "0.10", "treatment": "standard", "reason": None,
    },
    "rates": {
        "site": "TNG", "service": "OFFICE", "tenant_kind": None, "effective_from": "2027-01-01", "market": "160.00",
        "subsidised": "1/3", "full_cost": "140.1234", "source": "grille 2027", "in_kind": None,
    },
    "tenants": {
        "code": "T3", "legal_name": "Société Noûr & fils", "legal_form": "SARL", "kind": "sme",
        "incorporated_on": "2025-05-02", "admitted_on": None, "ice": "001561191000066", "tax_id": "1",
        "trade_register": "2 Tanger", "address": "3 rue Ibn Sina", "city": "Tanger", "email": "a@b.ma",
        "language": "ar",
    },
    "leases": {
        "code": "L2", "tenant": "T2", "site": "TNG", "unit": "TNG-2", "area_m2": "18.25", "starts_on": "2026-09-01",
        "ends_on": None,
    },
    "grants": {"code": "G1", "funder": "Région", "site": None, "amount": "60000.00", "granted_on": "2026-06-01"},
    "surveys": {
        "tenant": "T1", "year": 2026, "jobs": 7, "export_share": "0.25", "satisfaction": "82.5", "active": None,
        "left_as": None,
    },
    "applications": {
        "code": "C1", "tenant": None, "legal_name": "Argan", "kind": "startup", "site": "TNG", "area_m2": "20",
        "received_on": "2026-08-03", "state": "waiting", "decided_on": "2026-08-10", "incorporated_on": None,
    },
    "usage-events": {
        "event_id": "E1", "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "2.5",
        "occurred_on": "2026-08-31",
    },
}  # fmt: skip
# What answers show of each: what was posted, and that a usage event is not void.
STORED = {**NEW, "usage-events": {**NEW["usage-events"], "void_reason": None}}


def without_warnings(taken: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in taken.items() if name != "warnings"}


# One change that is allowed, and one that is not: the field, the value, what is wrong with it.
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sites": ({"capacity": None}, {"name": " "}),
    "units": ({"kind": "office", "floor": "3"}, {"area_m2": "0"}),
    "services": ({"label": "Domiciliation fiscale"}, {"revenue_account": "3421"}),
    "vat-rates": ({"rate": "0.14"}, {"rate": "14"}),
    "rates": ({"full_cost": "141.00", "source": None}, {"subsidised": "200.00"}),
    "tenants": ({"kind": "large", "admitted_on": "2024-01-01"}, {"ice": "12"}),
    "leases": ({"ends_on": "2026-09-30", "area_m2": "18"}, {"ends_on": "2026-08-31"}),
    "grants": ({"amount": "50000.00", "site": "TNG"}, {"amount": "0.00"}),
    "surveys": ({"jobs": None, "active": "yes", "left_as": "graduated"}, {"satisfaction": "100.5"}),
    "applications": ({"tenant": "T1", "kind": None, "legal_name": None, "area_m2": "25"}, {"area_m2": "0"}),
}
ONE = {
    "units": "/TNG/TNG-9",
    "surveys": "/T1/2026",
    "vat-rates": "/OFFICE/2027-01-01",
    "rates": "/TNG/OFFICE/any/2027-01-01",
}


def location(resource: str) -> str:
    key = NEW[resource].get("code") or NEW[resource].get("event_id")
    return f"/v1/{resource}{ONE.get(resource) or f'/{key}'}"


def test_every_resource_is_tested() -> None:
    assert {resource.path for resource in RESOURCES} == set(NEW)
    assert {resource.path for resource in RESOURCES if resource.changeable} == set(CHANGES)


@pytest.mark.parametrize("resource", NEW)
def test_what_is_posted_is_there_at_its_location_just_so(ground: Caller, resource: str) -> None:
    posted = ground.post(f"/v1/{resource}", NEW[resource])
    assert (posted.status_code, without_warnings(posted.json)) == (201, STORED[resource])
    assert posted.headers["Location"] == location(resource)
    assert ground.get(posted.headers["Location"], "auditor") == STORED[resource]
    assert STORED[resource] in ground.get(f"/v1/{resource}?limit=500")["items"]


@pytest.mark.parametrize("resource", NEW)
def test_posting_the_same_again_is_no_error_and_other_values_are_a_conflict(ground: Caller, resource: str) -> None:
    ground.post(f"/v1/{resource}", NEW[resource])
    again = ground.post(f"/v1/{resource}", NEW[resource])
    assert (again.status_code, without_warnings(again.json)) == (200, STORED[resource])
    change = {"quantity": "3"} if resource == "usage-events" else CHANGES[resource][0]
    other = ground.post(f"/v1/{resource}", NEW[resource] | change)
    assert (other.status_code, other.json["type"]) == (409, "/problems/conflict")
    assert other.json["errors"][0]["problem"]
    assert ground.get(location(resource)) == STORED[resource]


@pytest.mark.parametrize("resource", CHANGES)
def test_a_patch_changes_the_fields_given_and_no_other(ground: Caller, resource: str) -> None:
    ground.post(f"/v1/{resource}", NEW[resource])
    right, wrong = CHANGES[resource]
    changed = ground("PATCH", location(resource), json=right)
    assert (changed.status_code, without_warnings(changed.json)) == (200, NEW[resource] | right)
    refused = ground("PATCH", location(resource), json=right | wrong)
    assert (refused.status_code, refused.json["type"]) == (422, "/problems/refused")
    assert [error["field"] for error in refused.json["errors"]] == list(wrong)
    assert ground.get(location(resource)) == NEW[resource] | right
    assert without_warnings(ground("PATCH", location(resource), json={}).json) == NEW[resource] | right


@pytest.mark.parametrize("resource", CHANGES)
def test_a_change_to_a_state_that_is_no_more_is_refused_and_loses_nothing(ground: Caller, resource: str) -> None:
    made = ground.post(f"/v1/{resource}", NEW[resource])
    right, wrong = CHANGES[resource]
    read = ground("GET", location(resource)).headers["ETag"]
    assert read == made.headers["ETag"]

    def patch(values: dict[str, Any], condition: str) -> Any:
        return ground("PATCH", location(resource), json=values, headers={"If-Match": condition})

    assert is_problem(patch(right, '"x"'), 412, "changed-meanwhile")
    assert is_problem(patch(right | wrong, '"x"'), 422, "refused")
    changed = patch(right, f'"x", {read}')
    assert (changed.status_code, without_warnings(changed.json)) == (200, NEW[resource] | right)
    assert ground("GET", location(resource)).headers["ETag"] == changed.headers["ETag"] != read
    # A weak tag says that something like it was read: not enough to change it.
    for condition in (read, f"W/{changed.headers['ETag']}", ","):
        assert is_problem(patch({}, condition), 412, "changed-meanwhile")
    assert ground.get(location(resource)) == NEW[resource] | right
    assert patch({}, "*").status_code == 200


@pytest.mark.parametrize("resource", NEW)
def test_keys_are_never_changed_and_usage_not_at_all(ground: Caller, resource: str) -> None:
    ground.post(f"/v1/{resource}", NEW[resource])
    key = next(iter(NEW[resource]))
    assert ground("PATCH", location(resource), json={key: "X"}).status_code == (
        405 if resource == "usage-events" else 422
    )
    assert ground("DELETE", location(resource)).status_code == 405


@pytest.mark.parametrize("resource", NEW)
def test_each_field_that_must_be_there_is_named_when_it_is_not(ground: Caller, resource: str) -> None:
    needed = next(kind for kind in RESOURCES if kind.path == resource)
    refused = ground.post(f"/v1/{resource}", {})
    named = {error["field"] for error in refused.json["errors"]}
    assert refused.status_code == 422
    assert named == {*needed.layout.key, *needed.required} - {"tenant_kind"}


def test_every_fault_of_a_record_is_named_at_once(ground: Caller) -> None:
    wrong = {
        "code": " L2",
        "tenant": "NOBODY",
        "site": "NOWHERE",
        "unit": "",
        "area_m2": "-1",
        "starts_on": "2026-02-30",
    }
    refused = ground.post("/v1/leases", wrong | {"ends_on": "1/1/2026"})
    assert refused.status_code == 422
    assert {error["field"] for error in refused.json["errors"]} == {*wrong, "ends_on"}
    assert all(error["problem"] and error["remedy"] for error in refused.json["errors"])


def test_numbers_are_texts_so_that_no_binary_float_comes_near_money_r1(ground: Caller) -> None:
    areas: tuple[Any, ...] = (18.25, 18, True, None, [], {})
    for area in areas:
        assert ground.post("/v1/leases", NEW["leases"] | {"area_m2": area}).status_code == 422
    capacities: tuple[Any, ...] = ("40", 40.5, True, [40])
    for capacity in capacities:
        assert ground.post("/v1/sites", NEW["sites"] | {"capacity": capacity}).status_code == 422


def test_control_characters_are_refused_wherever_a_text_goes(ground: Caller) -> None:
    """PostgreSQL can't keep U+0000, XML and mail none of them."""
    for resource, record in NEW.items():
        for text in ("\x00", "a\x00b", "\x1b[31m", "\uffff", "\x7f"):
            for field in (name for name, value in record.items() if isinstance(value, str)):
                refused = ground.post(f"/v1/{resource}", record | {field: text})
                assert refused.status_code == 422, (resource, field, refused.text)
                assert field in {error["field"] for error in refused.json["errors"]}
            for name in ("tenant", "site", "service"):
                answer = ground("GET", f"/v1/{resource}", query_string={name: text})
                assert answer.status_code == 422, answer.text


def test_lists_are_chosen_by_what_their_filters_name(ground: Caller) -> None:
    for resource in ("tenants", "leases", "rates", "usage-events", "grants"):
        ground.post(f"/v1/{resource}", NEW[resource])
    assert [record["code"] for record in ground.get("/v1/tenants?kind=large")["items"]] == ["T2"]
    assert [record["code"] for record in ground.get("/v1/leases?tenant=T2")["items"]] == ["L2"]
    assert ground.get("/v1/leases?tenant=T2&site=CAS")["items"] == []
    own = ground.get("/v1/rates?site=TNG&service=OFFICE&tenant_kind=any")["items"]
    assert [record["effective_from"] for record in own] == ["2015-01-01", "2027-01-01"]
    assert ground.get("/v1/rates?tenant_kind=large")["items"] == []
    assert [record["event_id"] for record in ground.get("/v1/usage-events?tenant=T1&service=MEAL")["items"]] == ["E1"]
    assert ground("GET", "/v1/tenants?kind=huge").status_code == 422


def test_a_code_with_letters_of_any_kind_has_an_address(ground: Caller) -> None:
    for code in ("é ü", "شركة", "a+b", "a;b", "a&b", "…", "a.b:c"):
        posted = ground.post("/v1/sites", {"code": code, "name": "x"})
        assert posted.status_code == 201, code
        assert ground.get(posted.headers["Location"])["code"] == code


def test_what_a_request_changed_is_logged_with_who_did_it(ground: Caller, engine: Engine) -> None:
    ground("PATCH", "/v1/leases/L1", json={"ends_on": "2026-09-30"})
    with reading(engine) as connection:
        last = connection.execute(select(import_log).order_by(import_log.c.id.desc()).limit(1)).one()
    assert last.source == "api:the-finance"
    logged = ground.get("/v1/imports", "auditor")["items"][-1]
    assert logged["source"] == "api:the-finance"
    assert logged["summary"]["changes"] == [
        {"file": "leases", "key": "L1", "column": "ends_on", "old": "", "new": "2026-09-30"}
    ]
    assert logged["imported_at"] == "2026-09-02T08:00:00Z"


def events(count: int) -> list[dict[str, str]]:
    days = (NOW.date() - timedelta(days=n % 90) for n in range(count))
    return [
        {"event_id": f"E{n}", "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "1",
         "occurred_on": day.isoformat()}
        for n, day in enumerate(days)
    ]  # fmt: skip


def stored(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.scalars(select(usage_event.c.id)).all())


def test_a_batch_adds_what_is_new_and_leaves_alone_what_is_known(ground: Caller, engine: Engine) -> None:
    assert ground.post("/v1/usage-events/batch", {"events": events(300)}).json == {
        "added": 300,
        "known": 0,
        "warnings": [],
    }
    assert ground.post("/v1/usage-events/batch", {"events": events(310)}).json == {
        "added": 10,
        "known": 300,
        "warnings": [],
    }
    assert stored(engine) == 310


def test_a_batch_with_one_fault_is_refused_whole_and_the_fault_has_its_place(ground: Caller, engine: Engine) -> None:
    batch = events(50)
    batch[7] |= {"quantity": "0"}
    batch[9] |= {"tenant": "NOBODY", "occurred_on": "yesterday"}
    refused = ground.post("/v1/usage-events/batch", {"events": batch})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == [
        "events.7.quantity", "events.9.occurred_on", "events.9.tenant",
    ]  # fmt: skip
    assert stored(engine) == 0


def test_a_known_event_with_other_values_in_a_batch_is_a_conflict(ground: Caller, engine: Engine) -> None:
    ground.post("/v1/usage-events/batch", {"events": events(5)})
    batch = events(8)
    batch[2] |= {"quantity": "2"}
    refused = ground.post("/v1/usage-events/batch", {"events": batch})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/conflict")
    assert [error["field"] for error in refused.json["errors"]] == ["events.2.event_id"]
    assert stored(engine) == 5


def test_tenants_rates_and_leases_come_in_batches_by_the_rules_of_single_ones(ground: Caller, engine: Engine) -> None:
    tenants = [NEW["tenants"] | {"code": f"N{n}", "ice": None} for n in range(3)]
    leases = [
        {"code": f"NL{n}", "tenant": f"N{n}", "site": "TNG", "unit": f"TNG-9{n}", "area_m2": "20",
         "starts_on": "2026-10-01", "ends_on": None}
        for n in range(3)
    ]  # fmt: skip
    rates = [NEW["rates"] | {"effective_from": f"2027-0{n}-01"} for n in (1, 2)]
    for many, records in (("tenants", tenants), ("leases", leases), ("rates", rates)):
        for status, added in ((201, len(records)), (200, 0)):
            taken = ground.post(f"/v1/{many}/batch", {many: records})
            assert (taken.status_code, taken.json["added"], taken.json["known"]) == (
                status, added, len(records) - added,
            )  # fmt: skip
    twice = ground.post("/v1/leases/batch", {"leases": [leases[0] | {"code": "NL8"}, leases[0] | {"code": "NL9"}]})
    assert (twice.status_code, {error["row"] for error in twice.json["errors"]}) == (422, {0, 1})
    mixed = [tenants[0], tenants[1] | {"code": "N7", "kind": "huge"}, tenants[2] | {"city": "Fès"}, {}]
    refused = ground.post("/v1/tenants/batch", {"tenants": mixed})
    assert refused.status_code == 422
    faults = {(error["row"], error["pointer"], error["field"]) for error in refused.json["errors"]}
    assert (1, "#/tenants/1/kind", "tenants.1.kind") in faults
    assert (3, "#/tenants/3/code", "tenants.3.code") in faults
    taken = ground.post("/v1/tenants/batch", {"tenants": mixed[2:3]})
    assert (taken.status_code, taken.json["errors"][0]["code"]) == (409, "taken")
    assert counts(engine)["tenant"] == 2 + len(tenants)


def test_a_batch_of_another_shape_is_refused_event_by_event(ground: Caller) -> None:
    batch: list[Any] = [*events(2), {"event_id": 5}, "E9", None, events(1)[0] | {"extra": "x"}]
    refused = ground.post("/v1/usage-events/batch", {"events": batch})
    assert refused.status_code == 422
    fields = {error["field"] for error in refused.json["errors"]}
    assert {"events.2.event_id", "events.2.tenant", "events.3", "events.4", "events.5.extra"} <= fields


def test_a_batch_has_1_to_10000_events(ground: Caller) -> None:
    assert ground.post("/v1/usage-events/batch", {"events": []}).status_code == 422
    assert ground.post("/v1/usage-events/batch", {"events": events(BATCH_MAX + 1)}).status_code == 422
    assert ground.post("/v1/usage-events/batch", {"events": events(BATCH_MAX)}).json["added"] == BATCH_MAX
