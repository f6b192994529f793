"""The sheet that charts are drawn on, its colours, and the room that texts take."""

from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape

from markupsafe import Markup

from invoices import formats
from invoices.rendering.pdf import marked_up, printable
from invoices.wording import direction_of, has_arabic

POINTS_A_MM = 72 / 25.4
INK = "#16202c"
GREY = "#5b6470"
RULE = "#b9c0c8"
FAINT = "#e6e9ec"
ACCENT = "#0f6b57"
# From dark to light; white seams part them where they touch. Amounts given or used up are drawn in ink.
TONES = ("#0b4a3c", "#39846f", "#7fb1a3", "#b9d5cd", "#d5e3de", "#9aa3ad")
INK_TONES = (INK, "#66707b", "#a9b1b9", "#d4d8dc")
_SMALL = 6.4
_FONTS = {400: "'Document', 'Document Arabic'", 600: "'Document', 'Document Arabic Bold'"}
# Half the size of the letters is their width, near enough to tell whether a label fits.
_LETTER = 0.54


class Canvas:
    """A drawing that is being made."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []
        # Texts that stand over the drawing, as elements of the page.
        self._labels: list[Markup] = []

    def rect(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """Draw a filled rectangle."""
        if width > 0 and height > 0:
            place = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
            self._parts.append(f'<rect {place} fill="{fill}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str = RULE, width: float = 0.5) -> None:
        """Draw a straight line."""
        place = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
        self._parts.append(f'<line {place} stroke="{stroke}" stroke-width="{width}"/>')

    def dashed(self, x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 0.6) -> None:
        """Draw a straight line in dashes."""
        place = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
        self._parts.append(f'<line {place} stroke="{stroke}" stroke-width="{width}" stroke-dasharray="2 2"/>')

    def path(self, points: str, fill: str = "none", stroke: str = "none", width: float = 0) -> None:
        """Draw a path, in SVG's notation."""
        self._parts.append(f'<path d="{points}" fill="{fill}" stroke="{stroke}" stroke-width="{width}"/>')

    def text(
        self, x: float, y: float, content: str, *, size: float = _SMALL, fill: str = GREY, anchor: str = "start",
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Write a text; `anchor` says which end of it stands at x.

        WeasyPrint draws texts in SVG letter by letter, from left to right: Arabic stands over the drawing instead.
        """
        weight = 600 if bold else 400
        if has_arabic(content):
            self._labels.append(self._label(x, y, content, size, fill, anchor, weight))
            return
        place = f'x="{x:.2f}" y="{y:.2f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
        self._parts.append(f'<text {place} fill="{fill}">{_safe(content)}</text>')

    def _label(
        self, x: float, y: float, content: str, size: float, fill: str, anchor: str, weight: int
    ) -> Markup:  # fmt: skip
        place = f"left: {x:.2f}pt" if anchor == "start" else f"right: {self.width - x:.2f}pt"
        if anchor == "middle":
            place = f"left: {x - 100:.2f}pt; width: 200pt; text-align: center"
        font = f"{weight} {size}pt/{size * 1.5:.2f}pt {_FONTS[weight]}"
        style = f"{place}; top: {y - size * 1.25:.2f}pt; font: {font}; color: {fill}"
        return Markup('<p dir="{}" style="{}">{}</p>').format(direction_of(content), style, marked_up(content))

    def mark(self, x: float, top: float, bottom: float, baseline: float, text: str) -> None:
        """Draw a dashed line from top to bottom, its text beside it where there is room."""
        self.dashed(x, top, x, bottom)
        after = x + 4 + width_of(text) <= self.width
        self.text(x + 4 if after else x - 4, baseline, text, fill=INK, anchor="start" if after else "end", bold=True)

    def svg(self) -> Markup:
        """Return the drawing as an element of a page."""
        size = (
            f'width="{self.width:.2f}pt" height="{self.height:.2f}pt" viewBox="0 0 {self.width:.2f} {self.height:.2f}"'
        )
        inner = "".join(self._parts)
        # Every text in it is escaped (`_safe`), everything else is numbers and the colours above.
        drawing = Markup(  # noqa: S704
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}><g font-family="Document">{inner}</g></svg>'
        )
        if not self._labels:
            return drawing
        return Markup('<div class="drawing" dir="ltr" style="width: {:.2f}pt">{}{}</div>').format(
            self.width, drawing, Markup().join(self._labels)
        )


def _safe(text: str) -> str:
    """Return text as markup of ASCII alone, without what our fonts lack."""
    return escape(printable(text)).encode("ascii", "xmlcharrefreplace").decode("ascii")


def whole(centimes: int) -> str:
    """Return an amount to the dirham, as an axis or a bar shows it: `12 345`."""
    size = (abs(centimes) + 50) // 100
    return formats.count(-size if centimes < 0 else size)


def ticks(most: int, wanted: int = 4) -> list[int]:
    """Return about `wanted` round amounts, from zero to the first not below `most`, which is at least one dirham."""
    target = max(most, 100) // wanted or 1
    unit = 1
    while unit * 10 <= target:
        unit *= 10
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= target)
    step = max(step, 100)
    return list(range(0, -(-max(most, 1) // step) * step + 1, step))


def width_of(text: str, size: float = _SMALL) -> float:
    """Return how wide a text is, about."""
    return len(text) * size * _LETTER


def axis_room(amounts: Iterable[int]) -> float:
    """Return the room that the amounts of an axis need."""
    return max(34.0, max(width_of(whole(amount)) for amount in amounts) + 6)


def clipped(text: str, width: float, size: float) -> str:
    """Return a text, cut off where it would be wider than that."""
    most = int(width / (size * _LETTER))
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


class Mark(NamedTuple):
    """A day that matters, so many months from the left edge, and the text beside it."""

    place: float
    text: str
