"""What tokens open: fine scopes their subject alone, tokens bound to sites these sites' rows alone; nothing forgets.

The operations are read off the app: one that is added later is closed to both unless it says otherwise, and is told
here which way.
"""

from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from billing.frame.database import reading
from billing.frame.tables import audit_event
from billing.frame.tokens import FINE_SCOPES, SITE_SCOPES
from billing.register.tables import lease, usage_event
from tests.support.api import Caller
from tests.support.operations import is_problem, operations
from tests.support.people import add, change, token
from tests.support.spoiling import behind_its_back

REGISTER = (
    "sites", "services", "vat-rates", "rates", "tenants", "leases", "grants", "units", "surveys", "applications",
)  # fmt: skip
# What each fine scope may write.
WRITTEN = {
    "usage": {"/v1/usage-events", "/v1/usage-events/batch"},
    "register": {
        "/v1/sites", "/v1/sites/{code}", "/v1/services", "/v1/services/{code}", "/v1/vat-rates",
        "/v1/vat-rates/{service}/{effective_from}", "/v1/rates",
        "/v1/rates/{site}/{service}/{tenant_kind}/{effective_from}", "/v1/tenants", "/v1/tenants/{code}", "/v1/leases",
        "/v1/leases/{code}", "/v1/grants", "/v1/grants/{code}", "/v1/units", "/v1/units/{site}/{code}",
        "/v1/surveys", "/v1/surveys/{tenant}/{year}", "/v1/applications", "/v1/applications/{code}",
        "/v1/applications/{code}/decision", "/v1/applications/{code}/admission",
        *(f"/v1/{many}/batch" for many in REGISTER),
    },
    "audit": {"/v1/checks", "/v1/jobs/{job_id}/cancellation"},
}  # fmt: skip
# The operations a token bound to a site may call at all; each is tried below with another site's row.
OF_ONE_SITE = {
    ("GET", "/v1/sites"), ("GET", "/v1/sites/{code}"),
    ("GET", "/v1/rates"), ("POST", "/v1/rates"),
    ("GET", "/v1/rates/{site}/{service}/{tenant_kind}/{effective_from}"),
    ("PATCH", "/v1/rates/{site}/{service}/{tenant_kind}/{effective_from}"),
    ("GET", "/v1/leases"), ("POST", "/v1/leases"), ("GET", "/v1/leases/{code}"), ("PATCH", "/v1/leases/{code}"),
    ("GET", "/v1/units"), ("POST", "/v1/units"),
    ("GET", "/v1/units/{site}/{code}"), ("PATCH", "/v1/units/{site}/{code}"),
    ("GET", "/v1/usage-events"), ("POST", "/v1/usage-events"), ("GET", "/v1/usage-events/{event_id}"),
    ("GET", "/v1/applications"), ("POST", "/v1/applications"),
    ("GET", "/v1/applications/{code}"), ("PATCH", "/v1/applications/{code}"),
    ("POST", "/v1/applications/{code}/decision"),
    *(("POST", f"/v1/{many}/batch") for many in ("rates", "leases", "units", "applications", "usage-events")),
}  # fmt: skip
LEASE = {
    "code": "L9", "tenant": "T2", "site": "CAS", "unit": "CAS-9", "area_m2": "20", "starts_on": "2026-10-01",
    "ends_on": None,
}  # fmt: skip
APPLICATION = {
    "code": "A1", "legal_name": "Argan", "kind": "large", "site": "CAS", "area_m2": "20", "received_on": "2026-08-01",
    "state": "received",
}  # fmt: skip
UNIT = {"site": "CAS", "code": "CAS-9", "kind": "office", "area_m2": "20"}
EVENT = {
    "event_id": "E1", "tenant": "T1", "site": "TNG", "service": "MEAL", "quantity": "2", "occurred_on": "2026-09-01"
}  # fmt: skip


