"""Links of papers: a token is of one paper, for ever, and nobody can make one without the secret."""

import pytest

from invoices.links import TOKEN_LENGTH, Linked, PaperKind, paper_of, token_of

SECRET = "5a" * 32
RECEIPT = Linked(PaperKind.CASH_RECEIPT, 12)


def test_a_token_leads_to_its_paper_and_never_changes() -> None:
    assert token_of(SECRET, RECEIPT) == "aaaaaagbvcjspy3p3oxxazqq"
    for paper in (RECEIPT, Linked(PaperKind.DOCUMENT, 1), Linked(PaperKind.FINAL_STATEMENT, 1 << 35)):
        assert len(token_of(SECRET, paper)) == TOKEN_LENGTH
        assert paper_of(SECRET, token_of(SECRET, paper)) == paper
    assert paper_of(SECRET, token_of(SECRET, RECEIPT).upper()) == RECEIPT


@pytest.mark.parametrize(
    "text", ["", "a" * 24, "a" * 23, "a" * 25, "FA-2026-000012", "٢" * 24, "aaaaaagbvcjspy3p3oxxazq1", "\x00" * 24]
)
def test_any_other_text_leads_nowhere(text: str) -> None:
    assert paper_of(SECRET, text) is None


def test_a_token_with_one_other_letter_or_of_another_secret_leads_nowhere() -> None:
    token = token_of(SECRET, RECEIPT)
    for place, letter in enumerate(token):
        other = "b" if letter != "b" else "c"
        assert paper_of(SECRET, f"{token[:place]}{other}{token[place + 1 :]}") is None
    assert paper_of("5b" * 32, token) is None
