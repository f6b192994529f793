"""The operator's logo: shapes or pixels, and nothing that runs, is fetched or brings its own fonts."""

from dataclasses import replace
from pathlib import Path

import pytest

from billing.frame.errors import BadConfiguration
from billing.frame.settings import load_operator
from invoices.errors import BadLogo
from invoices.logo import BYTES_MAX, checked_logo, png_of
from invoices.rendering.pdf import render_pdf
from tests.support.documents import mature
from tests.support.pages import text_of

ROOT = Path(__file__).parents[2]
PNG = (ROOT / "billing" / "demo" / "logo.png").read_bytes()
OPERATOR = (ROOT / "billing" / "demo" / "network" / "operator.toml").read_text(encoding="utf-8")


def svg(inner: str, more: str = "") -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" {more}>{inner}</svg>'.encode()


def test_an_operator_has_its_logo_and_letterhead_on_its_papers(tmp_path: Path) -> None:
    (tmp_path / "operator.toml").write_text(f'{OPERATOR}logo = "l"\nletterhead = "Depuis 2001"\n', encoding="utf-8")
    for content in (PNG, svg('<g fill="url(#a)"><path d="M0 0h9v9z"/></g>', 'width="9"')):
        (tmp_path / "l").write_bytes(content)
        seller = load_operator(tmp_path / "operator.toml").party
        assert png_of(seller.logo) == (content if content == PNG else b"")
        document = replace(mature(), seller=seller)
        pdf = render_pdf(document)
        assert pdf == render_pdf(document)
        assert "Depuis 2001" in text_of(pdf)
    (tmp_path / "l").unlink()
    with pytest.raises(BadConfiguration, match="OPERATOR_FILE: logo 'l' cannot be read"):
        load_operator(tmp_path / "operator.toml")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (svg("<script>alert(1)</script>"), "holds <script>"),
        (svg("<text>Parcs</text>"), "texts as outlines"),
        (svg('<image href="http://192.0.2.1/a.png"/>'), "holds <image>"),
        (svg('<path d="M0 0" onclick="a()"/>'), "no script, style or address"),
        (svg('<path d="M0 0" fill="url(http://192.0.2.1/a)"/>'), "no script, style or address"),
        (svg('<path d="M0 0" style="fill:url(x)"/>'), "no script, style or address"),
        (svg("").replace(b"viewBox", b"box"), "no viewBox"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("<g/>"), "document type"),
        (b"<html/>", "its root is not svg"),
        (b"GIF89a", "neither a PNG nor an SVG"),
        (PNG[:60], "no PNG that can be read"),
        (PNG + bytes(BYTES_MAX), "at most 16384 are taken"),
    ],
)
def test_what_is_no_plain_logo_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(BadLogo, match=why):
        checked_logo(content)
