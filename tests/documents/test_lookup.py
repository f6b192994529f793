"""Documents and tenants are found by what people know of them; one mail more carries the file of the first."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from billing.check import check
from billing.documents.delivery.delivering import Which, deliver
from billing.documents.delivery.resending import Resent, resend
from billing.documents.export import pieces_of_days
from billing.documents.lookup.files import found_documents
from billing.documents.lookup.queries import Wanted, find_shown
from billing.documents.tenants.files import all_summaries
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused
from billing.frame.listing import Asked
from billing.receivables.open_items.document_states import DocumentState
from billing.receivables.reports.open_documents import open_documents, vat_not_due
from invoices.errors import UnknownDocument
from ledger.balances import account_balance
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.api import Caller, CallerOf
from tests.support.billed_park import bill_park
from tests.support.credit_notes import cancels_by_hand, credits_by_hand
from tests.support.debts import decides
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park, open_park
from tests.support.people import invoker, ok, refused
from tests.support.queued import environment, settings
from tests.support.smtp_script import END, answering
from tests.support.tenants import change_tenant
from tests.support.till import applies, bounces, clears, order, receives

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Énergie 100%_Rif"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Toubkal", "ice": "001525713000038"},
    {"code": "T3", "kind": "startup", "incorporated_on": "2026-01-15", "legal_name": "Noor", "email": ""},
]
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    {"code": "L2", "tenant": "T2", "site": "TNG", "area_m2": "10", "starts_on": "2024-01-01"},
    {"code": "L3", "tenant": "T3", "site": "TNG", "area_m2": "10", "starts_on": "2026-02-01"},
]
USAGE: list[Row] = [
    {"event_id": "U1", "tenant": "T2", "site": "TNG", "service": "MEAL", "quantity": "9", "occurred_on": "2026-05-03"}
]
JUNE_T1, JUNE_T2, JUNE_T3, JULY_T1, JULY_T2 = (f"FA-2026-00000{number}" for number in (1, 2, 3, 4, 5))
TODAY = date(2026, 8, 15)


@pytest.fixture
def caller(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> Caller:
    """The caller of an app on the billed park."""
    bill_park(engine, tmp_path / "billed")
    return caller_of(engine)


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """June and July are billed; T1's June is paid in part, T2's June is credited, T3's June is lost."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=TENANTS, leases=LEASES, usage=USAGE)
    park.bills("2026-06")
    park.bills("2026-07")
    return park


def settled(park: Park) -> None:
    """Let happen to documents all that can."""
    [paid, cheque] = receives(
        park,
        order("3000.00", on="2026-06-20", pays={JUNE_T1: "3000.00"}),
        order("600.00", means="cheque", reference="C1", on="2026-07-10", pays={JULY_T1: "600.00"}),
    )
    credits_by_hand(park, JULY_T1, (1, 50000), on="2026-07-05")
    cancels_by_hand(park, JUNE_T2, on="2026-07-06")
    applies(park, on="2026-07-07")
    decides(park, "doubtful", on="2026-07-20", invoice=JUNE_T3)
    decides(park, "written_off", "300.00", on="2026-08-01", invoice=JUNE_T3)
    clears(park, cheque, on="2026-08-03")
    [bad] = receives(park, order("480.00", means="cheque", reference="C2", on="2026-07-28", pays={JUNE_T1: "480.00"}))
    bounces(park, bad, on="2026-08-09")
    assert paid < cheque < bad


def shown(park: Park, number: str) -> Any:
    with reading(park.engine) as connection:
        return find_shown(connection, number, TODAY)


def found(park: Park, search: str | None = None, **wanted: Any) -> list[str]:
    with reading(park.engine) as connection:
        return [each.number for each in found_documents(connection, Wanted(TODAY, **wanted), Asked(search))]


