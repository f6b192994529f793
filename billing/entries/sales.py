"""The entries of documents, in the sales journal (R20)."""

from collections.abc import Iterable
from datetime import date

from billing.entries.accounts import CLIENTS, VAT_NOT_YET_DUE
from ledger.entry import SALES, Entry, Posting

_DOCUMENT_LABELS = {1: "Facture", -1: "Avoir"}


def sale_reference(number: str) -> str:
    """Return the reference of the entry that books a document."""
    return f"{SALES}/{number}"


def sale(
    number: str,
    issued_on: date,
    tenant: str,
    sign: int,
    revenues: Iterable[tuple[str, str, int]],
    tax: int,
) -> Entry:
    """Book one document in the sales journal (R20); `sign` is 1 for an invoice, -1 for a credit note.

    `revenues` are (revenue account, site, net in centimes); `tax` is in centimes. The buyer owes their sum.
    """
    by_account: dict[tuple[str, str], int] = {}
    for account, site, net in revenues:
        key = account, site
        by_account[key] = by_account.get(key, 0) + net
    credited = [Posting(account, -sign * net, None, site) for (account, site), net in sorted(by_account.items())]
    if tax:
        credited.append(Posting(VAT_NOT_YET_DUE, -sign * tax))
    gross = sum(by_account.values()) + tax
    return Entry(
        reference=sale_reference(number),
        journal=SALES,
        effective_on=issued_on,
        label=f"{_DOCUMENT_LABELS[sign]} {number} - {tenant}",
        piece=number,
        postings=(Posting(CLIENTS, sign * gross, tenant), *credited),
    )
