"""The state of a debt after the decisions about it: pure. Their entries stand in `billing.entries.debts`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from billing.entries.debts import DOUBTFUL, PROVISIONED, RECOVERED, REINSTATED, RELEASED, WRITTEN_OFF, Decision
from pricing.money import settle
from pricing.running_shares import Exact, Moved, RunningShares
from pricing.vat_shares import Share, left_of, taken_of


@dataclass(frozen=True, slots=True)
class Debt:
    """The state of an invoice's debt: gross and VAT, what was credited and paid, what was decided; in centimes.

    `doubtful` is what is set apart now; it begins negative by what was paid of doubtful parts. `shares` are what is
    open by VAT rate, `lost` what was written off and not recovered; `lost_ahead` is what the exact sums of what was
    recovered exceed the rounded ones by (R26). `due_at_issue`: its VAT is due whatever comes.
    """

    gross: int
    tax: int
    credited: int
    paid: int = 0
    shares: tuple[Share, ...] = ()
    lost: tuple[Share, ...] = ()
    lost_ahead: tuple[Exact, ...] | None = None
    due_at_issue: bool = False
    doubtful: int = 0
    provision: int = 0
    written_off: int = 0
    written_off_vat: int = 0
    recovered: int = 0
    recovered_vat: int = 0

    @property
    def unpaid(self) -> int:
        """Return what is still hoped for, VAT included."""
        return max(self.gross - self.credited - self.paid - self.written_off, 0)

    @property
    def may_be_provided(self) -> int:
        """Return what may still be provided for: what is doubtful, without VAT, less what is provided for."""
        return max(self.doubtful - self.vat_of(self.doubtful) - self.provision, 0)

    def vat_of(self, amount: int) -> int:
        """Return the VAT in so much of the invoice's gross, rounded once."""
        return settle(self.tax * amount, self.gross) if self.gross else 0

    def most(self, kind: str) -> int:
        """Return how much an act of a kind may be of now."""
        return {
            DOUBTFUL: self.unpaid - self.doubtful,
            REINSTATED: self.doubtful,
            PROVISIONED: self.may_be_provided,
            RELEASED: self.provision,
            WRITTEN_OFF: self.unpaid,
            RECOVERED: self.written_off - self.recovered,
        }[kind]

    def decision(self, kind: str, booked_on: date, amount: int, reference: str | None = None) -> Decision:
        """Return the act of so much, with its VAT by rate: parts of it make up the whole."""
        if kind not in (WRITTEN_OFF, RECOVERED):
            return Decision(kind, booked_on, amount, 0, 0)
        lost = kind == WRITTEN_OFF
        if lost:
            shares = [Moved(*share) for share in taken_of(self.shares, amount)]
        else:
            running = RunningShares(list(self.lost), ahead=None if self.lost_ahead is None else list(self.lost_ahead))
            shares = running.settle(amount, falls_due=False)
        # VAT that fell due as the invoice was issued left 44551 then, and is not due again.
        vat = 0 if self.due_at_issue else sum(share.vat for share in shares)
        return Decision(
            kind, booked_on, amount, vat, min(self.doubtful, amount) if lost else 0, tuple(shares), reference
        )

    def after(self, made: Decision) -> "Debt":
        """Return where it stands once that was decided."""
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
                    shares=tuple(left_of(self.shares, [Share(*moved[:3]) for moved in made.shares]))
                    if made.shares
                    else self.shares,
                )
        return replace(self, recovered=self.recovered + amount, recovered_vat=self.recovered_vat + made.vat)


def debt_after(debt: Debt, made: Iterable[Any]) -> Debt:
    """Return where a debt stands after decisions, whose rows these are, in order; what was cancelled is taken back."""
    for row in made:
        debt = debt.after(Decision(row.kind, row.decided_on, row.amount, row.vat, row.from_doubtful))
        if row.cancelled_on is not None:
            debt = debt.after(Decision(row.kind, row.decided_on, -row.amount, -row.cancelled_vat, 0))
    return debt
