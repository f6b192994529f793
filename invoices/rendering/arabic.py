"""Arabic in a PDF: what is read out of it stands in the order in which it was written."""

from typing import Any

# A glyph of two letters says which they are by the one character that Unicode has for both. Programs that read PDF
# (poppler) would lay two apart from left to right, and give back ال where لا was printed.
_LIGATURES = {"لا": "\ufefb", "لأ": "\ufef7", "لإ": "\ufef9", "لآ": "\ufef5", "لى": "\ufc43"}
_WRITTEN = {
    f"<{letters.encode('utf-16-be').hex()}>".encode(): f"<{one.encode('utf-16-be').hex()}>".encode()
    for letters, one in _LIGATURES.items()
}


def write_ligatures(pdf: Any) -> None:
    """Have the fonts of a finished PDF name each ligature by one character (a finisher of WeasyPrint)."""
    for item in pdf.objects:
        lines = getattr(item, "stream", None)
        # Of all streams a map from glyphs to characters alone begins so.
        if lines and lines[0] == b"/CIDInit /ProcSet findresource begin":
            for place, line in enumerate(lines):
                glyph, _, letters = line.partition(b" ")
                if letters in _WRITTEN:
                    lines[place] = b" ".join((glyph, _WRITTEN[letters]))
