"""Brought invoices are found by their numbers in payers' texts, whole, in whatever style (R29, R33)."""

import pytest

from invoices.brought_numbers import BroughtNumbers

NUMBERS = BroughtNumbers(["2026/0117", "F-26-8", "F-26-81", "FACT2025-0044", "FA-2025-0012", "1234", "A7"])


@pytest.mark.parametrize(
    ("text", "certain", "uncertain"),
    [
        ("REGLEMENT 2026/0117 NOOR", ["2026/0117"], []),
        ("VIR 2026-0117", ["2026/0117"], []),
        ("FACT 2025 0044, loyer", ["FACT2025-0044"], []),
        ("fact2025/0044", ["FACT2025-0044"], []),
        ("F-26-8 ET F26-81", ["F-26-8", "F-26-81"], []),
        ("FA-2025-0012 SOLDE", ["FA-2025-0012"], []),
        ("FA-2026-000003 ET 2026/0117", ["FA-2026-000003", "2026/0117"], []),
        # A longer one begins like it, and the bank may have cut the rest off.
        ("FACTURE F-26-8", [], ["F-26-8"]),
        ("FACTURE F-26-8\nNOOR", [], ["F-26-8"]),
        # Digits alone, parted by blanks or not parted, are found by chance.
        ("VIR 1234", [], ["1234"]),
        ("2026 0117", [], ["2026/0117"]),
        # Other numbers, days and amounts.
        ("20260117 2026/01/17 2026/01170 X2026/0117 F-26-812 A7", [], []),
        ("VIR F-26\n8", [], []),
    ],
)
def test_numbers_in_any_style_are_found_whole(text: str, certain: list[str], uncertain: list[str]) -> None:
    found = NUMBERS.mentions_in(text)
    assert list(found.numbers) == certain
    assert list(found.joined) == uncertain


def test_a_number_of_ours_that_is_cut_stays_cut_beside_a_brought_one() -> None:
    assert NUMBERS.mentions_in("FA-2026-0000 2026/0117").has_cut
    assert not NUMBERS.mentions_in("FA-2025-0012 SOLDE").has_cut
