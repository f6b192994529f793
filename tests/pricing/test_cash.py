"""The law on cash: the stamp duty and the thresholds of deduction, by the rules of 2026."""

import pytest

from pricing.cash import DAY, MONTH, CashRules, Notice, Taken

RULES = CashRules(limit=2_000_000, day_threshold=500_000, month_threshold=5_000_000, stamp_rate=25, stamp_on_top=True)
NOTHING = Taken(0, 0)


@pytest.mark.parametrize(
    ("amount", "duty"),
    [
        (0, 0),
        (1, 0),
        (199, 0),
        (200, 1),  # 0.5 centime, half away from zero
        (123456, 309),  # law.md section 3: 1 234.56 gives 3.09
        (1999999, 5000),
    ],
)
def test_the_stamp_duty_is_a_quarter_of_a_percent_rounded_once(amount: int, duty: int) -> None:
    assert RULES.stamp_duty(amount) == duty


@pytest.mark.parametrize(
    ("taken", "most"),
    [
        # With the stamp duty of 4 987.53 centimes: 1 999 999 in the till.
        (NOTHING, 1_995_011),
        (Taken(1_500_000, 1_500_000), 498_752),
        (Taken(1_500_000, 1_500_000, 3_750), 495_011),
        (Taken(2_000_000, 2_000_000), -1),
    ],
)
def test_a_days_cash_and_its_stamp_duty_stay_below_the_limit(taken: Taken, most: int) -> None:
    assert RULES.allow(most, taken)
    assert not RULES.allow(most + 1, taken)
    assert RULES.most(taken) == max(most, 0)


@pytest.mark.parametrize(
    ("amount", "taken", "notices"),
    [
        (500_000, NOTHING, ()),
        (500_001, NOTHING, (Notice(DAY, 500_000),)),
        (100, Taken(500_000, 500_000), (Notice(DAY, 500_000),)),
        (100, Taken(0, 4_999_900), ()),
        (101, Taken(0, 4_999_900), (Notice(MONTH, 5_000_000),)),
        (600_000, Taken(0, 5_000_000), (Notice(DAY, 500_000), Notice(MONTH, 5_000_000))),
    ],
)
def test_what_goes_beyond_what_the_payer_may_deduct_is_said(
    amount: int, taken: Taken, notices: tuple[Notice, ...]
) -> None:
    assert RULES.notices(amount, taken) == notices
