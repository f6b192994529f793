"""`check` names what is spoilt of credit notes by hand, deposits and debts."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.check import check
from billing.documents.credit_notes.giving import CreditOrder, CreditTerms, Part, give_credit_note
from billing.entries.deposits import Movement
from billing.frame.database import writing
from billing.frame.settings import load_settings
from billing.receivables.debts.deciding import Order, decide
from billing.receivables.deposits.deposits import Asking, ask_deposit, move_deposit
from tests.oracle.service import NOW
from tests.support.networks import Row
from tests.support.park import Park
from tests.support.spoiling import behind_its_back

LARGE: Row = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}
DAY = date(2026, 6, 20)


def lease(ends_on: str | None) -> Row:
    return {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01", "ends_on": ends_on}


@pytest.fixture
def told(engine: Engine, tmp_path: Path) -> Engine:
    """June credited in part by hand, then whole by July's run; a deposit; a doubtful debt, lost in part."""
    park = Park(engine, tmp_path / "network")
    park.opens(tenants=[LARGE], leases=[lease(None)])
    park.bills("2026-06")
    settings = load_settings({})
    seller = settings.operator.party
    with writing(engine) as connection:
        terms = CreditTerms(DAY, NOW, seller, {"712": "7129"})
        give_credit_note(connection, CreditOrder("FA-2026-000001", (Part(1, 50000),), "panne", "amina"), terms)
        key = ask_deposit(connection, "L1", Asking(DAY, NOW, settings.operator, settings.terms))
        move_deposit(connection, key, Movement("received", "transfer", DAY, 100000, "V1", None), recorded_at=NOW)
    park.enters(leases=[lease("2026-06-15")])
    park.bills("2026-07")
    with writing(engine) as connection:
        for kind, amount in (("doubtful", 100000), ("provisioned", 50000), ("written_off", 60000)):
            order = Order("FA-2026-000002", kind, date(2026, 7, 20), amount, "litige", "amina", "karim")
            decide(connection, order, recorded_at=NOW)
    assert check(engine) == []
    return engine


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE credited_part SET invoice_line_no = 9", "AV-2026-000001 line 1 credits no line of an invoice"),
        ("DELETE FROM credited_part", "AV-2026-000001, made by hand, does not name for each line"),
        ("DELETE FROM credit_reason", "AV-2026-000001 was issued outside a run, and does not say why"),
        ("DELETE FROM credit_withdrawal", "FA-2026-000002 line 2"),
        ("UPDATE document SET advantage = 1 WHERE period IS NULL", "AV-2026-000001: its totals are not"),
        ("UPDATE document_vat SET amount = 9999 WHERE document_id = 2", "AV-2026-000001: VAT 99.99 on 500.00"),
        (
            "UPDATE document_line SET tier = 'subsidised' WHERE document_id = 2",
            "is not one amount at its own full price",
        ),
        ("UPDATE document_line SET site_name = 'Oujda' WHERE document_id = 2", "differs from the line it credits"),
        ("UPDATE deposit_movement SET amount = 100001", "account 1487 T1 moves by -1000.00 instead of -1000.01"),
        ("DELETE FROM deposit_movement", "entry BQ/DG-000001/1 books a movement of a deposit that does not stand"),
        ("UPDATE debt_act SET amount = 100001 WHERE id = 1", "account 3424 of tenant T1 stands at 400.00"),
        ("UPDATE debt_act SET tenant = 'T9' WHERE id = 1", "names tenant T9, its buyer is T1"),
        ("DELETE FROM debt_act WHERE id = 2", "entry OD/CR-2 books a decision about a debt that does not stand"),
        ("UPDATE debt_act SET vat = vat + 1 WHERE id = 3", "account 6182 moves by 500.00 instead of 499.99"),
    ],
)
def test_what_is_spoilt_is_named(told: Engine, statement: str, named: str) -> None:
    behind_its_back(told, statement)
    assert any(named in problem for problem in check(told)), check(told)
