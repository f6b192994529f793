"""Whose a line of a bank statement is, and what it pays: proposals, each with its reason and how certain it is.

Pure: what is open, who the payers are and what the books already hold go in, proposals come out. Whatever is looked for
is looked up, so that a line costs the same among a hundred invoices and a hundred thousand.

How certain, in percent (docs/finance.md tells it to those who decide):
  100 structured reference, amount exact           97 number of an invoice, amount exact; the books hold it already
   95 structured reference, tax withheld; known account, amount exact
   90 named, but part or more than is open; known account, several invoices or tax withheld
   85 tenant's name, amount exact                  80 name, several invoices; the bank's own movement
   75 known account, other amount                  60 name, other amount                  55 amount alone, one invoice
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from billing.bank.formats.statement import BankLine
from billing.bank.reasons import Why, reason, withheld
from billing.receivables.receipts.orders import Part
from invoices.formats import dirhams
from invoices.structured_reference import numbers_in, structured_numbers_in
from pricing.money import RATE_SCALE, settle

RECEIVED, CLEARED, BOUNCED, BOOKED, RECORDED = "received", "cleared", "bounced", "booked", "recorded"
PROPOSALS_MAX = 3
# An entry of so many days before or after a line may be its own.
NEAR_DAYS = 7
_SUBSET_DOCUMENTS_MAX = 16
_SUBSET_SUMS_MAX = 4096
_SAME_AMOUNT_MAX = 3

# Legal forms and small words, which tell no firm from another.
_LEGAL_FORMS = frozenset(
    {
        "SARL", "SARLAU", "AU", "SA", "SAS", "SASU", "SNC", "SCS", "SCA", "SCI", "GIE", "SOCIETE", "STE", "CIE",
        "COMPAGNIE", "ETS", "ETABLISSEMENTS", "COOPERATIVE", "COOP", "ASSOCIATION", "ASS", "MR", "MME", "MLLE", "M",
        "LA", "LE", "LES", "DE", "DU", "DES", "ET", "L", "D",
    }
)  # fmt: skip
_WORD = re.compile(r"[A-Z0-9]+")
_RETURNED = frozenset(["IMPAYE", "IMPAYEE", "REJET", "REJETE", "RETOUR", "RETOURNE", "SANS", "PROVISION"])
_CHEQUE = frozenset(["CHEQUE", "CHEQUES", "CHQ", "REMISE", "LCN", "EFFET", "EFFETS", "REMCHQ"])


class OpenInvoice(NamedTuple):
    """An invoice a line may pay: centimes; `open` nil where nothing is left of it, and only its tenant is of use."""

    number: str
    tenant: str
    due_on: date
    gross: int
    open: int


class Withheld(NamedTuple):
    """What taxes withheld at source are reckoned on: an invoice's rent without VAT, and its VAT; centimes."""

    rent: int
    vat: int


class Cheque(NamedTuple):
    """A cheque or bill that waits to be cleared, or was cleared and may come back; neither before `since`."""

    receipt: int
    number: str
    tenant: str | None
    amount: int
    since: date


class BookedEntry(NamedTuple):
    """An entry that moves the bank's account, and that no line of a statement stands for yet."""

    reference: str
    on: date
    amount: int
    text: str


class Rates(NamedTuple):
    """The taxes a payer may keep back, in ten-thousandths: of the rent, and of the VAT."""

    rent: int
    vat: tuple[int, ...]


NO_TAX = Rates(0, ())


class Proposal(NamedTuple):
    """What a line may be, why, and how certain that is in percent.

    Received: `tenant` (None: nobody's) pays `parts`; `rent_withheld` and `vat_withheld`, in centimes, came not to the
    bank but count as paid; what is left is the tenant's credit. Cleared, bounced: `receipt`. Recorded: `entry` books it
    already. Booked: to `account`.
    """

    kind: str
    confidence: int
    why: Why
    tenant: str | None = None
    parts: tuple[Part, ...] = ()
    rent_withheld: int = 0
    vat_withheld: int = 0
    receipt: int | None = None
    entry: str | None = None
    account: str | None = None


