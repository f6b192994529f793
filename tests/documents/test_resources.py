"""Documents over HTTP: the contract's shape, PDF, XML; and their deliveries."""

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text, update

from billing.check import check
from billing.documents.delivery.checks import deliveries
from billing.documents.export import pieces
from billing.frame.database import reading, writing
from billing.frame.settings import load_settings
from billing.register.network_import import import_folder
from billing.run.month import run_month
from invoices.models import delivery
from tests.support.api import NOW, Caller, CallerOf
from tests.support.pages import text_of

ROOT = Path(__file__).parents[2]
EXPECTED = ROOT / "tests" / "golden" / "expected"


def every(caller: Caller, path: str) -> list[Any]:
    """All items of a list."""
    found, cursor = [], ""
    while True:
        page = caller.get(f"{path}&limit=200{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def shape(document: dict[str, Any]) -> tuple[Any, ...]:
    """What the expected results say of a document, lines in one order, numbers as numbers."""
    names = ("service", "site", "lease", "month", "first_day", "last_day", "tier")
    figures = ("quantity", "unit_price", "amount", "full_amount", "cost_amount", "vat_rate")
    lines = [
        tuple(line[name] or "" for name in names) + tuple(Decimal(str(line[name])) for name in figures)
        for line in document["lines"]
    ]
    head = tuple(document[name] for name in ("tenant", "kind", "net", "tax", "gross"))
    return (*head, tuple(sorted(lines)))


def test_the_sample_networks_documents_are_those_expected(engine: Engine, caller_of: CallerOf) -> None:
    """The whole sample, six months, as the lists and each document give it."""
    import_folder(engine, ROOT / "billing" / "demo" / "network", now=NOW)
    for month in range(6, 12):
        day = date(2026, month, 1)
        run_month(
            load_settings({}),
            engine,
            day,
            issued_on=day,
            clock=partial(datetime, 2026, month, 1, 9, tzinfo=UTC),
            workers=1,
        )
    caller = caller_of(engine)
    found = every(caller, "/v1/documents?period=2026-11")
    expected = json.loads((EXPECTED / "documents-2026-11.json").read_text(encoding="utf-8"))
    assert sorted(map(shape, found)) == sorted(map(shape, expected))
    assert [document["number"] for document in found] == sorted(document["number"] for document in found)
    for document in found[::50]:
        assert caller.get(f"/v1/documents/{document['number']}") == document
    for month in json.loads((EXPECTED / "months.json").read_text(encoding="utf-8")):
        told = caller.get(f"/v1/cross-subsidy/{month['period']}")
        assert told["sites"] == month["cross_subsidy"]["sites"]
        assert told["reserve_after"] == month["cross_subsidy"]["reserve_after"]


def test_a_list_is_what_the_export_of_the_month_holds(park: Caller, engine: Engine) -> None:
    """Two readings of the same rows: set-wise for lists, through the documents' own values for exports."""
    for month in (6, 7, 8):
        with reading(engine) as connection:
            exported = b"".join(pieces(connection, date(2026, month, 1), "json"))
        listed, of_export = every(park, f"/v1/documents?period=2026-{month:02d}"), json.loads(exported)
        assert [{name: d[name] for name in of_export[0]} for d in listed] == of_export


def test_documents_are_chosen_by_month_tenant_and_kind(park: Caller) -> None:
    def chosen(query: str) -> set[tuple[str, str, str]]:
        return {(d["period"], d["tenant"], d["kind"]) for d in park.get(f"/v1/documents?{query}")["items"]}

    assert chosen("tenant=D1&period=2026-07") == {("2026-07", "D1", "invoice"), ("2026-07", "D1", "credit_note")}
    assert chosen("kind=credit_note") == {("2026-07", "D1", "credit_note")}
    assert {period for period, _, _ in chosen("tenant=A1")} == {"2026-06", "2026-07", "2026-08"}
    assert chosen("tenant=NOBODY") == set()


def test_a_credit_note_names_the_invoice_each_line_takes_back_r13(park: Caller) -> None:
    note = park.get("/v1/documents/AV-2026-000001")
    [line] = note["lines"]
    [invoice] = park.get("/v1/documents?tenant=D1&period=2026-06")["items"]
    assert line["corrects"] == invoice["number"]
    assert line["amount"] == invoice["lines"][0]["amount"]


def test_a_document_that_is_none_is_not_found(park: Caller) -> None:
    for path in ("", "/pdf", "/xml"):
        missing = park("GET", f"/v1/documents/FA-2031-000001{path}")
        assert (missing.status_code, missing.json["type"]) == (404, "/problems/not-found")
        assert "FA-2031-000001" in missing.json["detail"]


def test_the_e_invoice_comes_in_either_syntax(park: Caller) -> None:
    path = "/v1/documents/FA-2026-000001/xml"
    cii, ubl = (park("GET", f"{path}{query}") for query in ("", "?syntax=ubl"))
    assert cii.content_type == ubl.content_type == "application/xml"
    assert b"CrossIndustryInvoice" in cii.data
    assert b"<cbc:ID>FA-2026-000001</cbc:ID>" in ubl.data
    assert park("GET", f"{path}?syntax=edifact").status_code == 422


def test_the_pdf_is_the_same_bytes_for_ever_whatever_becomes_of_the_tenant(park: Caller) -> None:
    first = park("GET", "/v1/documents/FA-2026-000001/pdf", "auditor")
    assert (first.status_code, first.content_type) == (200, "application/pdf")
    assert first.headers["Content-Disposition"] == 'inline; filename="FA-2026-000001.pdf"'
    assert first.data.startswith(b"%PDF-1.7")
    tenant = park.get("/v1/documents/FA-2026-000001")["tenant"]
    assert (
        park("PATCH", f"/v1/tenants/{tenant}", json={"legal_name": "Autre", "address": "ailleurs"}).status_code == 200
    )
    copy = park("GET", "/v1/documents/FA-2026-000001/pdf?duplicate=true")
    assert "DUPLICATA" in text_of(copy.data)
    again = park("GET", "/v1/documents/FA-2026-000001/pdf")
    assert hashlib.sha256(again.data).digest() == hashlib.sha256(first.data).digest()


def test_a_kept_pdf_that_was_changed_is_never_handed_out(park: Caller, tmp_path: Path) -> None:
    park("GET", "/v1/documents/FA-2026-000001/pdf")
    [kept] = (tmp_path / "documents").rglob("*.pdf")
    kept.write_bytes(kept.read_bytes() + b" ")
    refused = park("GET", "/v1/documents/FA-2026-000001/pdf")
    assert (refused.status_code, refused.json["type"]) == (500, "/problems/document-file")


def test_the_xml_is_that_of_the_document(park: Caller) -> None:
    found = park("GET", "/v1/documents/FA-2026-000001/xml", "auditor")
    assert (found.status_code, found.content_type) == (200, "application/xml")
    assert b"<ram:ID>FA-2026-000001</ram:ID>" in found.data


def test_a_failed_delivery_says_why_and_is_tried_again_at_a_mended_address(park: Caller, engine: Engine) -> None:
    number = "FA-2026-000001"
    with writing(engine) as connection:
        first = connection.execute(delivery.select().order_by(delivery.c.document_id).limit(1)).one()
        connection.execute(
            update(delivery)
            .where(delivery.c.document_id == first.document_id)
            .values(state="failed", attempts=1, next_attempt_at=None, last_error="550 no such user")
        )
    [failed] = park.get("/v1/deliveries?state=failed", "auditor")["items"]
    assert (failed["number"], failed["last_error"], failed["next_attempt_at"]) == (number, "550 no such user", None)
    mended = park.post(f"/v1/deliveries/{number}/retry", {"email": "compta@atlas.example"})
    assert (mended.status_code, mended.json["recipient"]) == (200, "compta@atlas.example")
    assert mended.json["next_attempt_at"] == "2026-09-02T08:00:00Z"
    assert park.get(f"/v1/deliveries/{number}") == mended.json


def test_check_finds_an_address_that_no_person_chose(park: Caller, engine: Engine) -> None:
    first, second = (row["number"] for row in park.get("/v1/deliveries?limit=2")["items"])
    assert park.post(f"/v1/deliveries/{first}/retry", {"email": "chef@atlas.example"}).status_code == 200
    assert check(engine) == []
    for number, change, problem in (
        (first, "chosen_recipient = NULL", "has lost chef@atlas.example, which a person chose"),
        (first, "recipient = 'x@y.example'", "is addressed to x@y.example, chef@atlas.example was chosen"),
        (
            second,
            "recipient = 'x@y.example', chosen_recipient = 'x@y.example'",
            "was addressed by a person to x@y.example, which no act says",
        ),
    ):
        with engine.connect() as connection:
            of_document = f"(SELECT id FROM document WHERE number = '{number}')"
            connection.execute(text(f"UPDATE delivery SET {change} WHERE document_id = {of_document}"))
            assert list(deliveries(connection, lambda _: None)) == [f"the delivery of {number} {problem}"]
            connection.rollback()


def test_what_was_sent_is_not_sent_again(park: Caller, engine: Engine) -> None:
    number = park.get("/v1/deliveries?limit=1")["items"][0]["number"]
    with writing(engine) as connection:
        connection.execute(update(delivery).values(state="sent", sent_at=NOW, next_attempt_at=None))
    refused = park.post(f"/v1/deliveries/{number}/retry", {})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/conflict")
    assert park("GET", "/v1/deliveries/FA-2031-000001").status_code == 404


@pytest.mark.parametrize("address", ["", "x", "@b.ma", "a b@c.ma", "a@b.ma\r\nBcc: x@y.ma", "a@b.ma,c", "\x00@b.ma"])
def test_an_address_no_mail_can_be_sent_to_is_refused(park: Caller, address: str) -> None:
    refused = park.post("/v1/deliveries/FA-2026-000001/retry", {"email": address})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["email"]
