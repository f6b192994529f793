"""Amounts month by month, stacked above a line and below it."""

from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from invoices.rendering.charts.canvas import (
    FAINT,
    INK,
    INK_TONES,
    TONES,
    Canvas,
    Mark,
    axis_room,
    ticks,
    whole,
    width_of,
)

# Few months are few bars, not broad ones.
_THICKEST = 30.0


class Bar(NamedTuple):
    """A month: its label, its year where one begins, the amounts stacked upwards and downwards, series by series."""

    label: str
    year: str
    up: tuple[int, ...]
    down: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Months:
    """Amounts month by month: stacked above a line, and below it."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...] = ()
    # The meaning of up and down, at the ends of the axis; blank: nothing stands there.
    above: str = ""
    below: str = ""

    def svg(self, width: float, height: float) -> Markup:
        """Draw the chart in so many points."""
        canvas = Canvas(width, height)
        up = max((sum(bar.up) for bar in self.bars), default=0)
        down = max((sum(bar.down) for bar in self.bars), default=0)
        upward, downward = _ticks_of(up, down)
        left, right, top, bottom = (
            axis_room((*upward, *downward)),
            width,
            17.0 if self.marks or self.above else 10.0,
            height - 19.0,
        )
        scale = (bottom - top) / max(upward[-1] + downward[-1], 1)
        zero = top + upward[-1] * scale
        for amount in (*upward, *(-amount for amount in downward[1:])):
            y = zero - amount * scale
            if amount:
                canvas.line(left, y, right, y, FAINT, 0.5)
            canvas.text(left - 4, y + 2.2, whole(abs(amount)), anchor="end")
        slot = (right - left) / max(len(self.bars), 1)
        for index, bar in enumerate(self.bars):
            self._bar(canvas, bar, left + index * slot, slot, zero, scale)
        canvas.line(left, zero, right, zero, INK, 0.7)
        self._labels(canvas, left, slot, bottom + 8.5)
        for mark in self.marks:
            canvas.mark(left + mark.place * slot, 8, bottom, 11, mark.text)
        if self.above and up:
            canvas.text(0, 9, self.above, fill=INK, bold=True)
        if self.below and down:
            canvas.text(0, bottom + 17.5, self.below, fill=INK, bold=True)
        return canvas.svg()

    def _bar(self, canvas: Canvas, bar: Bar, x: float, slot: float, zero: float, scale: float) -> None:
        thick = min(slot * 0.68, _THICKEST)
        inset = (slot - thick) / 2
        y = zero
        for tone, amount in zip(TONES, bar.up, strict=False):
            size = amount * scale
            canvas.rect(x + inset, y - size, thick, max(size - 0.5, min(size, 0.4)), tone)
            y -= size
        y = zero
        for tone, amount in zip(INK_TONES, bar.down, strict=False):
            size = amount * scale
            canvas.rect(x + inset, y + min(0.5, size / 2), thick, max(size - 0.5, min(size, 0.4)), tone)
            y += size

    def _labels(self, canvas: Canvas, left: float, slot: float, y: float) -> None:
        fits = all(width_of(bar.label) <= slot - 1 for bar in self.bars)
        for index, bar in enumerate(self.bars):
            canvas.text(left + (index + 0.5) * slot, y, bar.label if fits else bar.label[:1].upper(), anchor="middle")
            if bar.year:
                canvas.text(left + index * slot + slot * 0.16, y + 9, bar.year, fill=INK, bold=True)


def _ticks_of(up: int, down: int) -> tuple[list[int], list[int]]:
    """Return the ticks above and below the line, all of one step."""
    most = max(up, down)
    steps = ticks(most)
    step = steps[1]

    def reach(amount: int) -> list[int]:
        return list(range(0, -(-amount // step) * step + 1, step))

    return (reach(up) if up or not down else [0]), (reach(down) if down else [0])