@dataclass(slots=True)
class Pool:
    """What lines are matched with, found by whatever a line may name. What one line takes is gone for the next."""

    names: Mapping[str, str]
    accounts: Mapping[str, str]
    invoices: Iterable[OpenInvoice] = ()
    withheld: Mapping[str, Withheld] = field(default_factory=dict)
    rates: Rates = NO_TAX
    waiting: Iterable[Cheque] = ()
    cleared: Iterable[Cheque] = ()
    entries: Iterable[BookedEntry] = ()
    own_movements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _by_number: dict[str, OpenInvoice] = field(init=False, default_factory=dict)
    _of_tenant: dict[str, list[str]] = field(init=False, default_factory=dict)
    _by_amount: dict[int, list[str]] = field(init=False, default_factory=dict)
    _by_name: dict[str, list[str]] = field(init=False, default_factory=dict)
    _by_word: dict[str, list[str]] = field(init=False, default_factory=dict)
    _words: dict[str, frozenset[str]] = field(init=False, default_factory=dict)
    _waiting: dict[int, list[Cheque]] = field(init=False)
    _cleared: dict[int, list[Cheque]] = field(init=False)
    _entries: dict[int, list[BookedEntry]] = field(init=False, default_factory=dict)
    _taken_receipts: set[int] = field(init=False, default_factory=set)
    _taken_entries: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.hold(self.invoices)
        self._index_names()
        self._waiting, self._cleared = _by_amount(self.waiting), _by_amount(self.cleared)
        for entry in self.entries:
            self._entries.setdefault(entry.amount, []).append(entry)

    def hold(self, invoices: Iterable[OpenInvoice]) -> None:
        """Let lines be matched with these invoices, and with no others."""
        self._by_number = {one.number: one for one in invoices}
        self._of_tenant, self._by_amount = {}, {}
        for one in self._by_number.values():
            if one.open > 0:
                self._of_tenant.setdefault(one.tenant, []).append(one.number)
                self._by_amount.setdefault(one.open, []).append(one.number)
        for numbers in self._of_tenant.values():
            numbers.sort(key=lambda number: (self._by_number[number].due_on, number))

    def _index_names(self) -> None:
        counts: dict[str, int] = {}
        for code, name in self.names.items():
            words = name_words(name)
            self._words[code] = frozenset(words)
            self._by_name.setdefault(" ".join(words), []).append(code)
            for word in set(words):
                counts[word] = counts.get(word, 0) + 1
        for code, held in self._words.items():
            if held:
                # Looked up by its rarest word; the others are compared then.
                self._by_word.setdefault(min(held, key=lambda word: (counts[word], word)), []).append(code)

    # --- what a line names ---------------------------------------------------------------------------

    def take(self, proposal: Proposal) -> None:
        """What is left for the next lines once this one is what the proposal says."""
        for number, amount in proposal.parts:
            one = self._by_number[number]
            self._by_number[number] = one._replace(open=one.open - amount)
        if proposal.receipt is not None:
            self._taken_receipts.add(proposal.receipt)
        if proposal.entry is not None:
            self._taken_entries.add(proposal.entry)

    def proposals(self, line: BankLine) -> tuple[Proposal, ...]:
        """What a line may be, the most certain first; none where nothing speaks for anything."""
        found = self._recorded(line)
        if line.amount > 0 and not line.is_reversal:
            found += self._cleared_now(line)
            found += self._received(line)
        elif line.amount < 0:
            found += self._came_back(line)
        found += self._own(line)
        found.sort(key=lambda proposal: -proposal.confidence)
        return tuple(found[:PROPOSALS_MAX])

    def payer_of(self, line: BankLine) -> str | None:
        """Whose the payer's account is known to be, or else whose name the payer bears."""
        return self.accounts.get(line.counterparty_account) or self._named_tenant(line)

    def _received(self, line: BankLine) -> list[Proposal]:
        by_structure, by_number = numbers_of(line)
        structured = [one for number in by_structure if (one := self._by_number.get(number)) is not None]
        named = structured or [one for number in by_number if (one := self._by_number.get(number)) is not None]
        if named:
            return self._paying_named(line, named, is_structured=bool(structured))
        code = self.accounts.get(line.counterparty_account)
        by_name = self._named_tenant(line)
        if code is not None:
            return self._paying_tenant(line.amount, code, "account", (95, 90, 75))
        if by_name is not None:
            return self._paying_tenant(line.amount, by_name, "name", (85, 80, 60))
        return self._paying_amount(line.amount)

    # --- invoices that a line names ------------------------------------------------------------------

    def _paying_named(self, line: BankLine, named: list[OpenInvoice], *, is_structured: bool) -> list[Proposal]:
        amount = line.amount
        by, numbers = "structured" if is_structured else "number", ", ".join(one.number for one in named)
        tenants = {one.tenant for one in named}
        tenant = named[0].tenant if len(tenants) == 1 else None
        listed = [one for one in named if one.open > 0]
        left = sum(one.open for one in listed)
        whole = tuple(Part(one.number, one.open) for one in listed)
        if listed and amount == left:
            why = reason(by, "exact", invoices=numbers)
            return [Proposal(RECEIVED, 100 if is_structured else 97, why, tenant, whole)]
        kept = self._kept_back(amount, listed)
        if kept is not None:
            rent, vat = kept
            why = reason(by, "withheld", invoices=numbers, withheld=withheld(rent, vat))
            return [Proposal(RECEIVED, 95 if is_structured else 93, why, tenant, whole, rent, vat)]
        if amount < left:
            parts, rest = [], amount
            for one in listed:
                if rest:
                    parts.append(Part(one.number, min(rest, one.open)))
                    rest -= parts[-1].amount
            why = reason(by, "part", invoices=numbers, open=dirhams(left))
            return [Proposal(RECEIVED, 90 if is_structured else 88, why, tenant, tuple(parts))]
        if tenant is not None:
            others = [number for number in self._of_tenant.get(tenant, ()) if number not in {p.invoice for p in whole}]
            more = self._summing(amount - left, others)
            if more is not None and more[1]:
                why = reason(by, "with_others", invoices=numbers, tenant=tenant)
                return [Proposal(RECEIVED, 92, why, tenant, (*whole, *more[0]))]
        why = reason(by, "more", invoices=numbers, open=dirhams(left))
        return [Proposal(RECEIVED, 88 if tenant is not None else 70, why, tenant, whole)]

    # --- invoices of the tenant who pays -------------------------------------------------------------

    def _paying_tenant(self, amount: int, code: str, by: str, sure: tuple[int, int, int]) -> list[Proposal]:
        """What a tenant may pay, known `by` account or name.

        `sure` is how certain it is: exact for one invoice, for several or with tax withheld, for neither.
        """
        numbers = [number for number in self._of_tenant.get(code, ()) if self._by_number[number].open > 0]
        exact = [number for number in numbers if self._by_number[number].open == amount]
        if exact:
            why = reason(by, "exact_of", tenant=code, invoices=exact[0])
            certain = sure[0] if len(exact) == 1 else sure[1]
            return [Proposal(RECEIVED, certain, why, code, (Part(exact[0], amount),))]
        several = self._summing(amount, numbers)
        if several is not None:
            parts, is_only = several
            why = reason(by, "exact_of", tenant=code, invoices=", ".join(part.invoice for part in parts))
            return [Proposal(RECEIVED, sure[1] if is_only else sure[1] - 10, why, code, parts)]
        for number in numbers:
            one = self._by_number[number]
            kept = self._kept_back(amount, [one])
            if kept is not None:
                why = reason(by, "withheld_of", tenant=code, invoices=number, withheld=withheld(*kept))
                return [Proposal(RECEIVED, sure[1], why, code, (Part(number, one.open),), *kept)]
        parts_of, rest = [], amount
        for number in numbers:
            if rest:
                parts_of.append(Part(number, min(rest, self._by_number[number].open)))
                rest -= parts_of[-1].amount
        return [Proposal(RECEIVED, sure[2], reason(by, "oldest", tenant=code), code, tuple(parts_of))]

    def _paying_amount(self, amount: int) -> list[Proposal]:
        numbers = [number for number in self._by_amount.get(amount, ()) if self._by_number[number].open == amount]
        certain = 55 if len(numbers) == 1 else 30
        return [
            Proposal(
                RECEIVED, certain, reason("amount", "exact_of", invoices=number), self._by_number[number].tenant,
                (Part(number, amount),),
            )
            for number in numbers[:_SAME_AMOUNT_MAX]
        ]  # fmt: skip

    def _kept_back(self, amount: int, listed: Sequence[OpenInvoice]) -> tuple[int, int] | None:
        """What of whole invoices was kept back as tax on rent and VAT, if that explains the amount to the centime."""
        short = sum(one.open for one in listed) - amount
        if short <= 0 or any(one.open != one.gross or one.number not in self.withheld for one in listed):
            return None
        bases = [self.withheld[one.number] for one in listed]
        rent = sum(settle(base.rent * self.rates.rent, RATE_SCALE) for base in bases)
        for vat_rate in (0, *self.rates.vat):
            vat = sum(settle(base.vat * vat_rate, RATE_SCALE) for base in bases)
            for kept in ((rent, vat), (0, vat)):
                if sum(kept) == short:
                    return kept
        return None

    def may_be_kept_back(self, line: BankLine) -> list[str]:
        """The invoices a line may pay less taxes: whoever asks for its proposals gives their bases in `withheld`."""
        if line.amount <= 0 or line.is_reversal or not (self.rates.rent or self.rates.vat):
            return []
        named = [number for number in numbers_of(line)[1] if number in self._by_number]
        if named:
            is_short = line.amount < sum(self._by_number[number].open for number in named)
            return named if is_short else []
        code = self.payer_of(line)
        numbers = self._of_tenant.get(code, []) if code is not None else []
        opens = [(number, self._by_number[number]) for number in numbers]
        if any(one.open == line.amount for _, one in opens):
            return []
        return [number for number, one in opens if one.open == one.gross and 2 * one.open > 2 * line.amount >= one.open]

    def _summing(self, amount: int, numbers: Sequence[str]) -> tuple[tuple[Part, ...], bool] | None:
        """Invoices open for exactly this sum, the oldest due first if those do; and whether no others would."""
        opens = [(number, self._by_number[number].open) for number in numbers if self._by_number[number].open > 0]
        if not opens or amount <= 0 or amount > sum(left for _, left in opens):
            return None
        for count, sum_of in enumerate(accumulate(left for _, left in opens), 1):
            if sum_of == amount:
                return tuple(Part(*pair) for pair in opens[:count]), True
        # Sums that can be reached: by which invoices first, and in how many ways (two are as bad as a hundred).
        chosen: dict[int, tuple[int, ...]] = {0: ()}
        ways = {0: 1}
        for place, (_, left) in enumerate(opens[:_SUBSET_DOCUMENTS_MAX]):
            for sum_of, count in list(ways.items()):
                reached = sum_of + left
                if reached <= amount and (reached in ways or len(ways) < _SUBSET_SUMS_MAX):
                    chosen.setdefault(reached, (*chosen[sum_of], place))
                    ways[reached] = ways.get(reached, 0) + count
        if amount not in chosen:
            return None
        return tuple(Part(*opens[place]) for place in chosen[amount]), ways[amount] == 1

    def _named_tenant(self, line: BankLine) -> str | None:
        """The tenant whose name the payer bears, or whose whole name stands in the text; None where several do."""
        same = self._by_name.get(" ".join(name_words(line.counterparty)), []) if line.counterparty else []
        if len(same) == 1:
            return same[0]
        words = set(name_words(f"{line.counterparty} {line.text}"))
        found = [
            code
            for word in words
            for code in self._by_word.get(word, ())
            if self._words[code] <= words and sum(map(len, self._words[code])) >= 4
        ]
        if not found:
            return None
        longest = max(len(self._words[code]) for code in found)
        best = [code for code in found if len(self._words[code]) == longest]
        return best[0] if len(best) == 1 else None

    # --- cheques, entries, the bank's own ------------------------------------------------------------

    def _cleared_now(self, line: BankLine) -> list[Proposal]:
        words = set(_words(line.text))
        return [
            Proposal(
                CLEARED, *_of_cheque(cheque, line, bool(words & _CHEQUE), "to_be_cleared"), cheque.tenant,
                receipt=cheque.receipt,
            )
            for cheque in self._left(self._waiting, line.amount, line.booked_on)
        ]  # fmt: skip

    def _came_back(self, line: BankLine) -> list[Proposal]:
        words = set(_words(line.text))
        return [
            Proposal(
                BOUNCED, *_of_cheque(cheque, line, bool(words & _RETURNED), "cleared"), cheque.tenant,
                receipt=cheque.receipt,
            )
            for cheque in self._left(self._cleared, -line.amount, line.booked_on)
        ]  # fmt: skip

    def _left(self, cheques: Mapping[int, Sequence[Cheque]], amount: int, on: date) -> list[Cheque]:
        found = [
            cheque
            for cheque in cheques.get(amount, ())
            if cheque.receipt not in self._taken_receipts and cheque.since <= on
        ]
        return found[:_SAME_AMOUNT_MAX]

    def _recorded(self, line: BankLine) -> list[Proposal]:
        near = [
            entry
            for entry in self._entries.get(line.amount, ())
            if entry.reference not in self._taken_entries
            and min(abs((entry.on - line.value_on).days), abs((entry.on - line.booked_on).days)) <= NEAR_DAYS
        ]
        found = []
        for entry in near[:_SAME_AMOUNT_MAX]:
            text = entry.text.upper()
            if line.bank_reference and line.bank_reference.upper() in _REFERENCE.findall(text):
                certain, how = 97, "by_reference"
            else:
                certain, how = (80, "by_day") if len(near) == 1 else (50, "by_amount")
            why = reason("recorded", how, entry=entry.reference, reference=line.bank_reference)
            found.append(Proposal(RECORDED, certain, why, entry=entry.reference))
        return found

    def _own(self, line: BankLine) -> list[Proposal]:
        text = " ".join(_words(f"{line.code} {line.text}"))
        for account, beginnings in self.own_movements.items():
            for words in beginnings:
                if f" {words} " in f" {text} ":
                    why = reason("own_movement", "by_word", word=words)
                    return [Proposal(BOOKED, 80, why, account=account)]
        return []


