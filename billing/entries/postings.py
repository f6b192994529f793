"""Documents, grants and the waterfall, translated into journal entries (R20, R21)."""

from collections.abc import Iterable, Sequence
from datetime import date

from ledger.entry import CROSS_SUBSIDY, SALES, Entry, Posting
from pricing.cross_subsidy import Position, Waterfall
from pricing.period import format_month

CLIENTS = "3421"
VAT_NOT_YET_DUE = "44551"
CONTRIBUTIONS = "9201"
SUPPORT = "9202"
SITE_POOL = "9205"
NETWORK_POOL = "9206"
RESERVE = "9207"
GRANTS = "9208"
BORNE_BY_OPERATOR = "9209"
GRANTS_COUNTERPART = "9210"
ADVANTAGE = "9301"
ADVANTAGE_COUNTERPART = "9309"

_DOCUMENT_LABELS = {1: "Facture", -1: "Avoir"}


def sale(
    number: str,
    issued_on: date,
    tenant: str,
    sign: int,
    revenues: Iterable[tuple[str, str, int]],
    tax: int,
) -> Entry:
    """One document in the sales journal (R20); `sign` is 1 for an invoice, -1 for a credit note.

    `revenues` are (revenue account, site, net in centimes); `tax` in centimes. What the buyer owes is
    their sum.
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
        reference=f"VTE/{number}",
        journal=SALES,
        effective_on=issued_on,
        label=f"{_DOCUMENT_LABELS[sign]} {number} - {tenant}",
        piece=number,
        postings=(Posting(CLIENTS, sign * gross, tenant), *credited),
    )


def _pair(
    debit: str, credit: str, amount: int, *, of_debit: str | None, of_credit: str | None, site: str
) -> list[Posting]:
    return [Posting(debit, amount, of_debit, site), Posting(credit, -amount, of_credit, site)]


def tenant_position(
    period: date, issued_on: date, tenant: str, positions: Sequence[Position], piece: str
) -> Entry | None:
    """What a tenant gives to and takes from its sites' pools, and its advantage (R17, R21); None if nothing."""
    postings: list[Posting] = []
    for position in positions:
        site = position.site
        if position.supply:
            postings += _pair(CONTRIBUTIONS, SITE_POOL, position.supply, of_debit=tenant, of_credit=None, site=site)
        if position.need:
            postings += _pair(SITE_POOL, SUPPORT, position.need, of_debit=None, of_credit=tenant, site=site)
        if position.advantage:
            postings += _pair(
                ADVANTAGE, ADVANTAGE_COUNTERPART, position.advantage, of_debit=tenant, of_credit=None, site=site
            )
    if not postings:
        return None
    month = format_month(period)
    return Entry(
        reference=f"PER/{month}/{tenant}",
        journal=CROSS_SUBSIDY,
        effective_on=issued_on,
        label=f"Péréquation {month} - {tenant}",
        piece=piece,
        postings=tuple(postings),
    )


def waterfall_reference(period: date, attempt: int) -> str:
    """The name of the waterfall's entry; a run tried again has another one."""
    return f"PER/{format_month(period)}:cascade/{attempt}"


def waterfall_entry(period: date, issued_on: date, attempt: int, outcome: Waterfall) -> Entry | None:
    """What R18 decided, in one entry, after which 9205 and 9206 are nil (R21); None if nothing moved."""
    postings: list[Posting] = []
    for use in outcome.grant_uses:
        postings += _pair(GRANTS, SITE_POOL, use.amount, of_debit=use.grant, of_credit=None, site=use.site)
    for site, funding in outcome.sites.items():
        for debit, credit, amount in (
            (SITE_POOL, NETWORK_POOL, funding.left_over),
            (NETWORK_POOL, SITE_POOL, funding.network),
            (RESERVE, SITE_POOL, funding.reserve),
            (BORNE_BY_OPERATOR, SITE_POOL, funding.unfunded),
        ):
            if amount:
                postings += _pair(debit, credit, amount, of_debit=None, of_credit=None, site=site)
    if outcome.surplus:
        postings += [Posting(NETWORK_POOL, outcome.surplus), Posting(RESERVE, -outcome.surplus)]
    if not postings:
        return None
    month = format_month(period)
    return Entry(
        reference=waterfall_reference(period, attempt),
        journal=CROSS_SUBSIDY,
        effective_on=issued_on,
        label=f"Péréquation {month} - cascade",
        piece=month,
        postings=tuple(postings),
    )


def grant_reference(code: str, revision: int) -> str:
    """The name of the entry by which a grant was received; a changed grant has another one."""
    return f"PER/grant/{code}/{revision}"


def grant_received(code: str, site: str | None, amount: int, granted_on: date, revision: int) -> Entry:
    """A grant received: debit 9210, credit 9208 (R21); `amount` in centimes."""
    return Entry(
        reference=grant_reference(code, revision),
        journal=CROSS_SUBSIDY,
        effective_on=granted_on,
        label=f"Subvention reçue - {code}",
        piece=code,
        postings=(Posting(GRANTS_COUNTERPART, amount, code, site), Posting(GRANTS, -amount, code, site)),
    )
