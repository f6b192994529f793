"""Charts as SVG, in the ink of documents: what is drawn is a function of the numbers, the same text every time.

Lengths are points. Amounts are centimes and become lengths here, nowhere back: nothing printed in figures is read off a
drawing. Tones of one colour tell series apart, on paper without colour too; what a thing is stands beside it, not in
a legend.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape

from markupsafe import Markup

from invoices.formats import GROUP, MINUS
from invoices.rendering.pdf import printable

POINTS_A_MM = 72 / 25.4
INK = "#16202c"
GREY = "#5b6470"
RULE = "#b9c0c8"
FAINT = "#e6e9ec"
ACCENT = "#0f6b57"
# From dark to light; white seams part them where they touch.
TONES = ("#0b4a3c", "#39846f", "#7fb1a3", "#b9d5cd", "#d5e3de", "#9aa3ad")
_SMALL = 6.4
# Half the size of the letters is their width, near enough to tell whether a label fits.
_LETTER = 0.54
# Few months are few bars, not broad ones.
_THICKEST = 30.0


class Canvas:
    """A drawing under way."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """A filled rectangle."""
        if width > 0 and height > 0:
            place = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
            self._parts.append(f'<rect {place} fill="{fill}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str = RULE, width: float = 0.5) -> None:
        """A straight line."""
        place = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
        self._parts.append(f'<line {place} stroke="{stroke}" stroke-width="{width}"/>')

    def dashed(self, x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 0.6) -> None:
        """A straight line in dashes."""
        place = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
        self._parts.append(f'<line {place} stroke="{stroke}" stroke-width="{width}" stroke-dasharray="2 2"/>')

    def path(self, points: str, fill: str = "none", stroke: str = "none", width: float = 0) -> None:
        """A path in SVG's own words."""
        self._parts.append(f'<path d="{points}" fill="{fill}" stroke="{stroke}" stroke-width="{width}"/>')

    def text(
        self, x: float, y: float, content: str, *, size: float = _SMALL, fill: str = GREY, anchor: str = "start",
        bold: bool = False,
    ) -> None:  # fmt: skip
        """A text; `anchor` says which end of it stands at x."""
        weight = 600 if bold else 400
        place = f'x="{x:.2f}" y="{y:.2f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
        self._parts.append(f'<text {place} fill="{fill}">{_safe(content)}</text>')

    def svg(self) -> Markup:
        """The drawing, as an element of a page."""
        size = (
            f'width="{self.width:.2f}pt" height="{self.height:.2f}pt" viewBox="0 0 {self.width:.2f} {self.height:.2f}"'
        )
        inner = "".join(self._parts)
        # Every text in it is escaped (`_safe`), everything else is numbers and the colours above.
        return Markup(  # noqa: S704
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}><g font-family="Document">{inner}</g></svg>'
        )


def _safe(text: str) -> str:
    """Text as markup of ASCII alone, holding nothing that our fonts have not."""
    return escape(printable(text)).encode("ascii", "xmlcharrefreplace").decode("ascii")


def whole(centimes: int) -> str:
    """An amount on an axis or a bar, to the dirham: `12 345`."""
    size = (abs(centimes) + 50) // 100
    sign = MINUS if centimes < 0 and size else ""
    return f"{sign}{size:,}".replace(",", GROUP)


