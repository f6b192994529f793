"""Lists by cursor: every item once, whatever is added between two pages."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import date
from typing import Any
from zlib import crc32

import pytest
from sqlalchemy import Engine

from billing.audit.webhooks.tables import webhook_attempt
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.frame.database import maintenance_transaction, writing
from billing.frame.deferred import rows as jobs
from billing.frame.settings import load_settings
from billing.proof.tables import proof_checkpoint, proof_cosignature
from billing.receivables.receipts.orders import Leg, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from ledger.proof.notes import parse_verifier_key
from tests.support.api import NOW, Caller
from tests.support.bank_files import camt, entry
from tests.support.people import add, token
from tests.support.told import tell, to_tell

LISTS = (
    "/v1/proof/checkpoints", "/v1/proof/cosignatures",
    "/v1/sites", "/v1/units", "/v1/services", "/v1/vat-rates", "/v1/rates", "/v1/tenants", "/v1/leases", "/v1/grants",
    "/v1/surveys", "/v1/applications",
    "/v1/usage-events", "/v1/billing-runs", "/v1/billing-runs/2026-08/outcomes", "/v1/documents", "/v1/deliveries",
    "/v1/ledger/entries", "/v1/ledger/accounts", "/v1/ledger/accounts/3421/entries", "/v1/tokens", "/v1/users",
    "/v1/imports",
    "/v1/credit-notes", "/v1/deposits", "/v1/debts", "/v1/periods", "/v1/acts", "/v1/acts/1/changes", "/v1/changes",
    "/v1/messages", "/v1/cash-receipts", "/v1/statements", "/v1/statement-lines",
    "/v1/messages", "/v1/cash-receipts",
    "/v1/messages", "/v1/tier-change-notices",
    "/v1/dunning/reminders", "/v1/dunning/holds", "/v1/dunning/interest-clauses",
    "/v1/one-off-invoices", "/v1/run-holds", "/v1/tenant-summaries", "/v1/entries",
    "/v1/approvals", "/v1/receipts", "/v1/withholdings", "/v1/allocations", "/v1/refunds", "/v1/open-items",
    "/v1/jobs", "/v1/webhook-endpoints", "/v1/webhook-endpoints/WH-000001/deliveries",
)  # fmt: skip
# What an address is asked for that names one of several.
EXAMPLES = {
    "<webhook:endpoint>": "WH-000001",
    "<month:period>": "2026-08",
    "<part:account>": "3421",
    "<serial:act>": "1",
}


def order_jobs(engine: Engine) -> None:
    """Let three jobs wait."""
    me = jobs.Caller("the-admin", None, frozenset({"admin"}), ())
    ordered = jobs.Ordered("GET", "/v1/ledger/exports?format=csv", {}, "r1", frozenset({"admin"}))
    with maintenance_transaction(engine) as connection:
        for name in "abc":
            jobs.place(connection, name, me, ordered, NOW)


def fill(caller: Caller, engine: Engine) -> None:
    """Add what a billed park has none of yet, several of each."""
    for invoice in caller.get("/v1/documents?period=2026-08&kind=invoice")["items"][:2]:
        credit = {"invoice": invoice["number"], "lines": [{"line": 1, "amount": "1.00"}], "reason": "panne"}
        caller.post("/v1/credit-notes", credit)
        debt = {"invoice": invoice["number"], "kind": "doubtful", "reason": "saisie"}
        caller.post("/v1/debts", debt)
    with writing(engine) as connection:
        legs = (Leg("money", 10_000),)
        payer = caller.get("/v1/tenants?limit=1")["items"][0]["code"]
        cash = [ReceiptOrder("cash", f"caisse {n}", date(2026, 9, 1), payer, legs) for n in (1, 2, 3)]
        settings = load_settings({})
        receive(connection, cash, recorded_at=NOW, terms=settings.terms, seller=settings.operator.party)
    pay(caller)
    for day, opening in ((1, 0), (2, 30_000)):
        moved = [entry(amount, date(2026, 9, day)) for amount in (10_000, 20_000)]
        content = camt(moved, opening=opening, closing=opening + 30_000, on=date(2026, 9, day), name=f"R{day}")
        assert caller("POST", "/v1/statements", data=content, content_type="application/xml").status_code == 201
    told = tell(engine, [to_tell(n) for n in range(1, 4)]).values()
    notice = {"tenant": "T1", "switches_on": date(2026, 9, 10), "step": 30, "announced_on": date(2026, 9, 1)}
    with writing(engine) as connection:
        connection.execute(tier_change_announcement.insert(), [{**notice, "message_id": message} for message in told])
    caller.post("/v1/dunning/reminders", {})
    reason = {"X-Reason": "appel"}
    for tenant in [one["code"] for one in caller.get("/v1/tenants")["items"]][:2]:
        caller("POST", "/v1/dunning/holds", json={"kind": "dispute", "tenant": tenant}, headers=reason)
        clause = {"tenant": tenant, "rate": "0.10"}
        caller("POST", "/v1/dunning/interest-clauses", json=clause, headers=reason)
    with writing(engine) as connection:
        key = parse_verifier_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        signed = {"size": 1, "root": "", "note": "", "verifier_keys": str(key), "signed_at": NOW}
        connection.execute(proof_checkpoint.insert(), [{"id": number, **signed} for number in (1, 2, 3)])
        cosigned = {"line": "", "cosigned_at": NOW, "recorded_at": NOW}
        both = [{"checkpoint_id": n, "witness": witness, **cosigned} for n in (1, 2) for witness in ("v+1+k", "w+2+k")]
        connection.execute(proof_cosignature.insert(), both)
    for name in ("amina", "karim", "salma"):
        caller.post("/v1/users", {"name": name, "email": f"{name}@park.example", "role": "finance"}, scope="admin")
    order_jobs(engine)
    for n in (1, 2):
        caller.post("/v1/units", {"site": "TNG", "code": f"TNG-{n}", "kind": "office", "area_m2": "20"})
        caller.post("/v1/surveys", {"tenant": "A1", "year": 2024 + n, "jobs": 3})
        firm = {"legal_name": f"Firme {n}", "kind": "startup", "received_on": "2026-08-01", "state": "received"}
        caller.post("/v1/applications", {"code": f"C{n}", "site": "TNG", "area_m2": "20", **firm})
    for lease in ("L1", "L2"):
        caller.post("/v1/deposits", {"lease": lease})
    for tenant in ("A1", "B1", "C1"):
        line = {"service": "MEAL", "text": "Repas du conseil", "quantity": "2", "price": "38.50"}
        order = {"tenant": tenant, "site": "CAS", "lines": [line], "reason": "réunion du 1er septembre"}
        assert caller.post("/v1/one-off-invoices", order).status_code == 201
        held = {"tenant": tenant, "reason": "bail en litige"}
        assert caller.post("/v1/billing-runs/2026-09/holds", held).status_code == 201
        rows = [
            {"date": "2026-09-01", "label": "Frais", "voucher": tenant, "account": account, side: "1.00"}
            for account, side in (("6147", "debit"), ("5141", "credit"))
        ]
        assert caller.post("/v1/entries", {"rows": rows, "reason": "frais"}).status_code == 201
    for n in (1, 2, 3):
        caller.post("/v1/webhook-endpoints", {"url": f"https://erp.example/{n}"}, scope="admin")
        tried = {"endpoint_id": 1, "event_id": f"{n}.9.1", "type": "tenant.created", "attempted_at": NOW}
        with maintenance_transaction(engine) as connection:
            connection.execute(webhook_attempt.insert().values(**tried, milliseconds=9, status=204))
    for period in ("2026-01", "2026-02"):
        caller.post(f"/v1/periods/{period}/close", None)
    # From now on, what writes off waits for a second person.
    for name, role in (("nadia", "approver"), ("omar", "approver")):
        add(engine, name, role)
    caller.secrets["amina"] = token(engine, "amina-1", "finance", "amina")
    for invoice in caller.get("/v1/documents?period=2026-08&kind=invoice")["items"][:3]:
        order = {"invoice": invoice["number"], "kind": "written_off", "decided_on": "2026-09-02", "reason": "perdue"}
        assert caller.post("/v1/debts", order, scope="amina").status_code == 202


def pay(caller: Caller) -> None:
    """Receipts with a tax withheld, of which a part is paid back each time."""
    for n in (1, 2, 3):
        order = {
            "means": "transfer", "reference": f"V{n}", "value_date": "2026-09-01", "tenant": "B1", "amount": "100.00",
            "rent_withholding": "5.00", "allocation": "none" if n == 3 else "automatic",
        }  # fmt: skip
        assert caller.post("/v1/receipts", order).status_code == 201
    for n in (1, 2, 3):
        refund = {"reference": f"R{n}", "refunded_on": "2026-09-01", "receipt": "RG-000006", "tenant": "B1"}
        refund["amount"] = "1.00"
        headers = {"X-Reason": "doublon"}
        assert caller("POST", "/v1/refunds", json=refund, headers=headers).status_code == 201


def pages(caller: Caller, path: str, limit: int) -> list[list[object]]:
    """Every page of a list, from the first."""
    found, cursor = [], ""
    while True:
        page = caller.get(f"{path}?limit={limit}{cursor}", "admin")
        found.append(page["items"])
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


# They tell what files held, or were signed: a blank cell is none of our texts.
AS_HELD = ("/v1/acts/1/changes", "/v1/changes", "/v1/imports", "/v1/proof/checkpoints", "/v1/proof/cosignatures")


def blanks(value: Any, name: str = "") -> Iterator[str]:
    """The names of the texts that are blank."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from blanks(inner, f"{name}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from blanks(inner, name)
    elif value == "":
        yield name


