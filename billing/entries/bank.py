"""The entry of the bank's own movement, such as charges: pure. Money of tenants has entries of receipts."""

from datetime import date

from billing.entries.accounts import (
    ADVANCES,
    BANK_ACCOUNT,
    BILLS_TO_BE_CLEARED,
    CHEQUES_TO_BE_CLEARED,
    CLIENTS,
    DEPOSITS_HELD,
    DOUBTFUL_CLIENTS,
    OVERPAYMENTS,
    PROVISION_FOR_CLIENTS,
    TILL,
    UNPLACED,
    VAT_DUE,
    VAT_NOT_YET_DUE,
)
from ledger.entry import BANK, Entry, Posting

LABEL_LENGTH_MAX = 200
# Accounts that documents, receipts and deposits prove to the centime: no movement of the bank's own is booked to them.
PROVED_ACCOUNTS = frozenset(
    {
        ADVANCES, BANK_ACCOUNT, BILLS_TO_BE_CLEARED, CHEQUES_TO_BE_CLEARED, CLIENTS, DEPOSITS_HELD, DOUBTFUL_CLIENTS,
        OVERPAYMENTS, PROVISION_FOR_CLIENTS, TILL, UNPLACED, VAT_DUE, VAT_NOT_YET_DUE,
    }
)  # fmt: skip


def own_movement_entry(
    line: str, decision_no: int, effective_on: date, text: str, *, amount: int, account: str
) -> Entry:
    """Return the entry of a bank line, `RE-000012/3`, between the bank's account and the one a person named.

    `amount` in centimes, positive where money came in; `decision_no` is of the decision that says so.
    """
    return Entry(
        reference=f"{BANK}/{line}/{decision_no}",
        journal=BANK,
        effective_on=effective_on,
        label=f"Relevé {line} - {text}"[:LABEL_LENGTH_MAX],
        piece=line,
        postings=(Posting(BANK_ACCOUNT, amount), Posting(account, -amount)),
    )
