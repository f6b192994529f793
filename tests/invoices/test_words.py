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


# Written out and read by people: num2words has Saudi riyals, and other forms than grammar asks for.
@pytest.mark.parametrize(
    ("centimes", "words"),
    [
        (0, "صفر درهم"),
        (1_00, "درهم واحد"),
        (2_00, "درهمان"),
        (3_00, "ثلاثة دراهم"),
        (8_00, "ثمانية دراهم"),
        (10_00, "عشرة دراهم"),
        (11_00, "أحد عشر درهما"),
        (12_00, "اثنا عشر درهما"),
        (13_00, "ثلاثة عشر درهما"),
        (18_00, "ثمانية عشر درهما"),
        (20_00, "عشرون درهما"),
        (21_00, "واحد وعشرون درهما"),
        (22_00, "اثنان وعشرون درهما"),
        (80_00, "ثمانون درهما"),
        (88_00, "ثمانية وثمانون درهما"),
        (99_00, "تسعة وتسعون درهما"),
        (100_00, "مائة درهم"),
        (101_00, "مائة درهم ودرهم واحد"),
        (102_00, "مائة درهم ودرهمان"),
        (103_00, "مائة وثلاثة دراهم"),
        (110_00, "مائة وعشرة دراهم"),
        (111_00, "مائة وأحد عشر درهما"),
        (125_00, "مائة وخمسة وعشرون درهما"),
        (200_00, "مائتا درهم"),
        (201_00, "مائتا درهم ودرهم واحد"),
        (202_00, "مائتا درهم ودرهمان"),
        (203_00, "مائتان وثلاثة دراهم"),
        (211_00, "مائتان وأحد عشر درهما"),
        (300_00, "ثلاثمائة درهم"),
        (800_00, "ثمانمائة درهم"),
        (999_00, "تسعمائة وتسعة وتسعون درهما"),
        (1000_00, "ألف درهم"),
        (1001_00, "ألف درهم ودرهم واحد"),
        (1002_00, "ألف درهم ودرهمان"),
        (1003_00, "ألف وثلاثة دراهم"),
        (1100_00, "ألف ومائة درهم"),
        (1200_00, "ألف ومائتا درهم"),
        (1234_00, "ألف ومائتان وأربعة وثلاثون درهما"),
        (2000_00, "ألفا درهم"),
        (2001_00, "ألفا درهم ودرهم واحد"),
        (2500_00, "ألفان وخمسمائة درهم"),
        (3000_00, "ثلاثة آلاف درهم"),
        (10000_00, "عشرة آلاف درهم"),
        (11000_00, "أحد عشر ألف درهم"),
        (11500_00, "أحد عشر ألفا وخمسمائة درهم"),
        (22300_00, "اثنان وعشرون ألفا وثلاثمائة درهم"),
        (100000_00, "مائة ألف درهم"),
        (101000_00, "مائة ألف وألف درهم"),
        (102000_00, "مائة ألف وألفا درهم"),
        (103000_00, "مائة وثلاثة آلاف درهم"),
        (200000_00, "مائتا ألف درهم"),
        (1000000_00, "مليون درهم"),
        (1000001_00, "مليون درهم ودرهم واحد"),
        (1200000_00, "مليون ومائتا ألف درهم"),
        (2000000_00, "مليونا درهم"),
        (2000500_00, "مليونان وخمسمائة درهم"),
        (3000000_00, "ثلاثة ملايين درهم"),
        (11000000_00, "أحد عشر مليون درهم"),
        (15300000_00, "خمسة عشر مليونا وثلاثمائة ألف درهم"),
        (1000000000_00, "مليار درهم"),
        (2000000000_00, "مليارا درهم"),
        (1, "سنتيم واحد"),
        (2, "سنتيمان"),
        (3, "ثلاثة سنتيمات"),
        (10, "عشرة سنتيمات"),
        (11, "أحد عشر سنتيما"),
        (80, "ثمانون سنتيما"),
        (99, "تسعة وتسعون سنتيما"),
        (101, "درهم واحد وسنتيم واحد"),
        (8080, "ثمانون درهما وثمانون سنتيما"),
        (123456, "ألف ومائتان وأربعة وثلاثون درهما وستة وخمسون سنتيما"),
        (200050, "ألفا درهم وخمسون سنتيما"),
    ],
)
def test_an_amount_in_arabic_names_dirhams_in_their_case(centimes: int, words: str) -> None:
    assert dirhams_in_words(centimes, "ar") == words


@pytest.mark.parametrize(
    ("centimes", "words"),
    [
        (0, "zero dirhams"),
        (1, "one centime"),
        (100, "one dirham"),
        (101, "one dirham and one centime"),
        (2_100, "twenty-one dirhams"),
        (10_100, "one hundred and one dirhams"),
        (123_456, "one thousand, two hundred and thirty-four dirhams and fifty-six centimes"),
        (100_000_000, "one million dirhams"),
    ],
)
def test_an_amount_in_english(centimes: int, words: str) -> None:
    assert dirhams_in_words(centimes, "en") == words
