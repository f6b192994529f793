"""Tags that say what each part of a page is (PDF/UA-1): written from the elements of the page, one a block of text.

WeasyPrint's own tags are one for each box, margins among them; its headers have no scope, its names no language, and a
page costs an eighth more. Here the structure is that of the elements, so it is read in their order whatever is painted
first: a table that runs over pages is one table and its repeated head an artifact, as is all in the margins but the
legal mentions of the first page. Text from right to left says what it is, for its glyphs stand from left to right.

This leans on WeasyPrint's inside: `Stream.marked` and `Stream.artifact`, the elements of its boxes, `Document._html`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import pydyf  # type: ignore[import-untyped]
from weasyprint.formatting_structure.boxes import TextBox
from weasyprint.pdf.stream import Stream

from invoices.formats import ARABIC, FRENCH
from invoices.wording import RIGHT_TO_LEFT, direction_of

_INLINE = frozenset({"a", "b", "bdi", "i", "small", "span", "sup"})
_ROLES = {
    "h1": "H1", "h2": "H2", "h3": "H3", "p": "P", "table": "Table", "thead": "THead", "tbody": "TBody", "tr": "TR",
    "th": "TH", "td": "TD", "ul": "L", "ol": "L", "li": "LI", "dl": "L", "dt": "Lbl", "dd": "LBody", "img": "Figure",
    "{http://www.w3.org/2000/svg}svg": "Figure",
}  # fmt: skip
_OF_TABLES = frozenset({"Table", "THead", "TBody", "TR", "TH", "TD"})
# What a text of a block is painted in.
_RUNS = ("Span", "Link")
# An empty cell is a cell.
_KEPT_EMPTY = frozenset({"TR", "TH", "TD"})
_SCOPES = {"row": "Row", "rowgroup": "Row", "col": "Column", "colgroup": "Column"}
_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_SPECIAL = re.compile(rb"[()\\\\]")
# Dashes, ellipsis, quotation marks, minus, euro; and spaces that don't break, which are no other to the ear.
_DOC_ENCODING = str.maketrans(
    "\u2014\u2013\u2026\u2018\u2019\u201c\u201d\u2212\u20ac\u2009\u202f\u00a0",
    "\x84\x85\x83\x8f\x90\x8d\x8e\x8a\xa0   ",
)
# What may stand in several pieces, which a line from right to left has in the other order.
_PARTED = re.compile("[\u2066-\u2069 ]")
_ISOLATES = re.compile("[\u2066-\u2069]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_POINTS_A_PIXEL = 0.75
_ARTIFACT = b"/Artifact BMC"
# Shorter texts in a margin are page numbers.
_MENTION_MIN = 8
_PAGINATION = b"/Artifact<</Type/Pagination>>BDC"


class _Node:
    """An element of the structure; `kids` are others, or the page and number of what is painted of it."""

    def __init__(self, role: str, language: str = "", **attributes: Any) -> None:
        self.role, self.language, self.attributes = role, language, attributes
        self.kids: list[_Node | tuple[int, int]] = []
        # The text of a run, and whether it must be told: its glyphs stand in another order, or over lines.
        self.text = ""
        self.is_told = False
        self.is_head = False
        # The language it is spoken in, given here or above.
        self.spoken = ""
        self.first_page: int | None = None
        self.number = 0

    def resolved(self) -> "list[_Node | tuple[int, int]]":
        """Return what stands in its place: a box that is nothing but a box gives its kids."""
        runs = [kid for kid in self.kids if isinstance(kid, _Node) and kid.role in _RUNS]
        painted = [run if run.language or run.is_told or run.role == "Link" else run.kids[0] for run in runs]
        inner = [one for kid in self.kids if isinstance(kid, _Node) and kid.role not in _RUNS for one in kid.resolved()]
        is_mixed = bool(painted and inner)
        # Own texts between blocks, as in a cell, stand where they were painted.
        inner = sorted([*inner, *_in_paragraphs(painted)], key=_place) if is_mixed else inner or painted
        if not self.role:
            if not painted:
                for kid in inner:
                    if isinstance(kid, _Node):
                        kid.language = kid.language or self.language
                return inner
            self.role = "Div" if is_mixed else "P"
        self.kids = inner
        return [self] if inner or self.role in _KEPT_EMPTY else []


def _in_paragraphs(painted: "list[_Node | tuple[int, int]]") -> Iterator[_Node]:
    for kid in painted:
        paragraph = _Node("P")
        paragraph.kids.append(kid)
        yield paragraph


def _place(kid: "_Node | tuple[int, int]") -> tuple[int, int]:
    if isinstance(kid, tuple):
        return kid
    return min((_place(one) for one in kid.kids), default=(0, 0))


class _Place(NamedTuple):
    """Where the text of an element belongs: to a block, in a language if not the block's, in a link if it is one."""

    node: _Node
    language: str = ""
    link: Any = None


