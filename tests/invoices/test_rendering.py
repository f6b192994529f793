"""Documents on paper: the text, always the same bytes, the PDF/A-3 that an archive asks for."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from io import BytesIO
from itertools import repeat
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from lxml import etree

from invoices import formats
from invoices.document import EDITION, EDITION_NUMBERED, EDITION_TAGGED, Document
from invoices.einvoice.cii import cii_xml
from invoices.errors import IllFormedDocument
from invoices.rendering import pdf as rendering
from invoices.rendering.pdf import check_printing, render_pdf
from invoices.rendering.workers import prepare, render_and_store
from invoices.storage import load
from pricing.vat import VatSubtotal
from tests.support import documents
from tests.support.pages import GOLDEN, KEPT, golden_text, pages_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", KEPT)
def test_the_pages_read_as_the_golden_ones(name: str) -> None:
    assert golden_text(KEPT[name]()) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_document_of_the_first_edition_reads_as_it_did_then() -> None:
    # B9: invoices issued before they bore a structured reference; credit notes have not changed until they were tagged.
    first = dataclasses.replace(documents.mature(), edition=EDITION_NUMBERED)
    assert golden_text(first) == (GOLDEN / "invoice_mature_edition_1.txt").read_text(encoding="utf-8")
    credited = documents.credit_note()
    first, last = (dataclasses.replace(credited, edition=edition) for edition in (EDITION_NUMBERED, EDITION_TAGGED - 1))
    assert render_pdf(first) == render_pdf(last)
    with _opened(first) as pdf:
        assert "/StructTreeRoot" not in pdf.Root
        assert pdf.open_metadata()["pdfaid:conformance"] == "U"


def test_an_invoice_of_nothing_asks_for_nothing_and_nobody_pays_a_credit_note_late() -> None:
    mature = documents.mature()
    free = mature.lines[0]._replace(priced=mature.lines[0].priced._replace(amount=0, unit_price=0))
    nothing = dataclasses.replace(
        mature, lines=(free,), vat=(VatSubtotal(2000, 0, 0),), net=0, tax=0, gross=0, contribution=0
    )
    said = _words(nothing)
    assert "Rien à régler." in said
    assert not [words for words in ("Échéance", "Par virement", "RIB", "Référence de paiement") if words in said]
    assert "Paiement tardif" in said
    assert "Paiement tardif" not in _words(documents.credit_note())


def test_a_document_of_an_edition_yet_unknown_is_not_printed_in_another() -> None:
    with pytest.raises(IllFormedDocument, match=f"FA-2026-000012: edition {EDITION + 1} is of a later version"):
        dataclasses.replace(documents.w1(), edition=EDITION + 1)


def _words(document: Document) -> str:
    """The text of a document with every space alike."""
    return " ".join(" ".join(pages_of(document)).split())


def _amount(centimes: int) -> str:
    return " ".join(formats.amount(centimes).split())


def test_an_invoice_bears_every_mandatory_mention() -> None:
    # law.md section 1: both parties with their identifiers, number, dates, terms, bank, VAT apart, words.
    document = documents.subsidised_split_month()
    said = _words(document)
    for party in (document.seller, document.buyer):
        assert f"{party.legal_name}, {party.legal_form}" in said
        assert f"ICE {party.ice}" in said
        assert f"IF {party.tax_id}" in said
        assert f"RC {party.trade_register}" in said
        assert party.address in said
    for mention in (
        "N° FA-2026-000012", "1er septembre 2026", "31 octobre 2026", "60 jours",
        "Référence de paiement RF21 FA20 2600 0012",
        "SA au capital de 46 000 000,00 DH", "TP 34567890", "CNSS 7654321", "Banque de démonstration",
        "RIB 011 780 0000123456789012 34", "loi n° 69-21", "Total HT 3 087,50", "Total TVA 587,75",
        "Total TTC 3 675,25 DH",
        "Arrêtée la présente facture à la somme de : trois mille six cent soixante-quinze dirhams et "
        "vingt-cinq centimes, toutes taxes comprises.",
    ):  # fmt: skip
        assert mention in said


def test_w1_shows_full_price_discount_and_price_charged_and_when_the_discount_ends() -> None:
    # R7: full price, discount, price charged. R9: days of the month. R16: 675.00 of advantage, 252.00 of contribution.
    said = _words(documents.w1())
    lease, unit = "bail L00007", "DH/m²/mois"
    assert f"22,5 m² {lease} 9/30 150,00 −100,00 50,00 {unit} 20 % 337,50" in said
    assert f"22,5 m² {lease} 21/30 150,00 – 150,00 {unit} 20 % 2 362,50" in said
    assert "du 1er au 9 septembre 2026" in said
    assert "du 10 au 30 septembre 2026" in said
    assert "Elle vaut 675,00 DH HT sur cette facture. Dernier jour : 9 septembre 2026, plein tarif ensuite." in said
    assert "252,00 DH HT contribuent à l’accueil des jeunes entreprises du réseau." in said


def test_a_window_that_has_ended_is_told_as_past() -> None:
    # Meals of September, billed in October, at the discount of a window that is over (R10).
    lines = documents.usage("TNG", "MEAL", 4_000_000, date(2026, 9, 3), documents.W1)
    assert documents.W1.window is not None
    said = _words(documents.document(lines, period=date(2026, 10, 1), window_end=documents.W1.window.end))
    assert "Elle a pris fin le 9 septembre 2026, plein tarif depuis." in said


def test_a_firm_that_neither_gets_nor_gives_is_told_of_neither() -> None:
    document = dataclasses.replace(documents.mature(), contribution=0)
    said = _words(document)
    assert "Péréquation" not in said
    assert "conditionnelle" not in said


def test_a_credit_note_names_what_it_corrects_line_by_line() -> None:
    # R14, law.md section 8: number and date of the original, reason, VAT.
    said = _words(documents.credit_note())
    assert "Avoir N° AV-2026-000003" in said
    assert "régularisation" in said
    assert "Corrige FA-2026-000009 du 1er juin 2026, ligne 1" in said
    assert "Corrige FA-2026-000004, ligne 2" in said
    assert "Arrêté le présent avoir à la somme de : trois mille neuf cent quarante-sept dirhams" in said
    assert "Échéance" not in said


@pytest.mark.parametrize("count", [1, 6, 7, 15])
def test_up_to_fifteen_lines_stand_on_one_page(count: int) -> None:
    (page,) = pages_of(documents.long_invoice(count))
    assert "Total TTC" in page
    assert "reporter" not in page
    assert "Report " not in page
    assert page.rstrip().endswith("1/1")


@pytest.mark.parametrize("count", [16, 17, 22, 23, 40, 41, 47, 70])
def test_beyond_pages_are_numbered_and_totals_carried(count: int) -> None:
    document = documents.long_invoice(count)
    pages = pages_of(document)
    assert len(pages) > 1
    carried, seen = 0, 0
    for index, page in enumerate(pages, start=1):
        lines = page.count("Mise à disposition")
        assert lines >= 2, "the totals never stand without lines"
        assert "Désignation" in page
        assert f"{index}/{len(pages)}" in page
        if index > 1:
            assert f"{document.number}, suite" in page
            assert f", suite Report {_amount(carried)}\n" in page
        else:
            assert "Report " not in page
        carried += sum(line.priced.amount for line in document.lines[seen : seen + lines])
        seen += lines
        assert ("Total TTC" in page) == (index == len(pages))
        if index < len(pages):
            assert f"\nÀ reporter {_amount(carried)}\n" in page
        else:
            assert "reporter" not in page
    assert seen == count
    assert carried == document.net


def _digest_elsewhere(make: str, **environment: str) -> str:
    """The hash of a document's PDF, rendered by another process that printed another document first."""
    code = (
        "import hashlib; from tests.support import documents as d; from invoices.rendering.pdf import render_pdf; "
        f"render_pdf(d.hostile()); print(hashlib.sha256(render_pdf(d.{make}())).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.parametrize("make", ["subsidised_split_month", "long_invoice", "named_in_other_scripts"])
def test_another_process_renders_the_same_bytes_whatever_its_clock_locale_and_fonts(make: str, tmp_path: Path) -> None:
    # B9, B12. A machine without a single font of its own prints the same page.
    fontless = tmp_path / "fonts.conf"
    fontless.write_text("<?xml version='1.0'?><fontconfig></fontconfig>")
    here = hashlib.sha256(render_pdf(getattr(documents, make)())).hexdigest()
    assert _digest_elsewhere(make, PYTHONHASHSEED="1", TZ="Asia/Tokyo", LC_ALL="C") == here
    assert _digest_elsewhere(make, PYTHONHASHSEED="2", FONTCONFIG_FILE=str(fontless), HOME=str(tmp_path)) == here


def test_a_pool_keeps_the_same_files_as_one_process(tmp_path: Path) -> None:
    some = [documents.w1(), documents.credit_note(), documents.mature()]
    with ProcessPoolExecutor(2, initializer=prepare) as pool:
        files = list(pool.map(render_and_store, some, repeat(f"file:{tmp_path}")))
    assert [load(f"file:{tmp_path}", file.path, file.sha256) for file in files] == [render_pdf(d) for d in some]


def _opened(document: Document) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(render_pdf(document)))


