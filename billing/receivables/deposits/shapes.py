"""The shapes of deposits: what was asked and is held, and the statement that closes a tenancy."""

from typing import Annotated, Literal

from billing.frame.shapes import (
    Count,
    Day,
    DepositNumber,
    DocumentKind,
    DocumentNumber,
    FinalStatementNumber,
    LeaseCode,
    Money,
    Shape,
    SiteCode,
    TenantCode,
    Text,
    about,
)


class DepositMovement(Shape, frozen=True):
    """Money of a deposit that came in or went back."""

    number: Annotated[Text, about("Its name, such as DG-000012/2")]
    kind: Annotated[Literal["received", "returned"], about("Which way it went")]
    moved_on: Annotated[Day, about("The day of the bank or the till")]
    booked_on: Annotated[Day, about("The day of its entry: the first open one where that month is closed")]
    amount: Money
    means: Annotated[
        Literal["transfer", "cash", "brought"],
        about("Whether it moved at the bank or at the till; `brought`: it was held before this service began"),
    ]
    reference: Annotated[Text, about("The bank's or the till's own reference")]
    reason: Annotated[Text | None, about("Why it was returned; null for what was received")]
    cancelled_on: Annotated[Day | None, about("The day it was cancelled, since it never moved; null: it stands")]
    cancelled_for: Annotated[Text | None, about("Why it was cancelled")]


class Deposit(Shape, frozen=True):
    """A deposit: what was asked, what is held."""

    number: DepositNumber
    lease: LeaseCode
    tenant: TenantCode
    site: SiteCode
    months: Annotated[Count, about("How many months of rent were asked")]
    monthly_rent: Annotated[Money, about("The rent of a month it was computed from, without VAT")]
    amount: Annotated[Money, about("What was asked")]
    asked_on: Day
    due_on: Day
    set_off: Annotated[Money, about("What of it paid invoices")]
    held: Annotated[Money, about("What is held now")]
    movements: Annotated[list[DepositMovement], about("What came and went, in order")]


class StatedDocument(Shape, frozen=True):
    """A document of which something is open."""

    number: DocumentNumber
    kind: DocumentKind
    issued_on: Day
    due_on: Day
    open: Annotated[Money, about("What is open of it; negative on credit notes")]


class SettledByDeposit(Shape, frozen=True):
    """An invoice that a deposit paid, whole or in part."""

    number: DocumentNumber
    amount: Money
    on: Annotated[Day, about("The day it was set off")]


class FinalStatement(Shape, frozen=True):
    """How a tenant's account stood when a lease was closed."""

    number: FinalStatementNumber
    lease: LeaseCode
    tenant: TenantCode
    closed_on: Day
    documents: Annotated[list[StatedDocument], about("What is open")]
    credit: Annotated[Money, about("What the tenant has to its credit beside the deposit")]
    set_off: Annotated[Money, about("What the deposit paid of its invoices")]
    deposit_left: Annotated[Money, about("What is left of the deposit")]
    balance: Annotated[Money, about("What the tenant owes; negative what it is owed")]
    deposit_received: Annotated[Money | None, about("What was received of the deposit; null: none was asked")]
    deposit_returned: Annotated[Money | None, about("What of it went back before; null: none was asked")]
    settled: Annotated[list[SettledByDeposit], about("The invoices that the deposit paid, then or before")]
