"""The entry of the stamp duty on a receipt for cash: pure (law.md sections 3, 5)."""

from datetime import date

from billing.entries.accounts import STAMP_DUTY_DUE, TAXES_AND_DUTIES, TILL
from ledger.entry import CASH, MISCELLANEOUS, Entry, Posting


def stamp_entry(number: str, taken_on: date, payer: str, site_code: str | None, duty: int, on_top: int) -> Entry:
    """Book the stamp duty of a receipt for cash: taken with the money (`on_top`), or borne by the operator."""
    journal = CASH if on_top else MISCELLANEOUS
    debited = Posting(TILL, duty, None, site_code) if on_top else Posting(TAXES_AND_DUTIES, duty)
    return Entry(
        reference=f"{journal}/{number}",
        journal=journal,
        effective_on=taken_on,
        label=f"Droit de timbre {number} - {payer}",
        piece=number,
        postings=(debited, Posting(STAMP_DUTY_DUE, -duty)),
    )
