"""The shapes of runs: how far one has come, what it did, what it meant for each tenant, and who funded whom."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import UNSET, UnsetType
from sqlalchemy import Row

from billing.frame.shapes import (
    Count,
    CreditNoteNumber,
    Day,
    Instant,
    InvoiceNumber,
    Money,
    Month,
    Rate,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
    instant,
)
from pricing import funding_matrix
from pricing.money import format_amount, format_rate
from pricing.period import format_month
from pricing.vat import STANDARD, VatSubtotal, by_treatment

Tier = Annotated[Literal["subsidised", "market"], about("Which price applies")]


class RunOutcome(StrEnum):
    """The outcome of a run for a tenant."""

    ISSUED = "issued"
    NOTHING = "nothing"
    ERROR = "error"
    HELD = "held"


VatTreatment = Annotated[
    Literal["exempt", "suspended", "out_of_scope"], about("Why no VAT is charged; left out: at the rate")
]
VatReason = Annotated[Text, about("The article, or the attestation with its number and day; left out: none")]


class Vat(Shape, frozen=True):
    """VAT at one rate; what bears none stands apart by treatment and reason."""

    rate: Rate
    base: Annotated[Money, about("The sum of the lines at this rate, without VAT")]
    amount: Annotated[Money, about("The VAT on it, rounded once")]
    treatment: VatTreatment | UnsetType = UNSET
    reason: VatReason | UnsetType = UNSET


def vat_shapes(vat: Iterable[VatSubtotal], lines: Iterable[tuple[int, str, str, int]]) -> list[Vat]:
    """Return VAT as a document or a quote has computed it, from its lines' (VAT rate, treatment, reason, amount)."""
    shapes = []
    for rate, treatment, reason, base, amount in by_treatment(vat, lines):
        why = treatment_shapes(treatment, reason)
        shapes.append(Vat(format_rate(rate), format_amount(base), format_amount(amount), *why))  # type: ignore[arg-type]
    return shapes


def treatment_shapes(treatment: str, reason: str) -> tuple[str | UnsetType, str | UnsetType]:
    """Return why no VAT is charged, as a VatTreatment and a VatReason; nothing where it is."""
    return (UNSET, UNSET) if treatment == STANDARD else (treatment, reason)


class SiteFunding(Shape, frozen=True):
    """How one site's need was met (R18)."""

    contributions: Annotated[Money, about("What its tenants at market price brought above full cost")]
    draws: Annotated[Money, about("What its subsidised tenants needed up to full cost")]
    earmarked_grants: Annotated[Money, about("What grants for this site gave")]
    own: Annotated[Money, about("What the site's own contributions gave")]
    network: Annotated[Money, about("What the other sites' contributions gave")]
    reserve: Annotated[Money, about("What the reserve gave")]
    network_grants: Annotated[Money, about("What grants for the network gave")]
    unfunded: Annotated[Money, about("What nothing covered: borne by the operator")]


class CrossSubsidy(Shape, frozen=True, kw_only=True):
    """The waterfall of a run (R16-R19)."""

    period: Month
    advantage: Annotated[Money, about("What the discounts of the run are worth to its tenants")]
    sites: Annotated[dict[str, SiteFunding], about("How each site's need was met, by its code")]
    reserve_before: Annotated[Money, about("The reserve before the run")] | UnsetType = UNSET
    surplus: Annotated[Money, about("What contributions were left, and went to the reserve")] | UnsetType = UNSET
    reserve_after: Annotated[Money, about("The reserve after the run")]
    grants_left: Annotated[dict[str, Money], about("What is left of each grant, by its code")]


FunderKind = Annotated[
    Literal["tenant", "grant", "reserve", "operator"], about("A tenant, a grant, the reserve, or the operator")
]
FundingStep = Annotated[
    Literal["earmarked_grants", "own", "network", "reserve", "network_grants", "unfunded"], about("The step of R18")
]


class Funder(Shape, frozen=True):
    """Who gives."""

    kind: FunderKind
    site: Annotated[SiteCode | None, about("null: the reserve, the operator, or a grant for the network")]
    code: Annotated[str | None, about("The tenant's or the grant's code; null for the reserve and the operator")]


class Gift(Funder, frozen=True):
    """The amount that a funder gives."""

    amount: Money


class Supported(Shape, frozen=True):
    """Who is supported: a tenant at one of its sites."""

    site: SiteCode
    tenant: TenantCode


class Support(Supported, frozen=True):
    """The amount that a supported tenant receives."""

    amount: Money


class Pool(Shape, frozen=True):
    """One step of R18 at one site, or in the network: everybody gives and receives in proportion."""

    step: FundingStep
    gives: Annotated[list[Gift], about("What each funder gives")]
    receives: Annotated[list[Support], about("What each tenant receives")]

    @classmethod
    def of(cls, pool: funding_matrix.Pool) -> "Pool":
        """Return a pool of a run's matrix."""
        return cls(
            step=pool.step,  # type: ignore[arg-type]
            gives=gifts(pool.gives),
            receives=[Support(*supported, format_amount(amount)) for supported, amount in pool.receives],
        )


def gifts(given: Iterable[tuple[Any, int]]) -> list[Gift]:
    """Return what funders give, each with its amount in centimes."""
    return [
        Gift(kind=funder.kind, site=funder.site, code=funder.code, amount=format_amount(amount))
        for funder, amount in given
    ]


