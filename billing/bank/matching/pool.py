"""All that bank lines are matched with, and the proposals for each line; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from billing.bank.formats.statement import BankLine
from billing.bank.matching.payments import Payments, contested
from billing.bank.matching.sums import subset_summing_to
from billing.bank.matching.values import (
    NEAR_DAYS,
    NO_TAX,
    PROPOSALS_MAX,
    RECORDED_DAYS,
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
from billing.frame.codes import RECEIPT

_RETURNED = frozenset(["IMPAYE", "IMPAYEE", "REJET", "REJETE", "RETOUR", "RETOURNE", "SANS", "PROVISION"])
_CHEQUE = frozenset(["CHEQUE", "CHEQUES", "CHQ", "REMISE", "LCN", "EFFET", "EFFETS", "REMCHQ"])
# The numbers and codes of the service itself, and years, are no references of a bank or drawer.
_OWN_REFERENCE = re.compile(r"(FA|AV|RG|RB|DG|RE|RC|BQ)[-/].*|(19|20)[0-9]{2}")
# A cheque's number of fewer signs is found in a text by chance.
_NUMBER_LENGTH_MIN = 4
# How certain a cheque is by its amount alone; a payment whose line names it; what stands beside an entry of the same
# amount that waits for its line; and from where on such an entry comes first.
_CHEQUE_AMOUNT = 50
_NAMED_MIN = 90
_ENTRY_MAX = 75
_OTHERS_ENTRY = 50
# Among more entries than these some sum up to anything.
_TOGETHER_MAX = 16


@dataclass(slots=True)
class Pool:
    """All that lines are matched with, indexed by what a line may name; what one line takes is gone for the next."""

    names: Mapping[str, str]
    accounts: Mapping[str, frozenset[str]]
    invoices: Iterable[OpenInvoice] = ()
    withheld: Mapping[str, Withheld] = field(default_factory=dict)
    rates: Rates = NO_TAX
    waiting: Iterable[Cheque] = ()
    cleared: Iterable[Cheque] = ()
    returnable: Iterable[Cheque] = ()
    entries: Sequence[BookedEntry] = ()
    own_movements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    payments: Payments = field(init=False)
    _waiting: dict[int, list[Cheque]] = field(init=False)
    _cleared: dict[int, list[Cheque]] = field(init=False)
    _returnable: dict[int, list[Cheque]] = field(init=False)
    _entries: dict[int, list[BookedEntry]] = field(init=False, default_factory=dict)
    _entries_of: dict[str, list[BookedEntry]] = field(init=False, default_factory=dict)
    _taken_receipts: set[int] = field(init=False, default_factory=set)
    _taken_entries: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.payments = Payments(TenantNames(self.names), self.accounts, self.withheld, self.rates)
        self.payments.hold(self.invoices)
        self._waiting, self._cleared = _by_amount(self.waiting), _by_amount(self.cleared)
        self._returnable = _by_amount(self.returnable)
        for entry in self.entries:
            self._entries.setdefault(entry.amount, []).append(entry)
            for code in entry.tenants:
                self._entries_of.setdefault(code, []).append(entry)

    def take(self, proposal: Proposal) -> None:
        """Keep from the next lines what this proposal uses up."""
        self.payments.take(proposal.parts)
        if proposal.receipt is not None:
            self._taken_receipts.add(proposal.receipt)
        self._taken_entries.update(proposal.entries)

    def proposals(self, line: BankLine) -> tuple[Proposal, ...]:
        """Return what a line may be: what the books hold already, then the most certain; none where nothing speaks.

        A reading beside which another stands is contested.
        """
        recorded = (self.recorded(line) or self._together(line)) if self.entries else []
        readings = self._own(line)
        if line.amount > 0 and not line.is_reversal:
            readings += self._incoming(line)
        elif line.amount < 0:
            readings += self._cheques(LineKind.BOUNCED, line) + self._returned(line)
        if recorded:
            named = ", ".join(recorded[0].entries)
            readings = [contested(reading, "entry", _ENTRY_MAX, entry=named) for reading in readings]
        readings.sort(key=lambda reading: -reading.confidence)
        ours = [proposal for proposal in recorded if proposal.confidence >= _OTHERS_ENTRY]
        others = [proposal for proposal in recorded if proposal.confidence < _OTHERS_ENTRY]
        return tuple([*ours, *readings, *others][:PROPOSALS_MAX])

    def _incoming(self, line: BankLine) -> list[Proposal]:
        """Return what money that came in may be: a cheque or bill cleared, or a payment; each against the other."""
        cheques, payments = self._cheques(LineKind.CLEARED, line), self._payments(line)
        tenants = {payment.tenant for payment in payments}
        if any(cheque.confidence > _CHEQUE_AMOUNT or cheque.tenant in {None, *tenants} for cheque in cheques):
            payments = [contested(payment, "cheque", payment.confidence) for payment in payments]
        if any(payment.confidence >= _NAMED_MIN for payment in payments):
            cheques = [contested(cheque, "several", cheque.confidence) for cheque in cheques]
        return [*cheques, *payments]

    def _payments(self, line: BankLine) -> list[Proposal]:
        """Return what money that came in may pay.

        Where it names no invoice, the same sum recorded for its payer may be it, though weeks away: it waits (R33).
        """
        payments = self.payments.proposals(line)
        same = self._entries.get(line.amount, ())
        recorded = self._near(line, same, RECORDED_DAYS)
        # One around its own days stands against every reading.
        if not recorded or self._near(line, same) or self.payments.numbers_in(line):
            return payments
        judged = []
        for payment in payments:
            of_payer = [entry.reference for entry in recorded if payment.tenant in entry.tenants]
            judged.append(contested(payment, "entry", _ENTRY_MAX, entry=of_payer[0]) if of_payer else payment)
        return judged

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
        proposals = []
        for cheque in candidates:
            certainty, why = _certainty(cheque, line, state, has_word=has_word)
            proposal = Proposal(kind, certainty, why, cheque.tenant, receipt=cheque.receipt)
            others = () if cheque.tenant is None else self.payments.others_than(cheque.tenant, line)
            if others:
                proposal = contested(proposal, "payer", _ENTRY_MAX, payer=", ".join(sorted(others)))
            proposals.append(proposal)
        surest = max(proposal.confidence for proposal in proposals)
        if sum(proposal.confidence == surest for proposal in proposals) > 1:
            proposals = [contested(proposal, "several", proposal.confidence) for proposal in proposals]
        return proposals

    def _returned(self, line: BankLine) -> list[Proposal]:
        """Return the transfers that a line may give back to their payers: the bank says that it is a return."""
        if not line.is_reversal and _RETURNED.isdisjoint(words_of(line.text)):
            return []
        candidates = self._untaken(self._returnable.get(-line.amount, ()), line.booked_on)
        spoken_of = self.payments.tenants_of(line)
        ours = [transfer for transfer in candidates if transfer.tenant in spoken_of]
        readings = []
        for transfer in ours or [transfer for transfer in candidates if not (transfer.tenant and spoken_of)]:
            certainty, how = (80, "of_payer") if len(ours) == 1 else (60, "by_amount")
            why = reason("returned", how, receipt=RECEIPT.format(transfer.receipt))
            readings.append(
                Proposal(LineKind.BOUNCED, certainty, why, transfer.tenant, receipt=transfer.receipt, is_contested=True)
            )
        return readings

    def _untaken(self, cheques: Iterable[Cheque], on: date) -> list[Cheque]:
        untaken = [cheque for cheque in cheques if cheque.receipt not in self._taken_receipts and cheque.since <= on]
        return untaken[:SAME_AMOUNT_MAX]

    def recorded(self, line: BankLine) -> list[Proposal]:
        """Return the entries that may book a line already, the most certain first."""
        near = self._near(line, self._entries.get(line.amount, ()))
        if not near:
            return []
        spoken_of = self.payments.tenants_of(line)
        agreeing = [entry for entry in near if not spoken_of.isdisjoint(entry.tenants)]
        ours = [entry for entry in near if not (spoken_of and entry.tenants) or entry in agreeing]
        said = line.bank_reference.upper()
        bearing = [entry for entry in near if said in entry.words]
        proposals = []
        for entry in near:
            if entry in bearing and len(bearing) == 1 and entry in ours:
                certainty, how = 97, "by_reference"
            elif entry in bearing:
                certainty, how = 85, "by_reference"
            elif entry not in ours:
                certainty, how = _OTHERS_ENTRY - 10, "of_another"
            elif agreeing == [entry]:
                certainty, how = 90, "by_tenant"
            else:
                certainty, how = (80, "by_day") if len(ours) == 1 else (50, "by_amount")
            why = reason("recorded", how, entry=entry.reference, reference=line.bank_reference)
            proposals.append(
                Proposal(LineKind.RECORDED, certainty, why, entries=(entry.reference,), is_contested=certainty < 97)
            )
        return sorted(proposals, key=lambda proposal: -proposal.confidence)[:SAME_AMOUNT_MAX]

    def _near(self, line: BankLine, entries: Iterable[BookedEntry], days: int = NEAR_DAYS) -> list[BookedEntry]:
        """Return the entries around the days of a line that no line before it took."""
        return [
            entry
            for entry in entries
            if entry.reference not in self._taken_entries
            and min(abs((entry.on - line.value_on).days), abs((entry.on - line.booked_on).days)) <= days
        ]

    def _together(self, line: BankLine) -> list[Proposal]:
        """Return the entries that book a line together: of the tenants it speaks of, or of anybody where it names none.

        One transfer may pay what was entered as several receipts; a slip brings several cheques.
        """
        spoken_of = self.payments.tenants_of(line)
        entries = (
            {entry.reference: entry for code in spoken_of for entry in self._entries_of.get(code, ())}.values()
            if spoken_of
            else self.entries
        )
        sign = 1 if line.amount > 0 else -1
        near = self._near(line, [entry for entry in entries if 0 < sign * entry.amount < abs(line.amount)])
        amounts = [entry.amount for entry in near]
        chosen = subset_summing_to(line.amount, amounts) if 1 < len(near) <= _TOGETHER_MAX else None
        if chosen is None:
            return []
        places, is_only = chosen
        certainty = (85 if spoken_of else 70) if is_only else _OTHERS_ENTRY
        references = tuple(near[place].reference for place in places)
        why = reason("recorded", "together", entry=", ".join(references))
        return [Proposal(LineKind.RECORDED, certainty, why, entries=references, is_contested=True)]

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
    if not words.isdisjoint(telling(words_of(cheque.number))):
        return 96, reason("cheque_number", state)
    if has_word:
        return 75, reason("cheque_word", state)
    return _CHEQUE_AMOUNT, reason("cheque_amount", state)


def telling(words: Iterable[str]) -> frozenset[str]:
    """Return the words of a reference that tell it from others: with digits, none of our own numbers, no year."""
    return frozenset(
        word
        for word in words
        if len(word) >= _NUMBER_LENGTH_MIN and any(map(str.isdigit, word)) and _OWN_REFERENCE.fullmatch(word) is None
    )
