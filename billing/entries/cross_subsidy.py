"""The entries of a month's cross-subsidy: what each tenant gives and takes, and the waterfall (R17, R18, R21)."""

from collections.abc import Sequence
from datetime import date

from billing.entries.accounts import (
    ADVANTAGE,
    ADVANTAGE_COUNTERPART,
    BORNE_BY_OPERATOR,
    CONTRIBUTIONS,
    GRANTS,
    NETWORK_POOL,
    RESERVE,
    SITE_POOL,
    SUPPORT,
)
from ledger.entry import CROSS_SUBSIDY, Entry, Posting
from pricing.cross_subsidy import Position, Waterfall
from pricing.period import format_month


def tenant_position(
    period: date, issued_on: date, tenant: str, positions: Sequence[Position], piece: str
) -> Entry | None:
    """Book what a tenant gives to and takes from its sites' pools, and its advantage (R17, R21); None if nothing."""
    postings: list[Posting] = []
    for position in positions:
        site = position.site
        if position.supply:
            postings += _pair(CONTRIBUTIONS, SITE_POOL, position.supply, site, of_debit=tenant)
        if position.need:
            postings += _pair(SITE_POOL, SUPPORT, position.need, site, of_credit=tenant)
        if position.advantage:
            postings += _pair(ADVANTAGE, ADVANTAGE_COUNTERPART, position.advantage, site, of_debit=tenant)
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
    """Return the reference of the waterfall's entry; a run tried again has another one."""
    return f"PER/{format_month(period)}:cascade/{attempt}"


def waterfall_entry(period: date, issued_on: date, attempt: int, outcome: Waterfall) -> Entry | None:
    """Book what R18 decided in one entry, after which 9205 and 9206 are at zero (R21); None if nothing moved."""
    postings: list[Posting] = []
    for use in outcome.grant_uses:
        postings += _pair(GRANTS, SITE_POOL, use.amount, use.site, of_debit=use.grant)
    for site, funding in outcome.sites.items():
        for debit, credit, amount in (
            (SITE_POOL, NETWORK_POOL, funding.left_over),
            (NETWORK_POOL, SITE_POOL, funding.network),
            (RESERVE, SITE_POOL, funding.reserve),
            (BORNE_BY_OPERATOR, SITE_POOL, funding.unfunded),
        ):
            if amount:
                postings += _pair(debit, credit, amount, site)
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


def _pair(
    debit: str, credit: str, amount: int, site: str, *, of_debit: str | None = None, of_credit: str | None = None
) -> tuple[Posting, Posting]:
    """Debit one account and credit another, each perhaps with the tenant or grant it concerns."""
    return Posting(debit, amount, of_debit, site), Posting(credit, -amount, of_credit, site)
