"""Any balanced take-on leaves `check` green and an opening balance sheet that is its files, to the centime (R29)."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.check import check
from pricing.money import format_amount, parse_decimal, vat_amount
from tests.conftest import FreshEngine
from tests.support.park import open_park
from tests.support.take_on import GRANTS, LEASES, ON, TENANTS, takes_on

AMOUNTS = st.integers(1, 10_000_000)
RATES = st.lists(st.sampled_from((0, 700, 1000, 2000)), min_size=1, max_size=3, unique=True)


@st.composite
def invoices(draw: st.DrawFn) -> list[str]:
    """The rows of some invoices, in any styles of numbers, paid in any part."""
    rows = []
    for index in range(draw(st.integers(0, 5))):
        number = draw(st.sampled_from(("{}/2026", "F-{}", "FAC 26.{}", "FA-2025-{:06d}"))).format(index + 1)
        issued = date.fromisoformat(ON) - timedelta(draw(st.integers(0, 400)))
        for rate in draw(RATES):
            base = draw(AMOUNTS)
            vat = vat_amount(base, rate) + draw(st.integers(-1, 1)) * (rate > 0 and base > 100)
            paid = draw(st.integers(0, base + vat - 1))
            cells = (format_amount(base), format_amount(vat), format_amount(paid))
            place = f"T{1 + index % 3},CAS,{issued},{issued + timedelta(60)}"
            rows.append(f"{number},{rate / 10_000:.2f},{place},{','.join(cells)}")
    return rows


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=invoices(),
    credit=st.one_of(st.none(), AMOUNTS),
    deposit=st.one_of(st.none(), AMOUNTS),
    money=st.tuples(AMOUNTS, AMOUNTS),
    reserve=st.integers(0, 1_000_000),
    used=st.integers(0, 500_000),
)
def test_any_balanced_take_on_is_proved(  # noqa: PLR0913 - one argument a file
    fresh_engine: FreshEngine,
    tmp_path_factory: Any,
    rows: list[str],
    credit: int | None,
    deposit: int | None,
    money: tuple[int, int],
    reserve: int,
    used: int,
) -> None:
    folder: Path = tmp_path_factory.mktemp("park")
    with fresh_engine() as engine:
        park = open_park(engine, folder)
        park.opens(tenants=TENANTS, leases=LEASES, grants=GRANTS)
        open_, vat = 0, 0
        for row in rows:
            *_, base, of_base, paid = (parse_decimal(cell, 2) for cell in row.split(",")[-3:])
            open_ += base + of_base - paid
            # R26: the VAT that fell due is the exact share of what was paid, rounded once.
            vat += of_base - (2 * of_base * paid + base + of_base) // (2 * (base + of_base))
        rest = -(open_ - vat - (credit or 0) - (deposit or 0) + sum(money))
        balances = {"5141": money[0], "5161": money[1], "1111": rest, "9207": -reserve}
        takes_on(
            park,
            open_invoices="\n".join(rows),
            credits="" if credit is None else f"T3,{format_amount(credit)},2026-08-12",
            deposits="" if deposit is None else f"L1,{format_amount(deposit)},2024-01-05",
            balances="\n".join(f"{account},,{format_amount(amount)}" for account, amount in balances.items()),
            grants=f"G1,{format_amount(used)}",
        )
        # An advance until the tenant had an invoice.
        billed = any(",T3,CAS," in row and row.split(",")[4] <= "2026-08-12" for row in rows)
        of_credit = "4428" if billed else "4421"
        expected = {
            **balances, "3421": open_, "44551": -vat, of_credit: -(credit or 0), "1487": -(deposit or 0),
            "9208": used - 500_000, "9210": 500_000 - used + reserve,
        }  # fmt: skip
        assert park.balances() == {account: format_amount(amount) for account, amount in expected.items() if amount}
        assert check(engine) == []
