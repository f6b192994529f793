"""Two prices month by month, and the difference between them."""

from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from invoices.rendering.charts.canvas import ACCENT, FAINT, INK, Canvas, Mark, axis_room, ticks, whole, width_of


class Step(NamedTuple):
    """A month of two prices in centimes."""

    label: str
    year: str
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Steps:
    """Two prices month by month as steps, and the field between them."""

    steps: tuple[Step, ...]
    lower_name: str
    upper_name: str
    between_name: str
    marks: tuple[Mark, ...] = ()

    def svg(self, width: float, height: float) -> Markup:
        """Draw the chart in so many points."""
        canvas = Canvas(width, height)
        most = max((max(step.lower, step.upper) for step in self.steps), default=0)
        upward = ticks(most, 3)
        left, right, top, bottom = axis_room(upward), width, 22.0, height - 13.0
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
            room = width_of(step.year) + 2
            crowded = any(later.year for later in self.steps[index + 1 : index + 1 + int(room / slot)])
            if step.year and x > taken and x + room <= right and not crowded:
                canvas.text(x + 2, bottom + 9, step.year, fill=INK, bold=True)
                taken = x + room
        for mark in self.marks:
            canvas.mark(left + mark.place * slot, 3, bottom, 7, mark.text)
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
        """Write the names where there is room for them: the difference in its field, each price above its line."""
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
        """Return the longest run of months with the same two prices that differ: its first and last index."""
        best: tuple[int, int] | None = None
        first = 0
        for index, step in enumerate(self.steps):
            if index and (step.lower, step.upper) != (self.steps[index - 1].lower, self.steps[index - 1].upper):
                first = index
            if step.upper > step.lower and (best is None or index - first > best[1] - best[0]):
                best = first, index
        return best
