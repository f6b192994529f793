"""The same money is one receipt, other money is another; what is unlikely is said, what is wrong needs a reason."""

from collections.abc import Sequence

import pytest

from billing.check import check
from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.receivables.receipts.queries import receipt_story
from tests.support.park import Park
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.till import NONE, cancels, order, receives, records, still_open

THIRD = "FA-2026-000003"


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    park.bills("2026-07")
    return park


def test_the_same_transfer_with_another_day_is_told(billed: Park) -> None:
    first, again = order("100.00", on="2026-07-09"), order("100.00", on="2026-07-10")
    assert records(billed, first)[0].warnings == ()
    (made,) = records(billed, again)
    assert made.is_new
    assert made.warnings == (
        "RG-000001 of 2026-07-09 (100.00) bears the same reference: if it is the same money, cancel one of them",
    )
    # Of another tenant, or cash, it says nothing; neither does what was cancelled.
    assert records(billed, order("100.00", on="2026-07-11", tenant="T2"))[0].warnings == ()
    for day in ("2026-07-09", "2026-07-10"):
        assert records(billed, order("50.00", means="cash", reference="ESPECES", on=day))[0].warnings == ()
    for key in (1, 2):
        cancels(billed, key)
    assert records(billed, again)[0].warnings == ()


def test_a_batch_is_told_of_its_own_receipts(billed: Park) -> None:
    _, second = records(billed, order("1.00", on="2026-07-09"), order("1.00", on="2026-07-10"))
    assert [warning.partition(" bears")[0] for warning in second.warnings] == ["RG-000001 of 2026-07-09 (1.00)"]


def test_a_namesake_is_told_that_may_be_the_same_money_and_a_few_of_many(billed: Park) -> None:
    records(billed, order("100.00", reference="LOYER", on="2026-06-05"))
    # Of another amount and season it is other money; of the same amount it may be the same, with a year mistyped.
    assert records(billed, order("90.00", reference="LOYER", on="2026-07-07"))[0].warnings == ()
    more = (("95.00", "2026-07-10"), ("100.00", "2026-07-12"), ("100.00", "2026-07-14"))
    warned = [records(billed, order(amount, reference="LOYER", on=on))[0].warnings for amount, on in more]
    named = [[warning.partition(" ")[0] for warning in warnings] for warnings in warned]
    assert named == [["RG-000002"], ["RG-000001", "RG-000002", "RG-000003"], ["RG-000002", "RG-000003", "RG-000004"]]


def test_an_unlikely_year_or_day_is_told(billed: Park) -> None:
    (made,) = records(billed, order("10.00", on="2025-11-20"))
    assert made.warnings == (
        "its value date 2025-11-20 lies in another financial year than today: compare the year",
        "its value date 2025-11-20 comes before the first document, of 2026-06-01: compare it",
    )
    assert records(billed, order("10.00", reference="V2", on="2026-05-31"))[0].warnings == (
        "its value date 2026-05-31 comes before the first document, of 2026-06-01: compare it",
    )


@pytest.mark.parametrize("means", ["cheque", "bill", "cash"])
def test_two_tenants_may_give_the_same_name_on_one_day(billed: Park, means: str) -> None:
    orders = [order("100.00", means=means, reference="0000123", tenant=tenant) for tenant in ("T1", "T2")]
    assert receives(billed, *orders) == [1, 2]
    assert [made.is_new for made in records(billed, *orders)] == [False, False]
    with pytest.raises(Refused, match="stands already as RG-000002 with another amount"):
        receives(billed, order("101.00", means=means, reference="0000123", tenant="T2"))
    assert check(billed.engine) == []


def test_a_transfer_of_one_name_and_day_is_one_whoever_paid_it(billed: Park) -> None:
    receives(billed, order("100.00"))
    with pytest.raises(Refused, match="stands already as RG-000001 with another tenant"):
        receives(billed, order("100.00", tenant="T2"))


def test_two_equal_sums_of_cash_are_two_if_somebody_says_so(billed: Park) -> None:
    cash = [order("50.00", means="cash", reference="ESPECES", occurrence=nth) for nth in (1, 2)]
    assert [(made.key, made.is_new) for made in records(billed, *cash)] == [(1, True), (2, True)]
    assert [(made.key, made.is_new) for made in records(billed, *cash)] == [(1, False), (2, False)]
    with pytest.raises(Refused, match="says that 3 like it stand, 1 of them do not"):
        receives(billed, order("50.00", means="cash", reference="ESPECES", occurrence=4))
    assert billed.balances()["5161"] == "100.26"
    assert check(billed.engine) == []


