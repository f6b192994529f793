"""The ladder: which step is due when, never twice, never below one that was sent, never while it is held (issue 3)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.dunning.ladder import Claimed, Reminder, Step, reminders, step_due

DUE = date(2026, 9, 30)
DAYS = (-3, 3, 15, 30)


def claimed(
    number: int = 1, *, due_on: date = DUE, open_: int = 10_000, sent: int | None = None, held: bool = False,
    tenant: str = "T1", ladder: tuple[int, ...] = DAYS,
) -> Claimed:  # fmt: skip
    name = f"FA-2026-{number:06d}"
    return Claimed(
        document_id=number,
        number=name,
        tenant=tenant,
        issued_on=due_on - timedelta(60),
        due_on=due_on,
        gross=12_000,
        open=open_,
        ladder=ladder,
        sent=sent,
        is_blocked=held,
    )


def due_on_day(days: int, **given: object) -> int | None:
    found = step_due(claimed(**given), DUE + timedelta(days))  # type: ignore[arg-type]
    return None if found is None else found.days


def letters(*claims: Claimed, late: int, credit: int = 0, least: int = 5_000) -> list[Reminder]:
    return list(reminders(claims, {"T1": credit}, DUE + timedelta(late), least))


@pytest.mark.parametrize(
    ("late", "sent", "step"),
    [
        (-4, None, None), (-3, None, -3), (-1, None, -3), (0, None, -3), (-1, -3, None),
        # Once it is due, it is too late to say that it will be.
        (1, None, None), (2, None, None), (2, -3, None),
        (3, -3, 3), (3, None, 3), (4, 3, None), (14, 3, None), (14, -3, 3),
        (15, 3, 15), (29, 15, None), (30, 15, 30), (400, 30, None), (400, 3, 30),
    ],
)  # fmt: skip
def test_the_highest_step_reached_is_due_unless_it_or_a_higher_one_was_sent(
    late: int, sent: int | None, step: int | None
) -> None:
    assert due_on_day(late, sent=sent) == step


def test_a_step_says_its_place_in_the_ladder() -> None:
    assert step_due(claimed(), DUE + timedelta(15)) == Step(3, 15)


def test_days_on_which_nothing_ran_are_followed_by_one_mail() -> None:
    sent, mails = None, []
    for late in (-10, 31, 32, 60, 61):
        found = due_on_day(late, sent=sent)
        if found is not None:
            mails.append((late, found))
            sent = found
    assert mails == [(31, 30)]


def test_nothing_is_due_of_what_is_paid_disputed_or_promised() -> None:
    assert due_on_day(30, open_=0) is None
    assert due_on_day(30, open_=-500) is None
    assert due_on_day(30, held=True) is None


def test_a_ladder_that_changes_repeats_no_step() -> None:
    assert due_on_day(16, sent=15, ladder=(2, 10, 15, 40)) is None
    assert due_on_day(16, sent=15, ladder=(2, 10, 16)) == 16
    assert due_on_day(30, ladder=()) is None


def test_a_tenant_is_written_once_a_day_about_each_invoice_at_its_step() -> None:
    [letter] = letters(
        claimed(1, due_on=DUE, sent=15), claimed(2, due_on=DUE + timedelta(27), open_=4_000),
        claimed(3, due_on=DUE + timedelta(15), sent=15), late=30,
    )  # fmt: skip
    assert [(one.claimed.document_id, one.step.days) for one in letter.reached] == [(1, 30), (2, 3)]
    assert (letter.total, letter.announced) == (14_000, 0)


def test_what_is_not_due_is_neither_asked_for_nor_counted() -> None:
    [letter] = letters(
        claimed(1, due_on=DUE, sent=15), claimed(2, due_on=DUE + timedelta(30), open_=4_000),
        claimed(3, due_on=DUE + timedelta(33), open_=3_000), late=30,
    )  # fmt: skip
    # One that falls due on the day itself is not overdue yet.
    assert [each.claimed.document_id for each in letter.overdue] == [1]
    assert [each.claimed.document_id for each in letter.to_come] == [2, 3]
    assert (letter.total, letter.announced) == (10_000, 7_000)


def test_too_little_that_is_overdue_is_left_out_of_what_is_announced() -> None:
    [letter] = letters(claimed(1, open_=4_999), claimed(2, due_on=DUE + timedelta(6), open_=9_000), late=3)
    assert ([each.claimed.document_id for each in letter.reached], letter.total) == ([2], 0)
    # What is to come does not make up for it, and credit counts first against what is overdue.
    assert letters(claimed(1, open_=4_999), claimed(2, due_on=DUE + timedelta(6), open_=4_999), late=3) == []
    assert letters(claimed(1), claimed(2, due_on=DUE + timedelta(6)), late=3, credit=15_001) == []
    [letter] = letters(claimed(1), claimed(2, due_on=DUE + timedelta(6)), late=3, credit=15_000)
    assert [each.claimed.document_id for each in letter.reached] == [2]


def test_nothing_is_sent_for_less_than_the_least_amount_until_enough_comes_together() -> None:
    assert letters(claimed(1, open_=4_999), late=3) == []
    assert len(letters(claimed(1, open_=5_000), late=3)) == 1
    assert len(letters(claimed(1, open_=2_500), claimed(2, open_=2_500), late=3)) == 1


def test_a_tenant_whose_credit_covers_what_is_due_is_left_alone() -> None:
    assert letters(claimed(1), late=3, credit=10_000) == []
    assert letters(claimed(1), late=3, credit=5_001) == []
    assert len(letters(claimed(1), late=3, credit=5_000)) == 1
    # What it owes of invoices it was reminded of before counts against its credit; what is disputed does not.
    assert len(letters(claimed(1), claimed(2, sent=30), late=3, credit=10_000)) == 1
    assert letters(claimed(1), claimed(2, held=True), late=3, credit=10_000) == []


def test_nobody_is_written_about_nothing() -> None:
    assert letters(claimed(1, open_=1), late=3, least=0, credit=1) == []


def test_the_next_step_is_the_next_day_one_is_due_if_nothing_changes() -> None:
    def next_step(invoice: Claimed, late: int) -> int | None:
        ahead = range(late + 1, late + 100)
        return next((days for days in ahead if step_due(invoice, DUE + timedelta(days)) is not None), None)

    assert next_step(claimed(), -10) == -3
    assert next_step(claimed(sent=3), 4) == 15
    assert next_step(claimed(sent=30), 40) is None


@given(
    ladder=st.lists(st.integers(-30, 90), max_size=6, unique=True).map(lambda days: tuple(sorted(days))),
    lates=st.lists(st.integers(-40, 200), max_size=40).map(sorted),
    held=st.sets(st.integers(-40, 200)),
)
def test_whatever_days_it_runs_on_each_step_is_sent_once_in_order_and_not_before_its_day(
    ladder: tuple[int, ...], lates: list[int], held: set[int]
) -> None:
    sent: list[int] = []
    for late in lates:
        found = due_on_day(late, sent=max(sent, default=None), ladder=ladder, held=late in held)
        if found is not None:
            assert late not in held
            assert found <= late
            assert found >= 0 or late <= 0
            sent.append(found)
    assert sent == sorted(set(sent))
    assert set(sent) <= set(ladder)
