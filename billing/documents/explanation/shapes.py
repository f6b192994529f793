"""The shape of an explanation: line by line the facts it rests on, then what settled or credited the document."""

from typing import Annotated, Literal

from msgspec import UNSET, UnsetType

from billing.documents.tenants.shapes import WindowShown
from billing.frame.shapes import (
    Count,
    CreditNoteNumber,
    Day,
    DocumentKind,
    DocumentNumber,
    Instant,
    LeaseCode,
    Money,
    Month,
    Price,
    Quantity,
    Rate,
    Serial,
    ServiceCode,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
)
from billing.run.shapes import Tier, VatReason, VatTreatment


class Written(Shape, frozen=True):
    """Who wrote something, when and why: an act of the audit log."""

    act: Annotated[Serial, about("Its number in the audit log")]
    at: Instant
    by: Annotated[Text, about("The user, or the program or login that acted")]
    operation: Annotated[str, about("The command or address")]
    reason: Annotated[Text | None, about("Why, where a reason was given")]


class LineNamed(Shape, frozen=True):
    """A line of a document."""

    document: DocumentNumber
    line: Annotated[Serial, about("Its place, the first is 1")]


class LeaseBasis(Shape, frozen=True):
    """The lease that a line bills, as it stood, and the days of it."""

    code: LeaseCode
    unit: Annotated[Text | None, about("The office")]
    starts_on: Annotated[Day | None, about("Its first day; null: not on record")]
    ends_on: Annotated[Day | None, about("Its last day; null: it went on")]
    area_m2: Annotated[Quantity, about("The area billed")]
    first_day: Annotated[Day, about("The first day billed")]
    last_day: Annotated[Day, about("The last day billed, included")]
    days: Annotated[Count, about("The days billed")]
    days_in_month: Annotated[Count, about("The days of the month")]


class EventBasis(Shape, frozen=True):
    """A usage event that a line bills."""

    event_id: Annotated[str, about("Its code")]
    occurred_on: Day
    quantity: Quantity
    void_reason: Annotated[Text | None, about("Why it was void when the document was issued; null: it was not")]
    billed_before: Annotated[LineNamed | None, about("The line, taken back since, that billed it before; null: none")]


class RateBasis(Shape, frozen=True):
    """A version of a rate that priced a line (R6, R7)."""

    tenant_kind: Annotated[str | None, about("The kind of tenant it is for; null: every kind")]
    effective_from: Annotated[Day, about("The first day it holds")]
    market: Annotated[Price, about("The full price")]
    subsidised: Annotated[str, about("The subsidised price as decided: an amount, or a part of the full price")]
    subsidised_price: Annotated[Price, about("The subsidised price")]
    full_cost: Annotated[Price, about("The full cost")]
    source: Annotated[Text | None, about("Where it was decided")]
    entered: Annotated[Written | None, about("Who entered it so; null: not on record")]


class VatBasis(Shape, frozen=True):
    """The version of VAT that a line bears (R11)."""

    rate: Rate
    effective_from: Annotated[Day, about("The first day it holds")]
    entered: Annotated[Written | None, about("Who entered it so; null: not on record")]
    treatment: VatTreatment | UnsetType = UNSET
    reason: VatReason | UnsetType = UNSET


class TierBasis(Shape, frozen=True):
    """The facts that decide a tenant's tier (R3 to R5)."""

    kind: Annotated[str, about("The kind of firm")]
    incorporated_on: Annotated[Day | None, about("The day it was founded")]
    admitted_on: Annotated[Day | None, about("The first day of an earlier stay")]
    first_lease: Annotated[LeaseCode | None, about("Its first lease")]
    admission_day: Annotated[Day | None, about("The earlier of the two: its admission")]
    admitted_before: Annotated[Day | None, about("An admission before this day gives a claim: 24 months of age (R4)")]
    is_eligible: Annotated[bool, about("Whether it has a claim to the subsidised price (R4)")]
    window: Annotated[WindowShown | None, about("The 18 months at the subsidised price (R5); null: none")]


class WaterfallPart(Shape, frozen=True):
    """What a line means for the cross-subsidy (R16); negative where it is taken back."""

    contribution: Annotated[Money, about("What it brings above full cost")]
    draw: Annotated[Money, about("What it lacks to full cost")]
    advantage: Annotated[Money, about("What the discount is worth")]


class ChangedFact(Shape, frozen=True):
    """A fact of the register that changed, and so a reason for a repair (R13)."""

    subject: Annotated[str, about("What changed: leases, tenants, rates, vat_rates, sites, usage_voids")]
    key: Annotated[str, about("Its key")]
    before: Annotated[dict[str, str] | None, about("What it was, in the columns that changed; null: it was new")]
    after: Annotated[dict[str, str] | None, about("What it became; null: it was removed")]
    written: Written