def test_an_invoice_of_another_tenant_needs_a_reason(billed: Park) -> None:
    wrong = order("100.00", tenant="T2", pays={FIRST: "100.00"})
    with pytest.raises(Refused, match=f"'{FIRST}' is an invoice of T1, the payer is T2"):
        receives(billed, wrong)
    receives(billed, order("100.00", tenant="T2", pays={FIRST: "100.00"}, reason="la maison mère paie"))
    assert still_open(billed)[FIRST] == "3380.00"
    with reading(billed.engine) as connection:
        assert receipt_story(connection, 1).placements[0].tenant == "T1"
    # Where nobody said who pays, naming the invoice says it.
    receives(billed, order("100.00", reference="V2", tenant=None, pays={FIRST: "60.00", SECOND: "40.00"}))
    assert check(billed.engine) == []


@pytest.mark.parametrize(
    ("amount", "rent", "vat", "refused"),
    [
        # The rent of T1 is 2,900.00, its VAT 580.00: 5 % and all of it, from July 2026 on.
        ("3335.00", "145.00", None, []),
        ("2900.00", None, "580.00", []),
        ("2755.00", "145.00", "580.00", []),
        ("100.00", "3000.00", None, ["rent_withholding"]),
        ("100.00", None, "3000.00", ["vat_withholding"]),
        ("100.00", "3000.00", "200.00", ["rent_withholding"]),
        ("3334.00", "146.00", None, ["rent_withholding"]),
        ("2899.00", None, "581.00", ["vat_withholding"]),
    ],
)
def test_no_more_tax_is_withheld_than_the_rates_allow(
    billed: Park, amount: str, rent: str | None, vat: str | None, refused: Sequence[str]
) -> None:
    wanted = order(amount, on="2026-07-20", pays={FIRST: amount_of(amount, rent, vat)}, rent_withholding=rent,
                   vat_withholding=vat)  # fmt: skip
    if refused:
        with pytest.raises(Refused) as error:
            receives(billed, wanted)
        assert [fault.column for fault in error.value.faults] == refused
    else:
        receives(billed, wanted)
        assert FIRST not in still_open(billed)
    assert check(billed.engine) == []


def amount_of(*parts: str | None) -> str:
    cents = sum(int(part.replace(".", "")) for part in parts if part is not None)
    return f"{cents // 100}.{cents % 100:02d}"


def test_a_payer_may_round_up_to_the_dirham_and_withholds_an_invoice_once(billed: Park) -> None:
    # 5 % of the rent of T2, 1,450.00, is 72.50.
    receives(billed, order("1667.00", tenant="T2", on="2026-07-20", pays={SECOND: "1740.00"}, rent_withholding="73.00"))
    receives(
        billed, order("1000.00", reference="V2", on="2026-07-20", pays={FIRST: "1145.00"}, rent_withholding="145.00")
    )
    with pytest.raises(Refused, match=r"is more than the 0\.00 that can be withheld"):
        receives(
            billed,
            order("1000.00", reference="V3", on="2026-07-20", pays={FIRST: "1145.00"}, rent_withholding="145.00"),
        )
    cancels(billed, 2)
    receives(
        billed, order("1000.00", reference="V3", on="2026-07-20", pays={FIRST: "1145.00"}, rent_withholding="145.00")
    )
    assert check(billed.engine) == []


def test_more_is_withheld_for_a_reason_and_nothing_before_the_law(billed: Park) -> None:
    before = order("3335.00", pays={FIRST: "3480.00"}, rent_withholding="145.00")
    with pytest.raises(Refused, match=r"more than the 0\.00 that can be withheld: 0\.00 of the rent without VAT"):
        receives(billed, before)
    receives(
        billed, order("3335.00", pays={FIRST: "3480.00"}, rent_withholding="145.00", reason="attestation du client")
    )
    assert FIRST not in still_open(billed)


def test_more_charges_than_a_bank_keeps_need_a_reason(billed: Park) -> None:
    charged = {"pays": NONE, "bank_charges": "500.01"}
    with pytest.raises(Refused, match=r"bank_charges '500\.01' is more than the 500\.00 that a bank keeps"):
        receives(billed, order("100.00", **charged))  # type: ignore[arg-type]
    receives(billed, order("100.00", reason="virement de l'étranger", **charged))  # type: ignore[arg-type]
    receives(billed, order("100.00", reference="V2", pays=NONE, bank_charges="500.00"))
    assert check(billed.engine) == []


def test_money_in_advance_is_bounded_by_what_it_could_pay(billed: Park) -> None:
    receives(billed, order("2755.00", on="2026-07-20", pays=NONE, rent_withholding="145.00"))
    with pytest.raises(Refused, match=r"rent_withholding '200\.00' is more than the 148\.00"):
        receives(billed, order("2755.00", on="2026-07-20", reference="V2", pays=NONE, rent_withholding="200.00"))


def test_lists_tell_what_reached_the_bank_apart(billed: Park) -> None:
    receives(billed, order("3330.00", on="2026-07-20", rent_withholding="145.00", bank_charges="5.00"))
    with reading(billed.engine) as connection:
        story = receipt_story(connection, 1)
    assert (story.amount, story.money, story.withheld, story.bank_charges) == ("3480.00", "3330.00", "145.00", "5.00")
