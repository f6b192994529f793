"""Reads the text of a PDF, and keeps the golden pages.

python -m tests.support.pages      writes the golden pages again; look at what git then shows
"""

import subprocess
from pathlib import Path

from invoices.document import Document
from invoices.rendering.pdf import render_pdf
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
