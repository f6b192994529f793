"""Deposits: asked when a lease begins, received, held on 1487, given back when it ends."""

from datetime import date
from pathlib import Path

import pytest

from billing.check import check
from billing.entries.deposits import Movement
from billing.frame.database import reading, writing
from billing.frame.errors import Conflict, Refused, Unknown
from billing.frame.settings import load_settings
from billing.receivables.deposits.deposits import (
    Asking,
    ask_deposit,
    deposit_shape,
    find_deposit,
    move_deposit,
)
from billing.receivables.deposits.printout import deposit_call_pdf
from pricing.money import parse_decimal
from tests.oracle.service import NOW, instant
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park, text
from tests.support.till import closes

NEWCOMER = {"code": "T1", "incorporated_on": "2026-01-15"}
LARGE = {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"}
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "site": "CAS", "unit": "CAS-101", "area_m2": "22.5", "starts_on": "2026-06-01"},
    {"code": "L2", "tenant": "T2", "site": "TNG", "unit": "TNG-7", "area_m2": "40", "starts_on": "2026-06-15"},
]
HOUSE = """
[[deposits.months_of_rent]]
effective_from = 2020-01-01
value = { "*" = 2, "TNG" = 1, "TNG/large" = 3 }
source = "conseil du 3 mars"
[[deposits.rent]]
effective_from = 2020-01-01
value = "full"
source = "conseil du 3 mars"
"""


def asks(park: Park, lease: str, terms_file: Path | None = None) -> int:
    settings = load_settings({} if terms_file is None else {"TERMS_FILE": str(terms_file)})
    asking = Asking(date(2026, 6, 1), NOW, settings.operator, settings.terms)
    with writing(park.engine) as connection:
        return ask_deposit(connection, lease, asking)


def moves(
    park: Park, key: int, kind: str, amount: str, on: str, *, means: str = "transfer", reference: str = "V1"
) -> None:
    reason = "fin du bail" if kind == "returned" else None
    movement = Movement(kind, means, date.fromisoformat(on), parse_decimal(amount, 2), reference, reason)
    with writing(park.engine) as connection:
        move_deposit(connection, key, movement, recorded_at=instant(movement.moved_on))


def held(park: Park, key: int) -> str:
    with reading(park.engine) as connection:
        return deposit_shape(connection, key).held


def test_two_months_of_the_rent_charged_are_asked_and_asked_once(park: Park) -> None:
    park.opens(tenants=[NEWCOMER, LARGE], leases=LEASES)
    first, second = asks(park, "L1"), asks(park, "L2")
    assert asks(park, "L1") == first
    with reading(park.engine) as connection:
        told = [deposit_shape(connection, key) for key in (first, second)]
    # 22.5 m² at a third of 145.00 (48.33): 1,087.43 a month; 40 m² at the full 150.00.
    assert [(x.monthly_rent, x.months, x.amount, str(x.due_on)) for x in told] == [
        ("1087.43", 2, "2174.86", "2026-06-16"),
        ("6000.00", 2, "12000.00", "2026-06-16"),
    ]
    # Nothing is owed in the books until it comes.
    assert park.balances() == {}
    assert check(park.engine) == []


def test_site_and_kind_decide_how_many_months_are_asked(park: Park, tmp_path: Path) -> None:
    park.opens(tenants=[NEWCOMER, LARGE], leases=LEASES)
    (tmp_path / "terms.toml").write_text(HOUSE, encoding="utf-8")
    keys = [asks(park, lease, tmp_path / "terms.toml") for lease in ("L1", "L2")]
    with reading(park.engine) as connection:
        told = [deposit_shape(connection, key) for key in keys]
    assert [(x.monthly_rent, x.months) for x in told] == [("3262.50", 2), ("6000.00", 3)]


