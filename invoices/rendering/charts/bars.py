"""Amounts as bars: parts of a whole, sums and their use, ranks."""

from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from invoices.rendering.charts.canvas import (
    FAINT,
    INK,
    INK_TONES,
    TONES,
    Canvas,
    axis_room,
    clipped,
    ticks,
    whole,
    width_of,
)  # fmt: skip
from invoices.wording import RIGHT_TO_LEFT, direction_of


class Share(NamedTuple):
    """A part of a whole: its name, its amount, also as printed, and its tone."""

    label: str
    amount: int
    printed: str
    tone: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a whole as bars one below the other, each with its name above and its amount beside."""

    shares: tuple[Share, ...]
    # Drawn as sums that were given, in the tones of the lower bars of `Months`.
    ink: bool = False

    def svg(self, width: float, height: float) -> Markup:
        """Draw the chart in so many points."""
        canvas = Canvas(width, height)
        most = max((share.amount for share in self.shares), default=1) or 1
        row = min(height / max(len(self.shares), 1), 21.0)
        longest = max((width_of(share.printed, 7.4) for share in self.shares), default=0)
        room = width - longest - 6
        tones = INK_TONES if self.ink else TONES
        # Arabic begins on the right, and so do its bars.
        is_mirrored = any(direction_of(share.label) == RIGHT_TO_LEFT for share in self.shares[:1])
        anchor = "end" if is_mirrored else "start"
        for index, share in enumerate(self.shares):
            y = index * row
            size = max(room * share.amount / most, 0.8)
            start, beside = (width, width - size - 4) if is_mirrored else (0, size + 4)
            canvas.text(start, y + 7.4, clipped(share.label, width, 7.0), size=7.0, fill=INK, anchor=anchor)
            left = width - size if is_mirrored else 0
            canvas.rect(left, y + 9.8, size, min(row - 13, 6.2), tones[share.tone % len(tones)])
            canvas.text(beside, y + 15.4, share.printed, size=7.0, fill=INK, anchor=anchor, bold=True)
        return canvas.svg()


class Used(NamedTuple):
    """A sum of which a part was used: its name, the amount used, the amount left, and the text printed beside it."""

    label: str
    used: int
    left: int
    printed: str


@dataclass(frozen=True, slots=True)
class Uses:
    """Sums as bars one below the other: the part used dark, the part left light."""

    uses: tuple[Used, ...]

    def svg(self, width: float, height: float) -> Markup:
        """Draw the chart in so many points."""
        canvas = Canvas(width, height)
        most = max((use.used + use.left for use in self.uses), default=1) or 1
        row = height / max(len(self.uses), 1)
        for index, use in enumerate(self.uses):
            y = index * row
            dark, light = width * use.used / most, width * use.left / most
            canvas.text(0, y + 7.4, clipped(use.label, width * 0.6, 7.0), size=7.0, fill=INK)
            canvas.text(width, y + 7.4, use.printed, size=7.0, anchor="end")
            canvas.rect(0, y + 9.8, dark, 6.2, TONES[0])
            canvas.rect(dark + (0.5 if dark else 0), y + 9.8, light, 6.2, TONES[3])
        return canvas.svg()


@dataclass(frozen=True, slots=True)
class Ranks:
    """Amounts from the largest to the smallest, one thin bar each, without names; the middle one is marked."""

    amounts: tuple[int, ...]
    largest: str
    middle: str

    def svg(self, width: float, height: float) -> Markup:
        """Draw the chart in so many points."""
        canvas = Canvas(width, height)
        most = max(self.amounts, default=0)
        upward = ticks(most, 3)
        left, right, top, bottom = axis_room(upward), width, 8.0, height - 12.0
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
            after = place + 3 + width_of(self.middle) <= right
            x, anchor = (place + 3, "start") if after else (right, "end")
            canvas.text(x, min(value - 13, bottom - 25), self.middle, fill=INK, anchor=anchor, bold=True)
            canvas.text(left + slot + 8, bottom - self.amounts[0] * scale + 6, self.largest, fill=INK, bold=True)
        canvas.text(left, bottom + 9, "de la plus grande part")
        canvas.text(right, bottom + 9, "à la plus petite", anchor="end")
        return canvas.svg()
