"""Amounts and the invoices that make them: which sum up to it, and which taxes withheld explain it; pure, centimes."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from billing.bank.matching.values import OpenInvoice, Rates, Withheld
from billing.receivables.receipts.orders import Part
from pricing.money import RATE_SCALE, settle

_SUBSET_DOCUMENTS_MAX = 16
_SUBSET_SUMS_MAX = 4096


def oldest_first(amount: int, invoices: Iterable[OpenInvoice]) -> tuple[Part, ...]:
    """Return what an amount pays of invoices in their order, until nothing is left of it."""
    parts: list[Part] = []
    for invoice in invoices:
        if not amount:
            break
        parts.append(Part(invoice.number, min(amount, invoice.open)))
        amount -= parts[-1].amount
    return tuple(parts)


def parts_summing_to(amount: int, invoices: Sequence[OpenInvoice]) -> tuple[tuple[Part, ...], bool] | None:
    """Return invoices open for exactly this sum, the first of them if those do; and whether no others would."""
    opens = [Part(invoice.number, invoice.open) for invoice in invoices if invoice.open > 0]
    if not opens or amount <= 0 or amount > sum(part.amount for part in opens):
        return None
    for count, reached in enumerate(accumulate(part.amount for part in opens), 1):
        if reached == amount:
            return tuple(opens[:count]), True
    # The sums that can be reached: by which invoices first, and in how many ways (two are as bad as a hundred).
    chosen: dict[int, tuple[int, ...]] = {0: ()}
    ways = {0: 1}
    for place, part in enumerate(opens[:_SUBSET_DOCUMENTS_MAX]):
        for before, count in list(ways.items()):
            reached = before + part.amount
            if reached <= amount and (reached in ways or len(ways) < _SUBSET_SUMS_MAX):
                chosen.setdefault(reached, (*chosen[before], place))
                ways[reached] = ways.get(reached, 0) + count
    if amount not in chosen:
        return None
    return tuple(opens[place] for place in chosen[amount]), ways[amount] == 1


def taxes_withheld(
    amount: int, invoices: Sequence[OpenInvoice], bases: Mapping[str, Withheld], rates: Rates
) -> tuple[int, int] | None:
    """Return the taxes on rent and VAT withheld of whole invoices, if they explain the amount to the centime."""
    short = sum(invoice.open for invoice in invoices) - amount
    if short <= 0 or any(invoice.open != invoice.gross or invoice.number not in bases for invoice in invoices):
        return None
    of_invoices = [bases[invoice.number] for invoice in invoices]
    rent = sum(settle(base.rent * rates.rent, RATE_SCALE) for base in of_invoices)
    for vat_rate in (0, *rates.vat):
        vat = sum(settle(base.vat * vat_rate, RATE_SCALE) for base in of_invoices)
        for taxes in ((rent, vat), (0, vat)):
            if sum(taxes) == short:
                return taxes
    return None