def _plain(value: Any) -> str:
    return str(value)


def test_the_pdf_is_a_pdf_a_3_with_its_xml_as_alternative() -> None:
    document = documents.mature()
    with _opened(document) as pdf:
        meta = pdf.open_metadata()
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("3", "A")
        (xmp,) = etree.fromstring(bytes(pdf.Root.Metadata.read_bytes())).findall("{*}RDF")
        assert xmp.findtext(".//{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}ConformanceLevel") == "EN 16931"
        assert _plain(pdf.Root.OutputIntents[0].S) == "/GTS_PDFA1"
        (file,) = pdf.Root.AF
        assert _plain(file.AFRelationship) == "/Alternative"
        assert _plain(file.UF) == "factur-x.xml"
        assert _plain(file.EF.F.Subtype) == "/text/xml"
        assert file.EF.F.read_bytes() == cii_xml(document)
        assert _plain(pdf.Root.Lang) == "fr"
        assert _plain(pdf.docinfo["/Title"]) == meta["dc:title"] == "Facture n° FA-2026-000345, novembre 2026"
        assert _plain(pdf.docinfo["/Author"]) == "Société de Gestion des Parcs Technologiques, SA"
        assert _plain(pdf.docinfo["/CreationDate"]).startswith("D:20261101")
        assert meta["xmp:CreateDate"] == "2026-11-01"
        assert "/ID" in pdf.trailer
        assert not any(name in pdf.Root for name in ("/AcroForm", "/OpenAction", "/AA"))


def test_every_font_is_embedded_and_maps_to_unicode() -> None:
    with _opened(documents.named_in_other_scripts()) as pdf:
        fonts = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Subtype") == "/Type0"]
        assert len(fonts) == 4
        for font in fonts:
            assert "/ToUnicode" in font
            descriptor = font.DescendantFonts[0].FontDescriptor
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
            assert "Document" in _plain(font.BaseFont)


@pytest.mark.parametrize("make", [make for name, make in KEPT.items() if "40" not in name])
def test_a_usual_document_is_at_most_30_kilobytes(make: Any) -> None:
    assert len(render_pdf(make())) <= 30_000


def test_a_machine_without_the_fast_subsetter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # performance.md section 1: without libharfbuzz-subset0 every PDF takes three to seven times as long, silently.
    from weasyprint.text import ffi

    from invoices.errors import RenderingFailed

    monkeypatch.setattr(ffi, "harfbuzz_subset", None)
    rendering._renderer.cache_clear()
    try:
        with pytest.raises(RenderingFailed, match="libharfbuzz-subset0"):
            check_printing()
    finally:
        rendering._renderer.cache_clear()
