"""Charts as SVG, in the ink of documents: a drawing is a function of the numbers, the same text every time.

Lengths are points. Amounts are centimes and become lengths here, never the other way: no figure in print is read off a
drawing. Tones of one colour tell series apart, on paper without colour too; names stand beside what they name, not in a
legend.
"""

from invoices.rendering.charts.bands import Band, Bands
from invoices.rendering.charts.bars import Ranks, Share, Shares, Used, Uses
from invoices.rendering.charts.canvas import POINTS_A_MM, Mark
from invoices.rendering.charts.months import Bar, Months
from invoices.rendering.charts.steps import Step, Steps

__all__ = [
    "POINTS_A_MM", "Band", "Bands", "Bar", "Mark", "Months", "Ranks", "Share", "Shares", "Step", "Steps", "Used",
    "Uses",
]  # fmt: skip