@pytest.fixture
def caller(ground: Caller, engine: Engine) -> Caller:
    """The ground network with a second site, and a lease at each."""
    for code in ("CAS", "TNG"):
        found = ground("GET", f"/v1/sites/{code}")
        if found.status_code == 404:
            assert (
                ground.post("/v1/sites", {"code": code, "name": code, "city": code, "capacity": 9}).status_code == 201
            )
    assert ground.post("/v1/units", UNIT).status_code == 201
    assert ground.post("/v1/leases", LEASE).status_code == 201
    assert ground.post("/v1/applications", {**APPLICATION, "code": "A9"}).status_code == 201
    for scope in FINE_SCOPES:
        ground.secrets[scope] = token(engine, f"the-{scope}", scope)
    ground.secrets["badge"] = token(engine, "badge", "usage", sites=["TNG"])
    ground.secrets["clerk"] = token(engine, "clerk", "usage register", sites=["TNG"])
    # Wider than any that can be made: bound to a site, and else free.
    ground.secrets["everything"] = token(engine, "everything", "admin")
    behind_its_back(engine, "UPDATE api_token SET sites = '[\"TNG\"]' WHERE name = 'everything'")
    return ground


def opened(caller: Caller, holder: str, writing: bool) -> set[str]:
    """The operations that a token may call, which read or which write."""
    return {
        operation.documented
        for operation in operations(caller.app)
        if (operation.method != "GET") == writing
        and operation.documented.startswith("/v1/")
        and caller(operation.method, operation.path, holder).status_code != 403
    }


def test_a_fine_scope_opens_its_subject_and_nothing_else(caller: Caller) -> None:
    for scope, expected in WRITTEN.items():
        assert (scope, opened(caller, scope, writing=True)) == (scope, expected)
    for scope in ("usage", "register"):
        reads = opened(caller, scope, writing=False)
        acts = ("/batch", "/decision", "/admission")
        register = {address for address in WRITTEN["register"] if not address.endswith(acts)}
        register.add("/v1/sites/{code}/waiting-list")
        assert reads == (register if scope == "register" else set()), scope
    for scope, own, closed in (
        ("receipts", "/v1/receipts", {"/v1/refunds", "/v1/debts", "/v1/billing-runs", "/v1/sites", "/v1/users"}),
        ("runs", "/v1/billing-runs", {"/v1/receipts", "/v1/periods/{period}/close", "/v1/debts", "/v1/credit-notes"}),
    ):
        writes = opened(caller, scope, writing=True)
        assert own in writes
        assert not writes & closed
    assert {"/v1/acts", "/v1/ledger/trial-balance", "/v1/proof/checkpoints"} <= opened(caller, "audit", writing=False)
    assert "/v1/tenants" not in opened(caller, "audit", writing=False)


def test_the_document_says_which_scopes_open_an_operation(caller: Caller) -> None:
    paths = caller.get("/openapi.json", None)["paths"]
    assert "scope admin or finance or usage." in paths["/v1/usage-events"]["post"]["description"]
    assert "scope admin or auditor or finance." in paths["/v1/usage-events"]["get"]["description"]
    assert "scope admin or finance or register." in paths["/v1/leases"]["post"]["description"]
    assert "scope admin." in paths["/v1/users"]["post"]["description"]


def test_no_operation_forgets_the_sites_a_token_is_bound_to(caller: Caller) -> None:
    kept = {
        (operation.method, operation.documented)
        for operation in operations(caller.app)
        if operation.documented.startswith("/v1/")
        and not is_problem(caller(operation.method, operation.path, "everything"), 403, "forbidden")
    }
    assert kept == OF_ONE_SITE
    assert frozenset({"usage", "register"}) == SITE_SCOPES


