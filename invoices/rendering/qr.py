"""QR codes: an address as a drawing in SVG that phones read."""

from functools import lru_cache
from itertools import groupby

import segno
from markupsafe import Markup

# One of the eight masks the standard has; readers take any. Trying all eight would take four times as long.
_MASK = 3
# The lines overlap a little, so that no seam shows between them.
_SVG = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" class="code" viewBox="0 0 {0} {0}" aria-label="{2}">'
    '<path d="{1}" stroke="#000" stroke-width="1.04"/></svg>'
)


@lru_cache(maxsize=16)
def qr_code(address: str) -> Markup:
    """Return the code of an address, without the margin that it needs on paper: four of its squares."""
    matrix = segno.make_qr(address, error="m", mask=_MASK, boost_error=False).matrix
    lines = []
    for row, squares in enumerate(matrix):
        column = 0
        for is_dark, run in groupby(squares):
            length = len(list(run))
            if is_dark:
                lines.append(f"M{column} {row}.5h{length}")
            column += length
    return _SVG.format(len(matrix), "".join(lines), address)
