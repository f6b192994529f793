"""Reads the text of a PDF, and keeps the golden pages.

python -m tests.support.pages      writes the golden pages again; look at what git then shows
"""

import dataclasses
import subprocess
import unicodedata
from pathlib import Path

from invoices.document import Document
from invoices.rendering.pdf import render_pdf
from invoices.wording import OF_TENANT_AND_FRENCH
from tests.support import documents

GOLDEN = Path(__file__).parent.parent / "golden" / "pages"
KEPT = {
    "invoice_window_ends": documents.subsidised_split_month,
    "invoice_newcomer": documents.newcomer,
    "invoice_mature": documents.mature,
    "invoice_40_lines": documents.long_invoice,
    "credit_note": documents.credit_note,
    "credit_note_by_hand": documents.credit_note_by_hand,
    "one_off": documents.one_off,
}
# Kept in Arabic and English too.
TRANSLATED = ("invoice_window_ends", "credit_note", "one_off")
OTHER_LANGUAGES = ("ar", "en")


def in_language(document: Document, language: str, papers_in: str = OF_TENANT_AND_FRENCH) -> Document:
    """The document as it is issued to a tenant who reads a language."""
    seller, buyer = document.seller, document.buyer
    return dataclasses.replace(
        document,
        seller=dataclasses.replace(seller, language=papers_in),
        buyer=dataclasses.replace(buyer, language=language),
    )


def read_aloud(pdf: bytes) -> str:
    """The text of every page in the order it is read, without marks of direction; a ligature as its letters."""
    done = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    text = unicodedata.normalize("NFKC", done.stdout.decode())
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def text_of(pdf: bytes) -> str:
    """The text of every page in the order it is drawn, a row of a table on one line, pages parted by a form feed."""
    done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


def pages_of(document: Document) -> list[str]:
    """The text of each page of a document."""
    return text_of(render_pdf(document)).removesuffix("\f").split("\f")


def golden_text(document: Document) -> str:
    """The pages of a document, one below the other."""
    return f"{'-' * 20}\n".join(pages_of(document))


if __name__ == "__main__":
    for name, make in KEPT.items():
        (GOLDEN / f"{name}.txt").write_text(golden_text(make()), encoding="utf-8")
    for name in TRANSLATED:
        for language in OTHER_LANGUAGES:
            text = read_aloud(render_pdf(in_language(KEPT[name](), language)))
            (GOLDEN / f"{name}.{language}.txt").write_text(text, encoding="utf-8")
