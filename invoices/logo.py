"""The operator's logo: SVG or PNG, checked, small enough to be part of what each paper is printed from.

An SVG may hold shapes alone: no script, text, picture, style sheet or address. A PNG is what mails show as well.
"""

from base64 import b64decode, b64encode
from io import BytesIO
from typing import TYPE_CHECKING

from markupsafe import Markup

from invoices.errors import BadLogo

if TYPE_CHECKING:
    from lxml.etree import _Element

BYTES_MAX = 16 << 10
_PIXELS_MAX = 2000
_SVG = "http://www.w3.org/2000/svg"
_PNG = b"\x89PNG\r\n\x1a\n"
_SHAPES = frozenset(
    {
        "svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "linearGradient",
        "radialGradient", "stop", "clipPath", "title", "desc",
    }
)  # fmt: skip


def checked_logo(content: bytes) -> str:
    """Return a logo as it is kept: the SVG, or the PNG in base 64. Raises BadLogo, which says what to mend."""
    if len(content) > BYTES_MAX:
        raise BadLogo(f"it has {len(content)} bytes, at most {BYTES_MAX} are taken: simplify it, or make it smaller")
    if content.startswith(_PNG):
        return _checked_png(content)
    return _checked_svg(content)


def png_of(logo: str) -> bytes:
    """Return the PNG of a logo; none where it is an SVG, which mail programs don't show, or there is none."""
    return b"" if not logo or logo.startswith("<") else b64decode(logo)


def logo_markup(logo: str) -> Markup:
    """Return a logo as an element of a page."""
    if not logo:
        return Markup()
    if logo.startswith("<"):
        return Markup(logo)  # noqa: S704 - it was checked when it was set
    return Markup('<img class="logo" alt="" src="data:image/png;base64,{}"/>').format(logo)


def _checked_png(content: bytes) -> str:
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            image.verify()
            width, height = image.size
    except (OSError, SyntaxError, ValueError) as error:
        raise BadLogo(f"it is no PNG that can be read: {error}") from None
    if max(width, height) > _PIXELS_MAX:
        raise BadLogo(f"it is {width} × {height} pixels: at most {_PIXELS_MAX} each way")
    return b64encode(content).decode()


def _checked_svg(content: bytes) -> str:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise BadLogo(f"it is neither a PNG nor an SVG: {error.msg}") from None
    if root.tag != f"{{{_SVG}}}svg" or root.getroottree().docinfo.internalDTD is not None:
        raise BadLogo("its root is not svg, or it declares a document type: export it as plain SVG")
    if not root.get("viewBox"):
        raise BadLogo("it has no viewBox: export it with one, so that it can be scaled")
    for element in root.iter():
        _require_plain(element)
    for name in ("width", "height", "x", "y"):
        root.attrib.pop(name, "")
    root.set("class", "logo")
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="unicode")


def _require_plain(element: "_Element") -> None:
    from lxml import etree

    name = etree.QName(element)
    if name.namespace != _SVG or name.localname not in _SHAPES:
        raise BadLogo(f"it holds <{name.localname}>: shapes alone are taken, texts as outlines")
    for attribute, text in element.attrib.items():
        plain, value = etree.QName(attribute).localname.lower(), str(text)
        outside = "url(" in value.replace("url(#", "") or (plain == "href" and not value.startswith("#"))
        if plain.startswith("on") or plain == "style" or outside or "javascript:" in value.lower():
            raise BadLogo(f"<{name.localname}> has {plain}={value[:40]!r}: no script, style or address is taken")
