"""All that bank lines are matched with, and the proposals for each line; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from billing.bank.formats.statement import BankLine
from billing.bank.matching.payments import Payments
from billing.bank.matching.values import (
    NEAR_DAYS,
    NO_TAX,
    PROPOSALS_MAX,
    SAME_AMOUNT_MAX,
    BookedEntry,
    Cheque,
    LineKind,
    OpenInvoice,
    Proposal,
    Rates,
    Withheld,
)
from billing.bank.matching.words import TenantNames, words_of
from billing.bank.reasons import Why, reason

_RETURNED = frozenset(["IMPAYE", "IMPAYEE", "REJET", "REJETE", "RETOUR", "RETOURNE", "SANS", "PROVISION"])
_CHEQUE = frozenset(["CHEQUE", "CHEQUES", "CHQ", "REMISE", "LCN", "EFFET", "EFFETS", "REMCHQ"])
_REFERENCE = re.compile(r"[^\s,;:()]+")
# A cheque's number of fewer signs is found in a text by chance.
_NUMBER_LENGTH_MIN = 4


@dataclass(slots=True)
class Pool:
    """All that lines are matched with, indexed by what a line may name; what one line takes is gone for the next."""

    names: Mapping[str, str]
    accounts: Mapping[str, str]
    invoices: Iterable[OpenInvoice] = ()
    withheld: Mapping[str, Withheld] = field(default_factory=dict)
    rates: Rates = NO_TAX
    waiting: Iterable[Cheque] = ()
    cleared: Iterable[Cheque] = ()
    entries: Iterable[BookedEntry] = ()
    own_movements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    payments: Payments = field(init=False)
    _waiting: dict[int, list[Cheque]] = field(init=False)
    _cleared: dict[int, list[Cheque]] = field(init=False)
    _entries: dict[int, list[BookedEntry]] = field(init=False, default_factory=dict)
    _taken_receipts: set[int] = field(init=False, default_factory=set)
    _taken_entries: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.payments = Payments(TenantNames(self.names), self.accounts, self.withheld, self.rates)
        self.payments.hold(self.invoices)
        self._waiting, self._cleared = _by_amount(self.waiting), _by_amount(self.cleared)
        for entry in self.entries:
            self._entries.setdefault(entry.amount, []).append(entry)

    def take(self, proposal: Proposal) -> None:
        """Keep from the next lines what this proposal uses up."""
        self.payments.take(proposal.parts)
        if proposal.receipt is not None:
            self._taken_receipts.add(proposal.receipt)
        if proposal.entry is not None:
            self._taken_entries.add(proposal.entry)

    def proposals(self, line: BankLine) -> tuple[Proposal, ...]:
        """Return what a line may be, the most certain first; none where nothing speaks for anything."""
        proposals = self._recorded(line)
        if line.amount > 0 and not line.is_reversal:
            proposals += self._cheques(LineKind.CLEARED, line)
            proposals += self.payments.proposals(line)
        elif line.amount < 0:
            proposals += self._cheques(LineKind.BOUNCED, line)
        proposals += self._own(line)
        proposals.sort(key=lambda proposal: -proposal.confidence)
        return tuple(proposals[:PROPOSALS_MAX])

    def _cheques(self, kind: LineKind, line: BankLine) -> list[Proposal]:
        """Return the cheques and bills that a line may clear, or bring back unpaid."""
        if kind == LineKind.CLEARED:
            cheques, bank_words, state = self._waiting, _CHEQUE, "to_be_cleared"
        else:
            cheques, bank_words, state = self._cleared, _RETURNED, "cleared"
        candidates = self._untaken(cheques.get(abs(line.amount), ()), line.booked_on)
        if not candidates:
            return []
        has_word = not bank_words.isdisjoint(words_of(line.text))
        return [
            Proposal(kind, *_certainty(cheque, line, state, has_word=has_word), cheque.tenant, receipt=cheque.receipt)
            for cheque in candidates
        ]

    def _untaken(self, cheques: Iterable[Cheque], on: date) -> list[Cheque]:
        untaken = [cheque for cheque in cheques if cheque.receipt not in self._taken_receipts and cheque.since <= on]
        return untaken[:SAME_AMOUNT_MAX]

    def _recorded(self, line: BankLine) -> list[Proposal]:
        """Return the entries that may book a line already."""
        near = [
            entry
            for entry in self._entries.get(line.amount, ())
            if entry.reference not in self._taken_entries
            and min(abs((entry.on - line.value_on).days), abs((entry.on - line.booked_on).days)) <= NEAR_DAYS
        ]
        proposals = []
        for entry in near[:SAME_AMOUNT_MAX]:
            if line.bank_reference and line.bank_reference.upper() in _REFERENCE.findall(entry.text.upper()):
                certainty, how = 97, "by_reference"
            else:
                certainty, how = (80, "by_day") if len(near) == 1 else (50, "by_amount")
            why = reason("recorded", how, entry=entry.reference, reference=line.bank_reference)
            proposals.append(Proposal(LineKind.RECORDED, certainty, why, entry=entry.reference))
        return proposals

    def _own(self, line: BankLine) -> list[Proposal]:
        """Return the account that the bank's own movement is booked to, by the words of the settings."""
        text = " ".join(words_of(f"{line.code} {line.text}"))
        for account, beginnings in self.own_movements.items():
            for words in beginnings:
                if f" {words} " in f" {text} ":
                    why = reason("own_movement", "by_word", word=words)
                    return [Proposal(LineKind.BOOKED, 80, why, account=account)]
        return []


def _by_amount(cheques: Iterable[Cheque]) -> dict[int, list[Cheque]]:
    by_amount: dict[int, list[Cheque]] = {}
    for cheque in cheques:
        by_amount.setdefault(cheque.amount, []).append(cheque)
    return by_amount


def _certainty(cheque: Cheque, line: BankLine, state: str, *, has_word: bool) -> tuple[int, Why]:
    """Return how certain it is that a line is of that cheque, and why."""
    words = set(words_of(f"{line.text} {line.bank_reference} {line.end_to_end_id}"))
    if any(len(word) >= _NUMBER_LENGTH_MIN and word in words for word in words_of(cheque.number)):
        return 96, reason("cheque_number", state)
    if has_word:
        return 75, reason("cheque_word", state)
    return 50, reason("cheque_amount", state)
