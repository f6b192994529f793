"""Cash over the desk: what is refused by law, the numbered receipt with its stamp duty, and what it says on paper."""

from pathlib import Path

import pytest
from msgspec import to_builtins
from sqlalchemy import text as sql

from billing.check import check
from billing.frame.database import maintenance_transaction, reading, writing
from billing.frame.errors import Refused, Unknown
from billing.frame.terms import load_terms
from billing.receivables.cash_desk.printout import cash_receipt_pdf
from billing.receivables.cash_desk.queries import cash_receipts, find_cash_receipt
from billing.receivables.cash_desk.shapes import CashReceipt
from billing.receivables.receipts.receiving import receive
from billing.receivables.tables.cash_desk import cash_receipt
from tests.oracle.service import NOW
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park, text
from tests.support.till import order, receives

TENANTS: list[Row] = [
    {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Atlas Énergie"},
    {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"},
]
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"},
    {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "200", "starts_on": "2024-01-01"},
]
# T1 owes 3,480.00, T2 34,800.00.
FIRST, SECOND = "FA-2026-000001", "FA-2026-000002"
IN_ORDER = cash_receipts().order_by(cash_receipt.c.receipt_id)


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def pays(park: Park, amount: str, reference: str, on: str = "2026-06-20", tenant: str = "T2") -> int:
    (key,) = receives(park, order(amount, means="cash", reference=reference, on=on, tenant=tenant))
    return key


def test_cash_is_acknowledged_by_a_number_and_bears_its_stamp_duty(billed: Park) -> None:
    pays(billed, "1234.56", "caisse 1", tenant="T1")
    assert billed.booked("CA") == text("""
        2026-06-20 CA/RG-000001
          5161                    1234.56
          3421  T1               -1234.56
          44551                    205.76
          4455                    -205.76
        2026-06-20 CA/RC-2026-000001
          5161                       3.09
          4457                      -3.09
        """)
    with reading(billed.engine) as connection:
        given = CashReceipt.of(find_cash_receipt(connection, "RC-2026-000001"))
    assert to_builtins(given) == {
        "number": "RC-2026-000001",
        "receipt": "RG-000001",
        "tenant": "T1",
        "taken_on": "2026-06-20",
        "amount": "1234.56",
        "stamp_duty": "3.09",
        "stamp_duty_rate": "0.0025",
        "collected": "1237.65",
        "settles": [{"number": FIRST, "amount": "1234.56"}],
        "notices": [],
        "cancelled_on": None,
        "cancelled_for": None,
    }
    assert check(billed.engine) == []


def test_twenty_thousand_are_refused_with_the_article_at_once_or_in_parts_and_nothing_is_written(billed: Park) -> None:
    with pytest.raises(Refused, match=r"art\. 193.*at most 19950\.11 can be taken"):
        pays(billed, "20000.00", "caisse 1")
    pays(billed, "15000.00", "caisse 2")
    with pytest.raises(Refused, match=r"on top of 15000\.00 taken the same day"):
        pays(billed, "5000.00", "caisse 3")
    one, two = (order("2500.00", means="cash", reference=f"caisse {n}", tenant="T2") for n in (4, 5))
    with pytest.raises(Refused, match=r"on top of 17500\.00 taken the same day"):
        receives(billed, one, two)
    # The next day is another day, and another tenant another payer.
    pays(billed, "5000.00", "caisse 6", on="2026-06-21")
    pays(billed, "3480.00", "caisse 7", tenant="T1")
    with reading(billed.engine) as connection:
        given = [CashReceipt.of(row).number for row in connection.execute(IN_ORDER)]
    assert given == ["RC-2026-000001", "RC-2026-000002", "RC-2026-000003"]
    assert check(billed.engine) == []


def test_what_the_payer_can_no_longer_deduct_is_said(billed: Park) -> None:
    for day in range(1, 5):
        pays(billed, "12000.00", f"caisse {day}", on=f"2026-06-{day + 10}")
    pays(billed, "3000.00", "caisse 9", on="2026-06-20")
    with reading(billed.engine) as connection:
        notices = [to_builtins(CashReceipt.of(row).notices) for row in connection.execute(IN_ORDER)]
    daily, monthly = {"span": "day", "threshold": "5000.00"}, {"span": "month", "threshold": "50000.00"}
    assert notices == [[daily], [daily], [daily], [daily], [monthly]]


def test_nobody_pays_in_cash_without_a_name_nor_where_no_receipt_can_be_given(billed: Park) -> None:
    with pytest.raises(Refused, match="say who pays"):
        receives(billed, order("100.00", means="cash", tenant=None))
    with pytest.raises(Refused, match="cash needs a numbered receipt"), writing(billed.engine) as connection:
        receive(connection, [order("100.00", means="cash")], recorded_at=NOW, terms=billed.settings.terms)


def test_the_same_cash_told_twice_is_one_receipt(billed: Park) -> None:
    assert pays(billed, "100.00", "caisse 1") == pays(billed, "100.00", "caisse 1")
    with reading(billed.engine) as connection:
        assert len(connection.execute(cash_receipts()).all()) == 1


def test_the_operator_may_bear_the_duty_itself(billed: Park, tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(
        '[[cash.stamp_duty_on_top]]\neffective_from = 2000-01-01\nvalue = false\nsource = "house"\n', encoding="utf-8"
    )
    with writing(billed.engine) as connection:
        receive(
            connection, [order("1000.00", means="cash")], recorded_at=NOW, terms=load_terms(file),
            seller=billed.settings.operator.party,
        )  # fmt: skip
    assert billed.booked("OD") == text("""
        2026-06-20 OD/RC-2026-000001
          6167                       2.50
          4457                      -2.50
        """)
    with reading(billed.engine) as connection:
        head = find_cash_receipt(connection, "RC-2026-000001")
        assert CashReceipt.of(head).collected == "1000.00"
        assert "supporté par nos soins" in text_of(cash_receipt_pdf(head))
    assert check(billed.engine) == []


def test_the_paper_names_payer_sums_and_duty_and_is_the_same_for_ever(billed: Park) -> None:
    pays(billed, "4000.00", "caisse 1", tenant="T1")
    pays(billed, "6000.00", "caisse 2")
    with reading(billed.engine) as connection:
        before = cash_receipt_pdf(find_cash_receipt(connection, "RC-2026-000001"))
        beyond = text_of(cash_receipt_pdf(find_cash_receipt(connection, "RC-2026-000002")))
    billed.enters(tenants=[{"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Autre nom"}])
    with reading(billed.engine) as connection:
        assert cash_receipt_pdf(find_cash_receipt(connection, "RC-2026-000001")) == before
    page = " ".join(text_of(before).split())
    for words in (
        "Reçu", "N° RC-2026-000001", "Reçu de", "Atlas Énergie", "Espèces", "Facture FA-2026-000001 3 480,00",
        "À valoir sur votre compte 520,00", "Droit de timbre (0,25 %) 10,00 DH", "4 010,00 DH",
        "quatre mille dix dirhams",
    ):  # fmt: skip
        assert words in page, words
    assert "art. 11" not in page
    assert "dépassent 5 000,00 DH par jour" in " ".join(beyond.split())
    with reading(billed.engine) as connection, pytest.raises(Unknown, match="there is no receipt RC-2026-000009"):
        find_cash_receipt(connection, "RC-2026-000009")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        ("UPDATE cash_receipt SET serial = 3 WHERE serial = 2", "RC-2026-000003 stands where RC-2026-000002 should"),
        ("UPDATE cash_receipt SET amount = 1 WHERE serial = 1", "RC-2026-000001 is not of the means, day, tenant"),
        ("UPDATE cash_receipt SET tenant = 'T9' WHERE serial = 1", "RC-2026-000001 is not of the means, day, tenant"),
        ("UPDATE cash_receipt SET stamp_duty = 7 WHERE serial = 1", "entry CA/RC-2026-000001"),
        ("UPDATE cash_receipt SET stamp_duty = 0 WHERE serial = 2", "CA/RC-2026-000002 books the stamp duty"),
        ("DELETE FROM cash_receipt WHERE serial = 2", "RG-000002 is of cash and has no receipt RC"),
    ],
)
def test_check_names_what_was_spoilt(billed: Park, spoil: str, named: str) -> None:
    pays(billed, "1000.00", "caisse 1")
    pays(billed, "2000.00", "caisse 2")
    assert check(billed.engine) == []
    with maintenance_transaction(billed.engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql("ALTER TABLE cash_receipt DISABLE TRIGGER USER"))
        else:
            for name in ("no_update", "no_delete", "no_replace_1", "no_replace_2"):
                connection.execute(sql(f"DROP TRIGGER cash_receipt_{name}"))
        connection.execute(sql(spoil))
    assert any(named in problem for problem in check(billed.engine)), check(billed.engine)
