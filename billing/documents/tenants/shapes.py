"""The shapes of a tenant at a glance: in a list, and whole."""

from typing import Annotated

from msgspec import defstruct

from billing.frame.shapes import Day, DocumentKind, DocumentNumber, Money, Shape, SiteCode, TenantCode, Text, about
from billing.receivables.open_items.document_states import DocumentState
from billing.register.shapes import RESOURCES, stored_shape
from billing.run.shapes import Tier

TENANTS = next(resource for resource in RESOURCES if resource.stem == "tenants")
LEASES = next(resource for resource in RESOURCES if resource.stem == "leases")


class WindowShown(Shape, frozen=True):
    """The days on which a tenant pays the subsidised price (R5)."""

    first_day: Annotated[Day, about("The day it was admitted")]
    last_day: Annotated[Day, about("The last day at the subsidised price; the tier changes on the next one")]


Window = Annotated[WindowShown | None, about("The days at the subsidised price; null: it has no claim to it (R4)")]
TierToday = Annotated[Tier, about("Which price applies today")]
Owed = Annotated[Money, about("What is open of its invoices")]
Overdue = Annotated[Money, about("What of that was due before today")]
Credit = Annotated[Money, about("What it has in credit: credit notes not used, money that settles nothing yet")]
Balance = Annotated[Money, about("What it owes: open less credit; negative: what it is owed")]


class TenantSummary(Shape, frozen=True):
    """A tenant in a list: where it rents, until when it is subsidised, what it owes."""

    code: TenantCode
    legal_name: Text
    kind: Annotated[str, about("The kind of firm")]
    sites: Annotated[list[SiteCode], about("Where it rents today")]
    tier: TierToday
    window: Window
    open: Owed
    overdue: Overdue
    credit: Credit
    balance: Balance


class LastDocument(Shape, frozen=True):
    """One of a tenant's last documents."""

    number: DocumentNumber
    kind: DocumentKind
    issued_on: Day
    due_on: Day
    gross: Annotated[Money, about("The sum, VAT included")]
    open: Annotated[Money, about("What is left of it")]
    state: Annotated[DocumentState, about("Where it stands, as in its own address")]


TenantShown: type[Shape] = defstruct(  # type: ignore[assignment]
    "TenantShown",
    [
        ("leases", Annotated[list[stored_shape(LEASES)], about("Its leases, by code, past ones too")]),  # type: ignore[misc]
        ("tier", TierToday),
        ("window", Window),
        ("open", Owed),
        ("overdue", Overdue),
        ("credit", Credit),
        ("balance", Balance),
        ("documents", Annotated[list[LastDocument], about("Its last documents, the newest first")]),
    ],
    bases=(stored_shape(TENANTS),),
    namespace={"__doc__": "A tenant as the register has it, with its leases and window, what it owes, last documents."},
    frozen=True,
)