def test_every_list_is_paged_and_its_pages_make_the_whole(park: Caller, engine: Engine) -> None:
    listed = {
        rule.rule
        for rule in park.app.url_map.iter_rules()
        if park.app.view_functions[rule.endpoint].__name__.startswith(("list_", "view"))
        and "GET" in (rule.methods or ())
        and not rule.rule.endswith(">")
    }
    for part, example in EXAMPLES.items():
        listed = {rule.replace(part, example) for rule in listed}
    # The feed has no last page: `tests/audit/test_feed.py`.
    assert listed == {*LISTS, "/v1/events"}
    fill(park, engine)
    for path in LISTS:
        [whole] = pages(park, path, 500)
        assert whole, path
        assert path in AS_HELD or set(blanks(whole)) == set(), path
        assert park.get(f"{path}?limit=1&total=true", "admin")["total"] == len(whole), path
        for limit in (1, 2, 3):
            parts = pages(park, path, limit)
            assert [item for part in parts for item in part] == whole, (path, limit)
            assert all(len(part) == limit for part in parts[:-1]), (path, limit)
            assert 1 <= len(parts[-1]) <= limit, (path, limit)


def test_a_page_has_50_items_unless_asked(ground: Caller) -> None:
    page = ground.get("/v1/ledger/accounts")
    assert len(page["items"]) == 50
    assert page["next"] is not None


