"""The entry of the bank's own movement, such as charges: pure. Money of tenants has entries of receipts."""

from datetime import date

from billing.entries.accounts import BANK_ACCOUNT, PROVED, TILL, VAT_DUE
from ledger.entry import BANK, Entry, Posting

LABEL_LENGTH_MAX = 200
# No movement of the bank's own is booked to what is proved, the bank itself, a till, or the VAT that is due.
PROVED_ACCOUNTS = frozenset({*PROVED, BANK_ACCOUNT, TILL, VAT_DUE})


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
