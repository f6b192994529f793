"""What a tenant gets besides invoices, in its language: as kept, without a French word; as before for old snapshots."""

import re

import pytest

from invoices.rendering.letter import Letter, render_letter
from invoices.wording import ALL_FRENCH
from tests.support.pages import GOLDEN, OTHER_LANGUAGES, read_aloud
from tests.support.papers_in_languages import papers

# Names of people, sites and reasons: not ours to translate.
_NAMES = re.compile(
    "Montant erroné|Technopark Tanger|Noor Santé|Soci[^,]+|Banque de démonstration|VIR-1 : FA|\\S+@\\S+"
)


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_every_paper_reads_as_the_golden_one(language: str) -> None:
    for name, letter in papers(language):
        assert letter.language == language
        golden = (GOLDEN / f"{name}.{language}.txt").read_text(encoding="utf-8")
        assert read_aloud(render_letter(letter)) == golden, name


def _texts(letter: Letter) -> str:
    rows = [cell for row in letter.rows for cell in row]
    notes = [text for note in letter.notes for text in (note.title, *note.lines)]
    facts = [text for fact in letter.facts for text in fact]
    titles = [column.title for column in letter.columns]
    return " ".join([letter.title, letter.subject, *letter.paragraphs, *rows, *notes, *facts, *titles])


def test_no_paper_in_arabic_has_a_french_word_of_ours() -> None:
    for name, letter in papers("ar"):
        assert not re.search("[a-zàâéèêîôû]{4}", _NAMES.sub("", _texts(letter))), name


def test_papers_made_before_there_were_languages_and_by_a_french_house_are_in_french() -> None:
    # A seller's snapshot of before says `fr`.
    for (_, before), (_, house) in zip(papers("ar", "fr"), papers("ar", ALL_FRENCH), strict=True):
        assert before.language == house.language == "fr"
        assert before.title == house.title
        assert re.search("[a-z]{4}", _texts(before))
