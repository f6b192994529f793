"""WeasyPrint and pydyf of other versions than those we are tuned to: the public interface prints the same pages."""

import dataclasses
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pikepdf
import pytest

from invoices.document import EDITION_TAGGED
from invoices.rendering import pdf as rendering
from invoices.rendering import weasyprint_tuning
from invoices.rendering.pdf import print_page, render_pdf
from tests.support import documents
from tests.support.pages import KEPT, text_of

HTML = """<!DOCTYPE html><html lang="fr"><head><title>Page</title></head><body><h1>Titre</h1><p>Un texte</p>
<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table></body></html>"""


def page() -> bytes:
    return print_page(HTML, "page", identifier=b"0123456789abcdef")


@contextmanager
def tuned_to(name: str, version: str) -> Iterator[None]:
    """Printing in a program that was tuned to that version of a library."""

    def forget() -> None:
        weasyprint_tuning.is_looked_at.cache_clear()
        rendering._renderer.cache_clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(weasyprint_tuning.LOOKED_AT, name, version)
        forget()
        yield
    forget()


def test_the_installed_versions_are_those_that_were_looked_at() -> None:
    assert weasyprint_tuning.is_looked_at()


@pytest.mark.parametrize("make", [*KEPT.values(), documents.hostile])
def test_with_another_version_a_document_without_tags_is_the_same_bytes(make: Callable[[], Any]) -> None:
    document = dataclasses.replace(make(), edition=EDITION_TAGGED - 1)
    tuned = render_pdf(document)
    with tuned_to("weasyprint", "69.0"):
        assert render_pdf(document) == tuned


def test_with_another_version_weasyprints_own_tags_are_written_and_not_said_to_be_more() -> None:
    tuned = page()
    with tuned_to("weasyprint", "69.0"):
        other = page()
    assert text_of(other) == text_of(tuned)
    with pikepdf.open(BytesIO(tuned)) as ours, pikepdf.open(BytesIO(other)) as theirs:
        for pdf in (ours, theirs):
            assert "/StructTreeRoot" in pdf.Root
            assert pdf.open_metadata()["pdfaid:conformance"] == "A"
        assert ours.open_metadata()["pdfuaid:part"] == "1"
        assert "pdfuaid:part" not in theirs.open_metadata()


def test_with_another_version_no_private_part_is_touched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with tuned_to("pydyf", "0.12.1"), caplog.at_level(logging.WARNING):
        for private in ("kept_styles", "tagged", "written_once", "xml_page"):
            monkeypatch.setitem(sys.modules, f"invoices.rendering.weasyprint_tuning.{private}", None)
        assert page() == page()
    assert [record.getMessage() for record in caplog.records if "tuned" in record.getMessage()] == [
        "printing is slower with pydyf 0.13.0: it is tuned to weasyprint 70.0, pydyf 0.12.1"
    ]
