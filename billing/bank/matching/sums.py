"""Amounts and the invoices that make them: which sum up to it, and which taxes withheld explain it; pure, centimes."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from billing.bank.matching.values import OpenInvoice, Rates, Withheld
from billing.receivables.receipts.orders import Part
from pricing.money import RATE_SCALE, settle

_SUBSET_DOCUMENTS_MAX = 16
_SUBSET_SUMS_MAX = 4096
# Payers round a tax that they keep back to whole dirhams.
ROUNDING_MAX = 100


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
    chosen = subset_summing_to(amount, [part.amount for part in opens[:_SUBSET_DOCUMENTS_MAX]])
    if chosen is None:
        return None
    places, is_only = chosen
    return tuple(opens[place] for place in places), is_only


def subset_summing_to(amount: int, parts: Sequence[int]) -> tuple[tuple[int, ...], bool] | None:
    """Return the places of parts that make exactly this sum, the first ones; and whether no others do."""
    sign = 1 if amount > 0 else -1
    # The sums that can be reached: by which parts first, and in how many ways (two are as bad as a hundred).
    chosen: dict[int, tuple[int, ...]] = {0: ()}
    ways = {0: 1}
    for place, part in enumerate(parts):
        for before, count in list(ways.items()):
            reached = before + sign * part
            if reached <= sign * amount and (reached in ways or len(ways) < _SUBSET_SUMS_MAX):
                chosen.setdefault(reached, (*chosen[before], place))
                ways[reached] = ways.get(reached, 0) + count
    places = chosen.get(sign * amount)
    return None if places is None else (places, ways[sign * amount] == 1)


def taxes_withheld(
    amount: int, invoices: Sequence[OpenInvoice], bases: Mapping[str, Withheld], rates: Rates
) -> list[tuple[int, int]]:
    """Return each pair of taxes, on rent and VAT, that explains the amount exactly if withheld of whole invoices.

    All of the VAT may be as much as some of it and the tax on the rent: then there are two.
    """
    short = sum(invoice.open for invoice in invoices) - amount
    return [pair for pair in _tax_pairs(short, invoices, bases, rates) if sum(pair) == short]


def taxes_rounded(
    amount: int, invoices: Sequence[OpenInvoice], bases: Mapping[str, Withheld], rates: Rates
) -> list[tuple[int, int]]:
    """Return each pair of taxes that explains the amount but for a dirham at most, as payers round them.

    They are what was kept: the tax on the rent bears the rounding, or else the VAT.
    """
    short = sum(invoice.open for invoice in invoices) - amount
    rounded = []
    for rent, vat in _tax_pairs(short, invoices, bases, rates):
        more = short - rent - vat
        if 0 < abs(more) <= ROUNDING_MAX and (rent or vat):
            rounded.append((rent + more, vat) if rent else (0, vat + more))
    return [pair for pair in dict.fromkeys(rounded) if min(pair) >= 0]


def _tax_pairs(
    short: int, invoices: Sequence[OpenInvoice], bases: Mapping[str, Withheld], rates: Rates
) -> list[tuple[int, int]]:
    """Return the pairs of taxes that may be withheld of invoices, where something is missing of whole ones."""
    if short <= 0 or any(invoice.open != invoice.gross or invoice.number not in bases for invoice in invoices):
        return []
    of_invoices = [bases[invoice.number] for invoice in invoices]
    rent = sum(settle(base.rent * rates.rent, RATE_SCALE) for base in of_invoices)
    pairs = []
    for vat_rate in (0, *rates.vat):
        vat = sum(settle(base.vat * vat_rate, RATE_SCALE) for base in of_invoices)
        pairs += [(rent, vat), (0, vat)]
    return list(dict.fromkeys(pairs))
