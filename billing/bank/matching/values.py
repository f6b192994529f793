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
    """A cheque or bill that waits to be cleared, or was cleared and may come back; neither before `since`."""

    receipt: int
    number: str
    tenant: str | None
    amount: int
    since: date


class BookedEntry(NamedTuple):
    """An entry that moves the bank's account, and that stands for no bank line yet."""

    reference: str
    on: date
    amount: int
    text: str


class Rates(NamedTuple):
    """The taxes that a payer may withhold, in ten-thousandths: of the rent, and of the VAT."""

    rent: int
    vat: tuple[int, ...]


NO_TAX = Rates(0, ())


class Proposal(NamedTuple):
    """A proposal for a line, with its reason and its certainty in percent.

    Received: `tenant` (None: nobody's) pays `parts`; `rent_withheld` and `vat_withheld` came not to the bank but count
    as paid; what is left is the tenant's credit. Cleared, bounced: `receipt`. Recorded: `entry` books it already.
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
    entry: str | None = None
    account: str | None = None
