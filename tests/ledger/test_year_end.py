"""The end of a year: its result by way of class 8, and the opening entries of the next."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, select

from billing.books.periods.checks import periods as proof
from billing.frame.database import reading, writing
from ledger.balances import account_balance, totals, trial_balance
from ledger.entry import Entry, Posting
from ledger.errors import PeriodClosed, PeriodOutOfOrder
from ledger.journal import post
from ledger.models import entry
from ledger.periods import close_month
from ledger.year_end import YearEnd, close_year, undo_year_end, year_end
from tests.support.books import auxiliary_balances

NOW = datetime(2028, 2, 1, 8, 0, tzinfo=UTC)
END, NEW_YEAR = date(2026, 12, 31), date(2027, 1, 1)


def moved(name: str, on: date, *postings: tuple[str, int]) -> Entry:
    lines = tuple(Posting(account, amount, "T1" if account == "3421" else None) for account, amount in postings)
    return Entry(name, "VTE", on, name, name, lines)


YEAR = (
    moved("rent", date(2026, 3, 1), ("3421", 1_200_00), ("44551", -200_00), ("71243", -1_000_00)),
    moved("bank", date(2026, 5, 1), ("6147", 100_00), ("5141", -100_00)),
    moved("cash", date(2026, 6, 1), ("5161", 5_00), ("7386", -5_00)),
    moved("lost", date(2026, 7, 1), ("6585", 300_00), ("3421", -300_00)),
    moved("tax", date(2026, 12, 31), ("6701", 50_00), ("4457", -50_00)),
    moved("PER", date(2026, 3, 1), ("9210", 70_00), ("9208", -70_00)),
)


@pytest.fixture
def books(engine: Engine) -> Engine:
    book(engine, *YEAR)
    return engine


def book(engine: Engine, *entries: Entry) -> None:
    with writing(engine) as connection:
        post(connection, entries, recorded_at=NOW)


def closed(engine: Engine, year: int = 2026) -> YearEnd:
    with writing(engine) as connection:
        return close_year(connection, year, recorded_at=NOW)


def references(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        found = select(entry.c.reference).where(entry.c.journal.in_(["RES", "AN"])).order_by(entry.c.id)
        return list(connection.scalars(found))


def holding(engine: Engine, until: date) -> dict[str, int]:
    with reading(engine) as connection:
        return {found.account: found.balance for found in trial_balance(connection, until) if found.balance}


def problems(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(proof(connection, lambda _: None))


def test_the_result_goes_by_way_of_class_8_to_1191(books: Engine) -> None:
    # 1000 rent - 100 bank + 5 cash - 300 lost - 50 tax.
    assert closed(books) == YearEnd(2026, 555_00, is_determined=True, is_opened=True)
    assert references(books) == [
        "RES/2026/1/8100", "RES/2026/1/8300", "RES/2026/1/8400", "RES/2026/1/8500", "RES/2026/1/8600",
        "RES/2026/1/8800", "RES/2026/1/1191", "AN/2026/1/cloture", "AN/2026/1/ouverture",
    ]  # fmt: skip
    assert holding(books, END) == {
        "1191": -555_00, "3421": 900_00, "4457": -50_00, "44551": -200_00, "5141": -100_00, "5161": 5_00,
        "9208": -70_00, "9210": 70_00,
    }  # fmt: skip
    assert problems(books) == []


def test_a_loss_goes_to_1199(engine: Engine) -> None:
    book(engine, YEAR[1])
    assert closed(engine).result == -100_00
    assert holding(engine, END) == {"1199": 100_00, "5141": -100_00}


def test_balances_of_the_new_year_are_those_of_the_old_class_9_runs_on(books: Engine) -> None:
    before = holding(books, date(2026, 11, 30))
    closed(books)
    assert holding(books, date(2026, 11, 30)) == before
    ended = holding(books, END)
    assert holding(books, NEW_YEAR) == {"1181": ended.pop("1191"), **ended}
    with reading(books) as connection:
        assert auxiliary_balances(connection, "3421") == {"T1": 900_00}
        assert totals(trial_balance(connection)).debit == totals(trial_balance(connection)).credit


def test_done_again_it_changes_nothing(books: Engine) -> None:
    first = closed(books)
    before = references(books)
    assert closed(books) == first
    assert references(books) == before


def test_what_is_booked_since_is_counted_the_next_time(books: Engine) -> None:
    closed(books)
    book(books, moved("late", END, ("6147", 600_00), ("5141", -600_00)))
    with reading(books) as connection:
        assert year_end(connection, 2026) == YearEnd(2026, -45_00, is_determined=False, is_opened=False)
    assert closed(books) == YearEnd(2026, -45_00, is_determined=True, is_opened=True)
    assert holding(books, END)["1199"] == 45_00
    assert holding(books, NEW_YEAR)["1189"] == 45_00
    assert {"1181", "1191", "1199"} & set(holding(books, NEW_YEAR)) == set()
    assert problems(books) == []


def test_it_is_undone_until_the_year_is_closed(books: Engine) -> None:
    before = holding(books, date(2027, 6, 30))
    closed(books)
    with writing(books) as connection:
        undo_year_end(connection, 2026, recorded_at=NOW)
    assert holding(books, date(2027, 6, 30)) == before
    closed(books)
    with writing(books) as connection:
        for month in range(3, 13):
            close_month(connection, date(2026, month, 1), recorded_at=NOW, open_months_max=2)
    with pytest.raises(PeriodClosed, match="2026-12 is closed"), writing(books) as connection:
        undo_year_end(connection, 2026, recorded_at=NOW)
    assert problems(books) == []


def test_years_follow_each_other_and_balances_stay_right(books: Engine) -> None:
    book(books, moved("rent 2027", date(2027, 3, 1), ("3421", 2_400_00), ("71243", -2_400_00)))
    with pytest.raises(PeriodOutOfOrder, match="the accounts of 2026 come first"):
        closed(books, 2027)
    closed(books, 2026)
    assert holding(books, date(2027, 3, 1))["71243"] == -2_400_00
    assert closed(books, 2027).result == 2_400_00
    with reading(books) as connection:
        # R31: each year's own result alone stands on 1191; those before it await their appropriation.
        assert account_balance(connection, "1191", date(2026, 12, 31)) == -555_00
        assert account_balance(connection, "1191", date(2027, 1, 1)) == 0
        assert account_balance(connection, "1191", date(2027, 12, 31)) == -2_400_00
        assert account_balance(connection, "1181") == -555_00 - 2_400_00
        assert account_balance(connection, "3421") == 900_00 + 2_400_00
        assert account_balance(connection, "71243") == 0
    assert problems(books) == []


def test_a_year_ended_before_r31_stays_as_it_is_and_the_next_opening_takes_its_result_along(
    books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("ledger.year_end._carried", lambda held: held)
        closed(books)
    standing = references(books)
    assert closed(books) == YearEnd(2026, 555_00, is_determined=True, is_opened=True)
    assert references(books) == standing
    assert problems(books) == []
    book(books, moved("rent 2027", date(2027, 3, 1), ("3421", 2_400_00), ("71243", -2_400_00)))
    closed(books, 2027)
    assert holding(books, date(2027, 12, 31))["1191"] == -555_00 - 2_400_00
    assert "1191" not in holding(books, date(2028, 1, 1))
    assert holding(books, date(2028, 1, 1))["1181"] == -555_00 - 2_400_00
    assert problems(books) == []


def test_an_opening_that_carries_a_part_of_the_result_alone_is_named(
    books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(held: tuple[Posting, ...]) -> tuple[Posting, ...]:
        return (
            Posting("1181", -155_00),
            *(row._replace(amount=row.amount + 155_00 * (row.account == "1191")) for row in held),
        )

    monkeypatch.setattr("ledger.year_end._carried", half)
    closed(books)
    with writing(books) as connection:
        for month in range(3, 13):
            close_month(connection, date(2026, month, 1), recorded_at=NOW, open_months_max=2)
    assert problems(books) == ["2026 left -555.00 on account 1191: -155.00 of it was carried on"]


def test_a_year_without_anything_needs_nothing(engine: Engine) -> None:
    assert closed(engine) == YearEnd(2026, 0, is_determined=True, is_opened=True)
    assert references(engine) == []
