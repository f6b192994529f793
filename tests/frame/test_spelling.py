"""Numbers and days as people type them."""

import click
import pytest

from billing.frame import spelling
from billing.frame.terminal.parameters import AMOUNT


@pytest.mark.parametrize(
    ("text", "centimes"),
    [
        ("4000,00", 400_000),
        ("4000.00", 400_000),
        ("4 000,5", 400_050),
        ("4.000,50", 400_050),
        ("1.234.567", 123_456_700),
        ("0.500", 50),
        ("12", 1200),
    ],
)
def test_an_amount_on_the_command_line_may_have_a_decimal_comma(text: str, centimes: int) -> None:
    assert AMOUNT.convert(text, None, None) == centimes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,500", "can be read as 1.500 or 1500: write it with two decimals"),
        ("1.500", "can be read as 1.500 or 1500: write it with two decimals"),
        ("1,2,3", "is not"),
        ("1,234.56", "is not"),
    ],
)
def test_one_that_can_be_read_two_ways_is_refused(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        AMOUNT.convert(text, None, None)


def test_rates_and_days() -> None:
    assert [spelling.rate(text, ",") for text in ("20 %", "20,5%", "0,2", "%", "2,0,0 %")] == [
        "0.20", "0.205", "0.2", "%", "2,0,0 %",
    ]  # fmt: skip
    assert [spelling.day(text) for text in (" 30/09/2026", "2026-09-30", "30/9/2026", "")] == [
        "2026-09-30", "2026-09-30", "30/9/2026", "",
    ]  # fmt: skip
