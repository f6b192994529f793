"""R23: what the settings name waits until a second person approves exactly what is shown; once, and never oneself."""

import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError

from billing.check import check
from billing.frame.database import maintenance_transaction, reading
from billing.frame.settings import load_settings
from billing.receivables.tables.debts import debt_act
from billing.receivables.tables.receipts import refund
from ledger.models import entry
from tests.support.api import Caller
from tests.support.operations import is_problem
from tests.support.people import add, change, invoker, ok, refused, token
from tests.support.spoiling import behind_its_back

REASON = {"X-Reason": "liquidation"}
PEOPLE = {"amina": "finance", "karim": "approver", "salma": "admin", "omar": "auditor"}


@pytest.fixture
def four(park: Caller, engine: Engine) -> Caller:
    """The billed park with four people: two of them may approve."""
    for name, role in PEOPLE.items():
        add(engine, name, role)
        park.secrets[name] = token(engine, f"{name}-1", "auditor" if role == "auditor" else "finance", name)
        if role != "auditor":
            park.secrets[f"{name} approving"] = token(engine, f"{name}-2", "approvals", name)
    return park


def write_off(caller: Caller, by: str = "amina", place: int = 0, **more: Any) -> Any:
    """Order that an invoice of August is written off."""
    number = caller.get("/v1/documents?period=2026-08&kind=invoice", "admin")["items"][place]["number"]
    order = {"invoice": number, "kind": "written_off", "decided_on": "2026-09-02", "reason": "liquidation", **more}
    return caller.post("/v1/debts", order, scope=by)


def approve(caller: Caller, number: int = 1, by: str = "karim", **body: str) -> Any:
    return caller.post(f"/v1/approvals/{number}/approve", body, scope=by)


def counted(engine: Engine) -> tuple[int, int, int]:
    """How many decisions about debts, refunds and entries there are."""
    with reading(engine) as connection:
        rows = (connection.scalar(select(func.count()).select_from(table)) for table in (debt_act, refund, entry))
        return tuple(int(row or 0) for row in rows)  # type: ignore[return-value]


def test_before_two_users_may_approve_an_order_is_carried_out_at_once(park: Caller, engine: Engine) -> None:
    add(engine, "amina", "finance")
    add(engine, "karim", "approver")
    park.secrets["amina"] = token(engine, "amina-1", "finance", "amina")
    answer = write_off(park)
    assert (answer.status_code, answer.json["unpaid"]) == (201, "0.00")
    [act] = answer.json["acts"]
    assert (act["asked_by"], act["approved_by"]) == ("amina", None)
    assert check(engine) == []


def test_a_write_off_waits_and_is_carried_out_by_a_second_person(four: Caller, engine: Engine) -> None:
    before = counted(engine)
    answer = write_off(four)
    assert (answer.status_code, answer.headers["Location"], answer.json["state"]) == (202, "/v1/approvals/1", "waiting")
    assert counted(engine) == before
    shown = four.get("/v1/approvals/1", "karim approving")
    assert shown == answer.json
    number, gross = shown["effect"]["invoice"], shown["effect"]["decisions"][0]["amount"]
    assert shown["effect"] == {
        "invoice": number, "tenant": shown["effect"]["tenant"], "decided_on": "2026-09-02", "reason": "liquidation",
        "decisions": [{"kind": "written_off", "amount": gross, "vat": shown["effect"]["decisions"][0]["vat"]}],
    }  # fmt: skip
    told = {name: shown[name] for name in ("kind", "effect", "entries")}
    canonical = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert sha256(canonical.encode()).hexdigest() == shown["digest"]
    done = approve(four, digest=f"sha256:{shown['digest']}")
    assert (done.status_code, done.json["state"], done.json["decided_by"]) == (200, "approved", "karim")
    assert done.json["result"] == number
    debt = four.get(f"/v1/debts/{number}", "omar")
    assert [(act["asked_by"], act["approved_by"], act["amount"]) for act in debt["acts"]] == [("amina", "karim", gross)]
    # What was booked is what was shown.
    booked = four.get("/v1/ledger/entries?limit=500", "omar")["items"][-1]
    assert [booked["label"]] == [one["label"] for one in shown["entries"]]
    assert [(p["account"], p["debit"], p["credit"]) for p in booked["postings"]] == [
        (p["account"], p["debit"], p["credit"]) for p in shown["entries"][0]["postings"]
    ]
    event = four.get("/v1/acts?limit=500", "omar")["items"][-1]
    assert (event["actor"], event["user"]) == ("karim-1", "karim")
    assert check(engine) == []


