"""The kinds of credit notes made by hand (R28)."""

from enum import StrEnum


class CreditKind(StrEnum):
    """A rebate lowers a price that was right; a cancellation takes back a line that was wrong, and is billed anew."""

    REBATE = "rebate"
    CANCELLATION = "cancellation"
