"""VAT on a document (R11): on an invoice once per rate, on a credit note once per invoice it corrects and rate.

Of what bears none the law asks why (CGI art. 145-III-6°): the treatment of a line and its reason say it.
"""

from collections.abc import Iterable, MutableMapping
from typing import NamedTuple

from pricing.money import vat_amount

STANDARD = "standard"
# No VAT: by an article of the law, on an attestation of the buyer's, or since VAT knows nothing of it.
EXEMPT, SUSPENDED, OUT_OF_SCOPE = "exempt", "suspended", "out_of_scope"
TREATMENTS = (STANDARD, EXEMPT, SUSPENDED, OUT_OF_SCOPE)


class VatSubtotal(NamedTuple):
    """One rate on a document: rate in ten-thousandths, base and VAT in centimes."""

    rate: int
    base: int
    amount: int


class TreatedVat(NamedTuple):
    """One rate on a document as it is shown: what bears no VAT stands apart by treatment and reason."""

    rate: int
    treatment: str
    reason: str
    base: int
    amount: int


def vat_breakdown(amounts: Iterable[tuple[int, int]]) -> tuple[VatSubtotal, ...]:
    """Return the VAT of a document from its lines' (VAT rate, amount), one subtotal a rate, by rate (R11, BR-CO-17)."""
    bases: dict[int, int] = {}
    for rate, amount in amounts:
        bases[rate] = bases.get(rate, 0) + amount
    return tuple([VatSubtotal(rate, bases[rate], vat_amount(bases[rate], rate)) for rate in sorted(bases)])


def credited_vat(
    credited: Iterable[tuple[int, int, int]], not_credited: MutableMapping[tuple[int, int], int]
) -> tuple[VatSubtotal, ...]:
    """Return the VAT of a credit note from its lines' (invoice, VAT rate, amount), one subtotal a rate, by rate (R11).

    `not_credited` is the base of each invoice and rate that no credit note took back before; this one is taken from it.
    The VAT is that of what was not credited before, less that of what is not credited after, each rounded once: so an
    invoice that is credited whole is credited to the centime. What is not credited may be below zero.
    """
    bases: dict[tuple[int, int], int] = {}
    for invoice, rate, amount in credited:
        bases[invoice, rate] = bases.get((invoice, rate), 0) + amount
    subtotals: dict[int, VatSubtotal] = {}
    for (invoice, rate), base in bases.items():
        before = not_credited[invoice, rate]
        not_credited[invoice, rate] = after = before - base
        _, base_before, vat_before = subtotals.get(rate, (rate, 0, 0))
        vat = vat_amount(before, rate) - vat_amount(after, rate)
        subtotals[rate] = VatSubtotal(rate, base_before + base, vat_before + vat)
    return tuple([subtotals[rate] for rate in sorted(subtotals)])


def by_treatment(vat: Iterable[VatSubtotal], lines: Iterable[tuple[int, str, str, int]]) -> tuple[TreatedVat, ...]:
    """Return a document's VAT with what bears none apart, from its lines' (VAT rate, treatment, reason, amount).

    All treatments but `standard` are at the rate 0, so that no VAT is to be shared.
    """
    subtotals = tuple(vat)
    if all(subtotal.rate for subtotal in subtotals):
        return tuple([TreatedVat(rate, STANDARD, "", base, amount) for rate, base, amount in subtotals])
    untaxed: dict[tuple[str, str], int] = {}
    for rate, treatment, reason, amount in lines:
        if not rate:
            untaxed[treatment, reason] = untaxed.get((treatment, reason), 0) + amount
    shown: list[TreatedVat] = []
    for rate, base, amount in subtotals:
        if rate or untaxed.keys() <= {(STANDARD, "")}:
            shown.append(TreatedVat(rate, STANDARD, "", base, amount))
        else:
            shown += [
                TreatedVat(rate, *why, untaxed[why], amount if why[0] == STANDARD else 0) for why in sorted(untaxed)
            ]
    return tuple(shown)
