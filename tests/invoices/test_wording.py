"""Figures, days and names in the three languages; what is Arabic keeps its order beside what is not."""

from datetime import date

import pytest

from invoices.document import Party
from invoices.wording import ALL_FRENCH, OF_TENANT, Wording, paper_language, wording, wording_of

FIRST = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("language", "amount", "minus", "rate", "day", "days"),
    [
        ("fr", "1\u202f234,56\u00a0DH", "−0,50", "5,5\u00a0%", "1er septembre 2026", "du 1er au 9 septembre 2026"),
        ("en", "1,234.56\u00a0MAD", "−0.50", "5.5%", "1 September 2026", "1 to 9 September 2026"),
        ("ar", "1.234,56\u00a0درهم", "\u2068−0,50\u2069", "5,5%", "1 شتنبر 2026", "من 1 إلى 9 شتنبر 2026"),
    ],
)
def test_figures_and_days_are_written_as_people_do(
    language: str, amount: str, minus: str, rate: str, day: str, days: str
) -> None:
    t = wording(language)
    assert (t.dirhams(123456), t.amount(-50), t.percentage(550)) == (amount, minus, rate)
    assert (t.day(FIRST), t.days(FIRST, date(2026, 9, 9))) == (day, days)


def test_the_months_of_morocco_have_their_own_names() -> None:
    names = ["يناير", "فبراير", "مارس", "أبريل", "ماي", "يونيو", "يوليوز", "غشت", "شتنبر", "أكتوبر", "نونبر", "دجنبر"]
    assert [wording("ar").month(date(2026, month, 1)) for month in range(1, 13)] == [f"{name} 2026" for name in names]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "يوم واحد"),
        (2, "يومان"),
        (3, "3 أيام"),
        (10, "10 أيام"),
        (11, "11 يوما"),
        (60, "60 يوما"),
        (100, "100 يوم"),
        (103, "103 أيام"),
    ],
)
def test_arabic_counts_in_its_forms(number: int, text: str) -> None:
    assert wording("ar").plural("{number} jour", "{number} jours", number) == text


def test_a_name_that_runs_the_other_way_is_set_apart() -> None:
    french, arabic = wording("fr"), wording("ar")
    assert french.isolated("Noor Santé") == "Noor Santé"
    assert french.isolated("شركة Data 24/7") == "\u2068شركة Data 24/7\u2069"
    assert french.paired("شركة النور", "ش.م.م") == "\u2068شركة النور، ش.م.م\u2069"
    assert arabic.paired("Noor Santé", "SARL") == "\u2068Noor Santé, SARL\u2069"
    # Marks of its own can't reorder what stands beside it.
    assert arabic.isolated("a\u202eb\u2069c") == "\u2068abc\u2069"
    assert arabic.listed(["FA-1", "FA-2"]) == "\u2068FA-1\u2069، \u2068FA-2\u2069"


@pytest.mark.parametrize(
    ("seller", "buyer", "language", "isolates"),
    [
        ("fr", "ar", "fr", False),
        (ALL_FRENCH, "ar", "fr", True),
        (OF_TENANT, "ar", "ar", True),
        (OF_TENANT, "", "fr", True),
    ],
)
def test_a_snapshot_of_the_seller_says_in_which_language_its_papers_are(
    seller: str, buyer: str, language: str, isolates: bool
) -> None:
    # Those of before there were other languages: in French, names as they stood then.
    one, other = Party("", "A", language=seller), Party("T1", "B", language=buyer)
    t: Wording = wording_of(one, paper_language(one, other))
    assert (t.language, t.isolates) == (language, isolates)