class _MarkedStream(Stream):  # type: ignore[misc]
    """A page's stream that says of all it paints which element it is of."""

    tags: "Tags"

    @contextmanager
    def marked(self, box: Any, _tag: str) -> Iterator[None]:
        """Mark the text or image of a box."""
        self.tags.mark(self.stream, box)
        yield
        self.stream.append(b"EMC")

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Mark lines and colours, which are read to nobody; some turn out to be none."""
        before = self.tags.open
        self.tags.mark_artifact(self.stream)
        yield
        if self.stream[-1] is _ARTIFACT:
            self.stream.pop()
            self.tags.open = before
        else:
            self.stream.append(b"EMC")


class Tags:
    """The tags of one document: numbers given while its pages are painted, the structure written afterwards."""

    def __init__(self, laid_out: Any) -> None:
        root = laid_out._html.etree_element
        self._language = root.get("lang", "")
        self._document = _Node("Document")
        self._places: dict[Any, _Place] = {}
        # The first run of each link, by its element.
        self._links: dict[Any, _Node] = {}
        self._walk(root, self._document, self._language, is_table=True, head=False)
        body = root.find("body")
        self._legal = "" if body is None else body.get("data-legal", "")
        self._mentions = _Node("P")
        self._mentions.spoken = self._language
        self._document.kids.append(self._mentions)
        self._pages = laid_out.pages
        self._page = -1
        self._numbers: list[list[_Node]] = []
        # What was begun last: the place and direction of a text, or the beginning of an artifact.
        self.open: tuple[_Place, bool] | bytes = _ARTIFACT
        self._middle = 0.0
        for page in self._pages:
            page.paint = partial(self._paint, page.paint)

    def _paint(self, paint: Any, stream: Any, scale: float) -> None:
        stream.__class__ = _MarkedStream
        stream.tags = self
        self._page += 1
        self._numbers.append([])
        self.open = _ARTIFACT
        paint(stream, scale)

    def _walk(self, element: Any, node: _Node, language: str, *, is_table: bool, head: bool) -> None:
        """Make nodes of the elements below a block; in a table that only lays out, cells are boxes."""
        for child in element:
            tag = child.tag
            own = child.get("lang", language)
            if tag in _INLINE:
                self._place_inline(child, _Place(node), own, language)
            elif tag != "head":
                role = _ROLES.get(tag, "LI" if element.tag == "dl" else "")
                in_table = is_table if role != "Table" else child.get("role") != "presentation"
                if role in _OF_TABLES and not in_table:
                    role = ""
                block = _cell(child, head) if role in ("TD", "TH") else _Node(role)
                block.language = "" if own == language else own
                node.kids.append(block)
                block.spoken = own
                self._places[child] = _Place(block)
                if role == "Figure":
                    block.attributes["alt"] = _described(child, element)
                else:
                    self._walk(child, block, own, is_table=in_table, head=head or tag == "thead")

    def _place_inline(self, element: Any, above: _Place, own: str, language: str) -> None:
        """Give the text of what stands in a line, and of what stands in it, to the block, whose language is given."""
        if element.tag == "bdi":
            own = _spoken(element, own)
        link = element if element.tag == "a" else above.link
        place = self._places[element] = _Place(above.node, "" if own == language else own, link)
        for child in element:
            self._place_inline(child, place, child.get("lang", own), language)

    def mark(self, stream: list[Any], box: Any) -> None:
        """Begin what is painted of a box: text goes on where the same block's text ended."""
        text = box.text if isinstance(box, TextBox) else ""
        place = self._place(box, text)
        if place is None:
            self.mark_artifact(stream, _PAGINATION)
            return
        node, language, link = place
        if not isinstance(box, TextBox):
            node.attributes["bbox"] = _corners(box, self._pages[self._page].height)
        has_arabic = _FROM_RIGHT.search(text) is not None
        if has_arabic and (language or node.spoken) != ARABIC and direction_of(text) == RIGHT_TO_LEFT:
            language = ARABIC
        from_right = has_arabic or (box.style["direction"] == RIGHT_TO_LEFT and _PARTED.search(text) is not None)
        key = _Place(node, language, link), from_right
        goes_on = stream[-1] == b"EMC" and isinstance(self.open, tuple) and (key == self.open or text.isspace())
        if goes_on:
            stream.pop()
        else:
            self._begin_new(stream, key)
        run = self._numbers[self._page][-1]
        if goes_on and box.position_y > self._middle and not text.isspace():
            source = self._legal if box.element is None else "".join(box.element.itertext())
            if not _is_one_word(run.text, text, source):
                run.text += " "
                run.is_told = True
        run.text += text
        self._middle = box.position_y + box.height / 2

    def _place(self, box: Any, text: str) -> _Place | None:
        """Return where what is painted of a box belongs; None for what every page repeats."""
        if box.element is None:
            # In a margin.
            is_read = self._page == 0 and len(text) >= _MENTION_MIN and text.strip() in self._legal
            return _Place(self._mentions) if is_read else None
        place = self._places[box.element]
        is_repeated = place.node.is_head and place.node.first_page not in (None, self._page)
        return None if is_repeated or place.node.attributes.get("alt") == "" else place

    def _begin_new(self, stream: list[Any], key: tuple[_Place, bool]) -> None:
        (node, language, link), from_right = key
        of_page = self._numbers[self._page]
        if node.first_page is None:
            node.first_page = self._page
        run = _Node("Span" if link is None else "Link", language)
        self._links.setdefault(link, run)
        run.is_told = from_right
        run.kids.append((self._page, len(of_page)))
        node.kids.append(run)
        stream.append(b"/%s<</MCID %d>>BDC" % ((node.role or "P").encode(), len(of_page)))
        of_page.append(run)
        self.open = key

    def mark_artifact(self, stream: list[Any], beginning: bytes = _ARTIFACT) -> None:
        """Begin what is not read."""
        if stream and stream[-1] == b"EMC" and self.open == beginning:
            stream.pop()
        else:
            stream.append(beginning)
            self.open = beginning

    def write(self, pdf: Any) -> None:
        """Add the structure to a painted PDF."""
        pages = pdf.page_references
        root, parents = _Element(pdf), _Element(pdf)
        linked = self._linked(pages)
        top = _Node("")
        top.number = root.number
        written = [(node, above, _Element(pdf)) for node, above in _nodes(self._document.resolved(), top)]
        for node, _, item in written:
            node.number = item.number
        for node, above, item in written:
            item.data = _element(node, above.number, pages)
            for page, number in (kid for kid in node.kids if isinstance(kid, tuple)):
                self._numbers[page][number] = node
        numbers = b"".join(
            b"%d[%s]" % (page, b" ".join(b"%d 0 R" % node.number for node in of_page))
            for page, of_page in enumerate(self._numbers)
        )
        numbers += b"".join(b" %d %d 0 R" % (key, node.number) for key, node in enumerate(linked, len(pages)))
        parents.data = b"<</Nums[%s]>>" % numbers
        root.data = b"<</Type/StructTreeRoot/K %d 0 R/ParentTree %d 0 R/ParentTreeNextKey %d>>" % (
            self._document.number, parents.number, len(pages) + len(linked),
        )  # fmt: skip
        for index, number in enumerate(pdf.pages["Kids"][::3]):
            pdf.objects[number].update({"StructParents": index, "Tabs": "/S"})
        pdf.catalog["StructTreeRoot"] = root.reference
        pdf.catalog["MarkInfo"] = pydyf.Dictionary({"Marked": "true"})
        pdf.catalog["ViewerPreferences"] = pydyf.Dictionary({"DisplayDocTitle": "true"})

    def _linked(self, pages: tuple[bytes, ...]) -> list[_Node]:
        """Join each place that can be clicked to the link it stands for; return the links, a place each."""
        linked: list[_Node] = []
        for page, reference in zip(self._pages, pages, strict=True):
            for *_, box in page.links:
                node, annotation = self._links[box.element], box.link_annotation
                annotation["StructParent"] = len(pages) + len(linked)
                annotation["Contents"] = annotation["A"]["URI"]
                place = b"<</Type/OBJR/Obj %s/Pg %s>>" % (annotation.reference, reference)
                node.attributes["places"] = node.attributes.get("places", b"") + place
                linked.append(node)
        return linked


