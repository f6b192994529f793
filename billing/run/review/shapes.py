"""The shapes of a review: each document as it would be issued, against the run before, with reasons and flags."""

from typing import Annotated, Literal

from billing.frame.shapes import Count, Day, Money, Month, Shape, TenantCode, Text, about
from billing.run.drafts import DraftDocument
from billing.run.shapes import CrossSubsidy, Totals

RunDigest = Annotated[str, about("SHA-256 of the documents as they would be issued: `sha256:` and hexadecimal digits")]
ReasonCode = Annotated[
    Literal[
        "new_tenant", "new_lease", "lease_ended", "area_changed", "tier_change", "rate_change", "vat_change", "usage",
        "repair", "catch_up",
    ],
    about("Why it differs from the run before"),
]  # fmt: skip
FlagCode = Annotated[
    Literal[
        "above_twice_last", "below_half_last", "first_bill", "price_changed_30", "usage_ten_times", "credit_note",
        "zero_total", "no_email",
    ],
    about("What is unusual about it"),
]  # fmt: skip


class PreviousBill(Shape, frozen=True):
    """What the last run that did not leave the tenant out, in error or held, billed it."""

    period: Month
    net: Annotated[Money, about("Invoice less credit note, without VAT")]


class ReviewedDocument(DraftDocument, frozen=True, kw_only=True):
    """A document as it would be issued, against the run before."""

    previous: Annotated[PreviousBill | None, about("null: it billed this tenant nothing")]
    difference: Annotated[
        Money | None, about("Its net, negative on a credit note, less what the run before billed; null likewise")
    ]
    reasons: Annotated[list[ReasonCode], about("Why it differs from what the run before billed")]
    flags: Annotated[list[FlagCode], about("What is unusual about it")]


class VanishedBill(Shape, frozen=True):
    """A tenant that had an invoice and has none now."""

    tenant: TenantCode
    legal_name: Text
    previous: PreviousBill
    reasons: Annotated[list[ReasonCode], about("Why it differs from what the run before billed")]


class UnbillableTenant(Shape, frozen=True):
    """A tenant that can't be billed."""

    tenant: TenantCode
    problem: Annotated[Text, about("Why, in a sentence")]


class ReviewTotals(Shape, frozen=True):
    """What the run would issue, and what it would mean."""

    invoices: Totals
    credit_notes: Totals
    cross_subsidy: CrossSubsidy


class RunReview(Shape, frozen=True):
    """A run before it is ordered, document by document (R24)."""

    period: Month
    issue_date: Annotated[Day, about("The day the documents would bear")]
    totals: ReviewTotals
    documents: Annotated[list[ReviewedDocument], about("Every document, in the order of issue")]
    vanished: Annotated[list[VanishedBill], about("The tenants without bill who had one")]
    errors: Annotated[list[UnbillableTenant], about("The tenants that can't be billed, by code")]
    held: Annotated[list[TenantCode], about("The tenants held from the run: the next one bills them")]
    warnings: Annotated[list[Text], about("What the run would be refused for, and what it takes back")]
    flagged: Annotated[Count, about("How many documents bear a flag")]
    digest: RunDigest