def test_only_what_the_settings_name_waits(four: Caller, engine: Engine) -> None:
    answer = write_off(four, kind="doubtful")
    assert answer.status_code == 201
    assert four.get("/v1/approvals", "karim")["items"] == []


def test_nobody_approves_what_they_ordered_by_any_of_their_tokens(four: Caller, engine: Engine) -> None:
    assert write_off(four, "karim").status_code == 202
    for own in ("karim", "karim approving"):
        answer = approve(four, by=own)
        assert is_problem(answer, 403, "forbidden")
        assert answer.json["detail"] == "karim ordered it: somebody else approves"
    assert approve(four, by="salma").status_code == 200


@pytest.mark.parametrize(
    ("who", "status"),
    [("amina approving", 403), ("omar", 403), ("finance", 403), ("admin", 403), (None, 401)],
)  # fmt: skip
def test_only_a_known_user_of_the_right_role_approves(four: Caller, engine: Engine, who: str, status: int) -> None:
    """`finance` and `admin` are tokens that belong to nobody: whoever holds them is not known."""
    write_off(four, "karim")
    assert approve(four, by=who).status_code == status
    assert four.get("/v1/approvals/1", "karim")["state"] == "waiting"


def test_whoever_is_not_known_can_not_order_what_waits(four: Caller, engine: Engine) -> None:
    """The same person could approve by a token of their own."""
    answer = write_off(four, "admin")
    assert is_problem(answer, 403, "forbidden")
    assert "nobody knows who the-admin is" in answer.json["detail"]


def test_a_role_or_a_person_gone_meanwhile_counts_as_it_is_then(four: Caller, engine: Engine) -> None:
    write_off(four)
    change(engine, "karim", role="finance")
    assert "karim has the role finance" in approve(four).json["detail"]
    change(engine, "salma", enabled=False)
    assert approve(four, by="salma").status_code in (401, 403)
    change(engine, "karim", role="approver")
    change(engine, "amina", enabled=False)
    answer = approve(four)
    assert is_problem(answer, 409, "conflict")
    assert "approval 1 is void: amina, who ordered it, may not order any more" in answer.json["detail"]
    assert check(engine) == []


def test_it_does_not_end_when_an_approver_is_disabled(four: Caller, engine: Engine) -> None:
    """Else whoever may disable users would need nobody."""
    for name in ("karim", "omar"):
        change(engine, name, enabled=False)
    assert write_off(four, "salma").status_code == 202
    assert approve(four, by="salma").status_code == 403


def test_an_approval_is_void_once_it_would_do_something_else(four: Caller, engine: Engine) -> None:
    answer = write_off(four)
    invoice = four.get(f"/v1/documents/{answer.json['effect']['invoice']}", "omar")
    order = {"means": "transfer", "reference": "V1", "value_date": "2026-09-01", "tenant": invoice["tenant"],
             "amount": "1.00", "allocation": "explicit",
             "allocations": [{"invoice": invoice["number"], "amount": "1.00"}]}  # fmt: skip
    paid = four.post("/v1/receipts", order, scope="amina")
    assert paid.status_code == 201, paid.text
    before = counted(engine)
    void = approve(four)
    assert is_problem(void, 409, "conflict")
    assert "what it would do has changed since it was ordered" in void.json["detail"]
    assert counted(engine) == before
    stands = four.get("/v1/approvals/1", "omar")
    assert (stands["state"], stands["decided_by"]) == ("void", "karim")
    assert is_problem(approve(four, by="salma"), 409, "conflict")
    again = write_off(four)
    assert (again.status_code, again.json["number"]) == (202, 2)
    assert approve(four, 2).status_code == 200
    assert check(engine) == []


def test_an_approval_is_void_once_it_can_not_be_done(four: Caller, engine: Engine) -> None:
    write_off(four)
    number = four.get("/v1/approvals/1", "omar")["effect"]["invoice"]
    credit = {"invoice": number, "reason": "erreur"}
    assert four.post("/v1/credit-notes", credit, scope="amina").status_code == 201
    void = approve(four)
    assert is_problem(void, 409, "conflict")
    assert "it can't be done any more" in void.json["detail"]
    assert check(engine) == []


