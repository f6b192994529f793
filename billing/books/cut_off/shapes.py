"""The shape of a year's cut-off."""

from collections.abc import Iterable
from typing import Annotated, Literal

from billing.books.cut_off.proposing import Proposal
from billing.entries.cut_off import CutOffSum
from billing.frame.shapes import (
    Account,
    DocumentNumber,
    Money,
    Month,
    ServiceCode,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
)
from pricing.money import format_amount
from pricing.period import format_month

CutOffKind = Annotated[
    Literal["to_invoice", "to_credit", "ahead"],
    about("The year's own, billed later (3427) or credited later (4427); what it billed of the next (4491)"),
]


class CutOffItem(Shape, frozen=True):
    """A sum of a year's cut-off, by site and revenue account, without VAT."""

    kind: CutOffKind
    site: SiteCode
    account: Account
    amount: Money

    @classmethod
    def of_sums(cls, sums: Iterable[CutOffSum]) -> "list[CutOffItem]":
        """Return sums as they are answered."""
        return [cls(one.kind, one.site, one.account, format_amount(one.amount)) for one in sums]  # type: ignore[arg-type]


class CutOffRow(Shape, frozen=True):
    """What one document has of a service and month, without VAT."""

    kind: CutOffKind
    document: Annotated[DocumentNumber | None, about("Null: the next run would bill it")]
    tenant: TenantCode
    service: ServiceCode
    site: SiteCode
    account: Account
    month: Annotated[Month, about("The month it belongs to")]
    amount: Money


class Unpriced(Shape, frozen=True):
    """A tenant whose usage and repairs are not in the proposal."""

    tenant: TenantCode
    problem: Text


class CutOff(Shape, frozen=True):
    """A year's cut-off as facts stand, and what of it is booked (R31)."""

    year: Annotated[int, about("The calendar year")]
    proposed: Annotated[list[CutOffItem], about("What facts come to, by kind, site and account")]
    booked: Annotated[list[CutOffItem], about("What of it is booked")]
    left: Annotated[list[CutOffItem], about("What is still to be booked; below zero: too much is booked")]
    lines: Annotated[list[CutOffRow], about("What is proposed, document by document")]
    unpriced: Annotated[
        list[Unpriced], about("Tenants that the next run can't bill, or holds: nothing of them is here")
    ]

    @classmethod
    def of(cls, proposal: Proposal) -> "CutOff":
        """Return a proposal as it is answered."""
        rows = [
            CutOffRow(**{**x._asdict(), "month": format_month(x.month), "amount": format_amount(x.amount)})
            for x in proposal.lines
        ]
        return cls(
            year=proposal.year,
            proposed=CutOffItem.of_sums(proposal.sums),
            booked=CutOffItem.of_sums(proposal.booked),
            left=CutOffItem.of_sums(proposal.left),
            lines=rows,
            unpriced=[Unpriced(*one) for one in proposal.unpriced],
        )
