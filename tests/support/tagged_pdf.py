"""Reads a PDF as a screen reader does, and checks what a machine can of PDF/UA-1 and PDF/A-3a.

The checks bear the numbers of the Matterhorn Protocol 1.1 (the failure conditions of ISO 14289-1). Checked are
01-003 to 01-006, 02-001, 06-001 to 06-003, 07-001, 07-002, 09-001, 09-004 to 09-006, 10-001, 11-001 to 11-006, 13-004,
14-002, 14-003, 15-001, 15-003, 20-001, 21-001, 25-001, 26-001, 28-002, 28-010, 28-012, 31-009, 31-027, 31-030. Not
checked, for it takes a person or veraPDF: whether colour alone says something (04), whether an artifact should be read
(01-001, 01-002), the insides of font programs (31-001 to 31-026 but 31-009). Not in question, for no paper has such
things: mathematics (17), notes (19), fields (28-005), XObjects by reference (30-001), videos (12), scripts (29).
"""

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

_PAINT = frozenset(("S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "Do", "Tj", "TJ", "'", '"', "INLINE IMAGE"))
_SHOW = frozenset(("Tj", "TJ", "'", '"'))
STANDARD = frozenset(
    ("Document", "Part", "Sect", "Div", "P", "H1", "H2", "H3", "L", "LI", "Lbl", "LBody", "Table", "TR", "TH", "TD",
     "THead", "TBody", "TFoot", "Span", "Link", "Figure")
)  # fmt: skip
_BELOW = {
    "Table": {"TR", "THead", "TBody", "TFoot", "Caption"}, "THead": {"TR"}, "TBody": {"TR"}, "TR": {"TH", "TD"},
    "L": {"LI"}, "LI": {"Lbl", "LBody"},
}  # fmt: skip
_ONLY_BELOW = {
    "THead": {"Table"}, "TBody": {"Table"}, "TR": {"Table", "THead", "TBody", "TFoot"}, "TH": {"TR"}, "TD": {"TR"},
    "LI": {"L"}, "LBody": {"LI"},
}  # fmt: skip
_LANGUAGE = re.compile("[a-z]{2,3}(-[A-Za-z0-9]{1,8})*")


class TaggedPdf:
    """A PDF with its marked content by page and number, as text."""

    def __init__(self, pdf: bytes) -> None:
        self.pdf = pikepdf.open(io.BytesIO(pdf))
        self.faults: list[str] = []
        # Of each page, the text of each mark.
        self.marks: list[dict[int, str]] = [self._marks(page) for page in self.pdf.pages]

    def _marks(self, page: Any) -> dict[int, str]:
        texts: dict[int, str] = {}
        stack: list[int | None] = []
        maps: dict[str, dict[str, str]] = {}
        font = ""
        for instruction in pikepdf.parse_content_stream(page):
            operator = str(instruction.operator)
            operands: Any = getattr(instruction, "operands", ())
            if operator in ("BMC", "BDC"):
                number = self._begun(operands, stack)
                stack.append(number)
                if number is not None:
                    if number in texts:
                        self.faults.append(f"mark {number} stands twice on a page")
                    texts[number] = ""
            elif operator == "EMC":
                stack.pop()
            elif operator == "Tf":
                font = str(operands[0])
            elif operator in _PAINT and not stack:
                self.faults.append(f"01-005: {operator} is neither tagged nor an artifact")
            if operator in _SHOW and stack and stack[-1] is not None:
                if font not in maps:
                    maps[font] = _characters(page.Resources.Font[font])
                texts[stack[-1]] += self._shown(operands[0], maps[font])
        return texts

    def _begun(self, operands: Any, stack: list[int | None]) -> int | None:
        is_artifact = str(operands[0]) == "/Artifact"
        if stack:
            self.faults.append("01-003: an artifact is tagged" if is_artifact else "01-004: a tag within another mark")
        return None if is_artifact else int(operands[1].MCID)

    def _shown(self, operand: Any, characters: dict[str, str]) -> str:
        said = ""
        for string in operand if isinstance(operand, Array) else [operand]:
            code = bytes(string).hex() if isinstance(string, pikepdf.String) else ""
            for glyph in (code[at : at + 4] for at in range(0, len(code), 4)):
                if glyph == "0000":
                    self.faults.append("31-030: a glyph that is none")
                if glyph not in characters:
                    self.faults.append(f"10-001: glyph {glyph} maps to no character")
                said += characters.get(glyph, "")
        return said

    def elements(self) -> Iterator[tuple[Any, Any]]:
        """Yield each element with the one above it, in the order they are read."""
        yield from _below(self.pdf.Root.StructTreeRoot)

    def said(self, element: Any = None) -> str:
        """Return the text of an element and all below, or of everything, in the order it is read; drawings apart."""
        of = self.pdf.Root.StructTreeRoot if element is None else element
        if "/ActualText" in of:
            return str(of.ActualText)
        if of.get("/S") == Name.Figure:
            return ""
        parts = []
        for kid in _kids(of):
            if isinstance(kid, Dictionary) and "/S" in kid:
                parts.append(self.said(kid))
            elif isinstance(kid, Dictionary) and "/MCID" in kid:
                parts.append(self.marks[self._page(kid.Pg)][int(kid.MCID)])
            elif not isinstance(kid, Dictionary):
                parts.append(self.marks[self._page(of.Pg)][int(kid)])
        return " ".join(parts)

    def _page(self, page: Any) -> int:
        return [other.objgen for other in (page.obj for page in self.pdf.pages)].index(page.objgen)

    def problems(self) -> list[str]:
        """Return what a machine finds wrong, each with its number."""
        checks = (
            self._catalog, self._metadata, self._languages, self._structure, self._tables, self._figures,
            self._headings, self._numbers, self._links, self._rest,
        )  # fmt: skip
        return [*self.faults, *(problem for check in checks for problem in check())]

    def _catalog(self) -> Iterator[str]:
        root: Any = self.pdf.Root
        if root.get("/MarkInfo", {}).get("/Marked") is not True:
            yield "06 (PDF/A-3a 6.7.2.2): not marked"
        preferences: Any = root.get("/ViewerPreferences", {})
        if "/DisplayDocTitle" not in preferences:
            yield "07-001: DisplayDocTitle is missing"
        elif preferences.DisplayDocTitle is not True:
            yield "07-002: DisplayDocTitle is false"
        if "/RoleMap" in root.StructTreeRoot:
            yield "02-001: no role map is needed"

    def _metadata(self) -> Iterator[str]:
        if "/Metadata" not in self.pdf.Root:
            yield "06-001: no XMP"
            return
        meta = self.pdf.open_metadata()
        if meta.get("pdfuaid:part") != "1":
            yield "06-002: not said to be PDF/UA-1"
        if not meta.get("dc:title"):
            yield "06-003: no title"
        if (meta.get("pdfaid:part"), meta.get("pdfaid:conformance")) != ("3", "A"):
            yield "PDF/A: not said to be PDF/A-3a"

    def _languages(self) -> Iterator[str]:
        spoken = [str(self.pdf.Root.get("/Lang", ""))]
        spoken += [str(element.Lang) for element, _ in self.elements() if "/Lang" in element]
        for language in spoken:
            if not _LANGUAGE.fullmatch(language):
                yield f"11-001 to 11-006: {language!r} is no language"

    def _structure(self) -> Iterator[str]:
        for element, above in self.elements():
            role, over = str(element.S)[1:], str(above.get("/S", "/"))[1:]
            if role not in STANDARD:
                yield f"02-001: {role} is not standard"
            if over in _BELOW and role not in _BELOW[over]:
                yield f"09-004, 09-005: {role} below {over}"
            if role in _ONLY_BELOW and over not in _ONLY_BELOW[role]:
                yield f"09-004, 09-006: {role} below {over}"
            if element.P.objgen != above.objgen:
                yield f"09-001: {role} is not below what it says"
            if role in ("Table", "TBody", "THead", "TR", "L", "Document") and any(
                not isinstance(kid, Dictionary) or "/S" not in kid for kid in _kids(element)
            ):
                yield f"09-001: text directly below {role}"

    def _tables(self) -> Iterator[str]:
        for element, _ in self.elements():
            if str(element.S) == "/TH" and element.get("/A", {}).get("/Scope") not in (Name.Row, Name.Column):
                yield f"15-003: a header without scope: {self.said(element)}"
            if str(element.S) == "/Table":
                rows = [cell for cell, _ in _below(element) if cell.S == Name.TR]
                cells = [_kids(row) for row in rows]
                if not any(cell.S == Name.TH for row in cells for cell in row):
                    yield f"15-001: a table without headers: {self.said(element)[:80]}"
                widths = {sum(int(cell.get("/A", {}).get("/ColSpan", 1)) for cell in row) for row in cells}
                if len(widths) != 1:
                    yield f"15-003: rows of {sorted(widths)} cells: {self.said(element)[:80]}"

    def _figures(self) -> Iterator[str]:
        for element, _ in self.elements():
            if str(element.S) == "/Figure":
                if not str(element.get("/Alt", "")).strip():
                    yield "13-004: a figure without description"
                box = [float(corner) for corner in element.A.BBox]
                if not (0 <= box[0] < box[2] <= 900 and 0 <= box[1] < box[3] <= 900):
                    yield f"a figure that is nowhere: {box}"

    def _headings(self) -> Iterator[str]:
        levels = [int(str(element.S)[2:]) for element, _ in self.elements() if re.fullmatch("/H[1-6]", str(element.S))]
        if levels and levels[0] != 1:
            yield "14-002: the first heading is not of the first level"
        if any(later > before + 1 for before, later in pairwise(levels)):
            yield "14-003: a level of headings is left out"

    def _numbers(self) -> Iterator[str]:
        """Each mark is of one element, which the tree of parents names."""
        of: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for element, _ in self.elements():
            for kid in _kids(element):
                if isinstance(kid, Dictionary) and "/MCID" in kid:
                    of[self._page(kid.Pg), int(kid.MCID)].append(element)
                elif not isinstance(kid, Dictionary):
                    of[self._page(element.Pg), int(kid)].append(element)
        parents = self._parents()
        for index, (page, marks) in enumerate(zip(self.pdf.pages, self.marks, strict=True)):
            named = parents[page.obj.StructParents]
            if len(named) != len(marks):
                yield f"01-006: page {index + 1} has {len(marks)} marks, {len(named)} of elements"
            for number in marks:
                owners = of.pop((index, number), [])
                if [owner.objgen for owner in owners] != [named[number].objgen]:
                    yield f"01-006: mark {number} of page {index + 1} is of {len(owners)} elements"
        for index, number in of:
            yield f"01-006: an element has mark {number} of page {index + 1}, which is not painted"

    def _parents(self) -> dict[Any, Any]:
        nums = list(self.pdf.Root.StructTreeRoot.ParentTree.Nums)
        return dict(zip(nums[::2], nums[1::2], strict=True))

    def _rest(self) -> Iterator[str]:
        root = self.pdf.Root
        if "/OCProperties" in root:
            yield "20-001: optional content"
        if "/AcroForm" in root and "/XFA" in root.AcroForm:
            yield "25-001: XFA"
        if self.pdf.is_encrypted:
            yield "26-001: encrypted"
        for item in self.pdf.objects:
            if not isinstance(item, Dictionary):
                continue
            if item.get("/Type") == Name.Filespec and not ("/F" in item and "/UF" in item):
                yield "21-001: an embedded file without its name"
            if item.get("/Type") == Name.Font and item.get("/Subtype") == Name.Type0:
                if "/ToUnicode" not in item:
                    yield "31-027: a font without characters"
                if not {"/FontFile2", "/FontFile3"} & set(item.DescendantFonts[0].FontDescriptor.keys()):
                    yield "31-009: a font that is not embedded"

    def _links(self) -> Iterator[str]:
        parents = self._parents()
        for page in self.pdf.pages:
            for annotation in page.obj.get("/Annots", []):
                if float(annotation.Rect[0]) < 0:
                    # Out of the page, as a seal is: nothing is shown, so nothing is read.
                    continue
                above = parents.get(annotation.get("/StructParent"))
                kids = [] if above is None else [kid for kid in _kids(above) if isinstance(kid, Dictionary)]
                if str(getattr(above, "S", "")) != "/Link":
                    yield "28-002, 28-010: a link that is not tagged"
                if not any(kid.get("/Obj", kid).objgen == annotation.objgen for kid in kids):
                    yield "28-002: a link that its element doesn't name"
                if not annotation.get("/Contents"):
                    yield "28-012: a link without description"


def _kids(element: Any) -> list[Any]:
    kids = element.get("/K")
    return [] if kids is None else list(kids) if isinstance(kids, Array) else [kids]


def _below(element: Any) -> Iterator[tuple[Any, Any]]:
    for kid in _kids(element):
        if isinstance(kid, Dictionary) and "/S" in kid:
            yield kid, element
            yield from _below(kid)


def _characters(font: Any) -> dict[str, str]:
    """Return the characters of a font's glyphs, by their code in hexadecimal."""
    written = font.ToUnicode.read_bytes().decode("ascii")
    pairs = re.findall(r"<([0-9a-fA-F]{4})>\s*<([0-9a-fA-F]*)>", written)
    return {glyph.lower(): bytes.fromhex(text).decode("utf-16-be") for glyph, text in pairs}