def test_another_digest_than_the_one_shown_is_refused(four: Caller) -> None:
    write_off(four)
    assert is_problem(approve(four, digest="0" * 64), 409, "conflict")
    assert is_problem(approve(four, digest="x"), 422, "validation")
    assert four.get("/v1/approvals/1", "karim")["state"] == "waiting"


def test_the_same_order_again_while_it_waits_is_the_same(four: Caller, engine: Engine) -> None:
    first, again, other = write_off(four), write_off(four), write_off(four, place=1)
    assert (first.json, other.json["number"]) == (again.json, 2)
    assert [one["number"] for one in four.get("/v1/approvals?state=waiting", "omar")["items"]] == [1, 2]
    # One is carried out; the other, of another invoice, still does what was shown.
    assert [approve(four, number).status_code for number in (1, 2)] == [200, 200]
    assert four.get("/v1/approvals?state=waiting", "omar")["items"] == []


def test_a_refusal_has_a_reason_and_nothing_is_done(four: Caller, engine: Engine) -> None:
    before = counted(engine)
    write_off(four)
    write_off(four, place=1)
    path = "/v1/approvals/{}/refuse".format
    assert is_problem(four.post(path(1), {"reason": ""}, scope="karim"), 422, "validation")
    assert is_problem(four.post(path(1), {"reason": " "}, scope="karim"), 422, "refused")
    assert is_problem(four.post(path(1), {"reason": "non"}, scope="finance"), 403, "forbidden")
    found = four.post(path(1), {"reason": "le client a payé"}, scope="karim")
    assert (found.json["state"], found.json["reason"], found.json["result"]) == ("refused", "le client a payé", None)
    assert is_problem(approve(four, by="salma"), 409, "conflict")
    # Whoever ordered takes it back.
    assert four.post(path(2), {"reason": "erreur"}, scope="amina approving").json["decided_by"] == "amina"
    assert is_problem(approve(four, 3), 404, "not-found")
    assert counted(engine) == before
    assert check(engine) == []


def overpaid(caller: Caller) -> dict[str, Any]:
    """A receipt of which nothing settles anything, and the order that pays a part of it back."""
    order = {"means": "transfer", "reference": "V9", "value_date": "2026-09-01", "tenant": "B1", "amount": "100.00",
             "allocation": "none"}  # fmt: skip
    received = caller.post("/v1/receipts", order)
    assert received.status_code == 201, received.text
    return {"reference": "R1", "refunded_on": "2026-09-01", "receipt": received.json["number"], "tenant": "B1",
            "amount": "40.00"}  # fmt: skip


def test_refunds_wait_and_do_not_disturb_each_other(four: Caller, engine: Engine) -> None:
    order = overpaid(four)

    def paid_back(reference: str) -> Any:
        return four("POST", "/v1/refunds", "amina", json={**order, "reference": reference}, headers=REASON)

    assert [paid_back(reference).status_code for reference in ("R1", "R2")] == [202, 202]
    # The number a refund gets is not what is approved: the second one is carried out first.
    assert [approve(four, number).json["result"] for number in (2, 1)] == ["RB-000001", "RB-000002"]
    assert paid_back("R1").status_code == 200
    # 20.00 is left of 100.00: a third is more than there is, and is refused as an order.
    assert is_problem(paid_back("R3"), 422, "refused")
    assert check(engine) == []


def test_a_month_is_reopened_by_two(four: Caller, engine: Engine) -> None:
    path = "/v1/periods/2026-01/{}".format
    assert four.post(path("close"), None, scope="amina").status_code == 200
    answer = four("POST", path("reopen"), "amina", headers={"X-Reason": "frais oubliés"})
    assert (answer.status_code, answer.json["kind"]) == (202, "reopen_period")
    assert (answer.json["effect"]["period"], answer.json["effect"]["reason"]) == ("2026-01", "frais oubliés")
    assert four.get("/v1/periods/2026-01", "omar")["state"] == "closed"
    assert approve(four).json["result"] == "2026-01"
    assert [one["reason"] for one in four.get("/v1/periods/2026-01", "omar")["history"]] == [None, "frais oubliés"]
    # What was once approved is not approved again for a later closing.
    assert four.post(path("close"), None, scope="amina").status_code == 200
    assert is_problem(approve(four, by="salma"), 409, "conflict")
    assert check(engine) == []


