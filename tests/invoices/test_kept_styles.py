"""Styles kept from one document to the next: the bytes are those of WeasyPrint left alone."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
import weasyprint
from weasyprint.html import UA_STYLESHEET
from weasyprint.text.fonts import FontConfiguration

from invoices.rendering import pdf as rendering
from invoices.rendering.letter import Column, Letter, render_letter
from invoices.rendering.pdf import render_pdf
from invoices.rendering.weasyprint_tuning.kept_styles import KeptStyles
from tests.support import documents
from tests.support.pages import KEPT


def letter(number: str) -> bytes:
    """A paper whose columns have widths of their own."""
    document = documents.mature()
    columns = (Column("Libellé", f"{100 + len(number)}mm", True), Column("Montant", "40mm", False))
    return render_letter(
        Letter(
            date(2026, 9, 1), document.seller, document.buyer, "Lettre", "Lettre", number, "À l’attention de", (),
            ("Un paragraphe.",), columns, (("Dépôt", "1 000,00"), ("Loyer", "2 000,00")), (("Total", "3 000,00"),),
            None, (),
        )
    )  # fmt: skip


@contextmanager
def weasyprint_left_alone() -> Iterator[None]:
    """Print with no style kept, and every stream serialised as often as pydyf likes."""

    def laid_out(styles: KeptStyles, page: Any, **options: Any) -> Any:
        return page.render(font_config=styles.fonts, stylesheets=[styles.sheets[1][0]], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeptStyles, "laid_out", laid_out)
        patch.setattr(rendering, "write_streams_once", lambda _pdf: None)
        yield


@pytest.mark.parametrize("make", [*KEPT.values(), documents.hostile, documents.long_invoice])
def test_a_document_is_byte_for_byte_what_weasyprint_alone_prints(make: Callable[[], Any]) -> None:
    document = make()
    with weasyprint_left_alone():
        alone = render_pdf(document)
    # First or later, after whatever else was printed.
    assert render_pdf(document) == alone
    render_pdf(documents.hostile())
    letter("DG-2026-000001")
    assert render_pdf(document) == alone


def test_a_letter_is_byte_for_byte_what_weasyprint_alone_prints() -> None:
    with weasyprint_left_alone():
        alone = [letter("DG-2026-000001"), letter("DG-2026-0000021")]
    assert [letter("DG-2026-000001"), letter("DG-2026-0000021")] == alone
    assert [letter("DG-2026-000001"), letter("DG-2026-0000021")] == alone


# Layout writes into styles: a body's overflow goes to the page, footnotes and list marks change their display.
STYLESHEET = """
@page { size: A5; margin: 1cm; @bottom-right { content: counter(page) } }
body { overflow: hidden; width: 40mm; font-size: 10pt }
ul { display: block } li { display: list-item; list-style: disc outside }
.note { float: footnote }
.leader::after { content: leader('.') ' ' attr(data-page) }
.b, #named { color: #123456 }
table { display: table; border-collapse: collapse; padding: 3mm } tr { display: table-row } td { display: table-cell }
p::first-letter { font-size: 20pt } p::first-line { color: #654321 }
"""
HTML = """<html lang="{lang}"><body><p class="{kind}" data-page="{number}">Un très long texte {number} qui déborde
<span class="note">une note {number}</span></p><ul><li>un</li><li>deux</li></ul><p id="named">nommé</p>
<p style="color: #{number}{number}{number}">propre <b>à lui</b></p><table><tr><td>a</td><td>b</td></tr></table>
</body></html>"""
PAGES = tuple(
    HTML.format(lang=lang, kind=kind, number=number)
    for number, (lang, kind) in enumerate(
        (("fr", "b"), ("ar", "leader"), ("fr", "leader"), ("fr", "b"), ("en", "")), 10
    )
)


def test_what_layout_writes_into_one_documents_styles_no_other_document_sees() -> None:
    fonts = FontConfiguration()
    stylesheet = weasyprint.CSS(string=STYLESHEET, font_config=fonts)
    styles = KeptStyles(UA_STYLESHEET, stylesheet, fonts)

    alone = [
        weasyprint.HTML(string=html)
        .render(font_config=fonts, stylesheets=[stylesheet])
        .write_pdf(pdf_identifier=b"the same")
        for html in PAGES
    ]
    assert len(set(alone)) == len(PAGES)
    for _ in range(2):
        pages = [styles.laid_out(weasyprint.HTML(string=html)).write_pdf(pdf_identifier=b"the same") for html in PAGES]
        assert pages == alone


def test_what_is_kept_grows_with_the_stylesheet_and_not_with_the_documents() -> None:
    styles = rendering._renderer(os.getpid())._lay_out.args[0]  # type: ignore[attr-defined]
    for make in KEPT.values():
        render_pdf(make())
    letter("DG-2026-000001")
    kept_styles = len(styles._kept)
    for number in range(5):
        render_pdf(documents.subsidised_split_month())
        letter(f"DG-2026-{'0' * number}1")
    assert len(styles._kept) == kept_styles
