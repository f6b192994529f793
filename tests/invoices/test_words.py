"""Amounts in words, as Moroccan documents close with them (law.md section 9)."""

import pytest

from invoices.words import dirhams_in_words


@pytest.mark.parametrize(
    ("centimes", "words"),
    [
        (0, "zéro dirham"),
        (1, "un centime"),
        (2, "deux centimes"),
        (100, "un dirham"),
        (101, "un dirham et un centime"),
        (150, "un dirham et cinquante centimes"),
        (200, "deux dirhams"),
        (2_100, "vingt et un dirhams"),
        (7_000, "soixante-dix dirhams"),
        (7_100, "soixante et onze dirhams"),
        (7_700, "soixante-dix-sept dirhams"),
        (8_000, "quatre-vingts dirhams"),
        (8_080, "quatre-vingts dirhams et quatre-vingts centimes"),
        (8_100, "quatre-vingt-un dirhams"),
        (9_121, "quatre-vingt-onze dirhams et vingt et un centimes"),
        (10_000, "cent dirhams"),
        (20_000, "deux cents dirhams"),
        (20_100, "deux cent un dirhams"),
        (100_000, "mille dirhams"),
        (100_001, "mille dirhams et un centime"),
        (123_456, "mille deux cent trente-quatre dirhams et cinquante-six centimes"),
        (324_000, "trois mille deux cent quarante dirhams"),
        (8_000_000, "quatre-vingt mille dirhams"),
        (20_000_000, "deux cent mille dirhams"),
        (100_000_000, "un million de dirhams"),
        (100_000_100, "un million un dirhams"),
        (100_000_001, "un million de dirhams et un centime"),
        (120_000_050, "un million deux cent mille dirhams et cinquante centimes"),
        (8_000_000_000, "quatre-vingts millions de dirhams"),
        (20_000_000_000, "deux cents millions de dirhams"),
        (100_000_000_000, "un milliard de dirhams"),
        (
            99_999_999,
            "neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf dirhams "
            "et quatre-vingt-dix-neuf centimes",
        ),
    ],
)
def test_an_amount_is_spelt_as_a_notary_would(centimes: int, words: str) -> None:
    assert dirhams_in_words(centimes) == words


def test_an_amount_below_nil_is_refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        dirhams_in_words(-1)
