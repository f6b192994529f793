"""Documents in Arabic and English: their text in the order it is read, mirrored, with the package's fonts alone."""

import dataclasses
import re
import subprocess

import pytest

from invoices.rendering.pdf import render_pdf
from invoices.wording import ALL_FRENCH, OF_TENANT
from tests.support import documents
from tests.support.pages import GOLDEN, KEPT, OTHER_LANGUAGES, TRANSLATED, in_language, read_aloud

MIXED = "شركة Data & Cloud (SARL AU) للخدمات 24/7"
ODD = dataclasses.replace(
    documents.STARTUP, legal_name=MIXED, legal_form="ش.م.م", address="<b>\"12'</b> شارع النخيل", city="Noor " * 24
)


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
@pytest.mark.parametrize("name", TRANSLATED)
def test_the_pages_read_as_the_golden_ones(name: str, language: str) -> None:
    golden = (GOLDEN / f"{name}.{language}.txt").read_text(encoding="utf-8")
    assert read_aloud(render_pdf(in_language(KEPT[name](), language))) == golden


def test_an_arabic_page_is_read_in_its_logical_order() -> None:
    # pdftotext moves the space beside a figure to its other side.
    said = "".join(read_aloud(render_pdf(in_language(documents.subsidised_split_month(), "ar"))).split())
    for text in (
        "رقم FA-2026-000012", "من 10 إلى 30 شتنبر 2026",
        "ثلاثة آلاف وستمائة وخمسة وسبعون درهما وخمسة وعشرون سنتيما", "3.675,25 درهم", "المادة 78-1 وما يليها",
        "المجموع مع احتساب الرسوم",
        # The legal mentions, in French as well.
        "trois mille six cent soixante-quinze dirhams et vingt-cinq centimes, toutes taxes comprises.",
    ):  # fmt: skip
        assert "".join(text.split()) in said


def test_the_french_mentions_are_a_setting_and_stand_on_no_french_page() -> None:
    document = documents.subsidised_split_month()
    assert "Arrêtée" not in read_aloud(render_pdf(in_language(document, "ar", OF_TENANT)))
    assert "This invoice amounts to" in read_aloud(render_pdf(in_language(document, "en", OF_TENANT)))
    assert render_pdf(in_language(document, "ar", ALL_FRENCH)) == render_pdf(in_language(document, "fr"))


def test_a_document_of_before_there_were_languages_is_in_french_for_ever() -> None:
    document = documents.mature()
    of_arab = dataclasses.replace(document, buyer=dataclasses.replace(document.buyer, language="ar"))
    assert render_pdf(of_arab) == render_pdf(document) == render_pdf(in_language(document, "fr"))


def _lefts(pdf: bytes) -> dict[str, float]:
    """The left edge of each word of the first page, where it stands first."""
    done = subprocess.run(["pdftotext", "-l", "1", "-bbox", "-", "-"], input=pdf, capture_output=True, check=True)
    words = re.findall(r'<word xMin="([\d.]+)".*?>(.*?)</word>', done.stdout.decode())
    return {text: float(x) for x, text in reversed(words)}


def test_an_arabic_page_is_the_mirror_image_of_the_french_one() -> None:
    document = documents.subsidised_split_month()
    french, arabic = (_lefts(render_pdf(in_language(document, language))) for language in ("fr", "ar"))
    # Number, line's label, quantity, days, price, amount: from left to right, and from right to left.
    order = ("FA-2026-000012", "Noor"), ("Repas", "17"), ("17", "17,50"), ("21/30", "337,50")
    for first, second in order:
        assert french[first] < french[second]
        assert arabic[first] > arabic[second]
    # A minus stands before its figure.
    assert "−16,50" in arabic


@pytest.mark.parametrize("language", ["fr", "ar", "en"])
def test_odd_names_keep_their_order_in_the_package_s_fonts(language: str) -> None:
    document = in_language(dataclasses.replace(documents.mature(), buyer=ODD), language)
    pdf = render_pdf(document)
    assert pdf == render_pdf(document)
    said = " ".join(read_aloud(pdf).split())
    # (pdftotext puts a bracket at the end of a Latin name within an Arabic one elsewhere.)
    assert "Data & Cloud (SARL AU" in said
    assert "Noor Noor" in said
    fonts = subprocess.run(["pdffonts", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    assert fonts.count("+Document") == len(fonts.splitlines()) - 2 == 4


def test_a_long_arabic_invoice_carries_its_totals_from_page_to_page() -> None:
    said = read_aloud(render_pdf(in_language(documents.long_invoice(), "ar")))
    assert said.count("منقول من الصفحة السابقة") == said.count("ينقل إلى الصفحة الموالية") == 2
    assert said.count("تتمة") == 2
