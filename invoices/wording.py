"""The texts that tenants and partners read, in French, English or Arabic, with figures and days written to match.

A text stands in the code in French and is looked up by it: `t("Facture n° {number}", number=number)`. The catalogues in
`locales/` are read as they are; `make catalogues` enters there what is new in the code. What people named themselves is
set apart from the text around it (`Wording.isolated`), so that Arabic and Latin keep their order.
"""

import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from invoices import formats
from invoices.document import Party
from invoices.formats import ARABIC, ENGLISH, FRENCH
from pricing.vat import STANDARD

LANGUAGES = (FRENCH, ENGLISH, ARABIC)
LEFT_TO_RIGHT, RIGHT_TO_LEFT = "ltr", "rtl"
# The languages of a seller's papers, as each snapshot of it says: all in French; each in its buyer's; the same, with
# the legal mentions of documents in French as well. Snapshots from before there were other languages say `fr`: their
# papers are in French, and names stand in them as they did then.
ALL_FRENCH, OF_TENANT, OF_TENANT_AND_FRENCH = "french", "tenant", "tenant+french"
PAPERS_IN = (OF_TENANT_AND_FRENCH, OF_TENANT, ALL_FRENCH)
_BEFORE = FRENCH
_FROM_THE_RIGHT = ("R", "AL")
# First strong isolate, and its end: what stands between takes the direction of its first letter.
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"


class Wording:
    """The texts, figures and days of one language."""

    def __init__(self, language: str, *, isolates: bool) -> None:
        self.language = language
        self.isolates = isolates
        self.direction = RIGHT_TO_LEFT if language == ARABIC else LEFT_TO_RIGHT
        self._texts = _catalogue(language)

    def __call__(self, french: str, /, **words: object) -> str:
        """Return a text in this language, its {words} filled in."""
        return self._texts.gettext(french).format_map(words)

    def sense(self, meaning: str, french: str) -> str:
        """Return a text in the sense it has there, where the French word has several."""
        return str(self._texts.pgettext(meaning, french))

    def plural(self, singular: str, plural: str, number: int, /, **words: object) -> str:
        """Return the form of a text for a number of things; {number} is filled in."""
        return self._texts.ngettext(singular, plural, number).format_map({"number": number} | words)

    def isolated(self, text: str) -> str:
        """Return a name, or other text not ours, apart from the text around it, unless all runs left to right."""
        if not self.isolates or (self.direction == LEFT_TO_RIGHT and (text.isascii() or not has_arabic(text))):
            return text
        inner = "".join(character for character in text if unicodedata.category(character) != "Cf")
        return f"{ISOLATE}{inner}{END_OF_ISOLATE}" if inner else ""

    def paired(self, name: str, other: str) -> str:
        """Return a name and what belongs to it, such as its legal form, as one text that runs as the name does."""
        is_arabic = self.isolates and direction_of(name) == RIGHT_TO_LEFT
        return self.isolated(f"{name}\u060c {other}" if is_arabic else f"{name}, {other}")

    def listed(self, names: Iterable[str]) -> str:
        """Return names one after the other."""
        return ("\u060c " if self.direction == RIGHT_TO_LEFT else ", ").join(map(self.isolated, names))

    def amount(self, centimes: int) -> str:
        """Write centimes as `1 234,56`."""
        return self._signed(formats.amount(centimes, self.language))

    def dirhams(self, centimes: int) -> str:
        """Write centimes as `1 234,56 DH`."""
        return self._signed(formats.dirhams(centimes, self.language))

    def price(self, ten_thousandths: int) -> str:
        """Write a unit price with two to four decimals."""
        return self._signed(formats.price(ten_thousandths, self.language))

    def quantity(self, millionths: int) -> str:
        """Write a quantity without useless zeros."""
        return formats.quantity(millionths, self.language)

    def percentage(self, rate: int) -> str:
        """Write a rate in ten-thousandths as `20 %`."""
        return formats.percentage(rate, self.language)

    def vat_rate(self, rate: int, treatment: str) -> str:
        """Write a VAT rate, or what stands in its place."""
        return self.percentage(rate) if treatment == STANDARD else self(formats.vat_rate(rate, treatment))

    def short_vat_rate(self, rate: int, treatment: str) -> str:
        """Write a VAT rate for a narrow column."""
        return self.percentage(rate) if treatment == STANDARD else self(formats.short_vat_rate(rate, treatment))

    def vat_mention(self, treatment: str, reason: str) -> str:
        """Write why no VAT is charged."""
        said = self(formats.vat_mention(treatment))
        return f"{said} — {self.isolated(reason)}" if reason else said

    def day(self, value: date) -> str:
        """Write a day in full."""
        return formats.day(value, self.language)

    def month(self, value: date) -> str:
        """Write the month a day lies in."""
        return formats.month(value, self.language)

    def days(self, first: date, last: date) -> str:
        """Write the days from `first` to `last`, both included."""
        if self.language == FRENCH:
            return formats.days(first, last)
        t = self
        if first == last:
            return t("le {day}", day=t.day(first))
        start = str(first.day) if (first.year, first.month) == (last.year, last.month) else t.day(first)
        return t("du {first} au {last}", first=start, last=t.day(last))

    def _signed(self, figure: str) -> str:
        # In a text that runs from right to left, a minus would stand at the other end of its figure.
        if self.direction == LEFT_TO_RIGHT or not figure.startswith("\u2212"):
            return figure
        number, space, sign = figure.partition(formats.SPACE)
        return f"{ISOLATE}{number}{END_OF_ISOLATE}{space}{sign}"


def has_arabic(text: str) -> bool:
    """Return whether a text has letters that run from right to left."""
    return any(unicodedata.bidirectional(character) in _FROM_THE_RIGHT for character in text)


def direction_of(text: str) -> str:
    """Return the direction of the first strong letter."""
    strong = (kind for kind in map(unicodedata.bidirectional, text) if kind == "L" or kind in _FROM_THE_RIGHT)
    return RIGHT_TO_LEFT if next(strong, "L") in _FROM_THE_RIGHT else LEFT_TO_RIGHT


@cache
def wording(language: str, *, isolates: bool = True) -> Wording:
    """Return the texts of one of LANGUAGES."""
    return Wording(language, isolates=isolates)


def wording_of(seller: Party, language: str) -> Wording:
    """Return the texts of a seller's paper in a language, as they were when that snapshot of it was made."""
    return wording(language, isolates=seller.language != _BEFORE)


def language_of(language: str) -> str:
    """Return the language that a party is written to in: its own, if it is one of LANGUAGES."""
    return language if language in LANGUAGES else FRENCH


def paper_language(seller: Party, buyer: Party) -> str:
    """Return the language that a seller's paper for a buyer is written in, as both were when it was made."""
    return FRENCH if seller.language in (_BEFORE, ALL_FRENCH) else language_of(buyer.language)


@cache
def _catalogue(language: str) -> Translations:
    path = files("invoices") / "locales" / language / "LC_MESSAGES" / "messages.po"
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)