class FundingCell(Shape, frozen=True):
    """The amount that one funder gave one supported tenant in one step."""

    step: FundingStep
    funder: Annotated[Funder, about("Who gave")]
    supported: Annotated[Supported, about("Who received")]
    amount: Money


class FundingMatrix(Shape, frozen=True):
    """Who funded whom in a run, tenant by tenant (R17-R19)."""

    period: Month
    pools: Annotated[list[Pool], about("The steps with what each funder gave and each tenant received")]
    to_reserve: Annotated[list[Gift], about("What went to the reserve")]
    cells: Annotated[list[FundingCell], about("What each funder gave each tenant, step by step")]


class Totals(Shape, frozen=True):
    """Documents of one kind."""

    count: Annotated[Count, about("How many documents")]
    net: Annotated[Money, about("Their sum without VAT")]
    tax: Annotated[Money, about("Their VAT")]
    gross: Annotated[Money, about("Their sum, VAT included")]
    lines: Annotated[Count, about("How many lines they have")]


class TenantError(Shape, frozen=True):
    """A tenant that could not be billed, and why."""

    tenant: TenantCode
    message: Annotated[Text, about("Why, in a sentence")]


class HeldTenant(Shape, frozen=True):
    """A tenant that was held from a run: the next one bills it."""

    tenant: TenantCode
    reason: Annotated[Text, about("Why it was held")]


class Withdrawn(Shape, frozen=True):
    """A credit note by hand that the run takes back: the line it credits in part was wrong, and is credited whole."""

    tenant: TenantCode
    credit_note: Annotated[CreditNoteNumber, about("The credit note by hand")]
    amount: Annotated[Money, about("What of it is billed again, without VAT")]


class RunReport(Shape, frozen=True):
    """The figures of a run that was done, or would be."""

    period: Month
    issued_on: Annotated[Day, about("The day the documents bear")]
    dry_run: Annotated[bool, about("True for a preview: nothing was written")]
    issued_now: Annotated[bool, about("False for a preview, and when the run was final already")]
    invoices: Annotated[Totals, about("The invoices it issued; of a run that was final already, the month's")]
    credit_notes: Annotated[Totals, about("The credit notes it issued; of a run that was final already, the month's")]
    cross_subsidy: Annotated[CrossSubsidy, about("The waterfall of the run")]
    errors: Annotated[list[TenantError], about("The tenants that could not be billed, by code")]
    held: Annotated[list[HeldTenant], about("The tenants held from it, by code: the next run bills them")]
    withdrawn: Annotated[list[Withdrawn], about("The credit notes by hand that it takes back, by number")]
    documents_before: Annotated[Count, about("How many documents earlier attempts of the month's run had issued")]
    warnings: Annotated[list[Text], about("What the run would be refused for, of a preview")]


class Progress(Shape, frozen=True):
    """How far a run has come."""

    done: Annotated[Count, about("The batches that are committed")]
    total: Annotated[Count, about("All batches of the attempt")]


class Run(Shape, frozen=True):
    """A run and its progress."""

    period: Month
    issued_on: Annotated[Day, about("The day its documents bear")]
    status: Annotated[Literal["running", "complete"], about("complete: final but for tenants in error")]
    attempt: Annotated[Count, about("How often it was begun: once, and again for tenants that were in error")]
    started_at: Instant
    completed_at: Annotated[Instant | None, about("null: it is not complete")]
    batches: Annotated[Progress, about("The batches of its last attempt")]
    outcomes: Annotated[dict[RunOutcome, Count], about("How many tenants it had each outcome for")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Run":
        """Return the run whose row is of `queries.runs`."""
        return cls(**_run(row))


class RunDetail(Run, frozen=True):
    """A run, its progress and its totals so far."""

    invoices: Annotated[Totals, about("The invoices issued so far")]
    credit_notes: Annotated[Totals, about("The credit notes issued so far")]

    @classmethod
    def with_totals(cls, row: Row[Any], invoices: Totals, credit_notes: Totals) -> "RunDetail":
        """Return the run whose row is of `queries.runs`, with what it has issued."""
        return cls(**_run(row), invoices=invoices, credit_notes=credit_notes)


def _run(row: Row[Any]) -> dict[str, Any]:
    return {
        "period": format_month(row.period),
        "issued_on": row.issued_on,
        "status": row.status,
        "attempt": row.attempt,
        "started_at": instant(row.started_at),
        "completed_at": instant(row.completed_at),
        "batches": Progress(int(row.batches_done or 0), row.batches),
        "outcomes": {status: row._mapping[f"outcomes_{status}"] for status in RunOutcome},
    }


class Outcome(Shape, frozen=True):
    """The outcome of a run for one tenant."""

    tenant: TenantCode
    status: RunOutcome
    message: Annotated[Text | None, about("Why it could not be billed, or was held; null where it was billed")]
    invoice: Annotated[InvoiceNumber | None, about("Its invoice; null: none was due")]
    credit_note: Annotated[CreditNoteNumber | None, about("Its credit note; null: none was due")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Outcome":
        """Return the outcome whose row is of `queries.outcomes`."""
        return cls(
            tenant=row.tenant,
            status=row.status,
            message=row.message,
            invoice=row.invoice,
            credit_note=row.credit_note,
        )