@pytest.mark.parametrize("holder", ["clerk", "everything"])
def test_another_sites_rows_are_refused_and_never_shown(caller: Caller, engine: Engine, holder: str) -> None:
    rate = {"site": "TNG", "service": "OFFICE", "tenant_kind": None, "effective_from": "2027-01-01", "market": "160.00",
            "subsidised": "60.00", "full_cost": "140.00", "source": "décision"}  # fmt: skip
    theirs: dict[tuple[str, str], tuple[str, Any]] = {
        ("GET", "/v1/sites/{code}"): ("/v1/sites/CAS", None),
        ("POST", "/v1/rates"): ("/v1/rates", {**rate, "site": "CAS"}),
        ("GET", "/v1/rates/{site}/{service}/{tenant_kind}/{effective_from}"): (
            "/v1/rates/CAS/OFFICE/any/2027-01-01", None,
        ),
        ("PATCH", "/v1/rates/{site}/{service}/{tenant_kind}/{effective_from}"): (
            "/v1/rates/CAS/OFFICE/any/2027-01-01", {"market": "1.00"},
        ),
        ("POST", "/v1/units"): ("/v1/units", {**UNIT, "code": "CAS-10"}),
        ("GET", "/v1/units/{site}/{code}"): ("/v1/units/CAS/CAS-9", None),
        ("PATCH", "/v1/units/{site}/{code}"): ("/v1/units/CAS/CAS-9", {"floor": "2"}),
        ("POST", "/v1/leases"): ("/v1/leases", {**LEASE, "code": "L10", "unit": "CAS-10"}),
        ("GET", "/v1/leases/{code}"): ("/v1/leases/L9", None),
        ("PATCH", "/v1/leases/{code}"): ("/v1/leases/L9", {"ends_on": "2026-12-31"}),
        ("POST", "/v1/applications"): ("/v1/applications", APPLICATION),
        ("GET", "/v1/applications/{code}"): ("/v1/applications/A9", None),
        ("PATCH", "/v1/applications/{code}"): ("/v1/applications/A9", {"area_m2": "30"}),
        ("POST", "/v1/applications/{code}/decision"): ("/v1/applications/A9/decision", {"state": "accepted"}),
        ("POST", "/v1/usage-events"): ("/v1/usage-events", {**EVENT, "site": "CAS"}),
        ("GET", "/v1/usage-events/{event_id}"): ("/v1/usage-events/E9", None),
        ("POST", "/v1/usage-events/batch"): (
            "/v1/usage-events/batch", {"events": [EVENT, {**EVENT, "event_id": "E2", "site": "CAS"}]},
        ),
    }  # fmt: skip
    for many in ("rates", "units", "leases", "applications"):
        body = {many: [theirs["POST", f"/v1/{many}"][1]]}
        theirs["POST", f"/v1/{many}/batch"] = (f"/v1/{many}/batch", body)
    assert caller.post("/v1/rates", {**rate, "site": "CAS"}).status_code == 201
    assert caller.post("/v1/usage-events", {**EVENT, "event_id": "E9", "site": "CAS"}).status_code == 201
    for (method, documented), (path, body) in theirs.items():
        if holder == "clerk" and documented.startswith("/v1/usage-events") and method == "GET":
            continue
        options = {} if body is None else {"json": body}
        answer = caller(method, path, holder, **options)
        assert is_problem(answer, 403, "forbidden"), (method, path, answer.json)
        assert "CAS" in answer.json["detail"]
    # Lists hold the own site's rows alone; a row of the own site can't be moved to another.
    lists = {
        ("GET", "/v1/sites"),
        ("GET", "/v1/units"),
        ("GET", "/v1/rates"),
        ("GET", "/v1/leases"),
        ("GET", "/v1/applications"),
        ("GET", "/v1/usage-events"),
    }
    assert set(theirs) | lists == OF_ONE_SITE
    assert [site["code"] for site in caller.get("/v1/sites", holder)["items"]] == ["TNG"]
    for path in (
        "/v1/rates", "/v1/units", "/v1/leases", "/v1/applications", "/v1/rates?site=CAS", "/v1/leases?tenant=T2",
    ):  # fmt: skip
        assert {row["site"] for row in caller.get(path, holder)["items"]} <= {"TNG"}, path
    assert caller.get("/v1/leases/L1", holder)["site"] == "TNG"
    moved = caller("PATCH", "/v1/leases/L1", holder, json={"site": "CAS", "unit": "CAS-2"})
    assert is_problem(moved, 403, "forbidden")
    with reading(engine) as connection:
        assert connection.execute(select(usage_event.c.event_id)).all() == [("E9",)]
        assert set(connection.execute(select(lease.c.code, lease.c.site)).all()) == {("L1", "TNG"), ("L9", "CAS")}