class _Element(pydyf.Object):  # type: ignore[misc]
    """An object of a PDF that is written already."""

    data = b""

    def __init__(self, pdf: Any) -> None:
        super().__init__()
        pdf.add_object(self)


def _cell(element: Any, head: bool) -> _Node:
    scope = _SCOPES.get(element.get("scope", ""), "")
    if element.tag == "th" and not scope:
        scope = "Column" if head else "Row"
    cell = _Node("TH" if scope else "TD", scope=scope)
    cell.attributes.update((name, int(element.get(name, "1"))) for name in ("colspan", "rowspan"))
    cell.is_head = head
    return cell


def _spoken(element: Any, language: str) -> str:
    """Return the language a name is spoken in: of one that runs the other way, that of its letters."""
    if element.get("dir") == RIGHT_TO_LEFT:
        return ARABIC
    return FRENCH if language == ARABIC and _LATIN.search("".join(element.itertext())) else language


def _described(element: Any, above: Any) -> str:
    """Return what a drawing shows: its own words, else the title and texts that stand with it; blank if it adorns."""
    if element.get("aria-hidden") == "true":
        return ""
    own = element.get("aria-label") or element.get("alt")
    return own or " ".join("".join(above.itertext()).split())


def _corners(box: Any, height: float) -> tuple[float, ...]:
    left, top = box.content_box_x(), box.content_box_y()
    corners = left, height - top - box.height, left + box.width, height - top
    return tuple(corner * _POINTS_A_PIXEL for corner in corners)


