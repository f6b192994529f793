"""Money that came in: whose it is, and which invoices it pays; pure.

Invoices are indexed by number, by tenant and by amount. The certainties stand in the package's docstring. A reading
against which something else speaks is contested: it never books itself (R33).
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.bank.formats.statement import BankLine
from billing.bank.matching.sums import oldest_first, parts_summing_to, taxes_rounded, taxes_withheld
from billing.bank.matching.values import (
    SAME_AMOUNT_MAX,
    LineKind,
    OpenInvoice,
    Proposal,
    Rates,
    Withheld,
)
from billing.bank.matching.words import Payer, TenantNames, mentions_of, unit_keys_in
from billing.bank.reasons import but, reason, withheld
from billing.receivables.receipts.orders import Part
from invoices.brought_numbers import BroughtNumbers
from invoices.formats import dirhams
from invoices.structured_reference import Mentions

# How certain a reading is at most whose payer is another, and whose number is not whole.
_OTHER_PAYER_MAX = 60
_CUT_MAX = 75
# How certain is each of several readings that explain a line equally.
_SEVERAL_MAX = 85


_NOBODY: frozenset[str] = frozenset()


class _Said(NamedTuple):
    """A line as read once: the documents it names, the whole numbers among them, and who pays."""

    mentions: Mentions
    numbers: tuple[str, ...]
    payer: Payer


@dataclass(slots=True)
class Payments:
    """The payers, and the invoices that lines may pay; what one line takes is gone for the next.

    `accounts` are those of payers, with the tenants whose lines they paid before.
    """

    names: TenantNames
    accounts: Mapping[str, frozenset[str]]
    bases: Mapping[str, Withheld]
    rates: Rates
    # The tenants of units, by the units' codes.
    units: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # The numbers of brought invoices, in whatever style they were given.
    brought: BroughtNumbers = field(default_factory=BroughtNumbers)
    _by_number: dict[str, OpenInvoice] = field(init=False, default_factory=dict)
    _of_tenant: dict[str, list[str]] = field(init=False, default_factory=dict)
    _by_amount: dict[int, list[str]] = field(init=False, default_factory=dict)
    _said: dict[BankLine, _Said] = field(init=False, default_factory=dict)

    def hold(self, invoices: Iterable[OpenInvoice]) -> None:
        """Let lines be matched with these invoices, and with no others."""
        self._by_number = {invoice.number: invoice for invoice in invoices}
        self._of_tenant, self._by_amount = {}, {}
        for invoice in self._by_number.values():
            if invoice.open > 0:
                self._of_tenant.setdefault(invoice.tenant, []).append(invoice.number)
                self._by_amount.setdefault(invoice.open, []).append(invoice.number)
        for numbers in self._of_tenant.values():
            numbers.sort(key=lambda number: (self._by_number[number].due_on, number))

    def take(self, parts: Iterable[Part]) -> None:
        """Let these amounts be paid."""
        for number, amount in parts:
            invoice = self._by_number[number]
            self._by_number[number] = invoice._replace(open=invoice.open - amount)

    def _read(self, line: BankLine) -> _Said:
        """Return which documents a line names, and who pays it: by the account it came from, and by names."""
        said = self._said.get(line)
        if said is None:
            mentions = mentions_of(line, self.brought)
            payer = self.names.payer(line, self.accounts.get(line.counterparty_account, _NOBODY))
            said = self._said[line] = _Said(mentions, mentions.numbers, payer)
        return said

    def numbers_in(self, line: BankLine) -> tuple[str, ...]:
        """Return the numbers that a line names, and those it may name."""
        said = self._read(line)
        return (*said.numbers, *said.mentions.joined)

    def payers_of(self, line: BankLine, invoices: Iterable[OpenInvoice]) -> AbstractSet[str]:
        """Return the tenants whose invoices a line may pay beside those it names: its payer, if that is another."""
        payer = self._read(line).payer
        tenants = {invoice.tenant for invoice in invoices}
        return self.names.others_than(tenants, payer) if tenants else payer.accounts or _only(payer.name)

    def tenants_of(self, line: BankLine) -> frozenset[str]:
        """Return the tenants that a line speaks of: whose invoices it names, whose account it came from, by name."""
        payer, invoices = self._read(line).payer, self._numbered(self.numbers_in(line))
        return frozenset([invoice.tenant for invoice in invoices]) | payer.accounts | payer.named

    def others_than(self, code: str, line: BankLine) -> frozenset[str]:
        """Return the tenants whose a line is instead of this one's, by its payer or the invoices it names."""
        _, numbers, payer = self._read(line)
        named = {invoice.tenant for invoice in self._numbered(numbers)}
        return frozenset(named - {code}) or self.names.others_than({code}, payer)

    def may_withhold(self, line: BankLine) -> list[str]:
        """Return the invoices that a line may pay less taxes: their tax bases are asked for."""
        if line.amount <= 0 or line.is_reversal or not (self.rates.rent or self.rates.vat):
            return []
        named = self._numbered(self._read(line).numbers)
        if named:
            is_short = line.amount < sum([invoice.open for invoice in named])
            return [invoice.number for invoice in named] if is_short else []
        codes = self.payers_of(line, ())
        invoices = [invoice for code in codes for invoice in self._numbered(self._of_tenant.get(code, ()))]
        if any(invoice.open == line.amount for invoice in invoices):
            return []
        return [
            invoice.number
            for invoice in invoices
            if invoice.open == invoice.gross and 2 * invoice.open > 2 * line.amount >= invoice.open
        ]

    def proposals(self, line: BankLine) -> list[Proposal]:
        """Return what a line that brought money may pay, what it names first."""
        mentions, numbers, payer = self._read(line)
        named = self._numbered(numbers)
        joined = self._numbered(mentions.joined) if mentions.joined else []
        if not (named or joined):
            readings = self._of_payer(line.amount, payer) or self._paying_amount(line.amount)
            against = "cut" if mentions.has_cut else "settled" if numbers else None
            return [contested(reading, against, _CUT_MAX) if against else reading for reading in readings]
        is_structured = bool(named) and len(mentions.structured) == len(numbers) == len(named)
        readings = self._paying_named(line.amount, named or joined, is_structured=is_structured)
        if joined or mentions.has_cut or mentions.ending:
            readings = [contested(reading, "cut", _CUT_MAX) for reading in readings]
        elif len(named) < len(numbers) or any(invoice.open <= 0 for invoice in named):
            # A number nobody has, or one that is paid: it may be another's, mistyped.
            readings = [contested(reading, "settled", _CUT_MAX) for reading in readings]
        tenants = {invoice.tenant for invoice in named or joined}
        others = self.names.others_than(tenants, payer)
        if not others:
            housed = self._housed(line)
            if not housed or not tenants.isdisjoint(housed):
                return readings
            codes = ", ".join(sorted(housed))
            return [contested(reading, "unit", _CUT_MAX, payer=codes) for reading in readings]
        codes = ", ".join(sorted(others))
        return [
            *[contested(reading, "payer", _OTHER_PAYER_MAX, payer=codes) for reading in readings],
            *[contested(reading, "number", _OTHER_PAYER_MAX) for reading in self._of_payer(line.amount, payer, others)],
        ]

    def _housed(self, line: BankLine) -> frozenset[str]:
        """Return the tenants whose units a line names."""
        if not self.units:
            return frozenset()
        return frozenset(code for key in unit_keys_in(line.text) for code in self.units.get(key, ()))

    def _of_payer(self, amount: int, payer: Payer, others: frozenset[str] | None = None) -> list[Proposal]:
        """Return what an amount pays for its payer: the tenant of the account, or the one it names."""
        readings = []
        if len(payer.accounts) == 1:
            readings.append(self._paying_tenant(amount, min(payer.accounts), "account", (95, 90, 75)))
        elif payer.name is not None and (not payer.accounts or payer.name in payer.accounts):
            readings.append(self._paying_tenant(amount, payer.name, "name", (85, 80, 60)))
        elif payer.accounts:
            readings += [self._paying_tenant(amount, code, "account", (60, 55, 50)) for code in sorted(payer.accounts)]
        elif others:
            readings += [self._paying_tenant(amount, code, "name", (60, 55, 50)) for code in sorted(others)]
        judged = []
        for reading in readings:
            against = self.names.others_than(_only(reading.tenant), payer)
            if against:
                reading = contested(reading, "payer", _OTHER_PAYER_MAX, payer=", ".join(sorted(against)))
            judged.append(reading._replace(is_contested=reading.is_contested or len(readings) > 1))
        return judged[:SAME_AMOUNT_MAX]

    def _numbered(self, numbers: Iterable[str]) -> list[OpenInvoice]:
        return [invoice for number in numbers if (invoice := self._by_number.get(number)) is not None]

    def _open_of(self, code: str) -> list[OpenInvoice]:
        """Return the open invoices of a tenant, the oldest due first."""
        return [invoice for invoice in self._numbered(self._of_tenant.get(code, ())) if invoice.open > 0]

    def _paying_named(self, amount: int, named: list[OpenInvoice], *, is_structured: bool) -> list[Proposal]:
        """Return what an amount pays whose line names invoices."""
        by, numbers = "structured" if is_structured else "number", ", ".join(invoice.number for invoice in named)
        tenants = {invoice.tenant for invoice in named}
        tenant = named[0].tenant if len(tenants) == 1 else None
        open_ones = [invoice for invoice in named if invoice.open > 0]
        left = sum(invoice.open for invoice in open_ones)
        whole = tuple(Part(invoice.number, invoice.open) for invoice in open_ones)
        if open_ones and amount == left:
            why = reason(by, "exact", invoices=numbers)
            return [Proposal(LineKind.RECEIVED, 100 if is_structured else 97, why, tenant, whole)]
        taxes = taxes_withheld(amount, open_ones, self.bases, self.rates)
        if taxes:
            readings = []
            for rent, vat in taxes:
                why = reason(by, "withheld", invoices=numbers, withheld=withheld(rent, vat))
                certainty = 95 if is_structured else 93
                readings.append(Proposal(LineKind.RECEIVED, certainty, why, tenant, whole, rent, vat))
            if len(readings) > 1:
                readings = [contested(reading, "several", _SEVERAL_MAX) for reading in readings]
            return readings
        rounded = taxes_rounded(amount, open_ones, self.bases, self.rates)
        if rounded:
            rent, vat = rounded[0]
            why = reason(by, "withheld", invoices=numbers, withheld=withheld(rent, vat))
            reading = Proposal(LineKind.RECEIVED, _SEVERAL_MAX, why, tenant, whole, rent, vat)
            return [contested(reading, "rounded", _SEVERAL_MAX)]
        if amount < left:
            why = reason(by, "part", invoices=numbers, open=dirhams(left))
            parts = oldest_first(amount, open_ones)
            return [Proposal(LineKind.RECEIVED, 90 if is_structured else 88, why, tenant, parts)]
        if tenant is not None:
            paid = {part.invoice for part in whole}
            others = [invoice for invoice in self._open_of(tenant) if invoice.number not in paid]
            more = parts_summing_to(amount - left, others)
            if more is not None and more[1]:
                why = reason(by, "with_others", invoices=numbers, tenant=tenant)
                return [Proposal(LineKind.RECEIVED, 92, why, tenant, (*whole, *more[0]))]
        why = reason(by, "more", invoices=numbers, open=dirhams(left))
        return [Proposal(LineKind.RECEIVED, 88 if tenant is not None else 70, why, tenant, whole)]

    def _paying_tenant(self, amount: int, code: str, by: str, certainties: tuple[int, int, int]) -> Proposal:
        """Return what a tenant pays, known `by` account or name.

        `certainties` are for the exact amount of one invoice, for several or with tax withheld, for neither.
        """
        exactly, nearly, roughly = certainties
        invoices = self._open_of(code)
        exact = [invoice for invoice in invoices if invoice.open == amount]
        if exact:
            why = reason(by, "exact_of", tenant=code, invoices=exact[0].number)
            certainty = exactly if len(exact) == 1 else nearly
            return Proposal(LineKind.RECEIVED, certainty, why, code, (Part(exact[0].number, amount),))
        several = parts_summing_to(amount, invoices)
        if several is not None:
            parts, is_only = several
            why = reason(by, "exact_of", tenant=code, invoices=", ".join(part.invoice for part in parts))
            return Proposal(LineKind.RECEIVED, nearly if is_only else nearly - 10, why, code, parts)
        for invoice in invoices:
            taxes = taxes_withheld(amount, [invoice], self.bases, self.rates)
            rounded = [] if taxes else taxes_rounded(amount, [invoice], self.bases, self.rates)
            if taxes or rounded:
                rent, vat = (taxes or rounded)[0]
                why = reason(by, "withheld_of", tenant=code, invoices=invoice.number, withheld=withheld(rent, vat))
                reading = Proposal(
                    LineKind.RECEIVED, nearly, why, code, (Part(invoice.number, invoice.open),), rent, vat
                )
                if rounded:
                    return contested(reading, "rounded", nearly - 10)
                return reading if len(taxes) == 1 else contested(reading, "several", _SEVERAL_MAX)
        why = reason(by, "oldest", tenant=code)
        return Proposal(LineKind.RECEIVED, roughly, why, code, oldest_first(amount, invoices))

    def _paying_amount(self, amount: int) -> list[Proposal]:
        """Return the invoices open for an amount of which nothing else is known."""
        same = [invoice for invoice in self._numbered(self._by_amount.get(amount, ())) if invoice.open == amount]
        certainty = 55 if len(same) == 1 else 30
        return [
            Proposal(
                LineKind.RECEIVED, certainty, reason("amount", "exact_of", invoices=invoice.number), invoice.tenant,
                (Part(invoice.number, amount),),
            )
            for invoice in same[:SAME_AMOUNT_MAX]
        ]  # fmt: skip


def _only(code: str | None) -> frozenset[str]:
    return _NOBODY if code is None else frozenset([code])


def contested(reading: Proposal, against: str, most: int, **values: str) -> Proposal:
    """Return a reading against which something speaks: no more certain than `most`, and contested."""
    why = but(reading.why, against, **values)
    return reading._replace(confidence=min(reading.confidence, most), why=why, is_contested=True)
