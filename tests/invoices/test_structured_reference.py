"""The reference an invoice is paid under (ISO 11649), and the numbers found in what payers write."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iso11649

from invoices.structured_reference import mentions_in, numbers_in, rf_of, structured_numbers_in
from tests.support.examples import examples

NUMBERS = st.builds(
    "{}-{:04d}-{:06d}".format,
    st.sampled_from(["FA", "AV"]),
    st.integers(2000, 2999),
    st.integers(1, 99_999_999),
)


def test_the_reference_holds_the_number_behind_two_check_digits() -> None:
    assert rf_of("FA-2026-000012") == "RF21FA2026000012"
    assert iso11649.is_valid(rf_of("FA-2026-000012"))


@pytest.mark.parametrize("text", ["", "FA-2026-12", "FA2026000012", "RC-2026-000012", "FA-2026-000012 "])
def test_only_numbers_of_documents_have_a_reference(text: str) -> None:
    with pytest.raises(ValueError, match="is not the number of a document"):
        rf_of(text)


@given(NUMBERS, st.sampled_from(["", " ", "-", " . "]), st.sampled_from(["", " 1500,00 DH", "20261124", "/NOOR"]))
@settings(max_examples=examples(200))
def test_a_reference_is_found_however_a_bank_breaks_it(number: str, separator: str, after: str) -> None:
    reference = separator.join(rf_of(number))
    assert number in structured_numbers_in(f"VIR RECU {reference.lower()}{after}")


@given(st.integers(1, 999_999).map("FA-2026-{:06d}".format), st.integers(0, 9), st.data())
@settings(max_examples=examples(200))
def test_a_mistyped_digit_names_nothing(number: str, digit: int, data: st.DataObject) -> None:
    reference = rf_of(number)
    place = data.draw(st.sampled_from([i for i, c in enumerate(reference) if c.isdigit() and c != str(digit)]))
    mistyped = f"{reference[:place]}{digit}{reference[place + 1 :]}"
    assert not iso11649.is_valid(mistyped)
    assert numbers_in(f"{mistyped} NOOR") == ()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Règlement facture FA-2026-000012", ("FA-2026-000012",)),
        ("fa2026000012", ("FA-2026-000012",)),
        ("FA 2026 000012 et FA/2026/000013", ("FA-2026-000012", "FA-2026-000013")),
        ("FACTURE FA-2026- 000031", ("FA-2026-000031",)),
        ("FA-2026-12", ("FA-2026-000012",)),
        ("FA-2026-000012 FA-2026-000012", ("FA-2026-000012",)),
        ("FA-2026-000013 RF21 FA20 2600 0012", ("FA-2026-000012", "FA-2026-000013")),
        ("RF22 FA2026000012", ()),
        ("SOFA-2026-000012", ()),
        ("FA-2026-0000123456789012", ()),
        ("facture du 2026-11", ()),
        # Cut by a bank, or gone on behind a blank: never completed into another (R33).
        ("FA-2026-00001 5", ()),
        ("FA-2026-00001-5", ()),
        ("FA-2026-12 5", ()),
        ("FA-2026-00012", ()),
        ("FA-2026-000015 5 BUREAUX", ("FA-2026-000015",)),
        ("RF22  - FA2026000012", ()),
        ("37FA2026000012", ()),
        ("", ()),
    ],
)
def test_numbers_are_found_as_people_write_them(text: str, numbers: tuple[str, ...]) -> None:
    assert numbers_in(text) == numbers


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("FA-2026-00001 5", ("FA-2026-000015",)),
        ("FA-20 26-0000 15", ("FA-2026-000015",)),
        ("FA20 2600 0012", ("FA-2026-000012",)),
        ("FA-2026\n000015", ("FA-2026-000015",)),
        ("FA-2026-00001 5000 DH", ()),
        ("FA-2026-000015", ()),
    ],
)
def test_what_a_broken_number_may_be_is_told_apart_from_what_is_whole(text: str, joined: tuple[str, ...]) -> None:
    mentions = mentions_in(text)
    assert (mentions.joined, mentions.has_cut) == (joined, text != "FA-2026-000015")


@given(NUMBERS, st.data())
@settings(max_examples=examples(200))
def test_a_number_cut_anywhere_names_no_other(number: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([number, number.replace("-", ""), rf_of(number)]))
    place = data.draw(st.integers(1, len(text) - 1))
    rest = data.draw(st.sampled_from(["", f" {text[place:]}", f"\n{text[place:]}", " LOYER"]))
    mentions = mentions_in(f"VIR {text[:place]}{rest}")
    begun = number.replace("-", "")
    assert all(other == number or (other in mentions.ending) or int(begun[6:]) > 999_999 for other in mentions.numbers)


@given(st.text())
@settings(max_examples=examples(200))
def test_any_text_is_read_without_complaint(text: str) -> None:
    assert all(iso11649.is_valid(rf_of(number)) for number in numbers_in(text))
