"""What holds for every address, read off the app itself so that none can be forgotten."""

import re
from collections.abc import Iterator
from html import unescape

from billing.api.app import BODY_BYTES_MAX, LARGE_BODIES
from billing.api.problem_pages import REMEDIES
from billing.frame.fault_codes import CODES
from billing.frame.http.authentication import scopes_of
from billing.frame.http.problems import KINDS
from tests.support.api import Caller
from tests.support.operations import Operation, is_problem, operations

CODE_NAMES = {each.code for each in CODES}
OPEN = {
    "/healthz", "/readyz", "/openapi.json", "/docs", "/docs/changes", "/problems/{slug}", "/verify/{token}",
    "/verify/{token}/proof", "/verify_books.py",
}  # fmt: skip


def with_body(caller: Caller) -> Iterator[Operation]:
    """The operations that take JSON, as the document says."""
    paths = caller.get("/openapi.json", None)["paths"]
    for operation in operations(caller.app):
        told = paths[operation.documented][operation.method.lower()].get("requestBody", {})
        if "application/json" in told.get("content", {}):
            yield operation


def test_every_address_is_documented_and_nothing_else_is(ground: Caller) -> None:
    documented = {
        (method.upper(), path)
        for path, item in ground.get("/openapi.json", None)["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert {(operation.method, operation.documented) for operation in operations(ground.app)} == documented
    assert len(documented) > 50


def test_the_contracts_resources_are_there(ground: Caller) -> None:
    paths = set(ground.get("/openapi.json", None)["paths"])
    assert paths >= {
        "/v1/sites", "/v1/services", "/v1/rates", "/v1/vat-rates", "/v1/tenants", "/v1/leases", "/v1/usage-events",
        "/v1/usage-events/batch", "/v1/grants", "/v1/billing-runs", "/v1/billing-runs/{period}",
        "/v1/billing-runs/{period}/outcomes", "/v1/documents", "/v1/documents/{number}",
        "/v1/documents/{number}/pdf", "/v1/documents/{number}/xml", "/v1/cross-subsidy/{period}", "/v1/ledger/entries",
        "/v1/ledger/accounts", "/v1/ledger/trial-balance", "/v1/ledger/exports", "/v1/quotes",
    }  # fmt: skip


def test_without_a_token_nothing_is_answered_but_health_and_description(ground: Caller) -> None:
    opened, wrong = set(), []
    for operation in operations(ground.app):
        answer = ground(operation.method, operation.path, None)
        if answer.status_code != 401:
            opened.add(operation.documented)
        elif not is_problem(answer, 401, "unauthenticated") or answer.headers["WWW-Authenticate"] != "Bearer":
            wrong.append(operation)
    assert (opened, wrong) == (OPEN, [])


def test_a_token_that_is_none_opens_nothing(ground: Caller) -> None:
    for authorization in ("Bearer tpb_wrong", "Bearer ", "Basic dTpw", "tpb_x", "Bearer \udcff", "bearer é"):
        answer = ground("GET", "/v1/sites", None, headers={"Authorization": authorization})
        assert is_problem(answer, 401, "unauthenticated"), authorization


def test_a_scope_that_does_not_allow_it_is_told_which_does(ground: Caller) -> None:
    refused, wrong = 0, []
    for operation in operations(ground.app):
        scopes = scopes_of(ground.app.view_functions[operation.endpoint], operation.method)
        for scope in ("auditor", "finance", "admin") if scopes else ():
            answer = ground(operation.method, operation.path, scope)
            if scope in scopes:
                wrong += [(operation, scope)] if answer.status_code in (401, 403) else []
            else:
                refused += 1
                wrong += [] if is_problem(answer, 403, "forbidden") else [(operation, scope)]
    assert wrong == []
    assert refused > 15


def test_an_auditor_reads_everything_and_writes_nothing(ground: Caller) -> None:
    """Quotes, previews and forecasts write nothing, so that auditors may ask for them."""
    allowed = {
        operation.documented
        for operation in operations(ground.app)
        if operation.method != "GET" and ground(operation.method, operation.path, "auditor").status_code != 403
    }
    assert allowed == {
        "/v1/quotes", "/v1/billing-runs/preview", "/v1/billing-runs/review", "/v1/forecasts", "/v1/forecasts/dial",
        "/v1/forecasts/what-if", "/v1/checks", "/v1/jobs/{job_id}/cancellation",
    }  # fmt: skip
    kept = {
        operation.documented
        for operation in operations(ground.app)
        if operation.method == "GET" and ground(operation.method, operation.path, "auditor").status_code == 403
    }
    assert kept == {
        "/v1/tokens", "/v1/users", "/v1/users/{name}", "/v1/tenants/{code}/personal-data", "/v1/webhook-endpoints",
        "/v1/webhook-endpoints/{endpoint}", "/v1/webhook-endpoints/{endpoint}/deliveries",
    }  # fmt: skip


def test_too_large_a_body_is_refused_unread(ground: Caller) -> None:
    for operation in operations(ground.app):
        takes_large = operation.method == "POST" and operation.documented in LARGE_BODIES
        most = LARGE_BODIES[operation.documented] if takes_large else BODY_BYTES_MAX
        scope = "admin" if operation.documented not in OPEN else None
        answer = ground(
            operation.method, operation.path, scope, data=b" " * (most + 1), content_type="application/json"
        )
        assert is_problem(answer, 413, "too-large"), operation


def test_malformed_json_is_told_from_wrong_data(ground: Caller) -> None:
    bodies = (b"", b"{", b'{"a": NaN}', b'"\xff"', b'{"a": "\\ud800"}', b"[" * 100_000, b"\x00", b"{} {}")
    for operation in with_body(ground):
        for body in bodies:
            answer = ground(operation.method, operation.path, "admin", data=body, content_type="application/json")
            assert is_problem(answer, 400, "malformed"), (operation, body[:20])


def test_a_body_that_is_no_json_is_not_guessed_at(ground: Caller) -> None:
    for operation in with_body(ground):
        for content_type in (None, "text/plain", "application/x-www-form-urlencoded", "application/xml"):
            answer = ground(operation.method, operation.path, "admin", data=b"{}", content_type=content_type)
            assert is_problem(answer, 415, "unsupported-media-type"), (operation, content_type)


# The POSTs that make nothing of its own: they only compute, or leave a thing in another state.
COMPUTE = {
    "previewRun",
    "reviewRun",
    "createQuote",
    "createForecast",
    "readAdmissionDial",
    "askWhatIf",
    "checkDatabase",
}
CHANGE_STATES = {
    "decideApplication",
    "createLeaseRemoval", "deliverQueued", "retryDelivery", "settleUnknownDeliveries", "retryMessage", "clearReceipt",
    "bounceReceipt", "undoAllocation", "endOneHold", "closeOnePeriod", "reopenOnePeriod", "closeFiscalYear",
    "undoFiscalYear", "publishCheckpoint", "removeWebhookEndpoint", "replayWebhookEndpoint", "approveOrder",
    "refuseOrder", "revokeOneToken",
}  # fmt: skip
# Whatever they make is new: repeated, they make another, or are refused.
ALWAYS_NEW = {
    "createCreditNote", "createPlacement", "createWithdrawal", "undoReceived", "withdrawReceivedCertificate",
    "admitApplication",
    "createHold", "createInterestClause", "createStatementWithdrawal", "createLineDecision", "cancelReceived",
    "cancelDepositMovement", "cancelRecovered", "cancelRefunded", "createWebhookEndpoint",
    "createUser",
}  # fmt: skip


def test_a_post_answers_201_for_what_it_made_and_200_for_what_stood(ground: Caller) -> None:
    by_answers: dict[frozenset[str], set[str]] = {}
    for item in ground.get("/openapi.json", None)["paths"].values():
        if "post" in item:
            answers = frozenset({"200", "201"} & item["post"]["responses"].keys())
            by_answers.setdefault(answers, set()).add(item["post"]["operationId"])
    assert by_answers.pop(frozenset({"200"})) - {"cancelJob"} == COMPUTE | CHANGE_STATES
    assert by_answers.pop(frozenset({"201"})) == ALWAYS_NEW
    assert by_answers.keys() == {frozenset({"200", "201"})}


def test_json_of_another_shape_is_refused_field_by_field(ground: Caller) -> None:
    for operation in with_body(ground):
        for body in (b"[]", b'"text"', b"1", b"null", b'{"no such field": 1}'):
            answer = ground(operation.method, operation.path, "admin", data=body, content_type="application/json")
            assert is_problem(answer, 422, "validation"), (operation, body)
            for error in answer.json["errors"]:
                assert {"location", "pointer", "field", "code", "detail"} <= error.keys(), operation
                assert error["code"] in CODE_NAMES, operation
                assert error["pointer"].startswith("#"), operation
            assert answer.json["errors"], operation


def test_unknown_and_repeated_parameters_are_refused(ground: Caller) -> None:
    unknown = {"location": "query", "field": "nosuch", "problem": "is no parameter of this address"}
    for operation in operations(ground.app):
        if operation.documented in OPEN:
            continue
        answer = ground(operation.method, f"{operation.path}?nosuch=1", "admin")
        assert is_problem(answer, 422, "validation"), operation
        [error] = answer.json["errors"]
        assert unknown.items() <= error.items(), operation
        documented = ground.get("/openapi.json", None)["paths"][operation.documented][operation.method.lower()]
        names = [each["name"] for each in documented.get("parameters", ()) if each["in"] == "query"]
        assert error["remedy"] == (f"it takes {', '.join(names)}" if names else "it takes none")
        for name in names[:1]:
            answer = ground(operation.method, f"{operation.path}?{name}=1&{name}=2", "admin")
            twice = ("query", f"#/{name}", name, "repeated", "is given 2 times: give it once")
            [error] = answer.json["errors"]
            assert tuple(error[key] for key in ("location", "pointer", "field", "code", "detail")) == twice, operation


def test_whatever_is_changed_has_a_state_that_a_change_can_name(ground: Caller) -> None:
    paths = ground.get("/openapi.json", None)["paths"]
    changed = {operation.documented for operation in operations(ground.app) if operation.method in ("PATCH", "PUT")}
    assert changed
    for path in changed:
        assert "ETag" in paths[path]["get"]["responses"]["200"]["headers"], path
        assert "ETag" in paths[path]["patch"]["responses"]["200"]["headers"], path
        assert {"If-Match"} <= {parameter["name"] for parameter in paths[path]["patch"]["parameters"]}, path


def test_another_method_is_a_problem_that_names_those_allowed(ground: Caller) -> None:
    for operation in operations(ground.app):
        answer = ground("DELETE", operation.path)
        assert is_problem(answer, 405, "method-not-allowed"), operation
        assert operation.method in answer.headers["Allow"].split(", ")


def test_an_address_that_is_none_is_a_problem(ground: Caller) -> None:
    unknown = (
        "/", "/v1", "/v1/", "/v1/nothing", "/v1/sites/", "/v1//sites", "/v1/billing-runs/2026-13",
        "/v1/deliveries/A/retry", "/v1/vat-rates/MEAL/2026-02-30", "/v1/sites/%00", "/v1/tenants/a%0Ab",
    )  # fmt: skip
    for path in unknown:
        assert is_problem(ground("GET", path), 404, "not-found"), path
        assert is_problem(ground("GET", path, None), 404, "not-found"), path


def test_every_request_has_an_id_the_callers_own_if_it_is_sane(ground: Caller) -> None:
    for given in ("abc-1", "A" * 128, "0b6e:7.f_1"):
        answer = ground("GET", "/v1/sites", headers={"X-Request-ID": given})
        assert answer.headers["X-Request-ID"] == given
    for given in ("", "A" * 129, "a b", "é", "-x", 'a"b'):
        answer = ground("GET", "/nothing", headers={"X-Request-ID": given})
        assert len(answer.headers["X-Request-ID"]) == 36, given
        assert answer.json["instance"] == f"urn:request:{answer.headers['X-Request-ID']}"


def test_what_a_problems_type_means_can_be_read_at_its_address(ground: Caller) -> None:
    problem = ground("GET", "/v1/sites/NOWHERE").json
    kind = ground.get(problem["type"], None)
    assert (kind["title"], kind["status"]) == (problem["title"], 404)
    for kind in KINDS:
        page = ground("GET", f"/problems/{kind.slug}", None, headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.content_type == "text/html; charset=utf-8"
        told = ground.get(f"/problems/{kind.slug}", None)["remedy"]
        assert told.endswith(".")
        assert kind.title in unescape(page.text)
        assert told.replace("`", "") in unescape(re.sub("<[^>]*>", "", page.text))
    assert set(REMEDIES) == {kind.slug for kind in KINDS}
