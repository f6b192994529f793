"""Nothing in data can fetch a URL or a file, or change the markup (pitfalls: WeasyPrint fetches any URL)."""

import dataclasses
import sys
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.errors import RenderingFailed
from invoices.rendering import pdf as rendering
from invoices.rendering.pdf import MISSING, printable, render_html, render_pdf
from tests.support import documents
from tests.support.examples import examples
from tests.support.pages import pages_of

_seen: list[str] | None = None


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    if _seen is not None and event in ("open", "socket.connect", "socket.getaddrinfo", "urllib.Request"):
        _seen.append(f"{event} {arguments!r}")


@pytest.fixture
def reached() -> Iterator[list[str]]:
    """Collect the files, hosts and addresses that Python opens, connects to or looks up while the test runs."""
    global _seen
    if not getattr(sys, "_rendering_audit", False):
        sys.addaudithook(_notice)  # Hooks stay for good; this one sleeps between tests.
        sys._rendering_audit = True  # type: ignore[attr-defined]
    render_pdf(documents.w1())  # The package has read its own files by now.
    _seen = []
    yield _seen
    _seen = None


def test_names_that_look_like_markup_reach_for_nothing_and_stand_on_paper(reached: list[str]) -> None:
    (page,) = pages_of(documents.hostile())
    said = "".join(page.split())
    assert '<imgsrc="file:///etc/passwd">' in said
    assert "<script>alert(1)</script>" in said
    assert "http://169.254.169.254/url(file:///etc/hostname)" in said
    assert "{{7*7}}{number}%(x)s" in said
    assert "&lt;b&gt;" in said
    assert "root:" not in said
    assert [what for what in reached if any(word in what for word in ("etc/", "169.254", "127.0.0.1", "socket"))] == []


def test_the_fetcher_would_refuse_even_if_the_template_asked(
    monkeypatch: pytest.MonkeyPatch, reached: list[str]
) -> None:
    # (Of its own data a page shows PNG alone: the operator's logo.)
    svg = "data:image/svg+xml;base64,AAAA"
    for address in ("file:///etc/passwd", "http://169.254.169.254/", svg, "package:OFL.txt"):
        html = f'<!DOCTYPE html><html lang="fr"><body><img src="{address}"/></body></html>'
        monkeypatch.setattr(rendering, "render_html", lambda _document, html=html: html)
        with pytest.raises(RenderingFailed, match="may fetch nothing"):
            render_pdf(documents.w1())
    assert not any("passwd" in what or "socket" in what for what in reached)


class _Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))


def _shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = _Shape()
    parser.feed(html)
    return parser.tags


@settings(max_examples=examples(200))
@given(st.text(min_size=1), st.text(), st.text(min_size=1))
def test_no_text_changes_the_markup(name: str, form: str, office: str) -> None:
    base = documents.w1()
    lines = tuple(line._replace(office=office, service_label=name, site_name=form) for line in base.lines)
    buyer = dataclasses.replace(base.buyer, legal_name=name, legal_form="X", address=name, city=office, ice=office)
    html = render_html(dataclasses.replace(base, buyer=buyer, lines=lines))
    ElementTree.fromstring(html)  # The page is well-formed, with any names in it.
    assert _shape(html) == _shape(render_html(base))


def test_a_template_that_is_not_well_formed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "render_html", lambda _document: "<html><body><br></body></html>")
    with pytest.raises(RenderingFailed, match="FA-2026-000012: the template is not well-formed"):
        render_pdf(documents.w1())


@given(st.text())
def test_what_is_printed_is_what_our_fonts_have(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") for c in shown if c != "\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Noor Santé", "Noor Santé"),
        ("Cafe\u0301", "Café"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("a\x00b\x1bc\x7f", "abc"),
        ("a\tb\u3000c\u2028d", "a b c d"),
        ("漢字 😀", f"{MISSING}{MISSING} {MISSING}"),
        ("شركة ⴰⴱⵔⵉⴷ", "شركة ⴰⴱⵔⵉⴷ"),
        ("1\u202f234,56\u00a0DH", "1\u202f234,56\u00a0DH"),
    ],
)
def test_text_is_made_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "make", [documents.long_names, documents.named_in_other_scripts], ids=lambda make: make.__name__
)
def test_odd_names_still_give_a_whole_document(make: object) -> None:
    assert callable(make)
    assert "Total TTC" in pages_of(make())[-1]