def test_it_is_received_in_parts_held_and_given_back_in_parts(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=LEASES[1:])
    key = asks(park, "L2")
    moves(park, key, "received", "5000.00", "2026-06-10")
    moves(park, key, "received", "7000.00", "2026-06-12", means="cash", reference="RC-1")
    # The bank's statement is read twice: it is one movement.
    moves(park, key, "received", "5000.00", "2026-06-10")
    assert held(park, key) == "12000.00"
    moves(park, key, "returned", "9000.00", "2027-03-01", reference="V2")
    assert park.booked("BQ") == text("""
        2026-06-10 BQ/DG-000001/1
          5141                    5000.00
          1487  T2               -5000.00
        2027-03-01 BQ/DG-000001/3
          5141                   -9000.00
          1487  T2                9000.00
        """)
    assert park.booked("CA") == text("""
        2026-06-12 CA/DG-000001/2
          5161                    7000.00
          1487  T2               -7000.00
        """)
    assert park.balances() == {"1487": "-3000.00", "5141": "-4000.00", "5161": "7000.00"}
    assert check(park.engine) == []


def test_never_more_than_was_asked_nor_than_is_held(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=LEASES[1:])
    key = asks(park, "L2")
    with pytest.raises(Refused, match=r"at most 12000\.00 can be received"):
        moves(park, key, "received", "12000.01", "2026-06-10")
    with pytest.raises(Refused, match=r"at most 0\.00 can be returned"):
        moves(park, key, "returned", "0.01", "2026-06-10")
    moves(park, key, "received", "100.00", "2026-06-10")
    with pytest.raises(Conflict, match="V1 stands for another movement of DG-000001"):
        moves(park, key, "received", "200.00", "2026-06-10")
    with pytest.raises(Unknown, match="no lease has the code L9"):
        asks(park, "L9")
    assert held(park, key) == "100.00"
    assert check(park.engine) == []


def test_nothing_goes_back_on_a_day_before_it_came(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=LEASES[1:])
    key = asks(park, "L2")
    moves(park, key, "received", "1000.00", "2026-06-10")
    moves(park, key, "received", "500.00", "2026-06-20", reference="V2")
    moves(park, key, "returned", "600.00", "2026-06-15", reference="V3")
    # 400.00 of the 1,000.00 were left on that day; the rest came later.
    with pytest.raises(Refused, match=r"moved_on.*is a day on which 400\.00 of the deposit was there to return"):
        moves(park, key, "returned", "400.01", "2026-06-19", reference="V4")
    with pytest.raises(Refused, match=r"is a day on which 0\.00 of the deposit"):
        moves(park, key, "returned", "0.01", "2026-06-09", reference="V4")
    moves(park, key, "returned", "900.00", "2026-06-20", reference="V4")
    assert held(park, key) == "0.00"
    assert check(park.engine) == []


def test_a_day_in_a_closed_month_is_kept_and_booked_on_the_first_open_one(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=LEASES[1:])
    key = asks(park, "L2")
    moves(park, key, "received", "100.00", "2026-06-10")
    closes(park, "2026-06")
    moves(park, key, "received", "100.00", "2026-06-30", reference="V2")
    assert held(park, key) == "200.00"
    assert park.booked("BQ").splitlines()[-3].strip() == "2026-07-01 BQ/DG-000001/2"
    assert check(park.engine) == []


def test_the_call_on_paper_says_what_is_asked_and_is_the_same_for_ever(park: Park) -> None:
    park.opens(tenants=[NEWCOMER], leases=LEASES[:1])
    key = asks(park, "L1")
    with reading(park.engine) as connection:
        before = deposit_call_pdf(find_deposit(connection, key))
    park.enters(tenants=[{**NEWCOMER, "legal_name": "Autre nom"}])
    moves(park, key, "received", "10.00", "2026-06-10")
    with reading(park.engine) as connection:
        assert deposit_call_pdf(find_deposit(connection, key)) == before
    page = text_of(before)
    for words in (
        "Appel de dépôt de garantie", "N° DG-000001", "CAS-101, Technopark Casablanca", "1 087,43 2 2 174,86",
        "ne supporte pas de TVA", "deux mille cent soixante-quatorze dirhams et quatre-vingt-six centimes",
        "référence DG-000001",
    ):  # fmt: skip
        assert words in page.replace("\n", " "), words
