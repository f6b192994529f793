"""What the decisions about a debt come to, and the entry of each: pure.

Doubtful: 3421 to 3424. Provided for: 6196 to 3942, without VAT. Written off: the loss without VAT to 6182, its VAT
out of 44551, where it waited for a payment that will not come. Recovered: 7585, with its VAT, due at once (law.md
section 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from billing.postings import CLIENTS, VAT_NOT_YET_DUE
from billing.receivables.shares import Share, left_of, taken_of
from ledger.entry import BANK, MISCELLANEOUS, Entry, Posting
from pricing.money import settle

DOUBTFUL, REINSTATED = "doubtful", "reinstated"
PROVISIONED, RELEASED = "provisioned", "released"
WRITTEN_OFF, RECOVERED = "written_off", "recovered"
KINDS = (DOUBTFUL, REINSTATED, PROVISIONED, RELEASED, WRITTEN_OFF, RECOVERED)
DOUBTFUL_CLIENTS = "3424"
PROVISION = "3942"
PROVISION_CHARGE, PROVISION_RELEASE = "6196", "7196"
LOSS, RECOVERY = "6182", "7585"
VAT_DUE = "4455"
BANK_ACCOUNT = "5141"
_LABELS = {
    DOUBTFUL: "Créance douteuse",
    REINSTATED: "Créance redevenue saine",
    PROVISIONED: "Provision pour créance douteuse",
    RELEASED: "Reprise de provision",
    WRITTEN_OFF: "Créance irrécouvrable",
    RECOVERED: "Rentrée sur créance soldée",
}


class Decision(NamedTuple):
    """One act about a debt: amounts in centimes, VAT included but for provisions.

    `shares` are what it writes off or recovers, by VAT rate, where it is being taken.
    """

    kind: str
    decided_on: date
    amount: int
    vat: int
    from_doubtful: int
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Debt:
    """Where an invoice stands: its gross and VAT, what was credited and paid of it, what was decided; in centimes.

    `doubtful` is what is set apart now; it begins below nil by what was paid of doubtful parts. `shares` are what is
    open by VAT rate, `lost` what was written off and not recovered. `due_at_issue`: its VAT is due whatever comes.
    """

    gross: int
    tax: int
    credited: int
    paid: int = 0
    shares: tuple[Share, ...] = ()
    lost: tuple[Share, ...] = ()
    due_at_issue: bool = False
    doubtful: int = 0
    provision: int = 0
    written_off: int = 0
    written_off_vat: int = 0
    recovered: int = 0
    recovered_vat: int = 0

    @property
    def unpaid(self) -> int:
        """What is still hoped for, VAT included."""
        return max(self.gross - self.credited - self.paid - self.written_off, 0)

    @property
    def may_be_provided(self) -> int:
        """What may still be provided for: what is doubtful, without VAT, less what is provided for."""
        return max(self.doubtful - self.vat_of(self.doubtful) - self.provision, 0)

    def vat_of(self, amount: int) -> int:
        """The VAT in so much of the invoice's gross, rounded once."""
        return settle(self.tax * amount, self.gross) if self.gross else 0

    def most(self, kind: str) -> int:
        """How much an act of a kind may be of now."""
        return {
            DOUBTFUL: self.unpaid - self.doubtful,
            REINSTATED: self.doubtful,
            PROVISIONED: self.may_be_provided,
            RELEASED: self.provision,
            WRITTEN_OFF: self.unpaid,
            RECOVERED: self.written_off - self.recovered,
        }[kind]

    def decision(self, kind: str, decided_on: date, amount: int) -> Decision:
        """The act of so much, with its VAT by rate: what was left less what is left, so parts make up the whole."""
        if kind not in (WRITTEN_OFF, RECOVERED):
            return Decision(kind, decided_on, amount, 0, 0)
        lost = kind == WRITTEN_OFF
        shares = taken_of(self.shares if lost else self.lost, amount)
        # What fell due as it was issued left 44551 then, and is not due again.
        vat = 0 if self.due_at_issue else sum(share.vat for share in shares)
        return Decision(kind, decided_on, amount, vat, min(self.doubtful, amount) if lost else 0, tuple(shares))

    def after(self, made: Decision) -> "Debt":
        """Where it stands once that was decided."""
        amount = made.amount
        match made.kind:
            case "doubtful":
                return replace(self, doubtful=self.doubtful + amount)
            case "reinstated":
                return replace(self, doubtful=self.doubtful - amount)
            case "provisioned":
                return replace(self, provision=self.provision + amount)
            case "released":
                return replace(self, provision=self.provision - amount)
            case "written_off":
                return replace(
                    self,
                    doubtful=self.doubtful - made.from_doubtful,
                    written_off=self.written_off + amount,
                    written_off_vat=self.written_off_vat + made.vat,
                    shares=tuple(left_of(self.shares, made.shares)) if made.shares else self.shares,
                )
        return replace(self, recovered=self.recovered + amount, recovered_vat=self.recovered_vat + made.vat)


def debt_after(debt: Debt, made: Iterable[Any]) -> Debt:
    """Where a debt stands after decisions, or rows that tell them, in order."""
    for row in made:
        debt = debt.after(Decision(row.kind, row.decided_on, row.amount, row.vat, row.from_doubtful))
    return debt


def decision_entry(key: int, number: str, tenant: str, made: Decision) -> Entry:
    """The entry of a decision about the invoice `number` of a tenant; `key` is the act's."""
    journal = BANK if made.kind == RECOVERED else MISCELLANEOUS
    return Entry(
        reference=f"{journal}/CR-{key}",
        journal=journal,
        effective_on=made.decided_on,
        label=f"{_LABELS[made.kind]} {number} - {tenant}",
        piece=number,
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
            return Posting(PROVISION_CHARGE, amount), Posting(PROVISION, -amount, tenant)
        case "released":
            return Posting(PROVISION, amount, tenant), Posting(PROVISION_RELEASE, -amount)
        case "written_off":
            return (
                Posting(LOSS, amount - vat),
                Posting(VAT_NOT_YET_DUE, vat),
                Posting(DOUBTFUL_CLIENTS, -made.from_doubtful, tenant),
                Posting(CLIENTS, made.from_doubtful - amount, tenant),
            )
    return Posting(BANK_ACCOUNT, amount), Posting(RECOVERY, vat - amount), Posting(VAT_DUE, -vat)