def test_what_settles_a_document_says_its_state_and_adds_up_to_its_gross(park: Park) -> None:
    settled(park)
    decides(park, "written_off", on="2026-08-10", invoice=JUNE_T3)
    told = {}
    for number in found(park):
        d = shown(park, number)
        told[number] = f"{d.state} paid {d.paid} credited {d.credited} lost {d.written_off} open {d.open} of {d.gross}"
    assert told == {
        "AV-2026-000001": "credited paid 0.00 credited 600.00 lost 0.00 open 0.00 of 600.00",
        "AV-2026-000002": "credited paid 0.00 credited 2136.60 lost 0.00 open 0.00 of 2136.60",
        JUNE_T1: "overdue paid 3000.00 credited 0.00 lost 0.00 open 480.00 of 3480.00",
        JUNE_T2: "credited paid 0.00 credited 2136.60 lost 0.00 open 0.00 of 2136.60",
        JUNE_T3: "written_off paid 0.00 credited 0.00 lost 600.00 open 0.00 of 600.00",
        JULY_T1: "open paid 600.00 credited 600.00 lost 0.00 open 2280.00 of 3480.00",
        JULY_T2: "open paid 0.00 credited 0.00 lost 0.00 open 1800.00 of 1800.00",
        "FA-2026-000006": "open paid 0.00 credited 0.00 lost 0.00 open 600.00 of 600.00",
    }
    for state in DocumentState:
        assert found(park, states=(state,)) == [n for n in told if told[n].startswith(f"{state} ")], state
    assert shown(park, JUNE_T1).buyer.legal_name == "Énergie 100%_Rif"
    assert check(park.engine) == []


def test_documents_are_found_by_what_people_know_of_them(park: Park) -> None:
    of_t1, of_t2 = [JUNE_T1, JULY_T1], [JUNE_T2, JULY_T2]
    change_tenant(park.engine, "T2", legal_name="Autre nom")
    for text, expected in {
        "énergie": of_t1, "ENERGIE": of_t1, "COMPTA@ÁTLAS": sorted(of_t1 + of_t2), "100%_r": of_t1, "100_": [],
        "%": of_t1, "toubk": of_t2, "Autre": [],
        "0015257130": of_t2, "t2": of_t2, "2026-000004": [JULY_T1], "VIR RF54 FA20 2600 0004": [],
        shown(park, JULY_T1).payment_reference: [JULY_T1],
    }.items():  # fmt: skip
        assert found(park, search=text) == expected, text
    with reading(park.engine) as connection:
        largest_first = [d.number for d in found_documents(connection, Wanted(TODAY), Asked("energie", "-gross"))]
        assert largest_first == [JULY_T1, JUNE_T1]
        with pytest.raises(Refused, match="sort by number, created"):
            list(found_documents(connection, Wanted(TODAY), Asked(sort="colour")))
    assert found(park, site="TNG", period=date(2026, 7, 1)) == [JULY_T2, "FA-2026-000006"]
    assert found(park, tenant="T1", start=date(2026, 7, 1)) == [JULY_T1]


def test_the_sales_register_holds_every_document_of_its_days_by_hand_too(park: Park) -> None:
    note = credits_by_hand(park, JUNE_T1, (1, 10000), on="2026-07-02").number

    def register(start: str, until: str) -> list[str]:
        with reading(park.engine) as connection:
            days = date.fromisoformat(start), date.fromisoformat(until)
            return [d["number"] for d in json.loads(b"".join(pieces_of_days(connection, *days, "json")))]

    assert register("2026-07-01", "2026-07-31") == [note, JULY_T1, JULY_T2, "FA-2026-000006"]
    assert register("2026-06-02", "2026-06-30") == []
    assert len(register("2026-06-01", "2026-07-02")) == 7


def test_open_items_and_vat_not_due_are_the_books_on_every_day(park: Park) -> None:
    settled(park)
    on, last = date(2026, 6, 1), date(2026, 8, 15)
    seen = set()
    while on <= last:
        with reading(park.engine) as connection:
            items, vat = list(open_documents(connection, on).lines), vat_not_due(connection, on).lines
            sums = [sum(row[-3] for row in items), sum(row[-2] for row in items), -sum(row[-1] for row in vat)]
            books = [account_balance(connection, account, on) for account in ("3421", "3424", "44551")]
        assert sums == books, on
        seen.add(tuple(sums))
        on += timedelta(days=1)
    assert len(seen) > 6


def test_a_tenant_is_found_with_its_window_and_what_it_owes(park: Park) -> None:
    settled(park)
    with reading(park.engine) as connection:
        everybody = all_summaries(connection, Asked(), None, None, TODAY)
        [noor] = all_summaries(connection, Asked("noo"), "TNG", "startup", TODAY)
    assert [(t.code, t.open, t.overdue, t.balance) for t in everybody] == [
        ("T1", "2760.00", "480.00", "2760.00"), ("T2", "1800.00", "0.00", "1800.00"),
        ("T3", "900.00", "300.00", "900.00"),
    ]  # fmt: skip
    assert noor.window is not None
    assert (str(noor.window.first_day), str(noor.window.last_day), noor.tier) == (
        "2026-02-01", "2027-07-31", "subsidised",
    )  # fmt: skip