def test_a_stored_answer_is_given_again_and_nothing_done_twice(four: Caller, engine: Engine) -> None:
    write_off(four)
    answers = [four.post("/v1/approvals/1/approve", {}, "key", "karim") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json
    assert approve(four).status_code == 409


def test_eight_approving_at_once_carry_it_out_once(four: Caller, engine: Engine) -> None:
    write_off(four)
    before = counted(engine)
    for n in range(8):
        add(engine, f"approver{n}", "approver")
        four.secrets[f"approver{n}"] = token(engine, f"approver{n}-1", "approvals", f"approver{n}")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: approve(four, by=f"approver{n}").status_code, range(8)))
    assert sorted(statuses) == [200] + [409] * 7
    decided, _, entries = counted(engine)
    assert (decided, entries) == (before[0] + 1, before[2] + 1)
    assert check(engine) == []


@pytest.mark.parametrize(
    "row",
    [
        "1, 'amina', 'approved', 'amina', 'approver', '2026-09-02', NULL, 'x'",
        "1, 'karim', 'approved', 'amina', 'approver', '2026-09-02', NULL, 'x'",
        "1, 'amina', 'approved', 'karim', 'finance', '2026-09-02', NULL, 'x'",
        "1, 'amina', 'approved', 'nobody', 'approver', '2026-09-02', NULL, 'x'",
        "1, 'amina', 'refused', 'karim', 'approver', '2026-09-02', NULL, NULL",
        "1, 'amina', 'approved', 'karim', 'approver', '2026-09-02', NULL, NULL",
    ],
)
def test_the_database_refuses_an_approval_that_is_none(four: Caller, engine: Engine, row: str) -> None:
    write_off(four)
    insert = text(
        "INSERT INTO approval_decision (order_id, ordered_by, outcome, decided_by, role, decided_at, reason, result) "
        f"VALUES ({row})"
    )
    with pytest.raises(IntegrityError), maintenance_transaction(engine) as connection:
        connection.execute(insert)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("UPDATE approval_decision SET decided_by = 'amina'", "approval 1: amina approved what amina had ordered"),
        ("UPDATE approval_decision SET decided_by = 'salma'", "approval 1: it is approved by salma"),
        ("UPDATE approval_decision SET outcome = 'refused'", "approval 1: it is refused by karim"),
        ("DELETE FROM approval_decision", "approval 1: it is waiting by None, the audit log says approved by karim"),
        ("UPDATE approval_order SET ordered_by = 'salma'", "approval 1: salma is not who ordered this"),
        ("UPDATE approval_order SET preview = '{\"effect\": {}, \"entries\": []}'", "approval 1: what it shows is not"),
        ("DELETE FROM approvals_begun", "orders do not wait for approvals any more"),
    ],
)  # fmt: skip
def test_check_names_an_approval_that_was_tampered_with(four: Caller, engine: Engine, spoil: str, told: str) -> None:
    write_off(four)
    assert approve(four).status_code == 200
    assert check(engine) == []
    if engine.dialect.name == "sqlite":
        free = ["PRAGMA ignore_check_constraints = ON"]
    else:
        names = ("two_people", "said", "result")
        free = [f"ALTER TABLE approval_decision DROP CONSTRAINT ck_approval_decision_{name}" for name in names]
    behind_its_back(engine, *free, spoil)
    assert [problem for problem in check(engine) if problem.startswith(told)], check(engine)


