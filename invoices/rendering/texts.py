"""The texts of documents: one catalogue a language, French until others are written."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TypeAlias

Catalogue: TypeAlias = Mapping[str, Mapping[str, str]]

# The one place that decides what a buyer's language gets. Arabic and English fall back to French, the
# language of the books, until their catalogue and their formats exist: add the file, then its name here.
_CATALOGUE_OF_LANGUAGE = {"fr": "fr", "ar": "fr", "en": "fr"}
FALLBACK = "fr"


def language_of(buyer_language: str) -> str:
    """Return the language that a document for a buyer who reads `buyer_language` is written in."""
    return _CATALOGUE_OF_LANGUAGE.get(buyer_language, FALLBACK)


@cache
def catalogue(language: str) -> Catalogue:
    """Return the texts of one language, by section and key; `language` comes from `language_of`."""
    text = (files("invoices.rendering") / "texts" / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
