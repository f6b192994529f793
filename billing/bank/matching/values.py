"""The values of matching: what bank lines are matched with, and what they are proposed to be; centimes."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from billing.bank.reasons import Why
from billing.receivables.receipts.orders import Part

PROPOSALS_MAX = 3
# At most so many proposals of one kind rest on the same amount.
SAME_AMOUNT_MAX = 3
# An entry of so many days before or after a line may be its own.
NEAR_DAYS = 7
# A line that names no invoice may be a sum recorded for its tenant so many days before or after.
RECORDED_DAYS = 31


# A decision that takes the one before it back.
UNDONE = "undone"


class LineKind(StrEnum):
    """The kinds of bank line: a receipt's, booked to an account, or recorded in the books before."""

    RECEIVED = "received"
    CLEARED = "cleared"
    BOUNCED = "bounced"
    BOOKED = "booked"
    RECORDED = "recorded"


class OpenInvoice(NamedTuple):
    """An invoice that a line may pay; where nothing is left `open` of it, only its tenant is of use."""

    number: str
    tenant: str
    due_on: date
    gross: int
    open: int


class Withheld(NamedTuple):
    """The bases of taxes withheld at source: an invoice's rent without VAT, and its VAT."""

    rent: int
    vat: int


class Cheque(NamedTuple):
    """A cheque or bill that waits to be cleared, or money that may come back; neither before `since`."""

    receipt: int
    number: str
    tenant: str | None
    amount: int
    since: date


class BookedEntry(NamedTuple):
    """An entry that moves the bank's account, and that stands for no bank line yet.

    `words` are the references that the bank may have given it; `tenants` those whose accounts it moves.
    """

    reference: str
    on: date
    amount: int
    words: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()


class Rates(NamedTuple):
    """The taxes that a payer may withhold, in ten-thousandths: of the rent, and of the VAT."""

    rent: int
    vat: tuple[int, ...]


NO_TAX = Rates(0, ())


class Proposal(NamedTuple):
    """A proposal for a line, with its reason and its certainty in percent.

    `is_contested`: another reading stands, so that it never books itself (R33).
    Received: `tenant` (None: nobody's) pays `parts`; `rent_withheld` and `vat_withheld` came not to the bank but count
    as paid; what is left is the tenant's credit. Cleared, bounced: `receipt`. Recorded: `entries` book it already.
    Booked: to `account`.
    """

    kind: LineKind
    confidence: int
    why: Why
    tenant: str | None = None
    parts: tuple[Part, ...] = ()
    rent_withheld: int = 0
    vat_withheld: int = 0
    receipt: int | None = None
    entries: tuple[str, ...] = ()
    account: str | None = None
    is_contested: bool = False

    @property
    def entry(self) -> str | None:
        """Return the first of the entries that book it already."""
        return self.entries[0] if self.entries else None

    def books_itself(self, least: int) -> bool:
        """Return whether a line may be booked so without a person, where this certainty is asked for (R33)."""
        return self.confidence >= least and not self.is_contested and self.kind != LineKind.BOOKED