def _nodes(kids: "list[_Node | tuple[int, int]]", above: _Node) -> Iterator[tuple[_Node, _Node]]:
    """Yield the nodes and all below, each with the one above it."""
    for kid in kids:
        if isinstance(kid, _Node):
            yield kid, above
            yield from _nodes(kid.kids, kid)


def _is_one_word(before: str, after: str, source: str) -> bool:
    """Return whether a word was parted at the end of a line: the source has it in one piece."""
    end, start = before[-1:], after[:1]
    return not (end + start).isspace() and before.split()[-1] + after.split()[0] in source


def _text(text: str) -> bytes:
    """Return a text for programs to read, in PDFDocEncoding where it can be: half as long."""
    try:
        return b"(%s)" % _SPECIAL.sub(rb"\\\g<0>", text.translate(_DOC_ENCODING).encode("latin-1"))
    except UnicodeEncodeError:
        return b"<feff%s>" % text.encode("utf-16-be").hex().encode()


def _element(node: _Node, above: int, pages: tuple[bytes, ...]) -> bytes:
    own = next((kid[0] for kid in node.kids if isinstance(kid, tuple)), None)
    kids = [
        b"%d 0 R" % kid.number
        if isinstance(kid, _Node)
        else b"%d" % kid[1]
        if kid[0] == own
        else b"<</Type/MCR/Pg %s/MCID %d>>" % (pages[kid[0]], kid[1])
        for kid in node.kids
    ]
    parts = [b"<</Type/StructElem/S/%s/P %d 0 R" % (node.role.encode(), above)]
    if own is not None:
        parts.append(b"/Pg %s" % pages[own])
    if "places" in node.attributes:
        kids.append(node.attributes["places"])
    if kids:
        parts.append(b"/K %s" % kids[0] if len(kids) == 1 else b"/K[%s]" % b" ".join(kids))
    if node.language:
        parts.append(b"/Lang(%s)" % node.language.encode())
    if node.is_told:
        parts.append(b"/ActualText %s" % _text(_ISOLATES.sub("", node.text)))
    parts.extend(_attributes(node.attributes))
    return b"".join((*parts, b">>"))


def _attributes(of: dict[str, Any]) -> Iterator[bytes]:
    if of.get("alt"):
        yield b"/Alt %s" % _text(of["alt"])
    if bbox := of.get("bbox"):
        yield b"/A<</O/Layout/Placement/Block/BBox[%s]>>" % b" ".join(b"%.2f" % corner for corner in bbox)
    table = b"".join(
        (
            b"/Scope/%s" % of["scope"].encode() if of.get("scope") else b"",
            b"/ColSpan %d" % of["colspan"] if of.get("colspan", 1) > 1 else b"",
            b"/RowSpan %d" % of["rowspan"] if of.get("rowspan", 1) > 1 else b"",
        )
    )
    if table:
        yield b"/A<</O/Table%s>>" % table