# --- once more ---------------------------------------------------------------------------------------


def resends(park: Park, number: str, to: str | None = None) -> Resent:
    with writing(park.engine) as connection:
        return resend(connection, number, to, operator="Parcs", now=NOW)


def test_a_copy_says_that_it_is_one_and_the_original_stays_as_it_was(park: Park, tmp_path: Path) -> None:
    chosen = settings(park.engine, tmp_path)
    run = invoker(environment(park.engine, tmp_path))
    run("documents", "pdf", JUNE_T1, "--output", tmp_path / "before.pdf")
    before = (tmp_path / "before.pdf").read_bytes()
    run("documents", "pdf", JUNE_T1, "--duplicate", "--output", tmp_path / "copy.pdf")
    copy = (tmp_path / "copy.pdf").read_bytes()
    assert ("DUPLICATA" in text_of(copy), "DUPLICATA" in text_of(before)) == (True, False)
    change_tenant(park.engine, "T1", email="new@t1.example", legal_name="X")
    assert resends(park, JUNE_T1) == Resent("ME-000001", "new@t1.example", is_new=True)
    assert resends(park, JUNE_T1, "daf@t1.example").number == "ME-000002"
    report = deliver(chosen, park.engine, clock=lambda: NOW)
    assert (report.sent, report.failures) == (2, ())
    for name, to in (("ME-000001", "new@t1.example"), ("ME-000002", "daf@t1.example")):
        mail = message_from_bytes((tmp_path / "outbox" / f"{name}.eml").read_bytes(), policy=default)
        [attached] = mail.iter_attachments()
        assert (str(mail["To"]).endswith(f"<{to}>"), mail["Subject"][:24]) == (True, "Copie : Facture FA-2026-")
        assert (attached.get_filename(), attached.get_content()) == (f"Facture-{JUNE_T1}.pdf", copy)
    assert [(m.message, m.state, m.recipient) for m in shown(park, JUNE_T1).resent] == [
        ("ME-000001", "sent", "new@t1.example"), ("ME-000002", "sent", "daf@t1.example"),
    ]  # fmt: skip
    assert deliver(chosen, park.engine, clock=lambda: NOW).sent == 0
    run("documents", "pdf", JUNE_T1, "--output", tmp_path / "after.pdf")
    assert (tmp_path / "after.pdf").read_bytes() == before
    assert check(park.engine) == []


def test_a_document_is_sent_once_more_an_order_whoever_orders_at_once(park: Park) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: resends(park, JUNE_T1), range(8)))
    assert {each.number for each in made} == {"ME-000001"}
    assert sum(each.is_new for each in made) == 1


def test_a_copy_ordered_before_is_reported_as_what_it_is_queued_tried_failed_or_in_doubt(
    park: Park, tmp_path: Path
) -> None:
    run = invoker(environment(park.engine, tmp_path))

    def goes_out(answers: dict[str, bytes]) -> None:
        with answering(answers) as script:
            chosen = settings(park.engine, tmp_path, f"smtp://127.0.0.1:{script.port}?security=none")
            deliver(chosen, park.engine, clock=lambda: NOW, which=Which.UNSENT)

    orders_again = partial(run, "documents", "resend", JUNE_T1)
    assert ok(orders_again()) == f"{JUNE_T1} queued as ME-000001 to compta@atlas.example\n"
    assert ok(orders_again()) == f"{JUNE_T1} waits already to be sent as ME-000001 to compta@atlas.example\n"
    goes_out({"RCPT": b"450 busy\r\n"})
    assert ok(orders_again()) == (
        f"{JUNE_T1} waits already to be sent as ME-000001 to compta@atlas.example, tried before: the mail server "
        "refuses it for now: 450 busy\n"
    )
    goes_out({"RCPT": b"550 no such user\r\n"})
    assert ok(orders_again()) == (
        f"{JUNE_T1} was ordered before as ME-000001 to compta@atlas.example, which failed: the mail server refuses it: "
        "550 no such user; `technopark-billing deliver` tries it again\n"
    )
    change_tenant(park.engine, "T1", email="a@t1.example; b@t1.example")
    mended = resends(park, JUNE_T1, "b@t1.example,a@t1.example")
    assert (mended.number, mended.recipient, mended.state) == ("ME-000001", "a@t1.example; b@t1.example", "failed")
    goes_out({END: b""})
    assert "nobody knows whether ME-000001, a copy of" in refused(orders_again())
    ok(run("deliveries", "settle", "ME-000001", "--sent", "--reason", "Journal du serveur"))
    assert resends(park, JUNE_T1).number == "ME-000002"


