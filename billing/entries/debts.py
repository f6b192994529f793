"""The entries of decisions about debts: pure.

Doubtful: 3421 to 3424. Provided for: 6196 to 3942, without VAT. Written off: the loss without VAT to 6182, its VAT
out of 44551, where it waited for a payment that will not come. Recovered: 7585, with its VAT, due at once (law.md
section 5).
"""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from billing.entries.accounts import (
    BAD_DEBT_LOSS,
    BAD_DEBT_RECOVERY,
    BANK_ACCOUNT,
    CLIENTS,
    DOUBTFUL_CLIENTS,
    PROVISION_CHARGE,
    PROVISION_FOR_CLIENTS,
    PROVISION_RELEASE,
    VAT_DUE,
    VAT_NOT_YET_DUE,
)
from billing.frame.codes import DEBT_ACT
from ledger.entry import BANK, MISCELLANEOUS, Entry, Posting
from pricing.running_shares import Moved


class DebtActKind(StrEnum):
    """The kinds of decision about a debt."""

    DOUBTFUL = "doubtful"
    REINSTATED = "reinstated"
    PROVISIONED = "provisioned"
    RELEASED = "released"
    WRITTEN_OFF = "written_off"
    RECOVERED = "recovered"


KINDS: tuple[str, ...] = tuple(DebtActKind)
DOUBTFUL, REINSTATED, PROVISIONED, RELEASED, WRITTEN_OFF, RECOVERED = KINDS
LABELS = {
    DOUBTFUL: "Créance douteuse",
    REINSTATED: "Créance redevenue saine",
    PROVISIONED: "Provision pour créance douteuse",
    RELEASED: "Reprise de provision",
    WRITTEN_OFF: "Créance irrécouvrable",
    RECOVERED: "Rentrée sur créance soldée",
}


class Decision(NamedTuple):
    """One act about a debt: amounts in centimes, VAT included but for provisions; `booked_on` is its entry's day.

    `shares` are what it writes off or recovers, by VAT rate, where it is being taken; `reference` is the bank's own, of
    what was recovered.
    """

    kind: str
    booked_on: date
    amount: int
    vat: int
    from_doubtful: int
    shares: tuple[Moved, ...] = ()
    reference: str | None = None


def decision_entry(key: int, number: str, tenant: str, made: Decision) -> Entry:
    """Return the entry of a decision about the invoice `number` of a tenant; `key` is the act's."""
    journal = BANK if made.kind == RECOVERED else MISCELLANEOUS
    return Entry(
        reference=f"{journal}/{DEBT_ACT.format(key)}",
        journal=journal,
        effective_on=made.booked_on,
        label=f"{LABELS[made.kind]} {number} - {tenant}",
        piece=made.reference or number,
        postings=tuple(posting for posting in _postings(tenant, made) if posting.amount),
    )


def _postings(tenant: str, made: Decision) -> tuple[Posting, ...]:
    amount, vat = made.amount, made.vat
    match made.kind:
        case "doubtful":
            return Posting(DOUBTFUL_CLIENTS, amount, tenant), Posting(CLIENTS, -amount, tenant)
        case "reinstated":
            return Posting(CLIENTS, amount, tenant), Posting(DOUBTFUL_CLIENTS, -amount, tenant)
        case "provisioned":
            return Posting(PROVISION_CHARGE, amount), Posting(PROVISION_FOR_CLIENTS, -amount, tenant)
        case "released":
            return Posting(PROVISION_FOR_CLIENTS, amount, tenant), Posting(PROVISION_RELEASE, -amount)
        case "written_off":
            return (
                Posting(BAD_DEBT_LOSS, amount - vat),
                Posting(VAT_NOT_YET_DUE, vat),
                Posting(DOUBTFUL_CLIENTS, -made.from_doubtful, tenant),
                Posting(CLIENTS, made.from_doubtful - amount, tenant),
            )
    return Posting(BANK_ACCOUNT, amount), Posting(BAD_DEBT_RECOVERY, vat - amount), Posting(VAT_DUE, -vat)
