"""Singular, plural and what other forms a language has for a number (CLDR), from the forms of a catalogue."""

from collections.abc import Mapping
from functools import cache

from babel import Locale


def form(forms: str | Mapping[str, str], number: int, language: str) -> str:
    """Return the form for a number of things: `one`, `two`, `few`, `many`, else `other`; a text alone is every form."""
    return forms if isinstance(forms, str) else forms.get(_locale(language).plural_form(number), forms["other"])


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
