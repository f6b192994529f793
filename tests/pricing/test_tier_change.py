"""When a switch is announced: each step once, only the nearest, never too late, corrected when it moves."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.tier_change import NO_STEP, Due, Notice, due

STEPS = (90, 60, 30)
SWITCH = date(2026, 12, 10)


def before(days: int) -> date:
    return SWITCH - timedelta(days=days)


def told(*steps: int, day: date = SWITCH) -> list[Notice]:
    return [Notice(number, day, step) for number, step in enumerate(steps, 1)]


@pytest.mark.parametrize(
    ("days", "steps", "expected"),
    [
        (91, (), None), (90, (), 90), (75, (), 90), (61, (90,), None), (60, (90,), 60), (31, (90, 60), None),
        (30, (90, 60), 30), (29, (90, 60, 30), None), (1, (90, 60, 30), None), (0, (), None), (-5, (), None),
        # After downtime only the nearest step counts, and those before it are over.
        (20, (), 30), (20, (90,), 30), (45, (), 60), (45, (60,), None), (1, (90,), 30),
    ],
)  # fmt: skip
def test_the_nearest_step_reached_is_announced_once(days: int, steps: tuple[int, ...], expected: int | None) -> None:
    found = due(SWITCH, before(days), STEPS, told(*steps))
    assert (None if found is None else found.step) == expected
    assert found is None or found.corrects is None


def test_a_day_that_moved_is_corrected_at_once_at_whatever_step() -> None:
    former = told(90, day=date(2026, 11, 1))
    assert due(SWITCH, before(200), STEPS, former) == Due(NO_STEP, former[-1])
    assert due(SWITCH, before(40), STEPS, former) == Due(60, former[-1])
    assert due(SWITCH, before(0), STEPS, former) is None
    corrected = [*former, Notice(2, SWITCH, 60)]
    assert due(SWITCH, before(40), STEPS, corrected) is None
    assert due(SWITCH, before(30), STEPS, corrected) == Due(30, None)
    # A correction at no step takes none away.
    early = [*former, Notice(2, SWITCH, NO_STEP)]
    assert due(SWITCH, before(100), STEPS, early) is None
    assert due(SWITCH, before(90), STEPS, early) == Due(90, None)
    # Back to where it was: the day last told is wrong again.
    assert due(date(2026, 11, 1), date(2026, 10, 1), STEPS, corrected) == Due(60, corrected[-1])


def test_without_steps_nothing_is_announced() -> None:
    assert due(SWITCH, before(10), (), []) is None


@given(
    st.lists(st.integers(1, 120), min_size=1, max_size=5, unique=True),
    st.lists(st.integers(-3, 130), min_size=1, max_size=40),
    st.lists(st.integers(0, 2), min_size=1, max_size=40),
)
def test_whatever_days_are_looked_at_each_step_is_told_once_and_no_day_twice(
    steps: list[int], gaps: list[int], moves: list[int]
) -> None:
    """Days in order, some skipped; the switch moves now and then. Whoever is told last is told right."""
    days = sorted({130 - gap for gap in gaps})
    notices: list[Notice] = []
    for place, day in enumerate(days):
        on = date(2026, 1, 1) + timedelta(days=day)
        switches_on = date(2026, 5, 1) + timedelta(days=moves[place % len(moves)])
        found = due(switches_on, on, steps, notices)
        if found is None:
            assert not notices or notices[-1].switches_on == switches_on or switches_on <= on
            continue
        assert on < switches_on
        assert found.step == NO_STEP or (switches_on - on).days <= found.step
        assert (found.corrects is None) == (not notices or notices[-1].switches_on == switches_on)
        assert due(switches_on, on, steps, [*notices, Notice(place, switches_on, found.step)]) is None
        notices.append(Notice(place, switches_on, found.step))
    plain = [(n.switches_on, n.step) for n, former in zip(notices, [None, *notices], strict=False)
             if former is None or former.switches_on == n.switches_on]  # fmt: skip
    series = [(a, b) for a, b in pairwise(plain) if a[0] == b[0]]
    assert all(a[1] == NO_STEP or b[1] < a[1] for a, b in series)
