"""The choices of people about bank lines, and a proposal as a choice; pure."""

from typing import NamedTuple

from billing.bank.matching.values import LineKind, Proposal
from billing.receivables.receipts.orders import Part

# The reason of a tenant's payment where a person gives none.
BY_HAND = "décidé à la main"


class Choice(NamedTuple):
    """A person's word on a line; as `Proposal`, but cleared and bounced name any number of receipts.

    `automatic`: the invoices that its text names are paid, then the tenant's oldest due; else `parts` alone.
    """

    kind: LineKind
    tenant: str | None = None
    parts: tuple[Part, ...] = ()
    rent_withheld: int = 0
    vat_withheld: int = 0
    receipts: tuple[int, ...] = ()
    entries: tuple[str, ...] = ()
    account: str | None = None
    automatic: bool = False


def choice_of(proposal: Proposal) -> Choice:
    """Return a proposal as a person's choice."""
    return Choice(
        kind=proposal.kind,
        tenant=proposal.tenant,
        parts=proposal.parts,
        rent_withheld=proposal.rent_withheld,
        vat_withheld=proposal.vat_withheld,
        receipts=() if proposal.receipt is None else (proposal.receipt,),
        entries=proposal.entries,
        account=proposal.account,
    )
