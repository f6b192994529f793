"""What law says of cash: the limit, the thresholds of deduction, the stamp duty; by the day's settings."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from billing.frame.errors import BadConfiguration
from billing.frame.terms import load_terms
from billing.receivables.cash_desk.rules import cash_rules, refusal
from pricing.cash import CashRules, Taken

ON = date(2026, 9, 7)
SHIPPED = cash_rules(load_terms(None), ON)
NOTHING = Taken(0, 0)


def test_the_shipped_rules_are_those_of_the_law() -> None:
    assert (
        CashRules(
            limit=2_000_000,
            day_threshold=500_000,
            month_threshold=5_000_000,
            stamp_rate=25,
            stamp_on_top=True,
        )
        == SHIPPED
    )


def test_twenty_thousand_dirhams_with_the_duty_are_refused_with_the_article_and_a_centime_less_is_taken() -> None:
    # 19,950.12 bear 49.88 of stamp duty: 20,000.00 in the till.
    assert refusal(SHIPPED, 1_995_011, NOTHING) is None
    for amount in (1_995_012, 1_999_999, 2_000_000):
        refused = refusal(SHIPPED, amount, NOTHING)
        assert refused is not None
        assert "art. 193" in refused.problem
        assert refused.remedy == "ask for a cheque or a transfer; at most 19950.11 can be taken"
    borne = replace(SHIPPED, stamp_on_top=False)
    assert refusal(borne, 1_999_999, NOTHING) is None
    assert refusal(borne, 2_000_000, NOTHING) is not None


def test_an_amount_split_over_the_day_is_counted_together() -> None:
    taken = Taken(day=1_500_000, month=1_500_000, duty=3_750)
    assert refusal(SHIPPED, 495_011, taken) is None
    refused = refusal(SHIPPED, 495_012, taken)
    assert refused is not None
    assert "on top of 15000.00 taken the same day, with 49.88 of stamp duty" in refused.problem
    assert refused.remedy.endswith("at most 4950.11 can be taken")


def test_the_rules_are_those_of_the_day(tmp_path: Path) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(
        '[[cash.limit]]\neffective_from = 2000-01-01\nvalue = "20000.00"\nsource = "law"\n'
        '[[cash.limit]]\neffective_from = 2027-01-01\nvalue = "10000.00"\nsource = "a later law"\n',
        encoding="utf-8",
    )
    terms = load_terms(file)
    assert [cash_rules(terms, on).limit for on in (date(2026, 12, 31), date(2027, 1, 1))] == [2_000_000, 1_000_000]


@pytest.mark.parametrize("value", ['"20 000"', '"1e4"', '"-1.00"', '"1.005"'])
def test_an_amount_that_is_none_is_refused_by_name(tmp_path: Path, value: str) -> None:
    file = tmp_path / "terms.toml"
    file.write_text(f'[[cash.limit]]\neffective_from = 2000-01-01\nvalue = {value}\nsource = "x"\n', encoding="utf-8")
    with pytest.raises(BadConfiguration, match=r"TERMS_FILE: cash\.limit is"):
        cash_rules(load_terms(file), ON)
