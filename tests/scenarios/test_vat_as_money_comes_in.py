"""VAT falls due as the money comes in, whatever is done with it later, to the centime (R26)."""

from datetime import date

import pytest
from sqlalchemy import select

from billing.books.periods.closing import close_period
from billing.check import check
from billing.frame.database import reading, writing
from billing.receivables.open_items.open_items import vat_movements_select
from billing.receivables.receipts.placing import place
from billing.receivables.tables.receipts import allocation
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.credit_notes import credits_by_hand
from tests.support.park import Park
from tests.support.receipts_park import FIRST, LEASES, SECOND, TENANTS
from tests.support.spoiling import behind_its_back
from tests.support.till import NONE, allocates, bounces, clears, order, receives, settles, still_open, undoes


@pytest.fixture
def billed(park: Park) -> Park:
    park.opens(tenants=TENANTS, leases=LEASES)
    park.bills("2026-06")
    return park


def due(park: Park) -> dict[str, str]:
    """What fell due, by day."""
    days: dict[str, int] = {}
    with reading(park.engine) as connection:
        for row in connection.execute(vat_movements_select()):
            days[row.settled_on.isoformat()] = days.get(row.settled_on.isoformat(), 0) + int(row.vat_due)
    return {day: format_amount(vat) for day, vat in sorted(days.items()) if vat}


def places_some_day(park: Park, key: int, tenant: str) -> None:
    """Nobody says which day it is to count from."""
    with writing(park.engine) as connection:
        place(connection, key, tenant, None, recorded_at=NOW, terms=park.settings.terms)


def closes(park: Park, *months: str) -> None:
    for month in months:
        with writing(park.engine) as connection:
            first = date.fromisoformat(f"{month}-01")
            close_period(
                connection, first, today=NOW.date(), recorded_at=NOW, open_months_max=12, terms=park.settings.terms
            )


def test_e6_four_hundred_receipts_of_two_centimes(billed: Park) -> None:
    receives(billed, *(order("0.02", reference=f"V{n}", pays={FIRST: "0.02"}) for n in range(400)))
    assert due(billed) == {"2026-06-20": "1.33"}
    assert billed.balances()["4455"] == "-1.33"
    # One by one they count on from where the last one stopped.
    for n in range(4):
        receives(billed, order("0.02", reference=f"W{n}", pays={FIRST: "0.02"}))
    assert billed.balances()["4455"] == "-1.35"
    receives(billed, order("3471.92", reference="rest", pays={FIRST: "3471.92"}))
    assert billed.balances()["4455"] == "-580.00"
    assert check(billed.engine) == []


def test_e5_money_allocated_later_falls_due_on_its_value_date(billed: Park) -> None:
    receives(billed, order("3480.00", pays=NONE, on="2026-06-25"))
    allocates(billed, 1)
    assert due(billed) == {"2026-06-25": "580.00"}
    assert still_open(billed, on="2026-06-25") == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_e5_in_a_closed_month_it_falls_due_on_the_first_open_day(billed: Park) -> None:
    receives(billed, order("3480.00", pays=NONE, on="2026-06-25"))
    closes(billed, "2026-06", "2026-07")
    allocates(billed, 1)
    assert due(billed) == {"2026-08-01": "580.00"}
    assert check(billed.engine) == []


def test_e5_money_that_nobody_could_place_counts_from_its_value_date(billed: Park) -> None:
    receives(billed, order("3480.00", tenant=None, pays=NONE, on="2026-06-25"))
    places_some_day(billed, 1, "T1")
    allocates(billed, 1)
    assert due(billed) == {"2026-06-25": "580.00"}
    receives(billed, order("1740.00", tenant=None, pays=NONE, on="2026-06-26", reference="V2"))
    allocates(billed, 2, {SECOND: "1740.00"})
    assert due(billed) == {"2026-06-25": "580.00", "2026-06-26": "290.00"}
    assert check(billed.engine) == []


def test_e5_an_advance_falls_due_with_the_invoice_that_it_pays(billed: Park) -> None:
    receives(billed, order("4000.00", on="2026-06-25"))
    billed.bills("2026-07", "2026-07-03")
    # 520.00 of credit settled July's invoice by itself, on its day: not on the day of the run's clock.
    assert due(billed) == {"2026-06-25": "580.00", "2026-07-03": "86.67"}
    assert check(billed.engine) == []


def test_a_cheque_counts_from_its_clearing_and_an_act_before_the_placement_is_not_dated_before_it(billed: Park) -> None:
    receives(billed, order("1000.00", means="cheque", pays=NONE, on="2026-06-10"))
    receives(billed, order("1000.00", means="cheque", pays=NONE, on="2026-06-10", reference="V2"))
    clears(billed, 1, on="2026-06-28")
    allocates(billed, 1)
    allocates(billed, 2)
    assert due(billed) == {"2026-06-28": "166.67"}
    clears(billed, 2, on="2026-06-29")
    assert due(billed) == {"2026-06-28": "166.67", "2026-06-29": "166.66"}
    bounces(billed, 1, on="2026-07-02")
    assert billed.balances()["4455"] == "-166.67"
    assert check(billed.engine) == []


