"""Money that came in: whose it is, and which invoices it pays; pure.

Invoices are indexed by number, by tenant and by amount. The certainties stand in the package's docstring.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from billing.bank.formats.statement import BankLine
from billing.bank.matching.sums import oldest_first, parts_summing_to, taxes_withheld
from billing.bank.matching.values import (
    SAME_AMOUNT_MAX,
    LineKind,
    OpenInvoice,
    Proposal,
    Rates,
    Withheld,
)
from billing.bank.matching.words import TenantNames, numbers_of
from billing.bank.reasons import reason, withheld
from billing.receivables.receipts.orders import Part
from invoices.formats import dirhams


@dataclass(slots=True)
class Payments:
    """The payers, and the invoices that lines may pay; what one line takes is gone for the next."""

    names: TenantNames
    accounts: Mapping[str, str]
    bases: Mapping[str, Withheld]
    rates: Rates
    _by_number: dict[str, OpenInvoice] = field(init=False, default_factory=dict)
    _of_tenant: dict[str, list[str]] = field(init=False, default_factory=dict)
    _by_amount: dict[int, list[str]] = field(init=False, default_factory=dict)

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

    def payer_of(self, line: BankLine) -> str | None:
        """Return the tenant whose account the payer's is known to be, or else whose name the payer bears."""
        return self.accounts.get(line.counterparty_account) or self.names.named_by(line)

    def may_withhold(self, line: BankLine) -> list[str]:
        """Return the invoices that a line may pay less taxes: their tax bases are asked for."""
        if line.amount <= 0 or line.is_reversal or not (self.rates.rent or self.rates.vat):
            return []
        named = self._numbered(numbers_of(line)[1])
        if named:
            is_short = line.amount < sum(invoice.open for invoice in named)
            return [invoice.number for invoice in named] if is_short else []
        code = self.payer_of(line)
        invoices = self._numbered(self._of_tenant.get(code, ())) if code is not None else []
        if any(invoice.open == line.amount for invoice in invoices):
            return []
        return [
            invoice.number
            for invoice in invoices
            if invoice.open == invoice.gross and 2 * invoice.open > 2 * line.amount >= invoice.open
        ]

    def proposals(self, line: BankLine) -> list[Proposal]:
        """Return what a line that brought money may pay."""
        by_structure, by_number = numbers_of(line)
        structured = self._numbered(by_structure)
        named = structured or self._numbered(by_number)
        if named:
            return [self._paying_named(line.amount, named, is_structured=bool(structured))]
        code = self.accounts.get(line.counterparty_account)
        if code is not None:
            return [self._paying_tenant(line.amount, code, "account", (95, 90, 75))]
        code = self.names.named_by(line)
        if code is not None:
            return [self._paying_tenant(line.amount, code, "name", (85, 80, 60))]
        return self._paying_amount(line.amount)

    def _numbered(self, numbers: Iterable[str]) -> list[OpenInvoice]:
        return [invoice for number in numbers if (invoice := self._by_number.get(number)) is not None]

    def _open_of(self, code: str) -> list[OpenInvoice]:
        """Return the open invoices of a tenant, the oldest due first."""
        return [invoice for invoice in self._numbered(self._of_tenant.get(code, ())) if invoice.open > 0]

    def _paying_named(self, amount: int, named: list[OpenInvoice], *, is_structured: bool) -> Proposal:
        """Return what an amount pays whose line names invoices."""
        by, numbers = "structured" if is_structured else "number", ", ".join(invoice.number for invoice in named)
        tenants = {invoice.tenant for invoice in named}
        tenant = named[0].tenant if len(tenants) == 1 else None
        open_ones = [invoice for invoice in named if invoice.open > 0]
        left = sum(invoice.open for invoice in open_ones)
        whole = tuple(Part(invoice.number, invoice.open) for invoice in open_ones)
        if open_ones and amount == left:
            why = reason(by, "exact", invoices=numbers)
            return Proposal(LineKind.RECEIVED, 100 if is_structured else 97, why, tenant, whole)
        taxes = taxes_withheld(amount, open_ones, self.bases, self.rates)
        if taxes is not None:
            rent, vat = taxes
            why = reason(by, "withheld", invoices=numbers, withheld=withheld(rent, vat))
            return Proposal(LineKind.RECEIVED, 95 if is_structured else 93, why, tenant, whole, rent, vat)
        if amount < left:
            why = reason(by, "part", invoices=numbers, open=dirhams(left))
            parts = oldest_first(amount, open_ones)
            return Proposal(LineKind.RECEIVED, 90 if is_structured else 88, why, tenant, parts)
        if tenant is not None:
            paid = {part.invoice for part in whole}
            others = [invoice for invoice in self._open_of(tenant) if invoice.number not in paid]
            more = parts_summing_to(amount - left, others)
            if more is not None and more[1]:
                why = reason(by, "with_others", invoices=numbers, tenant=tenant)
                return Proposal(LineKind.RECEIVED, 92, why, tenant, (*whole, *more[0]))
        why = reason(by, "more", invoices=numbers, open=dirhams(left))
        return Proposal(LineKind.RECEIVED, 88 if tenant is not None else 70, why, tenant, whole)

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
            if taxes is not None:
                why = reason(by, "withheld_of", tenant=code, invoices=invoice.number, withheld=withheld(*taxes))
                part = Part(invoice.number, invoice.open)
                return Proposal(LineKind.RECEIVED, nearly, why, code, (part,), *taxes)
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