def test_what_cannot_be_sent_again_is_refused_with_what_to_do(park: Park) -> None:
    note = cancels_by_hand(park, JUNE_T2, on="2026-07-06").number
    with pytest.raises(Conflict, match=f"credited whole by {note}.* send {note} instead"):
        resends(park, JUNE_T2)
    with pytest.raises(Conflict, match=f"{note} has not been sent yet: the next delivery sends it to compta@"):
        resends(park, note)
    with pytest.raises(Conflict, match=f"{note} has not been sent yet"):
        resends(park, note, "compta@atlas.example")
    assert resends(park, note, "a@b.example").is_new
    with pytest.raises(UnknownDocument, match="FA-2026-000099"):
        resends(park, "FA-2026-000099")
    with pytest.raises(Refused, match="no e-mail address"):
        resends(park, JUNE_T3)
    with pytest.raises(Refused, match="'nobody' is not an e-mail address"):
        resends(park, JUNE_T1, "nobody")


def test_the_commands_show_and_refuse_as_the_functions_do(park: Park, tmp_path: Path) -> None:
    run = invoker(environment(park.engine, tmp_path))
    told = json.loads(ok(run("documents", "show", JUNE_T2, "--format", "json")))
    assert (told["buyer"]["ice"], told["delivery"], told["open"]) == ("001525713000038", None, "2136.60")
    assert [d["number"] for d in json.loads(ok(run("documents", "list", "--search", "noor", "--format", "json")))] == [
        JUNE_T3, "FA-2026-000006",
    ]  # fmt: skip
    for file_format in ("table", "csv"):
        assert JULY_T1 in ok(run("documents", "list", "--tenant", "T1", "--format", file_format))
        assert "OFFICE" in ok(run("documents", "show", JULY_T1, "--format", file_format))
        assert "Toubkal" in ok(run("tenants", "list", "--format", file_format))
    assert json.loads(ok(run("tenants", "show", "T2", "--format", "json")))["documents"][0]["number"] == JULY_T2
    assert "no document bears the number FA-2026-000099" in refused(run("documents", "show", "FA-2026-000099"))
    assert run("export", "documents", "--from", "2026-07-01").exit_code == 2


def test_over_http_documents_are_filtered_and_sent_again_once_a_key(caller: Caller) -> None:
    everything = caller.get("/v1/documents?limit=500")["items"]
    states = {d["number"]: d["state"] for d in everything}
    for state in DocumentState:
        listed = [d["number"] for d in caller.get(f"/v1/documents?limit=500&state={state}")["items"]]
        assert listed == [number for number in states if states[number] == state]
    number = everything[-1]["number"]
    assert caller.get(f"/v1/documents/{number}") == everything[-1]
    first = caller.post(f"/v1/documents/{number}/resend", {"email": "a@b.example"}, key="k")
    assert (first.status_code, first.json["state"]) == (201, "queued")
    assert caller.post(f"/v1/documents/{number}/resend", {"email": "a@b.example"}, key="k").json == first.json
    assert caller.post(f"/v1/documents/{number}/resend", {"email": "a@b.example"}).status_code == 200
    assert caller.post(f"/v1/documents/{number}/resend", {"email": "x"}).status_code == 422
    assert caller.post(f"/v1/documents/{number}/resend", {}).status_code == 409
    assert caller.get(f"/v1/messages/{first.json['message']}")["copies"] == [number]
    [change] = caller.get(f"/v1/changes?subject=deliveries&key={number}")["items"]
    assert change["after"] == {"resent": first.json["message"], "recipient": "a@b.example"}


def test_amounts_of_a_tenant_at_a_glance_are_those_of_its_documents(caller: Caller) -> None:
    for summary in caller.get("/v1/tenant-summaries?limit=500")["items"]:
        documents = caller.get(f"/v1/documents?limit=500&tenant={summary['code']}")["items"]
        left = sum(int(d["open"].replace(".", "")) * (1 if d["kind"] == "invoice" else -1) for d in documents)
        assert summary["balance"] == format_amount(left)
        whole = caller.get(f"/v1/tenant-summaries/{summary['code']}")
        assert {name: whole[name] for name in summary if name != "sites"} == {
            name: summary[name] for name in summary if name != "sites"
        }
