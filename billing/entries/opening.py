"""The entries by which a park is taken on, one a kind, on one day, in journal AN: pure (R29).

Each balances by itself on 3497, a transit account on which all of them together leave nothing; those of class 9 on
9210. Their references begin with `AN/reprise/`, by which `ledger.openings` tells them from a year's opening.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from billing.entries.accounts import (
    CLIENTS,
    DEPOSITS_HELD,
    GRANTS,
    GRANTS_COUNTERPART,
    OPENING_TRANSIT,
    VAT_NOT_YET_DUE,
)
from ledger.entry import OPENING, TAKEN_ON, Entry, Posting

REFERENCES = tuple(f"{TAKEN_ON}{kind}" for kind in ("factures", "avoirs", "depots", "soldes", "reserve", "subventions"))
INVOICES, CREDITS, DEPOSITS, BALANCES, RESERVE, USED_GRANTS = REFERENCES
_LABELS = {
    INVOICES: "factures ouvertes",
    CREDITS: "avoirs des locataires",
    DEPOSITS: "dépôts de garantie",
    BALANCES: "soldes des comptes",
    RESERVE: "réserve de péréquation",
    USED_GRANTS: "subventions utilisées",
}


class OpenInvoice(NamedTuple):
    """What is open of a brought invoice, VAT included, and the VAT of it that is not yet due; centimes."""

    tenant: str
    open: int
    vat: int


class TenantSum(NamedTuple):
    """An amount that is a tenant's, and the account it lies on; centimes."""

    tenant: str
    account: str
    amount: int


class Balance(NamedTuple):
    """A balance, debit positive, in centimes."""

    account: str
    site: str | None
    amount: int

    @property
    def is_analytic(self) -> bool:
        """Return whether it is of class 9."""
        return self.account.startswith("9")


class UsedGrant(NamedTuple):
    """So much of a grant, for a site or the network (None), was used before; centimes."""

    code: str
    site: str | None
    used: int


class Opening(NamedTuple):
    """The facts of a take-on that its entries are made of, all of one day."""

    on: date
    invoices: Sequence[OpenInvoice]
    credits: Sequence[TenantSum]
    # The tenants of deposits, and what is held of each.
    deposits: Sequence[tuple[str, int]]
    balances: Sequence[Balance]
    grants: Sequence[UsedGrant]


def opening_entries(brought: Opening) -> list[Entry]:
    """Return the entries of a take-on; a kind of which there is nothing has none."""
    on = brought.on
    postings = {
        INVOICES: [
            *(Posting(CLIENTS, invoice.open, invoice.tenant) for invoice in brought.invoices),
            Posting(VAT_NOT_YET_DUE, -sum(invoice.vat for invoice in brought.invoices)),
        ],
        CREDITS: [Posting(credit.account, -credit.amount, credit.tenant) for credit in brought.credits],
        DEPOSITS: [Posting(DEPOSITS_HELD, -amount, tenant) for tenant, amount in brought.deposits],
        BALANCES: [Posting(b.account, b.amount, None, b.site) for b in brought.balances if not b.is_analytic],
        RESERVE: [Posting(b.account, b.amount, None, b.site) for b in brought.balances if b.is_analytic],
        USED_GRANTS: [Posting(GRANTS, grant.used, grant.code, grant.site) for grant in brought.grants],
    }
    counterparts = {
        RESERVE: [Posting(GRANTS_COUNTERPART, -sum(p.amount for p in postings[RESERVE]))],
        USED_GRANTS: [Posting(GRANTS_COUNTERPART, -grant.used, grant.code, grant.site) for grant in brought.grants],
    }
    entries = []
    for reference, of_kind in postings.items():
        transit = [Posting(OPENING_TRANSIT, -sum(p.amount for p in of_kind))]
        moving = tuple(p for p in (*of_kind, *counterparts.get(reference, transit)) if p.amount)
        if moving:
            entries.append(
                Entry(
                    reference=reference,
                    journal=OPENING,
                    effective_on=on,
                    label=f"Reprise au {on:%d/%m/%Y} - {_LABELS[reference]}",
                    piece=f"Reprise {on.isoformat()}",
                    postings=moving,
                )
            )
    return entries
