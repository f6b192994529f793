"""The entries of deposits: pure. A deposit stands on 1487, by tenant, until it goes back (law.md sections 2, 5)."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from billing.entries.accounts import BANK_ACCOUNT, DEPOSITS_HELD, OPENING_TRANSIT, TILL
from billing.frame.codes import DEPOSIT, deposit_movement
from ledger.entry import BANK, CASH, Entry, Posting


class DepositMovementKind(StrEnum):
    """The ways a deposit's money goes."""

    RECEIVED = "received"
    RETURNED = "returned"


class DepositMeans(StrEnum):
    """The places a deposit's money comes to: the bank or the till."""

    TRANSFER = "transfer"
    CASH = "cash"


RECEIVED, RETURNED = DepositMovementKind
ACCOUNTS: dict[str, str] = {DepositMeans.TRANSFER: BANK_ACCOUNT, DepositMeans.CASH: TILL}
# A deposit that a take-on brought came to neither; the entry of the take-on books it (R29).
BROUGHT = "brought"
MEANS_OF_ACCOUNT = {**{account: means for means, account in ACCOUNTS.items()}, OPENING_TRANSIT: BROUGHT}
_JOURNALS: dict[str, str] = {DepositMeans.TRANSFER: BANK, DepositMeans.CASH: CASH}
# The references of deposits' entries, as SQL's patterns.
REFERENCES_LIKE = tuple(f"{journal}/{DEPOSIT.prefix}-%" for journal in _JOURNALS.values())
_LABELS: dict[str, str] = {RECEIVED: "Dépôt de garantie reçu", RETURNED: "Dépôt de garantie restitué"}


class Movement(NamedTuple):
    """Money of a deposit: which way and how it moved, when, how much (centimes), the bank's or the till's reference.

    `booked_on` is the day of its entry, where it isn't the day it moved: that month was closed.
    """

    kind: str
    means: str
    moved_on: date
    amount: int
    reference: str
    reason: str | None
    booked_on: date | None = None


def movement_entry(deposit: int, movement_no: int, tenant: str, movement: Movement) -> Entry:
    """Return the entry of a deposit's money: debit bank or till, credit 1487 when received; the mirror when returned.

    `deposit` is its key, `movement_no` counts its movements.
    """
    amount = movement.amount if movement.kind == RECEIVED else -movement.amount
    journal, number = _JOURNALS[movement.means], DEPOSIT.format(deposit)
    return Entry(
        reference=f"{journal}/{deposit_movement(deposit, movement_no)}",
        journal=journal,
        effective_on=movement.booked_on or movement.moved_on,
        label=f"{_LABELS[movement.kind]} {number} - {tenant}",
        piece=f"{number} {movement.reference}",
        postings=(Posting(ACCOUNTS[movement.means], amount), Posting(DEPOSITS_HELD, -amount, tenant)),
    )
