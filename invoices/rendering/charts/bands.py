"""Flows from some to others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from invoices.rendering.charts.canvas import INK, Canvas, clipped


class Band(NamedTuple):
    """A flow from one on the left to one on the right, by their places; `strong` where it matters most."""

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
        """Draw the chart in so many points."""
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
        for strong, shape in sorted(shapes, key=lambda band: band[0]):
            canvas.path(shape, fill="#39846f" if strong else "#d5e3de")
        for side, names, x in ((0, self.origins, left), (1, self.targets, right - 3)):
            for index, (name, printed) in enumerate(names):
                y, size = tops[side][index], sums[side][index] * scale
                canvas.rect(x, y, 3, max(size, 0.6), INK)
                edge, anchor = (x - 5, "end") if side == 0 else (x + 8, "start")
                middle = y + size / 2
                canvas.text(
                    edge, middle + 0.2, clipped(name, width * 0.25, 7.0), size=7.0, fill=INK, anchor=anchor, bold=True
                )
                canvas.text(edge, middle + 8, printed, size=6.4, anchor=anchor)
        return canvas.svg()

    def _tops(self, sums: Sequence[int], scale: float, gap: float, height: float) -> list[float]:
        """Return where each name begins: in order, with room for two lines of text, in the middle of the height."""
        y, tops = 4.0, []
        for amount in sums:
            size = amount * scale
            # A thin one still needs the room of its name.
            room = max(size, 9.0)
            tops.append(y + (room - size) / 2)
            y += room + gap
        spare = (height - (y - gap)) / 2
        return [top + max(spare, 0) for top in tops]

    def _shape(self, x1: float, x2: float, y1: float, y2: float, size: float) -> str:
        middle = (x1 + x2) / 2
        back1, back2 = y1 + size, y2 + size
        return (
            f"M{x1:.2f} {y1:.2f} C{middle:.2f} {y1:.2f} {middle:.2f} {y2:.2f} {x2:.2f} {y2:.2f} "
            f"L{x2:.2f} {back2:.2f} C{middle:.2f} {back2:.2f} {middle:.2f} {back1:.2f} {x1:.2f} {back1:.2f} Z"
        )
