"""Printing a page in less time, by the private parts of WeasyPrint and pydyf; nothing else in the project touches them.

Each module but one saves time and changes no byte, which tests hold; `tagged` writes better tags than WeasyPrint does,
in less time. The private parts were read in the versions of `LOOKED_AT`. With others a page is laid out, written and
tagged by the public interface alone: later, and without the claim to be PDF/UA, but it looks the same. To move to a
new version, read its parts again, run the tests, then enter it there and in `pyproject.toml`.
"""

import logging
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from invoices.rendering.weasyprint_tuning.kept_styles import KeptStyles

LOOKED_AT = {"weasyprint": "70.0", "pydyf": "0.13.0"}

# Lays out the HTML of a page: a WeasyPrint document.
LayOut: TypeAlias = Callable[[str], Any]
_log = logging.getLogger(__name__)


@cache
def is_looked_at() -> bool:
    """Return whether the installed versions are those whose private parts are known; a warning says which are not."""
    unknown = [f"{name} {version(name)}" for name, known in LOOKED_AT.items() if version(name) != known]
    if unknown:
        known = ", ".join(f"{name} {number}" for name, number in LOOKED_AT.items())
        _log.warning("printing is slower with %s: it is tuned to %s", ", ".join(unknown), known)
    return not unknown


def open_layout(base: Any, stylesheet: Any, fonts: Any, url_fetcher: Any, **options: Any) -> LayOut:
    """Return a function that lays out pages with those stylesheets; `url_fetcher` gets each address a page names."""
    from weasyprint import HTML

    if is_looked_at():
        from invoices.rendering.weasyprint_tuning.kept_styles import KeptStyles
        from invoices.rendering.weasyprint_tuning.xml_page import XmlPage

        page = partial(XmlPage, url_fetcher=url_fetcher, base=base)
        return partial(_lay_out, KeptStyles(base, stylesheet, fonts), page, options)
    return lambda html: HTML(string=html, url_fetcher=url_fetcher).render(
        font_config=fonts, stylesheets=[base, stylesheet], **options
    )


def _lay_out(styles: "KeptStyles", page: Callable[[str], Any], options: dict[str, Any], html: str) -> Any:
    return styles.laid_out(page(html), **options)


def write_streams_once(pdf: Any) -> None:
    """Have each stream of a PDF compressed once, in a finisher of WeasyPrint."""
    if is_looked_at():
        from invoices.rendering.weasyprint_tuning.written_once import write_once

        write_once(pdf)


def tag_pages(laid_out: Any) -> Callable[[Any], None] | None:
    """Have the pages of a document tagged as they are painted; return what writes the tags into the PDF then.

    Returns None where the inside of WeasyPrint is not known: its own tags are to be written.
    """
    if not is_looked_at():
        return None
    from invoices.rendering.weasyprint_tuning.tagged import Tags

    return Tags(laid_out).write


def can_subset_quickly() -> bool:
    """Return whether HarfBuzz can take fonts apart; without it fontTools does, five times as slowly."""
    try:
        from weasyprint.text.ffi import harfbuzz_subset
    except ImportError:
        return not is_looked_at()
    return harfbuzz_subset is not None
