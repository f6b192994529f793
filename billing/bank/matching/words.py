"""The words of bank lines: names of firms, numbers of documents, the bank's own words; pure."""

import re
import unicodedata
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from billing.bank.formats.statement import BankLine
from invoices.brought_numbers import BroughtNumbers
from invoices.structured_reference import Mentions

# Legal forms and small words, which distinguish no firm from another.
_LEGAL_FORMS = frozenset(
    {
        "SARL", "SARLAU", "AU", "SA", "SAS", "SASU", "SNC", "SCS", "SCA", "SCI", "GIE", "SOCIETE", "STE", "CIE",
        "COMPAGNIE", "ETS", "ETABLISSEMENTS", "COOPERATIVE", "COOP", "ASSOCIATION", "ASS", "MR", "MME", "MLLE", "M",
        "LA", "LE", "LES", "DE", "DU", "DES", "ET", "L", "D",
    }
)  # fmt: skip
_WORD = re.compile(r"[A-Z0-9]+")
_INITIAL = re.compile(r"\b([A-Za-z])\.(?=[A-Za-z]\b)")
_UNIT = re.compile(r"([A-Z]{1,4})[-/. ]?([0-9]{1,4})(?![0-9])")
# A name of fewer letters is found in a text by chance.
_NAME_LENGTH_MIN = 4
_HINT_LENGTH_MIN = 3
_NOBODY: frozenset[str] = frozenset()
# A word in the names of so many tenants at most hints at them.
_FEW = 3
# Words that payers and banks write of any payment hint at nobody; nor does a year or a number.
_ORDINARY = frozenset(
    {
        "VIREMENT", "VIREMENTS", "VERSEMENT", "RECU", "RECUS", "EMIS", "FAVEUR", "ORDRE", "INSTANTANE", "PERMANENT",
        "REGLEMENT", "REGLEMENTS", "PAIEMENT", "PAIEMENTS", "FACTURE", "FACTURES", "LOYER", "LOYERS", "BAIL", "SOLDE",
        "ACOMPTE", "MOIS", "JANVIER", "FEVRIER", "MARS", "AVRIL", "MAI", "JUIN", "JUILLET", "AOUT", "SEPTEMBRE",
        "OCTOBRE", "NOVEMBRE", "DECEMBRE", "BUREAU", "BUREAUX", "LOCAL", "LOCAUX", "CHARGES", "SERVICE", "SERVICES",
        "REPAS", "SALLE", "SALLES", "REUNION", "FORMATION", "REMISE", "CHEQUE", "CHEQUES", "EFFET", "COMMISSION",
        "FRAIS", "REFERENCE", "NUMERO", "CLIENT", "CLIENTS", "COMPTE", "BANQUE", "BANK", "AGENCE", "MAROC", "MOROCCO",
        "GROUPE", "GROUP", "HOLDING", "CASABLANCA", "CASA", "RABAT", "TANGER", "AGADIR", "FES", "MARRAKECH", "OUJDA",
        "VIR", "CHQ", "REF", "FAC", "NUM", "PAR", "SUR", "RIB", "TVA", "TTC", "NET", "LOT", "MAD", "DHS",
        "TECHNOPARK", "TECHNOPOLE", "PARC", "POUR",
    }
)  # fmt: skip


def words_of(text: str) -> list[str]:
    """Return the words of a text, without accents and signs, in capitals."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _WORD.findall(text.upper())


@lru_cache(maxsize=65536)
def name_words(name: str) -> tuple[str, ...]:
    """Return the words that distinguish a firm's name from others: no accents, no legal form, no small words."""
    words = words_of(_INITIAL.sub(r"\1", name) if "." in name else name)
    return tuple(word for word in words if word not in _LEGAL_FORMS) or tuple(words)


def unit_key(unit: str) -> str:
    """Return a unit's code as texts are looked through for it: `C103` for C-103."""
    return "".join(words_of(unit))


