"""Receipts for cash over HTTP: listed, found by number, on paper."""

from datetime import date

from sqlalchemy import Engine

from billing.frame.database import writing
from billing.frame.settings import load_settings
from billing.receivables.receipts.orders import Leg, ReceiptOrder
from billing.receivables.receipts.receiving import receive
from tests.support.api import NOW, Caller
from tests.support.pages import text_of


def test_a_receipt_for_cash_is_found_by_its_number_and_printed(ground: Caller, engine: Engine) -> None:
    settings = load_settings({})
    legs = (Leg("money", 123_456),)
    orders = [ReceiptOrder("cash", "caisse 1", date(2026, 9, 1), tenant, legs) for tenant in ("T1",)]
    with writing(engine) as connection:
        receive(connection, orders, recorded_at=NOW, terms=settings.terms, seller=settings.operator.party)
    found = ground.get("/v1/cash-receipts/RC-2026-000001", scope="auditor")
    assert (found["amount"], found["stamp_duty"], found["collected"]) == ("1234.56", "3.09", "1237.65")
    assert ground.get("/v1/cash-receipts?tenant=T1")["items"] == [found]
    assert ground.get("/v1/cash-receipts?tenant=T2")["items"] == []
    paper = ground("GET", "/v1/cash-receipts/RC-2026-000001/pdf")
    assert paper.content_type == "application/pdf"
    assert "RC-2026-000001" in text_of(paper.data)
    for unknown in ("RC-2026-000002", "RC-2026-1", "x"):
        assert ground("GET", f"/v1/cash-receipts/{unknown}").status_code == 404
        assert ground("GET", f"/v1/cash-receipts/{unknown}/pdf").status_code == 404