def test_a_day_given_by_hand_wins_within_the_bounds(billed: Park) -> None:
    receives(billed, order("1000.00", pays=NONE, on="2026-06-25"))
    allocates(billed, 1, {FIRST: "400.00"}, on="2026-07-09")
    allocates(billed, 1, {FIRST: "600.00"}, on="2026-06-02")
    with reading(billed.engine) as connection:
        days = connection.scalars(select(allocation.c.allocated_on).order_by(allocation.c.id)).all()
    assert days == [date(2026, 7, 9), date(2026, 6, 25)]
    assert check(billed.engine) == []


def test_what_rests_on_an_undoing_is_not_dated_before_it(billed: Park) -> None:
    receives(billed, order("3480.00", on="2026-06-20"))
    receives(billed, order("500.00", pays=NONE, on="2026-06-21", reference="V2"))
    undoes(billed, 1, on="2026-07-15")
    # June's invoice was paid until then: on no day is more settled than there was.
    allocates(billed, 2)
    allocates(billed, 1)
    with reading(billed.engine) as connection:
        days = connection.scalars(select(allocation.c.allocated_on).order_by(allocation.c.id)).all()
    assert days == [date(2026, 6, 20), date(2026, 7, 15), date(2026, 7, 15)]
    for day in ("2026-06-21", "2026-07-14", "2026-07-15"):
        assert still_open(billed, on=day) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_money_that_is_recorded_late_does_not_settle_before_the_undoing_it_rests_on(billed: Park) -> None:
    receives(billed, order("3480.00", on="2026-06-20"))
    undoes(billed, 1, on="2026-07-15")
    receives(billed, order("3000.00", on="2026-06-25", reference="V2", pays={FIRST: "3000.00"}))
    receives(billed, order("480.00", on="2026-07-20", reference="V3", pays={FIRST: "480.00"}))
    assert due(billed) == {"2026-06-20": "580.00", "2026-07-15": "-80.00", "2026-07-20": "80.00"}
    for day in ("2026-06-25", "2026-07-14", "2026-07-20"):
        assert still_open(billed, on=day) == {SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_what_does_not_rest_on_an_undoing_keeps_the_day_of_its_money(billed: Park) -> None:
    receives(billed, order("1000.00", on="2026-06-20"))
    receives(billed, order("500.00", pays=NONE, on="2026-06-21", reference="V2"))
    undoes(billed, 1, on="2026-07-15")
    allocates(billed, 2)
    assert due(billed) == {"2026-06-20": "166.67", "2026-06-21": "83.33", "2026-07-15": "-166.67"}
    assert check(billed.engine) == []


def test_a_credit_note_is_netted_on_the_day_of_the_later_document(billed: Park) -> None:
    credits_by_hand(billed, FIRST, (1, 10_000), on="2026-06-27")
    settles(billed)
    with reading(billed.engine) as connection:
        assert connection.scalars(select(allocation.c.allocated_on)).all() == [date(2026, 6, 27)]
    assert due(billed) == {}
    assert still_open(billed, on="2026-06-27") == {FIRST: "3360.00", SECOND: "1740.00"}
    assert check(billed.engine) == []


def test_a_database_of_before_keeps_what_was_declared_and_goes_on_from_there(billed: Park) -> None:
    receives(billed, *(order("0.02", reference=f"V{n}", pays={FIRST: "0.02"}) for n in range(2)))
    assert billed.balances()["4455"] == "-0.01"
    # Before, whole centimes were all there was; no act named the rows, so that these two look changed now.
    changed = [
        f"settlement 1/allocated/{n}/2000 is not what act {act} wrote: it was changed" for n, act in ((1, 5), (2, 5))
    ]
    behind_its_back(billed.engine, "UPDATE settlement SET exact = NULL, exact_due = NULL")
    assert check(billed.engine) == changed
    receives(billed, *(order("0.02", reference=f"W{n}", pays={FIRST: "0.02"}) for n in range(3)))
    assert billed.balances()["4455"] == "-0.02"
    undoes(billed, 1)
    receives(billed, order("3479.92", reference="rest", pays={FIRST: "3479.92"}))
    assert billed.balances()["4455"] == "-580.00"
    assert check(billed.engine) == changed


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settlement SET exact = '1 1 1' WHERE act_id = 1",
        "UPDATE settlement SET exact_due = '7 1 4' WHERE act_id = 1",
        "UPDATE settlement SET exact = 'half' WHERE act_id = 1",
    ],
)
def test_an_exact_share_that_is_spoilt_is_named(billed: Park, statement: str) -> None:
    receives(billed, order("1000.00", pays={FIRST: "1000.00"}))
    behind_its_back(billed.engine, statement)
    assert any(problem.startswith(f"{FIRST}: ") and "exact share" in problem for problem in check(billed.engine))
