"""Writes amounts of dirhams in French words, for the sentence that closes a document (law.md section 9)."""

import re
from functools import lru_cache

from num2words.lang_FR import Num2Word_FR

# "un million de dirhams", but "un million deux cent mille dirhams".
_ENDS_IN_A_NOUN = re.compile(r"(?:million|milliard|billion|billiard)s?$")


@lru_cache(maxsize=1)
def _french() -> Num2Word_FR:
    # Built once: the constructor costs as much as ten numbers.
    return Num2Word_FR()


def _count(number: int, singular: str, plural: str) -> str:
    words: str = _french().to_cardinal(number)
    link = " de" if _ENDS_IN_A_NOUN.search(words) else ""
    return f"{words}{link} {singular if number < 2 else plural}"


@lru_cache(maxsize=4096)
def dirhams_in_words(centimes: int) -> str:
    """Write centimes as `mille deux cent trente-quatre dirhams et cinquante-six centimes`.

    Whole dirhams drop the centimes; less than one dirham drops the dirhams; zero is `zéro dirham`.
    Raises ValueError for a negative amount: no document bears one.
    """
    if centimes < 0:
        raise ValueError("an amount below zero is never written in words")
    whole, rest = divmod(centimes, 100)
    parts = []
    if whole or not rest:
        parts.append(_count(whole, "dirham", "dirhams"))
    if rest:
        parts.append(_count(rest, "centime", "centimes"))
    return " et ".join(parts)
