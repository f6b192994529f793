"""Makes the fonts beside it from Debian's fonts-inter and fonts-noto-core; run by hand, when they change.

    python make_fonts.py /usr/share/fonts

Also writes coverage.txt: the characters the fonts have between them, as ranges.

Each font is cut down to the characters Moroccan documents need. In Inter the tabular figures are the
figures: columns align without a font feature, and a PDF holds each digit once. Glyphs are put in the order
of their use, because a PDF keeps every place up to the last glyph used.
"""

import sys
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from fontTools.ttLib.reorderGlyphs import reorderGlyphs  # type: ignore[import-untyped]

HERE = Path(__file__).parent
LATIN = (
    "U+0020-007E,U+00A0-017F,U+018F,U+0192,U+01E6-01E7,U+0218-021B,U+0237,U+0259,U+02BB-02BC,U+02BE-02BF,"
    "U+02C6-02C7,U+02D8-02DD,U+0300-0304,U+0306-0308,U+030A-030C,U+0323,U+0327-0328,U+0331,U+1E0C-1E0D,"
    "U+1E24-1E25,U+1E32-1E33,U+1E5A-1E5B,U+1E62-1E63,U+1E6C-1E6D,U+1E92-1E93,U+2009,U+2010-2015,U+2018-201E,"
    "U+2020-2022,U+2026,U+202F,U+2030,U+2032-2033,U+2039-203A,U+2044,U+20AC,U+2116,U+2122,U+2190-2193,U+2212,"
    "U+2248,U+2260,U+2264-2265,U+25A1"
)
ARABIC = (
    "U+0020,U+0028-0029,U+002E,U+00A0,U+0600-0671,U+0679,U+067E,U+0686,U+0688,U+0691,U+0698,U+06A4,U+06A9,U+06AD,"
    "U+06AF,U+06CC,U+06D2,U+06F0-06F9,U+200C-200D"
)
TIFINAGH = "U+0020,U+00A0,U+2D30-2D7F"
FONTS = (
    ("opentype/inter/Inter-Regular.otf", LATIN, "kern,mark,mkmk,ccmp,locl,tnum"),
    ("opentype/inter/Inter-SemiBold.otf", LATIN, "kern,mark,mkmk,ccmp,locl,tnum"),
    ("truetype/noto/NotoSansArabic-Regular.ttf", ARABIC, "*"),
    ("truetype/noto/NotoSansArabic-Bold.ttf", ARABIC, "*"),
    ("truetype/noto/NotoSansTifinagh-Regular.ttf", TIFINAGH, "*"),
)
# Most used first: what stands on nearly every document.
USUAL = (
    "0123456789 \u00a0\u202f,.-/·°²%−–\u2011’:;()etaisnroulcdmpévqfèghbà"
    "FTSRABCDEHILMNOPQUVGJKXYZjkwxyzêÉÀçôîïëùûâñœæÈÊÔÎÇ@+'\"«»&!?_#*=<>[]□…“”‘—"
)


def make(source: Path, unicodes: str, features: str, target: Path) -> None:
    """Cut `source` down to `unicodes` and write it as WOFF2."""
    options = subset.Options(
        layout_features=features.split(","),
        hinting=False,
        desubroutinize=True,
        notdef_outline=True,
        glyph_names=False,
        flavor="woff2",
    )
    font = subset.load_font(str(source), options)
    if "tnum" in features:
        _make_figures_tabular(font)
        options.layout_features = [name for name in options.layout_features if name != "tnum"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(unicodes))
    subsetter.subset(font)
    if "tnum" in features:
        _put_usual_glyphs_first(font)
    subset.save_font(font, str(target), options)


def _make_figures_tabular(font: TTFont) -> None:
    table = font["GSUB"].table
    lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    tabular: dict[str, str] = {}
    for index in sorted(lookups):
        for part in table.LookupList.Lookup[index].SubTable:
            tabular.update(getattr(part, "ExtSubTable", part).mapping)
    for cmap in font["cmap"].tables:
        for code in range(0x30, 0x3A):
            if code in cmap.cmap:
                cmap.cmap[code] = tabular.get(cmap.cmap[code], cmap.cmap[code])  # tables may share one map


def _put_usual_glyphs_first(font: TTFont) -> None:
    named = font.getBestCmap()
    order = [".notdef", *dict.fromkeys(named[ord(character)] for character in USUAL)]
    order += [glyph for glyph in font.getGlyphOrder() if glyph not in set(order)]
    reorderGlyphs(font, order)


def _ranges(codes: set[int]) -> list[str]:
    """Return the code points as ranges, `0020-007E`."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return [f"{first:04X}-{last:04X}" for first, last in ranges]


if __name__ == "__main__":
    covered: set[int] = set()
    for path, unicodes, features in FONTS:
        source = Path(sys.argv[1]) / path
        target = HERE / f"{source.stem}.woff2"
        make(source, unicodes, features, target)
        with TTFont(target) as font:
            covered |= set(font.getBestCmap())
    (HERE / "coverage.txt").write_text("\n".join(_ranges(covered)) + "\n", encoding="ascii")