def test_what_is_added_before_the_cursor_shifts_nothing(ground: Caller) -> None:
    first = ground.get("/v1/sites?limit=1")
    assert [site["code"] for site in first["items"]] == ["CAS"]
    ground.post("/v1/sites", {"code": "AGA", "name": "Agadir"})
    ground.post("/v1/sites", {"code": "RAB", "name": "Rabat"})
    second = ground.get(f"/v1/sites?cursor={first['next']}")
    assert [site["code"] for site in second["items"]] == ["RAB", "TNG"]


@pytest.mark.parametrize("limit", ["0", "-1", "501", "1.5", "", "x", "1e3", "9" * 400])
def test_a_limit_from_1_to_500(ground: Caller, limit: str) -> None:
    answer = ground("GET", f"/v1/sites?limit={limit}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["limit"]


def marked(path: str, key: str) -> str:
    """A cursor of a list, in its own order, that bears a key."""
    return encoded(f"[{crc32(f'{path} '.encode())},{key[1:]}")


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "é", "====", "%00", "A" * 2000, encoded("[]"), encoded("{}"), encoded("null"), encoded('["a","b"]'),
        encoded("[1]"), encoded("[true]"), encoded('["\\u0000"]'), encoded("[1e400]"), encoded("[[1]]"),
        encoded('["\\ud800"]'),
    ],
)  # fmt: skip
def test_a_cursor_that_is_none_is_refused(ground: Caller, cursor: str) -> None:
    answer = ground("GET", "/v1/sites", query_string={"cursor": cursor})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/validation")
    assert [error["field"] for error in answer.json["errors"]] == ["cursor"]


@pytest.mark.parametrize("cursor", ['["MEAL","2026-02-30"]', '["MEAL",20260101]', '["MEAL"]', '[1,"2026-01-01"]'])
def test_a_cursor_of_another_list_is_refused(ground: Caller, cursor: str) -> None:
    for key, status in ((cursor, 422), ('["MEAL","2026-02-28"]', 200)):
        asked = ground("GET", f"/v1/vat-rates?cursor={marked('/v1/vat-rates', key)}")
        assert asked.status_code == status


@pytest.mark.parametrize("number", ["-1", str(2**63), str(2**70), "1.5", "true", '"1"'])
def test_a_number_no_row_can_have_is_no_cursor(ground: Caller, number: str) -> None:
    for key, status in ((f"[{number}]", 422), ("[1]", 200)):
        cursor = marked("/v1/usage-events", key)
        assert ground("GET", f"/v1/usage-events?cursor={cursor}").status_code == status