def ticks(most: int, wanted: int = 4) -> list[int]:
    """Round amounts from nil to the first that is not below `most`, about so many; at least to one dirham."""
    target = max(most, 100) // wanted or 1
    unit = 1
    while unit * 10 <= target:
        unit *= 10
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= target)
    step = max(step, 100)
    return list(range(0, -(-max(most, 1) // step) * step + 1, step))


def _left(amounts: Iterable[int]) -> float:
    """The room that the amounts of an axis need."""
    return max(34.0, max(len(whole(amount)) for amount in amounts) * _SMALL * _LETTER + 6)


class Bar(NamedTuple):
    """A month: its label, its year where one begins, what is stacked upwards and downwards, series by series."""

    label: str
    year: str
    up: tuple[int, ...]
    down: tuple[int, ...]


class Mark(NamedTuple):
    """A day that matters, so many months from the left edge, and what it is."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Months:
    """Amounts month by month: stacked above a line, and below it."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...] = ()
    # What up and down mean, at the ends of the axis; blank: nothing there.
    above: str = ""
    below: str = ""

    def svg(self, width: float, height: float) -> Markup:
        """The chart in so many points."""
        canvas = Canvas(width, height)
        up = max((sum(bar.up) for bar in self.bars), default=0)
        down = max((sum(bar.down) for bar in self.bars), default=0)
        upward, downward = _axis(up, down)
        left, right, top, bottom = (
            _left((*upward, *downward)),
            width,
            17.0 if self.marks or self.above else 10.0,
            height - 19.0,
        )
        scale = (bottom - top) / max(upward[-1] + downward[-1], 1)
        nil = top + upward[-1] * scale
        for amount in (*upward, *(-amount for amount in downward[1:])):
            y = nil - amount * scale
            if amount:
                canvas.line(left, y, right, y, FAINT, 0.5)
            canvas.text(left - 4, y + 2.2, whole(abs(amount)), anchor="end")
        slot = (right - left) / max(len(self.bars), 1)
        for index, bar in enumerate(self.bars):
            self._bar(canvas, bar, left + index * slot, slot, nil, scale)
        canvas.line(left, nil, right, nil, INK, 0.7)
        self._labels(canvas, left, slot, bottom + 8.5)
        for mark in self.marks:
            x = left + mark.place * slot
            canvas.dashed(x, 8, x, bottom)
            room = len(mark.text) * _SMALL * _LETTER
            after = x + 4 + room <= right
            canvas.text(
                x + 4 if after else x - 4, 11, mark.text, fill=INK, anchor="start" if after else "end", bold=True
            )
        if self.above and up:
            canvas.text(0, 9, self.above, fill=INK, bold=True)
        if self.below and down:
            canvas.text(0, bottom + 17.5, self.below, fill=INK, bold=True)
        return canvas.svg()

    def _bar(self, canvas: Canvas, bar: Bar, x: float, slot: float, nil: float, scale: float) -> None:
        thick = min(slot * 0.68, _THICKEST)
        inset = (slot - thick) / 2
        y = nil
        for tone, amount in zip(TONES, bar.up, strict=False):
            size = amount * scale
            canvas.rect(x + inset, y - size, thick, max(size - 0.5, min(size, 0.4)), tone)
            y -= size
        y = nil
        for tone, amount in zip((INK, "#66707b", "#a9b1b9", "#d4d8dc"), bar.down, strict=False):
            size = amount * scale
            canvas.rect(x + inset, y + min(0.5, size / 2), thick, max(size - 0.5, min(size, 0.4)), tone)
            y += size

    def _labels(self, canvas: Canvas, left: float, slot: float, y: float) -> None:
        fits = all(len(bar.label) * _SMALL * _LETTER <= slot - 1 for bar in self.bars)
        for index, bar in enumerate(self.bars):
            canvas.text(left + (index + 0.5) * slot, y, bar.label if fits else bar.label[:1].upper(), anchor="middle")
            if bar.year:
                canvas.text(left + index * slot + slot * 0.16, y + 9, bar.year, fill=INK, bold=True)


def _axis(up: int, down: int) -> tuple[list[int], list[int]]:
    """Ticks above and below the line, of one step."""
    most = max(up, down)
    steps = ticks(most)
    step = steps[1]

    def reach(amount: int) -> list[int]:
        return list(range(0, -(-amount // step) * step + 1, step))

    return (reach(up) if up or not down else [0]), (reach(down) if down else [0])


class Share(NamedTuple):
    """A part of a whole: what it is, its amount, which tone."""

    label: str
    amount: int
    printed: str
    tone: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a whole as bars one below the other, each with its name above and its amount beside."""

    shares: tuple[Share, ...]
    # `ink` draws them as what was given, in the tones of the lower bars of `Months`.
    ink: bool = False

    def svg(self, width: float, height: float) -> Markup:
        """The chart in so many points."""
        canvas = Canvas(width, height)
        most = max((share.amount for share in self.shares), default=1) or 1
        row = min(height / max(len(self.shares), 1), 21.0)
        longest = max((len(share.printed) for share in self.shares), default=0) * 7.4 * _LETTER
        room = width - longest - 6
        tones = (INK, "#66707b", "#a9b1b9", "#d4d8dc") if self.ink else TONES
        for index, share in enumerate(self.shares):
            y = index * row
            size = max(room * share.amount / most, 0.8)
            canvas.text(0, y + 7.4, _clipped(share.label, width, 7.0), size=7.0, fill=INK)
            canvas.rect(0, y + 9.8, size, min(row - 13, 6.2), tones[share.tone % len(tones)])
            canvas.text(size + 4, y + 15.4, share.printed, size=7.0, fill=INK, bold=True)
        return canvas.svg()


def _clipped(text: str, width: float, size: float) -> str:
    most = int(width / (size * _LETTER))
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


class Step(NamedTuple):
    """A month of two prices in centimes."""

    label: str
    year: str
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Steps:
    """Two prices month by month as steps, and what lies between them."""

    steps: tuple[Step, ...]
    lower_name: str
    upper_name: str
    between_name: str
    marks: tuple[Mark, ...] = ()

    def svg(self, width: float, height: float) -> Markup:
        """The chart in so many points."""
        canvas = Canvas(width, height)
        most = max((max(step.lower, step.upper) for step in self.steps), default=0)
        upward = ticks(most, 3)
        left, right, top, bottom = _left(upward), width, 22.0, height - 13.0
        scale = (bottom - top) / max(upward[-1], 1)
        slot = (right - left) / max(len(self.steps), 1)
        for amount in upward:
            y = bottom - amount * scale
            canvas.line(left, y, right, y, FAINT if amount else INK, 0.5 if amount else 0.7)
            canvas.text(left - 4, y + 2.2, whole(amount), anchor="end")
        for index, step in enumerate(self.steps):
            x = left + index * slot
            if step.upper > step.lower:
                size = (step.upper - step.lower) * scale
                canvas.rect(x, bottom - step.upper * scale, slot + 0.05, size, "#e4eeeb")
        canvas.path(self._outline(left, slot, bottom, scale, upper=True), stroke=ACCENT, width=0.8)
        canvas.path(self._outline(left, slot, bottom, scale, upper=False), stroke=INK, width=1.6)
        self._names(canvas, left, slot, bottom, scale)
        taken = -1.0
        for index, step in enumerate(self.steps):
            x = left + index * slot
            if step.year:
                canvas.line(x, bottom, x, bottom + 2.5, INK, 0.7)
            # The year that lasts counts: a first December makes room for it.
            room = len(step.year) * _SMALL * _LETTER + 2
            crowded = any(later.year for later in self.steps[index + 1 : index + 1 + int(room / slot)])
            if step.year and x > taken and x + room <= right and not crowded:
                canvas.text(x + 2, bottom + 9, step.year, fill=INK, bold=True)
                taken = x + room
        for mark in self.marks:
            x = left + mark.place * slot
            canvas.dashed(x, 3, x, bottom)
            room = len(mark.text) * _SMALL * _LETTER
            after = x + 4 + room <= right
            canvas.text(
                x + 4 if after else x - 4, 7, mark.text, fill=INK, anchor="start" if after else "end", bold=True
            )
        return canvas.svg()

    def _outline(self, left: float, slot: float, bottom: float, scale: float, *, upper: bool) -> str:
        points: list[str] = []
        for index, step in enumerate(self.steps):
            y = bottom - (step.upper if upper else step.lower) * scale
            points.append(
                f"{'L' if points else 'M'}{left + index * slot:.2f} {y:.2f} L{left + (index + 1) * slot:.2f} {y:.2f}"
            )
        return " ".join(points)

    def _names(self, canvas: Canvas, left: float, slot: float, bottom: float, scale: float) -> None:
        """Names where there is room for them: the discount in its field, each price above its line."""
        widest = self._widest()
        if widest is not None and (widest[1] - widest[0] + 1) * slot > 75:
            step = self.steps[widest[0]]
            x = left + widest[0] * slot + 5
            middle = bottom - (step.upper + step.lower) / 2 * scale
            canvas.text(
                x, bottom - step.upper * scale - 3.5, f"{self.upper_name} {whole(step.upper)}", fill=ACCENT, bold=True
            )
            if (step.upper - step.lower) * scale > 26:
                text = f"{self.between_name} {whole(step.upper - step.lower)}"
                canvas.text(x, middle + 2.2, text, fill=ACCENT)
            canvas.text(
                x, bottom - step.lower * scale - 3.5, f"{self.lower_name} {whole(step.lower)}", fill=INK, bold=True
            )
        elif self.steps:
            last = self.steps[-1]
            y = bottom - last.upper * scale - 3.5
            name = self.lower_name if widest is None else self.upper_name
            canvas.text(
                left + len(self.steps) * slot, y, f"{name} {whole(last.upper)}", fill=INK, anchor="end", bold=True
            )

    def _widest(self) -> tuple[int, int] | None:
        """The longest run of months with the same two prices that differ: first and last index."""
        best: tuple[int, int] | None = None
        first = 0
        for index, step in enumerate(self.steps):
            if index and (step.lower, step.upper) != (self.steps[index - 1].lower, self.steps[index - 1].upper):
                first = index
            if step.upper > step.lower and (best is None or index - first > best[1] - best[0]):
                best = first, index
        return best


class Band(NamedTuple):
    """What flows from one on the left to one on the right, by their places; `strong` where it matters most."""

    origin: int
    target: int
    amount: int
    strong: bool


@dataclass(frozen=True, slots=True)
class Bands:
    """Flows as bands from names on the left to names on the right, as thick as their amounts."""

    origins: tuple[tuple[str, str], ...]
    targets: tuple[tuple[str, str], ...]
    bands: tuple[Band, ...]

    def svg(self, width: float, height: float) -> Markup:
        """The chart in so many points."""
        canvas = Canvas(width, height)
        whole_amount = sum(band.amount for band in self.bands) or 1
        gap = 9.0
        rows = max(len(self.origins), len(self.targets))
        scale = (height - gap * (rows - 1) - 8) / whole_amount
        left, right = width * 0.27, width * 0.73
        sums = (
            [sum(b.amount for b in self.bands if b.origin == index) for index in range(len(self.origins))],
            [sum(b.amount for b in self.bands if b.target == index) for index in range(len(self.targets))],
        )
        tops = tuple(self._tops(of_side, scale, gap, height) for of_side in sums)
        # The strong ones last, so that they lie above.
        down = [list(tops[0]), list(tops[1])]
        shapes = []
        for band in sorted(self.bands, key=lambda band: (band.origin, band.target)):
            y1, y2, size = down[0][band.origin], down[1][band.target], band.amount * scale
            down[0][band.origin] += size
            down[1][band.target] += size
            shapes.append((band.strong, self._shape(left + 3, right - 3, y1, y2, size)))
        for strong, shape in sorted(shapes, key=lambda found: found[0]):
            canvas.path(shape, fill="#39846f" if strong else "#d5e3de")
        for side, names, x in ((0, self.origins, left), (1, self.targets, right - 3)):
            for index, (name, printed) in enumerate(names):
                y, size = tops[side][index], sums[side][index] * scale
                canvas.rect(x, y, 3, max(size, 0.6), INK)
                edge, anchor = (x - 5, "end") if side == 0 else (x + 8, "start")
                middle = y + size / 2
                canvas.text(
                    edge, middle + 0.2, _clipped(name, width * 0.25, 7.0), size=7.0, fill=INK, anchor=anchor, bold=True
                )
                canvas.text(edge, middle + 8, printed, size=6.4, anchor=anchor)
        return canvas.svg()

    def _tops(self, sums: Sequence[int], scale: float, gap: float, height: float) -> list[float]:
        """Where each name begins: in order, with room for two lines of text each, in the middle of the height."""
        y, found = 4.0, []
        for amount in sums:
            size = amount * scale
            # A thin one still needs the room of its name.
            room = max(size, 9.0)
            found.append(y + (room - size) / 2)
            y += room + gap
        spare = (height - (y - gap)) / 2
        return [top + max(spare, 0) for top in found]

    def _shape(self, x1: float, x2: float, y1: float, y2: float, size: float) -> str:
        middle = (x1 + x2) / 2
        back1, back2 = y1 + size, y2 + size
        return (
            f"M{x1:.2f} {y1:.2f} C{middle:.2f} {y1:.2f} {middle:.2f} {y2:.2f} {x2:.2f} {y2:.2f} "
            f"L{x2:.2f} {back2:.2f} C{middle:.2f} {back2:.2f} {middle:.2f} {back1:.2f} {x1:.2f} {back1:.2f} Z"
        )


@dataclass(frozen=True, slots=True)
class Ranks:
    """Amounts from the largest to the smallest, one thin bar each, without names; where the middle one stands."""

    amounts: tuple[int, ...]
    largest: str
    middle: str

    def svg(self, width: float, height: float) -> Markup:
        """The chart in so many points."""
        canvas = Canvas(width, height)
        most = max(self.amounts, default=0)
        upward = ticks(most, 3)
        left, right, top, bottom = _left(upward), width, 8.0, height - 12.0
        scale = (bottom - top) / max(upward[-1], 1)
        slot = (right - left) / max(len(self.amounts), 1)
        for amount in upward:
            y = bottom - amount * scale
            canvas.line(left, y, right, y, FAINT, 0.5)
            canvas.text(left - 4, y + 2.2, whole(amount), anchor="end")
        for index, amount in enumerate(self.amounts):
            canvas.rect(left + index * slot, bottom - amount * scale, max(slot * 0.86, 0.25), amount * scale, TONES[0])
        canvas.line(left, bottom, right, bottom, INK, 0.7)
        if self.amounts:
            place = left + (len(self.amounts) // 2 + 0.5) * slot
            value = bottom - self.amounts[len(self.amounts) // 2] * scale
            canvas.dashed(place, min(value - 11, bottom - 23), place, bottom)
            after = place + 3 + len(self.middle) * _SMALL * _LETTER <= right
            x, anchor = (place + 3, "start") if after else (right, "end")
            canvas.text(x, min(value - 13, bottom - 25), self.middle, fill=INK, anchor=anchor, bold=True)
            canvas.text(left + slot + 8, bottom - self.amounts[0] * scale + 6, self.largest, fill=INK, bold=True)
        canvas.text(left, bottom + 9, "de la plus grande part")
        canvas.text(right, bottom + 9, "à la plus petite", anchor="end")
        return canvas.svg()


class Used(NamedTuple):
    """A sum of which a part was used: its name, both amounts, and what is printed of it."""

    label: str
    used: int
    left: int
    printed: str


@dataclass(frozen=True, slots=True)
class Uses:
    """Sums as bars one below the other: what was used of each dark, what is left light."""

    uses: tuple[Used, ...]

    def svg(self, width: float, height: float) -> Markup:
        """The chart in so many points."""
        canvas = Canvas(width, height)
        most = max((use.used + use.left for use in self.uses), default=1) or 1
        row = height / max(len(self.uses), 1)
        for index, use in enumerate(self.uses):
            y = index * row
            dark, light = width * use.used / most, width * use.left / most
            canvas.text(0, y + 7.4, _clipped(use.label, width * 0.6, 7.0), size=7.0, fill=INK)
            canvas.text(width, y + 7.4, use.printed, size=7.0, anchor="end")
            canvas.rect(0, y + 9.8, dark, 6.2, TONES[0])
            canvas.rect(dark + (0.5 if dark else 0), y + 9.8, light, 6.2, TONES[3])
        return canvas.svg()
