"""Prints a snapshot as PDF/A-3 that can be read aloud (PDF/UA-1), the EN 16931 XML within; always the same bytes.

WeasyPrint's layout is what costs. Stylesheets and fonts are therefore prepared once a process (`PdfRenderer`), and some
of the work is spared (`weasyprint_tuning`). WeasyPrint is imported then and not before: commands that print nothing
don't pay for it.
"""

import atexit
import gc
import os
import re
import unicodedata
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from multiprocessing.util import Finalize
from threading import Lock
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from invoices.document import EDITION_TAGGED, Document
from invoices.einvoice.cii import ATTACHMENT_NAME, cii_xml
from invoices.errors import PrintingUnavailable, RenderingFailed
from invoices.rendering.arabic import write_ligatures
from invoices.rendering.sheet import sheet_of
from invoices.rendering.weasyprint_tuning import can_subset_quickly, open_layout, tag_pages, write_streams_once
from invoices.rendering.weasyprint_tuning.frames import with_room
from invoices.wording import (
    END_OF_ISOLATE,
    ISOLATE,
    LEFT_TO_RIGHT,
    RIGHT_TO_LEFT,
    direction_of,
    paper_language,
    wording,
)

# Documents of editions without tags; those with them; and those whose tags are WeasyPrint's.
_UNTAGGED, _TAGGED_BY_WEASYPRINT = "pdf/a-3u", "pdf/a-3a"
STYLESHEET = "document.css"
BASE_STYLESHEET = "base.css"
ARABIC_STYLESHEET = "arabic.css"
TEMPLATE = "document.html"
# The operator's logo, which is part of the page.
_OWN_IMAGE = "data:image/png;base64,"
_FONT_SCHEME = "package:"
_FONT_FILES = (
    "Inter-Regular.woff2", "Inter-SemiBold.woff2", "NotoSansArabic-Regular.woff2", "NotoSansArabic-Bold.woff2",
    "NotoSansTifinagh-Regular.woff2",
)  # fmt: skip
_ISOLATED = re.compile(f"{ISOLATE}([^{ISOLATE}{END_OF_ISOLATE}]*){END_OF_ISOLATE}")
# Stands for a character that none of our fonts has: no font of the machine may decide how a page looks.
MISSING = "\u25a1"

# XMP says that this is a Factur-X of profile EN 16931, and that it can be read to those who don't see it (ISO 14289-1);
# each with the schema of its names, as PDF/A asks.
_FACTUR_X = f"""<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">\
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{ATTACHMENT_NAME}</fx:DocumentFileName>\
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>"""
_PDF_UA = """<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">\
<pdfuaid:part>1</pdfuaid:part></rdf:Description>"""
_XMP_SCHEMAS = """<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" \
xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">\
<pdfaExtension:schemas><rdf:Bag>{schemas}</rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF>"""
_XMP_SCHEMA = """<rdf:li rdf:parseType="Resource">\
<pdfaSchema:schema>{title}</pdfaSchema:schema>\
<pdfaSchema:namespaceURI>{namespace}</pdfaSchema:namespaceURI>\
<pdfaSchema:prefix>{prefix}</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property>\
</rdf:li>"""
_XMP_PROPERTY = """<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>\
<pdfaProperty:valueType>{type}</pdfaProperty:valueType><pdfaProperty:category>{category}</pdfaProperty:category>\
<pdfaProperty:description>{text}</pdfaProperty:description></rdf:li>"""
_FACTUR_X_PROPERTIES = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER",
    "Version": "The actual version of the standard applying to the embedded XML document",
    "ConformanceLevel": "The conformance level of the embedded XML document",
}
_FACTUR_X_SCHEMA = _XMP_SCHEMA.format(
    title="Factur-X PDFA Extension Schema", namespace="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    prefix="fx",
    properties="".join(
        _XMP_PROPERTY.format(name=name, type="Text", category="external", text=text)
        for name, text in _FACTUR_X_PROPERTIES.items()
    ),
)  # fmt: skip
_PDF_UA_SCHEMA = _XMP_SCHEMA.format(
    title="PDF/UA Universal Accessibility Schema", namespace="http://www.aiim.org/pdfua/ns/id/", prefix="pdfuaid",
    properties=_XMP_PROPERTY.format(name="part", type="Integer", category="internal", text="Part of ISO 14289"),
)  # fmt: skip


@with_room
def render_pdf(document: Document) -> bytes:
    """Return the document's PDF/A-3 with its XML attached: a pure function of the snapshot (B12).

    Raises PrintingUnavailable when the machine lacks what printing needs, RenderingFailed when the page asks for
    anything from outside the package.
    """
    direction = wording(paper_language(document.seller, document.buyer)).direction
    return _renderer(os.getpid(), direction).pdf(document)


def render_html(document: Document) -> str:
    """Return the page's HTML alone, as WeasyPrint gets it, for design work; its stylesheet is beside the template."""
    sheet = sheet_of(document)
    return render_template(TEMPLATE, sheet=sheet, t=sheet.t)


