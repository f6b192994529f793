"""Enter the texts of the code into the catalogues of `invoices/locales/`; run by `make catalogues`.

What is new in the code gets an empty translation in `ar` and `en`, which a test refuses; what the code has no more
leaves them. The French of `fr` is that of the code.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "invoices" / "locales"
LANGUAGES = ("fr", "ar", "en")
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
_OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}
# Called on a `Wording`, which code names `t`; `noted` marks a text that is looked up elsewhere.
_KEYWORDS = {"t": None, "plural": (1, 2), "sense": ((1, "c"), 2), "noted": None}
_HEADER = "# What tenants and partners read; `make catalogues` enters here what is new in the code."
_TIME = datetime(2026, 12, 1, tzinfo=UTC)


def template() -> Catalog:
    """Return the texts that the code has, without translations."""
    catalog = Catalog(header_comment=_HEADER, creation_date=_TIME, charset="utf-8", fuzzy=False)
    for name, _, message, comments, context in sorted(_extracted(), key=lambda found: found[:2]):
        catalog.add(message, None, [(name, None)], auto_comments=comments, context=context)
    return catalog


def _extracted() -> Iterator[tuple]:
    for package in ("billing", "invoices"):
        found = extract_from_dir(ROOT / package, _METHODS, _OPTIONS, _KEYWORDS, directory_filter=lambda _: True)
        yield from ((f"{package}/{name}", *rest) for name, *rest in found)


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as its file."""
    file = BytesIO()
    write_po(file, catalog, width=120, include_lineno=False, ignore_obsolete=True)
    return file.getvalue()


def updated(language: str, texts: Catalog) -> Catalog:
    """Return the catalogue of a language, with the texts of the code."""
    path = LOCALES / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    catalog.update(deepcopy(texts), no_fuzzy_matching=True)
    catalog.header_comment = _HEADER
    for message in catalog:
        # A text that has become one of several forms keeps what was translated, to be completed.
        message.flags.discard("fuzzy")
    if language == "fr":
        for message in catalog:
            if message.id:
                message.string = message.id
    return catalog


def main() -> None:
    """Write the template and the catalogues."""
    texts = template()
    (LOCALES / "messages.pot").write_bytes(written(texts))
    for language in LANGUAGES:
        path = LOCALES / language / "LC_MESSAGES" / "messages.po"
        path.write_bytes(written(updated(language, texts)))


if __name__ == "__main__":
    main()