def test_the_command_line_orders_shows_approves_and_refuses(
    park: Caller, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    invoke = invoker({"DATABASE_URL": engine.url.render_as_string(hide_password=False)})
    number = park.get("/v1/documents?period=2026-08&kind=invoice")["items"][0]["number"]
    secrets = {}
    for name, role in (("amina", "finance"), ("karim", "approver"), ("salma", "admin")):
        add(engine, name, role)
        secrets[name] = token(engine, f"{name}-1", "approvals finance", name)
    ordering = ("debts", "decide", number, "written_off", "--on", "2026-09-02", "--reason", "liquidation")
    assert "nobody knows who" in refused(invoke(*ordering))
    assert ok(invoke(*ordering, BILLING_TOKEN=secrets["amina"])) == f"{number} waits for approval 1\n"
    assert "write_off" in ok(invoke("approvals", "list"))
    shown = json.loads(ok(invoke("approvals", "show", "1")))
    assert (shown["state"], shown["effect"]["invoice"]) == ("waiting", number)
    assert "nobody knows who" in refused(invoke("approvals", "approve", "1"))
    assert "amina has the role finance" in refused(invoke("approvals", "approve", "1", BILLING_TOKEN=secrets["amina"]))
    done = ok(invoke("approvals", "approve", "1", "--digest", shown["digest"], BILLING_TOKEN=secrets["karim"]))
    assert done == f"approval 1: write_off of amina approved and carried out: {number}\n"
    assert "was decided already" in refused(invoke("approvals", "approve", "1", BILLING_TOKEN=secrets["salma"]))
    assert ok(invoke("approvals", "list")) == "no order waits for an approval\n"
    assert "approved" in ok(invoke("approvals", "list", "--all"))
    park.post("/v1/periods/2026-01/close", None)
    reopen = ("periods", "reopen", "2026-01", "--reason", "oubli")
    assert ok(invoke(*reopen, BILLING_TOKEN=secrets["amina"])) == "2026-01 waits for approval 2\n"
    assert "needs a reason" in refused(invoke("approvals", "refuse", "2", BILLING_TOKEN=secrets["karim"]))
    refusal = ("approvals", "refuse", "2", "--reason", "non")
    assert ok(invoke(*refusal, BILLING_TOKEN=secrets["karim"])) == "approval 2 is refused: nothing was done\n"
    assert check(engine) == []


def test_a_large_receipt_cancelled_by_the_command_line_waits(
    park: Caller, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    secrets = {}
    for name, role in (("amina", "finance"), ("karim", "approver"), ("salma", "admin")):
        add(engine, name, role)
        secrets[name] = token(engine, f"{name}-1", "approvals finance", name)
    for number, amount in (("V1", "5000.00"), ("V2", "5000.01")):
        receipt = {"means": "transfer", "reference": number, "value_date": "2026-09-01", "tenant": "B1"}
        assert park.post("/v1/receipts", receipt | {"amount": amount}).status_code == 201
    invoke = invoker({"DATABASE_URL": engine.url.render_as_string(hide_password=False)})
    settings = {"BILLING_TOKEN": secrets["amina"]}
    first, second = (
        ok(invoke("payments", "cancel", number, "--reason", "saisi deux fois", **settings))
        for number in ("RG-000001", "RG-000002")
    )
    assert first == "RG-000001 is cancelled on 2026-09-01\n"
    assert second == "the cancellation of RG-000002 waits for approval 1\n"
    assert park.get("/v1/receipts/RG-000002")["cancellation"] is None
    done = ok(invoke("approvals", "approve", "1", BILLING_TOKEN=secrets["karim"]))
    assert done == "approval 1: cancel_receipt of amina approved and carried out: RG-000002\n"
    assert park.get("/v1/receipts/RG-000002")["cancellation"]["cancelled_on"] == "2026-09-01"
    assert check(engine) == []


def test_what_waits_is_a_setting(engine: Engine, tmp_path: Path, four: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    terms = tmp_path / "terms.toml"
    terms.write_text(
        '[[approvals.required]]\neffective_from = 1900-01-01\nvalue = ["refund"]\nsource = "board"\n', encoding="utf-8"
    )
    invoke = invoker({"DATABASE_URL": engine.url.render_as_string(hide_password=False), "TERMS_FILE": str(terms)})
    number = four.get("/v1/documents?period=2026-08&kind=invoice", "admin")["items"][0]["number"]
    ordering = ("debts", "decide", number, "written_off", "--on", "2026-09-02", "--reason", "liquidation")
    assert "written off" in ok(invoke(*ordering))
    terms.write_text(
        '[[approvals.required]]\neffective_from = 1900-01-01\nvalue = ["refunds"]\nsource = "board"\n', encoding="utf-8"
    )
    assert "approvals.required names 'refunds'; known are write_off" in refused(invoke("check"))


def test_as_shipped_what_gives_money_away_or_changes_closed_books_waits() -> None:
    terms = load_settings({}).terms
    [version] = terms.versions["approvals.required"]
    assert set(version.value) == {"write_off", "refund", "manual_entry", "reopen_period", "take_on", "cancel_receipt"}