def render_template(name: str, **texts: object) -> str:
    """Return a page's HTML from one of the templates of the package."""
    html: str = _templates().get_template(name).render(**texts)
    return html


@with_room
def print_page(
    html: str, name: str, *, identifier: bytes, direction: str = LEFT_TO_RIGHT, stylesheet: str | None = None
) -> bytes:
    """Return the PDF/A-3 of a page that has nothing attached; `identifier` is 16 bytes that say which page it is.

    `stylesheet` is CSS in place of that of documents; it names the same fonts. Raises RenderingFailed, which names the
    page by `name`.
    """
    return _renderer(os.getpid(), direction, stylesheet).page(html, name, identifier)


def check_printing() -> None:
    """Refuse to start where printing would fail or crawl; raises PrintingUnavailable, saying what to install."""
    _renderer(os.getpid())


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("invoices.rendering"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        finalize=marked_up,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = lambda text: Markup(escape(printable(text)))  # noqa: S704 - it is escaped
    return environment


@cache
def _not_printable() -> re.Pattern[str]:
    """Return a pattern of the characters that none of our fonts has, or that show nothing."""
    ranges = _package_file("fonts", "coverage.txt").decode("ascii").split()
    codes = (
        code
        for first, _, last in (r.partition("-") for r in ranges)
        for code in range(int(first, 16), int(last, 16) + 1)
    )
    shown = [chr(code) for code in codes if unicodedata.category(chr(code)) not in ("Cc", "Cf")]
    return re.compile(f"[^\n{re.escape(''.join(shown))}]")


@lru_cache(maxsize=4096)
def printable(text: str) -> str:
    """Return text as our fonts can print it: composed, white space as a space, characters they lack as U+25A1.

    Control characters and marks that reorder text are dropped: a name can't hide what stands beside it. Isolates stay
    (`Wording.isolated`): they keep what they hold from reordering what is around it.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"{ISOLATE}{_printable(part)}{END_OF_ISOLATE}" if place % 2 else _printable(part)
        for place, part in enumerate(_ISOLATED.split(text))
    )


def marked_up(text: str) -> str:
    """Return text as our fonts can print it, isolates as elements: a line that breaks within keeps its direction."""
    if isinstance(text, Markup):
        return text
    if ISOLATE not in text:
        return printable(text)
    parts = (
        Markup('<bdi dir="{}">{}</bdi>').format(direction_of(part), _printable(part))
        if place % 2
        else escape(_printable(part))
        for place, part in enumerate(_ISOLATED.split(text))
    )
    return Markup().join(parts)


def _printable(text: str) -> str:
    return _not_printable().sub(_replacement, unicodedata.normalize("NFC", text))


def _replacement(match: re.Match[str]) -> str:
    character = match[0]
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf") else MISSING


def _package_file(*path: str) -> bytes:
    return files("invoices.rendering").joinpath(*path).read_bytes()


def _stylesheet(name: str) -> str:
    return _package_file("templates", name).decode()


class PdfRenderer:
    """The fonts and stylesheets that one process prints pages of one direction with, prepared once."""

    def __init__(self, direction: str, stylesheet: str) -> None:
        weasyprint = _weasyprint()
        from weasyprint.text.fonts import FontConfiguration
        from weasyprint.urls import URLFetcher, URLFetcherResponse

        class PackageFonts(URLFetcher):  # type: ignore[misc]
            """Gives the stylesheet the package's fonts, by name, and nothing else."""

            def fetch(self, url: str, _headers: object = None) -> URLFetcherResponse:
                name = url.removeprefix(_FONT_SCHEME)
                if not url.startswith(_FONT_SCHEME) or name not in _FONT_FILES:
                    raise ValueError(f"a stylesheet may use the fonts of the package alone, not {url}")
                return URLFetcherResponse(url, _package_file("fonts", name))

        class Nothing(URLFetcher):  # type: ignore[misc]
            """Refuses every address: a page holds all it shows."""

            def fetch(self, url: str, _headers: object = None) -> URLFetcherResponse:
                if url.startswith(_OWN_IMAGE):
                    return URLFetcherResponse(url, b64decode(url.removeprefix(_OWN_IMAGE)))
                raise ValueError(f"a document may fetch nothing, not {url}")

        self._attachment = weasyprint.Attachment
        self._finish: Callable[[Any, Any], None] = _finish
        if direction == RIGHT_TO_LEFT:
            stylesheet += _stylesheet(ARABIC_STYLESHEET)
            self._finish = _finish_arabic
        self._lock = _lock(os.getpid())
        self._fetcher = Nothing(fail_on_errors=True)
        fonts = FontConfiguration()
        # A pool's process ends without finalising its objects: its folder of font files would stay behind.
        Finalize(None, fonts.__del__, exitpriority=0)
        self._lay_out = open_layout(
            weasyprint.CSS(string=_stylesheet(BASE_STYLESHEET), url_fetcher=self._fetcher),
            weasyprint.CSS(string=stylesheet, font_config=fonts, url_fetcher=PackageFonts(fail_on_errors=True)),
            fonts,
            self._fetcher,
            pdf_variant=_UNTAGGED,
        )

    def pdf(self, document: Document) -> bytes:
        """See `render_pdf`."""
        xml = cii_xml(document)
        issued = datetime(document.issued_on.year, document.issued_on.month, document.issued_on.day)
        attachment = self._attachment(
            string=xml, name=ATTACHMENT_NAME, description=document.number, created=issued, modified=issued,
            relationship="Alternative", url_fetcher=self._fetcher,
        )  # fmt: skip
        html = render_html(document)
        with self._lock, _named_failures(document.number):
            return self._write(
                self._lay_out(html), sha256(xml).digest()[:16], [attachment],
                is_tagged=document.edition >= EDITION_TAGGED,
            )  # fmt: skip

    def page(self, html: str, name: str, identifier: bytes) -> bytes:
        """See `print_page`."""
        with self._lock, _named_failures(name):
            return self._write(self._lay_out(html), identifier, [], is_tagged=True)

    def _write(self, laid_out: Any, identifier: bytes, attachments: list[Any], *, is_tagged: bool) -> bytes:
        tag = tag_pages(laid_out) if is_tagged else None
        metadata = laid_out.metadata
        metadata.generate_rdf_metadata = _with_xmp(
            metadata.generate_rdf_metadata, is_factur_x=bool(attachments), is_read=tag is not None
        )

        def finish(document: object, pdf: Any) -> None:
            if tag is not None:
                tag(pdf)
            self._finish(document, pdf)

        written: bytes = laid_out.write_pdf(
            finisher=finish,
            attachments=attachments,
            pdf_variant=_TAGGED_BY_WEASYPRINT if is_tagged and tag is None else _UNTAGGED,
            pdf_identifier=identifier,
        )
        return written


@contextmanager
def _named_failures(name: str) -> Iterator[None]:
    """Raise RenderingFailed, with the page's name, for what goes wrong with the page."""
    from weasyprint.urls import FatalURLFetchingError

    try:
        yield
    except FatalURLFetchingError as error:
        raise RenderingFailed(f"{name}: {error.__cause__}") from error
    except ElementTree.ParseError as error:
        raise RenderingFailed(f"{name}: the template is not well-formed, close every element: {error}") from error


@cache
def _lock(_process: int) -> Lock:
    """Return a process's lock: no two threads may use Pango's font maps at once, whichever renderer they belong to."""
    return Lock()


@cache
def _renderer(_process: int, direction: str = LEFT_TO_RIGHT, stylesheet: str | None = None) -> PdfRenderer:
    # One a process: a forked child must not share the parent's font files, which vanish with their owner.
    atexit.register(_let_go)
    _weasyprint()
    from weasyprint.urls import FatalURLFetchingError

    try:
        return PdfRenderer(direction, _stylesheet(STYLESHEET) if stylesheet is None else stylesheet)
    except (FatalURLFetchingError, OSError) as error:
        raise PrintingUnavailable(
            f"printing needs the fonts and stylesheets of the package: install it again ({error.__cause__ or error})"
        ) from error


def _let_go() -> None:
    """Free the fonts before the interpreter ends, which may take Pango apart before them."""
    _renderer.cache_clear()
    gc.collect()


def _weasyprint() -> Any:
    try:
        import weasyprint
    except OSError as error:
        raise PrintingUnavailable(
            f"printing needs Pango: install libpango-1.0-0 and libpangoft2-1.0-0 ({error})"
        ) from error
    if not can_subset_quickly():
        raise PrintingUnavailable(
            "printing needs libharfbuzz-subset0, without which every PDF takes five times as long: install it"
        )
    return weasyprint


def _finish(_document: object, pdf: Any) -> None:
    """Give a PDF its last touch before it is written (a finisher of WeasyPrint)."""
    if "AF" in pdf.catalog:
        # WeasyPrint 70 lists an attachment twice among the associated files.
        files = pdf.catalog["AF"]
        files[:] = dict.fromkeys(files)
    write_streams_once(pdf)


def _finish_arabic(document: object, pdf: Any) -> None:
    write_ligatures(pdf)
    _finish(document, pdf)


def _with_xmp(generate: Callable[..., bytes], *, is_factur_x: bool, is_read: bool) -> Callable[..., bytes]:
    """Return a function that writes XMP, and in it what WeasyPrint's says nothing of."""
    descriptions = (_FACTUR_X if is_factur_x else "") + (_PDF_UA if is_read else "")
    schemas = (_FACTUR_X_SCHEMA if is_factur_x else "") + (_PDF_UA_SCHEMA if is_read else "")
    block = (descriptions + _XMP_SCHEMAS.format(schemas=schemas)).encode()

    def generated(variant: str, version: int, conformance: str) -> bytes:
        return generate(variant, version, "A" if is_read else conformance).replace(b"</rdf:RDF>", block)

    return generated if schemas else generate