def test_a_badge_terminal_adds_usage_of_its_site_and_can_do_nothing_else(caller: Caller) -> None:
    may = {
        (operation.method, operation.documented)
        for operation in operations(caller.app)
        if operation.documented.startswith("/v1/")
        and not is_problem(caller(operation.method, operation.path, "badge"), 403, "forbidden")
    }
    assert may == {("POST", "/v1/usage-events"), ("POST", "/v1/usage-events/batch")}
    assert caller.post("/v1/usage-events", EVENT, scope="badge").status_code == 201
    assert caller.post("/v1/usage-events", EVENT, scope="badge").status_code == 200
    assert is_problem(caller.post("/v1/usage-events", {**EVENT, "event_id": "E2", "site": "CAS"}, scope="badge"), 403,
                      "forbidden")  # fmt: skip


def test_the_audit_log_names_the_user_of_a_request(caller: Caller, engine: Engine) -> None:
    add(engine, "amina", "finance")
    caller.secrets["amina"] = token(engine, "amina-1", "register", "amina")
    assert caller.post("/v1/leases", {**LEASE, "code": "L10", "unit": "CAS-10"}, scope="amina").status_code == 201
    with reading(engine) as connection:
        row = connection.execute(select(audit_event).order_by(audit_event.c.id.desc()).limit(1)).one()
    assert (row.actor, row.user_name) == ("amina-1", "amina")
    listed = caller.get(f"/v1/acts/{row.id}", "auditor")
    assert (listed["actor"], listed["user"]) == ("amina-1", "amina")


def test_a_disabled_user_is_refused_and_a_lesser_role_at_once(caller: Caller, engine: Engine) -> None:
    add(engine, "amina", "finance")
    for scope in ("register", "receipts"):
        caller.secrets[scope] = token(engine, f"amina-{scope}", scope, "amina")
    change(engine, "amina", role="auditor")
    assert is_problem(caller("GET", "/v1/leases", "register"), 403, "forbidden")
    change(engine, "amina", role="finance", enabled=False)
    assert is_problem(caller("GET", "/v1/receipts", "receipts"), 401, "unauthenticated")


def test_users_are_administered_over_the_api(caller: Caller, engine: Engine) -> None:
    order = {"name": "amina", "email": "amina@park.example", "role": "finance"}
    made = caller.post("/v1/users", order, scope="admin")
    assert (made.status_code, made.headers["Location"]) == (201, "/v1/users/amina")
    assert made.json | {"created_at": ""} == {
        **order, "os_user": None, "enabled": True, "has_password": False, "created_at": "", "disabled_at": None,
    }  # fmt: skip
    assert is_problem(caller.post("/v1/users", order, scope="admin"), 409, "conflict")
    without = caller.post("/v1/users", {"name": "karim", "role": "finance"}, scope="admin")
    assert is_problem(without, 422, "validation")
    assert [fault["field"] for fault in without.json["errors"]] == ["email"]
    assert is_problem(caller.post("/v1/users", order, scope="finance"), 403, "forbidden")
    change, read = {"role": "approver", "enabled": False}, caller("GET", "/v1/users/amina", "admin").headers["ETag"]
    assert read == made.headers["ETag"]
    other = caller("PATCH", "/v1/users/amina", "admin", json=change, headers={"If-Match": '"x"'})
    assert is_problem(other, 412, "changed-meanwhile")
    changed = caller("PATCH", "/v1/users/amina", "admin", json=change, headers={"If-Match": read})
    assert caller("GET", "/v1/users/amina", "admin").headers["ETag"] == changed.headers["ETag"] != read
    assert (changed.json["role"], changed.json["enabled"]) == ("approver", False)
    assert caller.get("/v1/users/amina", "admin") == changed.json
    assert [user["name"] for user in caller.get("/v1/users", "admin")["items"]] == ["amina"]
    assert is_problem(caller("GET", "/v1/users/nobody", "admin"), 404, "not-found")
    with reading(engine) as connection:
        kept = connection.execute(text("SELECT before, after FROM audit_change WHERE subject = 'users'")).all()
    assert len(kept) == 2
