"""Accounting periods: closed months stay as they were, whatever comes later."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from billing.books.periods.checks import periods as proof
from billing.frame.database import reading, writing
from ledger.balances import account_balance, trial_balance
from ledger.entry import Entry, Posting, reversal
from ledger.errors import LedgerError, PeriodClosed, PeriodNotYetOpen, PeriodOutOfOrder
from ledger.journal import load_entry, post
from ledger.periods import NO_LIMITS, close_month, closings, digest, first_open_day, last_day, limits, reopen_month
from tests.conftest import FreshEngine
from tests.support.examples import examples

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
JUNE, JULY, AUGUST, SEPTEMBER = (date(2026, month, 1) for month in (6, 7, 8, 9))


def sold(name: str, on: date, amount: int = 120_00) -> Entry:
    postings = (Posting("3421", amount, "T1"), Posting("71243", -amount, None, "TNG"))
    return Entry(name, "VTE", on, "Loyer", name, postings)


def book(engine: Engine, *entries: Entry) -> None:
    with writing(engine) as connection:
        post(connection, entries, recorded_at=NOW)


def close(engine: Engine, *months: date, at_once: int = 2) -> None:
    for month in months:
        with writing(engine) as connection:
            close_month(connection, month, recorded_at=NOW, open_months_max=at_once)


def reopen(engine: Engine, month: date) -> None:
    with writing(engine) as connection:
        reopen_month(connection, month, reason="oubli", recorded_at=NOW)


def problems(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(proof(connection, lambda _: None))


def test_nothing_closes_by_itself(engine: Engine) -> None:
    book(engine, *(sold(f"A{month}", date(2026, month, 1)) for month in range(1, 13)), sold("B", date(2020, 1, 1)))
    with reading(engine) as connection:
        assert limits(connection) == NO_LIMITS
        assert first_open_day(connection, JUNE) == JUNE


def test_a_closed_month_takes_no_entry(engine: Engine) -> None:
    book(engine, sold("A", JUNE))
    close(engine, JUNE)
    with pytest.raises(PeriodClosed, match="2026-06 is closed: give a day from 2026-07-01 on"):
        book(engine, sold("B", date(2026, 6, 30)))
    book(engine, sold("B", JULY))
    with reading(engine) as connection:
        assert first_open_day(connection, JUNE) == JULY
        assert first_open_day(connection, AUGUST) == AUGUST


def test_r22_the_database_itself_refuses_what_comes_into_a_closed_month(engine: Engine) -> None:
    book(engine, sold("A", JUNE), sold("B", JULY))
    close(engine, JUNE)
    for statement in (
        "UPDATE account_day SET debit = debit + 1 WHERE day = '2026-06-01'",
        "UPDATE account_day SET day = '2026-06-02' WHERE day = '2026-07-01'",
        "DELETE FROM account_day WHERE day = '2026-06-01'",
        "INSERT INTO account_day VALUES ('3421', '2026-06-15', 1, 1)",
        "UPDATE period_act SET digest = 'x'",
        "DELETE FROM period_act",
        "UPDATE period_balance SET debit = 0",
        "DELETE FROM period_balance",
    ):
        with pytest.raises(DatabaseError, match="R22"), writing(engine) as connection:
            connection.execute(text(statement))
    with pytest.raises(DatabaseError, match="only open months are posted to"):
        _enter_behind_the_journals_back(engine)


def _enter_behind_the_journals_back(engine: Engine) -> None:
    with writing(engine) as connection:
        for statement in (
            "UPDATE entry_counter SET last = last + 1",
            "INSERT INTO posting VALUES (3, 1, '3421', 'T1', NULL, '2026-06-30', 5)"
            ", (3, 2, '71243', NULL, NULL, '2026-06-30', -5)",
            "INSERT INTO entry VALUES (3, 'LATE', 'VTE', '2026-06-30', '2026-07-01 00:00:00', 'late', 'late', 2)",
        ):
            connection.execute(text(statement))


def test_months_are_closed_one_after_the_other(engine: Engine) -> None:
    book(engine, sold("A", JUNE), sold("B", AUGUST))
    with pytest.raises(PeriodOutOfOrder, match="2026-06 comes first"):
        close(engine, JULY)
    with pytest.raises(PeriodOutOfOrder, match="nothing is booked before 2026-06: that month is closed first"):
        close(engine, date(2026, 5, 1))
    close(engine, JUNE)
    with pytest.raises(PeriodOutOfOrder, match="2026-06 is closed already"):
        close(engine, JUNE)
    with pytest.raises(PeriodOutOfOrder, match="2026-07 comes first"):
        close(engine, AUGUST)
    close(engine, JULY, AUGUST)


def test_from_the_first_closing_on_so_many_months_are_open_and_no_more(engine: Engine) -> None:
    book(engine, sold("A", JUNE))
    close(engine, JUNE)
    book(engine, sold("B", date(2026, 8, 31)))
    with pytest.raises(PeriodNotYetOpen, match="2026-09 can't be begun while 2026-07 is open: close that month first"):
        book(engine, sold("C", SEPTEMBER))
    close(engine, JULY)
    book(engine, sold("C", SEPTEMBER))


def test_months_begun_before_the_first_closing_stay_open(engine: Engine) -> None:
    book(engine, sold("A", JUNE), sold("B", date(2026, 11, 1)))
    close(engine, JUNE)
    book(engine, sold("C", date(2026, 11, 30)))
    with pytest.raises(PeriodNotYetOpen):
        book(engine, sold("D", date(2026, 12, 1)))


def test_only_the_month_closed_last_is_reopened_and_that_stays_on_record(engine: Engine) -> None:
    book(engine, sold("A", JUNE))
    close(engine, JUNE, JULY)
    with pytest.raises(PeriodOutOfOrder, match=r"2026-06 is not the month closed last \(2026-07\)"):
        reopen(engine, JUNE)
    reopen(engine, JULY)
    reopen(engine, JUNE)
    book(engine, sold("B", JUNE))
    close(engine, JUNE)
    with reading(engine) as connection:
        found = closings(connection)
    assert [(c.number, c.action, c.month, c.reason) for c in found] == [
        (1, "close", JUNE, None), (2, "close", JULY, None), (3, "reopen", JULY, "oubli"),
        (4, "reopen", JUNE, "oubli"), (5, "close", JUNE, None),
    ]  # fmt: skip
    assert [c.closed_through for c in found] == [
        date(2026, 6, 30), date(2026, 7, 31), date(2026, 6, 30), None, date(2026, 6, 30),
    ]  # fmt: skip
    assert found[0].digest == found[3].digest != found[4].digest
    assert problems(engine) == []


def test_the_same_reference_again_is_no_posting_into_a_closed_month(engine: Engine) -> None:
    book(engine, sold("A", JUNE))
    close(engine, JUNE)
    with writing(engine) as connection:
        assert post(connection, [sold("A", JUNE), sold("B", JULY)], recorded_at=NOW) == [1, 2]


def test_balances_at_any_day_are_the_same_with_checkpoints_and_without(engine: Engine) -> None:
    days = [date(2026, month, day) for month in (6, 7, 8, 9) for day in (1, 15, 28)]
    book(engine, *(sold(f"A{on}", on, 100 + n) for n, on in enumerate(days)))
    asked = [None, date(2026, 5, 31), *days, date(2026, 7, 31), date(2026, 12, 31)]
    with reading(engine) as connection:
        before = [(trial_balance(connection, on), account_balance(connection, "3421", on)) for on in asked]
    close(engine, JUNE, JULY, AUGUST)
    reopen(engine, AUGUST)
    with reading(engine) as connection:
        assert [(trial_balance(connection, on), account_balance(connection, "3421", on)) for on in asked] == before


def test_check_names_a_closed_month_that_has_moved_since(engine: Engine) -> None:
    book(engine, sold("A", JUNE), sold("B", JULY))
    close(engine, JUNE)
    guards = {"sqlite": "posting_no_update", "postgresql": "posting_append_only ON posting"}
    with writing(engine) as connection:
        connection.execute(text(f"DROP TRIGGER {guards[engine.dialect.name]}"))
        connection.execute(text("UPDATE posting SET amount = amount * 2 WHERE entry_id = 1"))
    assert problems(engine) == ["2026-06 is closed and has moved since: its postings up to its end debit 240.00"]


def test_check_names_a_checkpoint_that_was_changed(engine: Engine) -> None:
    book(engine, sold("A", JUNE))
    close(engine, JUNE)
    guards = {"sqlite": "period_balance_no_update", "postgresql": "period_balance_append_only ON period_balance"}
    with writing(engine) as connection:
        connection.execute(text(f"DROP TRIGGER {guards[engine.dialect.name]}"))
        connection.execute(text("UPDATE period_balance SET debit = debit + 1 WHERE account = '3421'"))
    assert problems(engine) == ["closing 1 (2026-06): its balances are not those of its digest"]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.integers(0, 120), st.integers(1, 10_000_00)),
        st.tuples(st.just("reverse"), st.integers(0, 20), st.integers(0, 120)),
        st.tuples(st.just("close"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("reopen"), st.integers(0, 3), st.just(0)),
    ),
    max_size=14,
)


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_digest_of_a_closed_month_never_changes_whatever_is_booked_or_reversed_later(
    fresh_engine: FreshEngine, steps: list[tuple[str, int, int]]
) -> None:
    months = [JUNE, JULY, AUGUST, SEPTEMBER]
    with fresh_engine() as engine:
        for number, (what, a, b) in enumerate(steps):
            try:
                _step(engine, months, number, (what, a, b))
            except LedgerError:
                continue
            _require_digests_stand(engine)
        assert problems(engine) == []


def _step(engine: Engine, months: list[date], number: int, step: tuple[str, int, int]) -> None:
    what, a, b = step
    if what == "book":
        book(engine, sold(f"E{number}", date.fromordinal(JUNE.toordinal() + a), b))
    elif what == "close":
        close(engine, months[a])
    elif what == "reopen":
        reopen(engine, months[a])
    else:
        with writing(engine) as connection:
            former = load_entry(connection, f"E{a}")
            if former is not None:
                on = first_open_day(connection, date.fromordinal(JUNE.toordinal() + b))
                post(connection, [reversal(former, f"E{a}/reversal/{number}", on, "Annulation")], recorded_at=NOW)


def _require_digests_stand(engine: Engine) -> None:
    with reading(engine) as connection:
        through = limits(connection).closed_through
        newest = {c.month: c.digest for c in closings(connection) if c.action == "close"}
        for month, kept in newest.items():
            if through is not None and last_day(month) <= through:
                assert digest(month, trial_balance(connection, last_day(month))) == kept
        numbers = [c.number for c in closings(connection)]
        assert numbers == list(range(1, len(numbers) + 1))