def unit_keys_in(text: str) -> list[str]:
    """Return what may be codes of units in a text: letters and digits behind them, however they are kept apart.

    Banks glue words together: each of the letters before the digits may be the first.
    """
    keys = []
    for letters, digits in _UNIT.findall(text.upper()):
        keys += [f"{letters[start:]}{digits}" for start in range(len(letters))]
    return keys


def mentions_of(line: BankLine, brought: BroughtNumbers) -> Mentions:
    """Return the documents that a line names, whole and cut; `brought` are numbers in other styles than ours."""
    return brought.mentions_in(f"{line.structured_reference}\n{line.end_to_end_id}\n{line.text}")


class Payer(NamedTuple):
    """Who pays a line, as far as the bank says: tenants whose account it came from before, and tenants that it names.

    `name` is the one it names alone. `hinted` are those of whose names it bears a word that few others have.
    """

    accounts: frozenset[str]
    name: str | None
    named: frozenset[str]
    hinted: frozenset[str]
    words: frozenset[str]


class TenantNames:
    """The names of tenants by code, indexed by their words."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._by_word: dict[str, list[str]] = {}
        self._bearing: dict[str, list[str]] = {}
        self._words: dict[str, frozenset[str]] = {}
        for code, name in names.items():
            words = name_words(name)
            self._words[code] = frozenset(words)
            # Banks write a name in one word, or a word in two.
            self._by_name.setdefault("".join(words), []).append(code)
            for word in self._words[code]:
                self._bearing.setdefault(word, []).append(code)
        for code, own_words in self._words.items():
            if own_words:
                # A name is looked up by its rarest word; the others are compared then.
                rarest = min(own_words, key=lambda word: (len(self._bearing[word]), word))
                self._by_word.setdefault(rarest, []).append(code)

    def payer(self, line: BankLine, accounts: frozenset[str]) -> Payer:
        """Return who pays a line, whose account was that of these tenants before."""
        own, text = name_words(line.counterparty) if line.counterparty else (), name_words(line.text)
        same = self._by_name.get("".join(own), []) if own else []
        by_payer = frozenset(same) if len(same) == 1 else self._whole(frozenset(own))
        words = frozenset((*own, *text))
        named = by_payer | self._whole(frozenset(text)) or self._whole(words)
        alone = by_payer or named
        # A hint is asked for where no whole name is there.
        hinted = frozenset(
            code
            for word in (() if named else words)
            if len(word) >= _HINT_LENGTH_MIN and word not in _ORDINARY and not word.isdecimal()
            if len(bearing := self._bearing.get(word, ())) <= _FEW
            for code in bearing
        )
        return Payer(accounts, next(iter(alone)) if len(alone) == 1 else None, named, hinted, words)

    def others_than(self, tenants: AbstractSet[str], payer: Payer) -> frozenset[str]:
        """Return the tenants that pay instead of these, by account or name; none where nothing speaks against these."""
        if payer.accounts and not tenants <= payer.accounts:
            return payer.accounts
        if len(tenants) == 1 and payer.named == tenants:
            return _NOBODY
        ours = [self._words.get(code, frozenset()) for code in tenants]
        others = frozenset(
            code
            for code in payer.named - tenants
            if not any(self._words[code] <= words and words <= payer.words for words in ours)
        )
        if others or payer.named:
            # Whoever pays for several tenants is one of them at most.
            return others or (payer.named if len(tenants) > 1 else _NOBODY)
        if payer.hinted and not any(words & payer.words for words in ours):
            return payer.hinted
        return _NOBODY

    def _whole(self, words: frozenset[str]) -> frozenset[str]:
        """Return the tenants of whose names all words are there, without those whose name is part of another's."""
        codes = {
            code
            for word in words
            for code in self._by_word.get(word, ())
            if self._words[code] <= words and sum(map(len, self._words[code])) >= _NAME_LENGTH_MIN
        }
        if len(codes) < 2:
            return frozenset(codes)
        return frozenset(code for code in codes if not any(self._words[code] < self._words[other] for other in codes))
