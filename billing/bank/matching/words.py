"""The words of bank lines: names of firms, numbers of documents, the bank's own words; pure."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from billing.bank.formats.statement import BankLine
from invoices.structured_reference import numbers_in, structured_numbers_in

# Legal forms and small words, which distinguish no firm from another.
_LEGAL_FORMS = frozenset(
    {
        "SARL", "SARLAU", "AU", "SA", "SAS", "SASU", "SNC", "SCS", "SCA", "SCI", "GIE", "SOCIETE", "STE", "CIE",
        "COMPAGNIE", "ETS", "ETABLISSEMENTS", "COOPERATIVE", "COOP", "ASSOCIATION", "ASS", "MR", "MME", "MLLE", "M",
        "LA", "LE", "LES", "DE", "DU", "DES", "ET", "L", "D",
    }
)  # fmt: skip
_WORD = re.compile(r"[A-Z0-9]+")
# A name of fewer letters is found in a text by chance.
_NAME_LENGTH_MIN = 4


def words_of(text: str) -> list[str]:
    """Return the words of a text, without accents and signs, in capitals."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _WORD.findall(text.upper())


@lru_cache(maxsize=65536)
def name_words(name: str) -> tuple[str, ...]:
    """Return the words that distinguish a firm's name from others: no accents, no legal form, no small words."""
    words = words_of(re.sub(r"\b([A-Za-z])\.(?=[A-Za-z]\b)", r"\1", name))
    return tuple(word for word in words if word not in _LEGAL_FORMS) or tuple(words)


def numbers_of(line: BankLine) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the numbers of documents that a line names by structured reference, and in any way."""
    return _numbers_in(f"{line.structured_reference} {line.end_to_end_id} {line.text}")


@lru_cache(maxsize=65536)
def _numbers_in(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return structured_numbers_in(text), numbers_in(text)


class TenantNames:
    """The names of tenants by code, indexed by their words."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._by_word: dict[str, list[str]] = {}
        self._words: dict[str, frozenset[str]] = {}
        counts: dict[str, int] = {}
        for code, name in names.items():
            words = name_words(name)
            self._words[code] = frozenset(words)
            self._by_name.setdefault(" ".join(words), []).append(code)
            for word in set(words):
                counts[word] = counts.get(word, 0) + 1
        for code, own_words in self._words.items():
            if own_words:
                # A name is looked up by its rarest word; the others are compared then.
                self._by_word.setdefault(min(own_words, key=lambda word: (counts[word], word)), []).append(code)

    def named_by(self, line: BankLine) -> str | None:
        """Return the tenant whose name the payer bears or the text holds whole; None where there are several."""
        same = self._by_name.get(" ".join(name_words(line.counterparty)), []) if line.counterparty else []
        if len(same) == 1:
            return same[0]
        words = set(name_words(f"{line.counterparty} {line.text}"))
        codes = [
            code
            for word in words
            for code in self._by_word.get(word, ())
            if self._words[code] <= words and sum(map(len, self._words[code])) >= _NAME_LENGTH_MIN
        ]
        if not codes:
            return None
        longest = max(len(self._words[code]) for code in codes)
        best = [code for code in codes if len(self._words[code]) == longest]
        return best[0] if len(best) == 1 else None