_REFERENCE = re.compile(r"[^\s,;:()]+")


def numbers_of(line: BankLine) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The numbers of documents that a line names by structured reference, and in any way."""
    return _numbers_in(f"{line.structured_reference} {line.end_to_end_id} {line.text}")


@lru_cache(maxsize=65536)
def _numbers_in(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return structured_numbers_in(text), numbers_in(text)


def _by_amount(cheques: Iterable[Cheque]) -> dict[int, list[Cheque]]:
    found: dict[int, list[Cheque]] = {}
    for cheque in cheques:
        found.setdefault(cheque.amount, []).append(cheque)
    return found


def _of_cheque(cheque: Cheque, line: BankLine, is_told: bool, what: str) -> tuple[int, Why]:
    """How certain it is that a line is of that cheque, and why."""
    words = set(_words(f"{line.text} {line.bank_reference} {line.end_to_end_id}"))
    number = next((word for word in _words(cheque.number) if len(word) >= 4 and word in words), None)
    if number is not None:
        return 96, reason("cheque_number", what)
    if is_told:
        return 75, reason("cheque_word", what)
    return 50, reason("cheque_amount", what)


def _words(text: str) -> list[str]:
    """The words of a text, without accents and signs, in capitals."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _WORD.findall(text.upper())


@lru_cache(maxsize=65536)
def name_words(name: str) -> tuple[str, ...]:
    """The words of a firm's name that tell it from others: no accents, no legal form, no small words."""
    words = _words(re.sub(r"\b([A-Za-z])\.(?=[A-Za-z]\b)", r"\1", name))
    return tuple(word for word in words if word not in _LEGAL_FORMS) or tuple(words)
