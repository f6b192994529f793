"""Papers that a screen reader reads out: PDF/A-3a and PDF/UA-1, in three languages (tests/support/tagged_pdf.py)."""

import dataclasses
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from invoices.rendering.charts.canvas import Canvas
from invoices.rendering.figures import Chart, Charts, Column, Figure, FigurePaper, Figures, Lead, Rows, render_figures
from invoices.rendering.letter import render_letter
from invoices.rendering.pdf import print_page, render_pdf
from invoices.rendering.sheet import Fact
from invoices.rendering.weasyprint_tuning import tagged
from tests.support import documents
from tests.support.pages import KEPT, in_language
from tests.support.papers_in_languages import papers
from tests.support.tagged_pdf import TaggedPdf

LANGUAGES = ("fr", "ar", "en")
LINK = "https://billing.parks.example/verify/AAAAAAAAABYRH23LH5CZ64LTYTYU2CCB"


def linked() -> Any:
    return dataclasses.replace(documents.mature(), link=LINK)


ODD: dict[str, Callable[[], Any]] = {
    "hostile": documents.hostile, "scripts": documents.named_in_other_scripts, "linked": linked,
}  # fmt: skip


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The root element of each page that is printed."""
    roots: list[Any] = []

    class Noted(tagged.Tags):
        def __init__(self, laid_out: Any) -> None:
            roots.append(laid_out._html.etree_element)
            super().__init__(laid_out)

    monkeypatch.setattr(tagged, "Tags", Noted)
    return roots


def _texts(element: Any) -> Iterator[str]:
    """The texts of an element in the order they are written, drawings left out."""
    yield element.text or ""
    for child in element:
        if not child.tag.endswith("}svg"):
            yield from _texts(child)
        yield child.tail or ""


def _alike(text: str) -> str:
    """Text without white space and marks of direction, ligatures apart."""
    letters = unicodedata.normalize("NFKC", text)
    return "".join(c for c in letters if not c.isspace() and unicodedata.category(c) != "Cf")


def require_accessible(pdf: bytes, root: Any) -> None:
    """Nothing a machine can find is wrong, and everything is read once, in the order it is written."""
    opened = TaggedPdf(pdf)
    assert opened.problems() == []
    body = root.find("body")
    assert _alike(opened.said()) == _alike("".join(_texts(body)) + body.get("data-legal", ""))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*KEPT, *ODD])
def test_every_document_can_be_read_out(name: str, language: str, pages: list[Any]) -> None:
    document = in_language((KEPT | ODD)[name](), language)
    require_accessible(render_pdf(document), pages[-1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_can_be_read_out(language: str, pages: list[Any]) -> None:
    for _, letter in papers(language):
        require_accessible(render_letter(letter), pages[-1])


class _Bars:
    def svg(self, width: float, height: float) -> Any:
        """A drawing with a text of its own, and one that stands over it."""
        canvas = Canvas(width, height)
        canvas.rect(0, 0, width / 2, height / 2, "#0f6b57")
        canvas.text(2, 10, "1 200")
        canvas.text(2, 20, "تكنوبارك الرباط")
        return canvas.svg()


def figures(language: str, *, addressed: bool) -> bytes:
    columns = (Column("Mois", "40mm", True), Column("Montant", "", False))
    blocks = (
        Lead(("Une phrase.", "Une autre.")),
        Figures((Figure("Remise", "1 200,00 DH", "en 2026"), Figure("Contribution", "0,00 DH", ""))),
        Charts((Chart("Remise par mois", "en dirhams", _Bars(), 40), Chart("Une autre", "", _Bars(), 40))),
        Rows("Mois par mois", columns, (("juin", "1,00"), ("juillet", "2,00"), ("Total", "3,00")), total=True),
    )
    buyer = documents.STARTUP if addressed else None
    return render_figures(
        FigurePaper(
            date(2026, 9, 1), documents.SELLER, buyer, "À", "Compte", "Compte", "T0042", (Fact("Période", "2026"),),
            blocks, language,
        )
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("addressed", [True, False])
def test_figures_and_charts_can_be_read_out(language: str, addressed: bool, pages: list[Any]) -> None:
    pdf = figures(language, addressed=addressed)
    require_accessible(pdf, pages[-1])
    told = [str(element.Alt) for element, _ in TaggedPdf(pdf).elements() if str(element.S) == "/Figure"]
    assert len(told) == 2
    assert "1 200" in told[0]


def test_a_table_over_pages_is_one_whose_head_is_read_once() -> None:
    pdf = render_pdf(documents.long_invoice())
    opened = TaggedPdf(pdf)
    assert len(opened.pdf.pages) > 1
    assert [str(element.S) for element, _ in opened.elements()].count("/THead") == 1
    assert opened.said().count("Désignation") == 1
    # What stands in the margins of further pages is theirs, not the document's; the legal mentions are read once.
    assert "suite" not in opened.said()
    assert "reporter" not in opened.said()
    assert opened.said().count("loi n° 69-21") == 1


def test_a_code_says_the_address_that_it_leads_to() -> None:
    opened = TaggedPdf(render_pdf(linked()))
    by_role = {str(element.S): element for element, _ in opened.elements()}
    assert str(by_role["/Figure"].Alt) == LINK
    assert f"https://{opened.said(by_role['/Link'])}" == LINK


def test_a_header_says_which_way_it_heads() -> None:
    pdf = render_pdf(documents.mature())
    opened = TaggedPdf(pdf)
    heads = {opened.said(cell): str(cell.A.Scope) for cell, _ in opened.elements() if str(cell.S) == "/TH"}
    assert heads["Désignation"] == heads["Base HT"] == "/Column"
    assert heads["Total TTC"] == "/Row"


def test_a_name_is_spoken_in_its_language_and_text_from_right_to_left_is_told() -> None:
    arabic = TaggedPdf(render_pdf(in_language(documents.subsidised_split_month(), "ar")))
    spoken = {arabic.said(element): str(element.get("/Lang", "")) for element, _ in arabic.elements()}
    assert spoken["Noor Santé, SARL AU 31 avenue Hassan II Tanger"] == "fr"
    assert str(arabic.pdf.Root.Lang) == "ar"
    assert "رقم FA-2026-000012" in spoken
    buyer = dataclasses.replace(documents.STARTUP, legal_name="شركة الأمل", legal_form="")
    french = TaggedPdf(render_pdf(dataclasses.replace(documents.mature(), buyer=buyer)))
    (name,) = [element for element, _ in french.elements() if "/Lang" in element]
    assert (french.said(name), str(name.Lang)) == ("شركة الأمل", "ar")


def test_words_on_two_lines_are_two_words_and_a_word_that_was_parted_is_one() -> None:
    html = (
        '<!DOCTYPE html><html lang="fr"><head><title>t</title></head><body><h1>Un titre</h1>'
        f'<p style="width: 40mm; overflow-wrap: break-word">{"mot " * 40}{"long" * 30} fin (\\) – l’été</p>'
        "</body></html>"
    )
    said = TaggedPdf(print_page(html, "page", identifier=b"0123456789abcdef")).said()
    assert " ".join(said.split()) == f"Un titre {'mot ' * 40}{'long' * 30} fin (\\) – l’été"
