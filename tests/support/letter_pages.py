"""The golden pages of dunning: a letter of each tone, and a statement over pages.

python -m tests.support.letter_pages      writes them again; look at what git then shows
"""

from datetime import date, timedelta

from billing.receivables.dunning.wording import Cost, Dunned, letter_of
from billing.receivables.reports.ages import Ages
from billing.receivables.reports.statement import Statement, StatementLine
from billing.receivables.reports.statement_paper import statement_letter
from invoices.rendering.letter import Letter, render_letter
from pricing.dunning.ladder import Claimed, Reminder, reminders
from pricing.dunning.late_payment import FineRates
from tests.support.documents import SELLER, STARTUP
from tests.support.pages import GOLDEN, text_of

ON = date(2026, 11, 24)
LADDER = (-3, 3, 15, 30)
_RATES = FineRates(225, 85)


def claimed(number: int, late: int, *, sent: int | None = None, open_: int = 3_240_00) -> Claimed:
    """An invoice of 3,240.00 that is so many days late."""
    due_on = ON - timedelta(late)
    name = f"FA-2026-{number:06d}"
    return Claimed(
        document_id=number,
        number=name,
        tenant="T0042",
        issued_on=due_on - timedelta(60),
        due_on=due_on,
        gross=3_240_00,
        open=open_,
        ladder=LADDER,
        sent=sent,
    )


def reminder(*claims: Claimed) -> Reminder:
    """What the tenant is written about them."""
    [found] = reminders(claims, {}, ON, 50_00)
    return found


def dunned(*claims: Claimed, interest: int = 0) -> Dunned:
    """The reminder with its papers; the first invoice bears interest."""
    found = reminder(*claims)
    costs = tuple(
        Cost(one.claimed.open * 225 // 10_000 if one.step.days > 0 else 0, _RATES, 0 if index else interest)
        for index, one in enumerate(found.reached)
    )
    return Dunned(found, ON, SELLER, STARTUP, costs, statement())


def first() -> Letter:
    """The first letter after the due date."""
    return letter_of(dunned(claimed(101, 3), claimed(102, 4, open_=240_00)))


def further() -> Letter:
    """A further one."""
    return letter_of(dunned(claimed(101, 15, sent=3)))


def last() -> Letter:
    """The last of the ladder, with the fine as information and contractual interest."""
    return letter_of(dunned(claimed(101, 33, sent=15), interest=26_63))


def mixed() -> Letter:
    """One letter about invoices of several steps, and about one that is not due yet."""
    return letter_of(dunned(claimed(101, 33, sent=15), claimed(102, 15, sent=3), claimed(103, 3), claimed(104, -2)))


def statement() -> Letter:
    """A year's account: sixty movements over three pages."""
    lines, balance = [], 12_345_00
    for index in range(60):
        on = date(2026, 1, 1) + timedelta(index * 5)
        paid = index % 2
        amount = -(3_240_00 + index * 3) if paid else 3_240_00 + index * 7
        balance += amount
        number = f"FA-2026-{index - paid:06d}"
        piece = f"RG-{index:06d}" if paid else number
        label = f"Virement VIR-{index:05d} : {number}" if paid else "Facture, mai 2026"
        lines.append(StatementLine(on, piece, label, None if paid else on + timedelta(60), amount, balance))
    found = Statement("T0042", date(2026, 1, 1), ON, 12_345_00, tuple(lines))
    return statement_letter(found, Ages(100_00, 2_000_00, 0, 3_000_00, 278_90), SELLER, STARTUP)


KEPT = {
    "dunning_first": first,
    "dunning_further": further,
    "dunning_last": last,
    "dunning_mixed": mixed,
    "statement_of_account": statement,
}


def golden_text(letter: Letter) -> str:
    """The pages of a letter, one below the other."""
    return f"{'-' * 20}\n".join(text_of(render_letter(letter)).removesuffix("\f").split("\f"))


if __name__ == "__main__":
    for name, make in KEPT.items():
        (GOLDEN / f"{name}.txt").write_text(golden_text(make()), encoding="utf-8")
