"""Writes amounts of dirhams in words, for the sentence that closes a document (law.md section 9)."""

import re
from functools import lru_cache
from typing import Any

from num2words.lang_EN import Num2Word_EN
from num2words.lang_FR import Num2Word_FR

from invoices import arabic_words
from invoices.formats import ARABIC, ENGLISH, FRENCH

# "un million de dirhams", but "un million deux cent mille dirhams".
_ENDS_IN_A_NOUN = re.compile(r"(?:million|milliard|billion|billiard)s?$")


@lru_cache(maxsize=2)
def _speller(language: str) -> Any:
    # Built once: the constructor costs as much as ten numbers.
    return Num2Word_EN() if language == ENGLISH else Num2Word_FR()


def _french(number: int, noun: str) -> str:
    words: str = _speller(FRENCH).to_cardinal(number)
    link = " de" if _ENDS_IN_A_NOUN.search(words) else ""
    return f"{words}{link} {noun if number < 2 else f'{noun}s'}"


def _english(number: int, noun: str) -> str:
    return f"{_speller(ENGLISH).to_cardinal(number)} {noun if number == 1 else f'{noun}s'}"


def _arabic(number: int, noun: str) -> str:
    if not number:
        return "صفر درهم"
    return arabic_words.counted(number, arabic_words.DIRHAM if noun == _DIRHAM else arabic_words.CENTIME)


_DIRHAM, _CENTIME = "dirham", "centime"
# How so many of a noun are written, and what joins dirhams and centimes.
_WRITERS = {FRENCH: (_french, " et "), ENGLISH: (_english, " and "), ARABIC: (_arabic, " و")}


@lru_cache(maxsize=4096)
def dirhams_in_words(centimes: int, language: str = FRENCH) -> str:
    """Write centimes as `mille deux cent trente-quatre dirhams et cinquante-six centimes`.

    Whole dirhams drop the centimes; less than one dirham drops the dirhams; zero is `zéro dirham`.
    Raises ValueError for a negative amount: no document bears one.
    """
    if centimes < 0:
        raise ValueError("an amount below zero is never written in words")
    write, link = _WRITERS[language]
    whole, rest = divmod(centimes, 100)
    parts = []
    if whole or not rest:
        parts.append(write(whole, _DIRHAM))
    if rest:
        parts.append(write(rest, _CENTIME))
    return link.join(parts)