class LineExplanation(Shape, frozen=True):
    """Why a line says what it says."""

    line: Annotated[Serial, about("Its place, the first is 1")]
    origin: Annotated[
        Literal["lease", "usage", "taken_back", "billed_again", "by_hand", "brought"],
        about(
            "`lease`, `usage`: a run priced it; `taken_back`: it credits a line whole; `billed_again`: it bills what a "
            "credit note by hand took back; `by_hand`: a person did; `brought`: it was issued before this service began"
        ),
    ]
    service: ServiceCode
    site: SiteCode
    month: Month
    tier: Tier
    quantity: Quantity
    unit_price: Annotated[Price, about("The price of a unit charged")]
    full_price: Annotated[Price, about("The price of a unit at the full rate")]
    unit_cost: Annotated[Price, about("The full cost of a unit")]
    amount: Annotated[Money, about("What is charged, without VAT; credited on a credit note")]
    vat_rate: Rate
    takes_back: Annotated[LineNamed | None, about("The line that it credits, whole or in part; null: none")]
    withdraws: Annotated[CreditNoteNumber | None, about("The credit note by hand whose amount it bills again")]
    as_of: Annotated[Serial | None, about("The act whose facts priced it: the register as it stood then; null: none")]
    lease: Annotated[LeaseBasis | None, about("The lease it bills; null: none")]
    events: Annotated[list[EventBasis], about("The usage events it bills")]
    rates: Annotated[list[RateBasis], about("The versions of the rate that priced it")]
    vat: Annotated[VatBasis | None, about("The version of VAT; null: not on record")]
    tier_basis: Annotated[TierBasis | None, about("Why its tier is what it is; null where no tier decided its price")]
    cross_subsidy: WaterfallPart
    changes: Annotated[list[ChangedFact], about("What changed since what it takes back or replaces was billed")]
    is_reproduced: Annotated[
        bool | None, about("Whether these facts, priced anew, give this very line; null where a person set the price")
    ]
    why: Annotated[list[str], about("All of it in sentences")]


class FundingPart(Shape, frozen=True):
    """What a step of the waterfall gave a tenant, or took from it (R18)."""

    step: Annotated[str, about("`earmarked_grants` `own` `network` `reserve` `network_grants` `unfunded` `to_reserve`")]
    received: Annotated[Money, about("What it received")]
    given: Annotated[Money, about("What it gave")]


class SitePosition(Shape, frozen=True):
    """The tenant's position at a site in the run that issued the document (R17)."""

    site: SiteCode
    contribution: Annotated[Money, about("What its lines brought above full cost")]
    draw: Annotated[Money, about("What its lines lacked to full cost")]
    advantage: Annotated[Money, about("What its discounts are worth")]


class Settling(Shape, frozen=True):
    """An act that settled a document, took a settlement back, or let its VAT fall due."""

    on: Day
    act: Annotated[
        Literal[
            "allocated",
            "undone",
            "cleared",
            "issued",
            "refunded",
            "unrefunded",
            "written_off",
            "recovered",
            "unrecovered",
            "brought",
        ],
        about("What was done; cleared: a cheque; issued: VAT fell due as it was issued; brought: before the take-on"),
    ]
    amount: Annotated[Money, about("What it settles, VAT included; negative where it is taken back")]
    vat_due: Annotated[Money, about("The VAT that fell due by it")]
    by: Annotated[str | None, about("The receipt, credit note, invoice or refund; null: a decision, or none")]
    reason: Annotated[Text | None, about("Why, where a person decided it")]


class Crediting(Shape, frozen=True):
    """A line of a credit note that takes a line of this invoice back, whole or in part."""

    credit_note: CreditNoteNumber
    line: Annotated[Serial, about("The line of this invoice")]
    amount: Annotated[Money, about("What it takes back, without VAT")]
    issued_on: Day
    kind: Annotated[Literal["repair", "rebate", "cancellation"], about("repair: by a run (R13); else by hand (R28)")]
    withdrawn_by: Annotated[DocumentNumber | None, about("The invoice that billed it again; null: it stands")]


class DocumentExplanation(Shape, frozen=True):
    """Why a document says what it says, and what became of it."""

    number: DocumentNumber
    kind: DocumentKind
    tenant: TenantCode
    period: Annotated[Month | None, about("The month of its run; null: made by hand")]
    issued_on: Day
    issued: Annotated[Written | None, about("The act that issued it; null: not on record")]
    reason: Annotated[Text | None, about("Why it was made by hand; null: by a run")]
    issued_by: Annotated[Text | None, about("Who made it by hand; null: a run")]
    lines: Annotated[list[LineExplanation], about("Its lines, in order")]
    positions: Annotated[list[SitePosition], about("The tenant's position in that run, by site; none if made by hand")]
    funding: Annotated[list[FundingPart], about("How that run's waterfall met the tenant's need and used its supply")]
    counted_in: Annotated[Month | None, about("The run whose waterfall counts this cancellation; null: none")]
    settled: Annotated[list[Settling], about("What settled it, in the order of days")]
    credited: Annotated[list[Crediting], about("What took lines of it back")]
