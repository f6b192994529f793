"""Receipts to be recorded, as the API, the command line, files and bank statements order them."""

from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from billing.entries.receivables import DEPOSIT, WITHHOLDINGS, LegKind, Means
from invoices.document import CURRENCY
from pricing.money import format_amount

# The means by which anybody may record a receipt: deposits are set off by an act of their own.
MEANS = tuple(means for means in Means if means is not DEPOSIT)
LEG_KINDS = tuple(LegKind)
# The kinds of leg by which the money falls short of what it settles.
SHORTFALLS = (*WITHHOLDINGS, LegKind.BANK_CHARGES)
REFERENCE_LENGTH_MAX = 100
PAYER_TEXT_LENGTH_MAX = 1000
AUTOMATIC: Literal["automatic"] = "automatic"
NONE: Literal["none"] = "none"


class Leg(NamedTuple):
    """A part of what settles: the money itself, a tax withheld, charges the bank kept; centimes."""

    kind: str
    amount: int


class Part(NamedTuple):
    """So much of a receipt for an invoice, by its number; centimes."""

    invoice: str
    amount: int


Allocations: TypeAlias = tuple[Part, ...] | Literal["automatic", "none"]


class ReceiptOrder(NamedTuple):
    """A receipt to be recorded: means, the bank's or drawer's reference, value date, who paid if that is known.

    `allocations` are the invoices it settles with amounts, or `automatic`: those the payer's text names, then the
    oldest due of the tenant; or `none`. `site` is the till that took cash.
    `deposit` is the one whose money pays, where the means is `deposit`: its own act asks for that
    (`billing.receivables.deposits`). `occurrence` 2 says that it is the second of two that are alike. `anew` false: one
    that was cancelled is not entered anew, as where a file is read again. `reason` says why what looks wrong is right.
    """

    means: str
    reference: str
    value_date: date
    tenant: str | None
    legs: tuple[Leg, ...]
    allocations: Allocations = AUTOMATIC
    payer_text: str = ""
    currency: str = CURRENCY
    site: str | None = None
    deposit: int | None = None
    occurrence: int = 1
    anew: bool = True
    reason: str | None = None

    @property
    def amount(self) -> int:
        """All that it settles, in centimes."""
        return sum([leg.amount for leg in self.legs])

    @property
    def asked(self) -> str:
        """The allocation that was asked for, as the database keeps it."""
        if isinstance(self.allocations, str):
            return self.allocations
        return " ".join(f"{part.invoice}={format_amount(part.amount)}" for part in self.allocations) or NONE


def one_line(text: str) -> str:
    """Return a payer's text on one line, as the database keeps it."""
    return " ".join(text.split())
