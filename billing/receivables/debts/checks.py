"""Proof of doubtful and lost debts: every decision is booked as it was taken, within what the debt allowed."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from billing.entries.accounts import DOUBTFUL_CLIENTS, PROVISION_FOR_CLIENTS
from billing.entries.cancelling import cancellation
from billing.entries.debts import Decision, decision_entry
from billing.entries.standing import StandingEntries, balance_faults, entries_like, entry_faults
from billing.frame.checking import Proof, Step
from billing.frame.codes import DEBT_ACT
from billing.receivables.debts.state import Debt, debt_after
from billing.receivables.open_items.standing import doubtful_paid
from billing.receivables.tables.debts import debt_act, debt_cancellation
from invoices.models import document
from pricing.money import format_amount

_OURS = ("OD/CR-%", "BQ/CR-%")


def debts(connection: Connection, _step: Step) -> Iterator[str]:
    """Decisions are booked, none goes beyond the invoice, and 3424 and 3942 are what they come to, by tenant."""
    standing = entries_like(connection, *_OURS)
    paid, x = doubtful_paid(connection), debt_cancellation.c
    due: dict[str, Counter[str]] = {DOUBTFUL_CLIENTS: Counter(), PROVISION_FOR_CLIENTS: Counter()}
    rows = connection.execute(
        select(
            debt_act, document.c.number, document.c.gross, document.c.tax, document.c.tenant.label("buyer"),
            x.cancelled_on, x.booked_on.label("cancelled"), x.vat.label("cancelled_vat"),
        )
        .join(document, document.c.id == debt_act.c.document_id)
        .outerjoin(debt_cancellation, x.debt_act_id == debt_act.c.id)
        .order_by(debt_act.c.document_id, debt_act.c.id)
    )  # fmt: skip
    for _, group in groupby(rows, key=attrgetter("document_id")):
        made = list(group)
        for row in made:
            yield from _decision_faults(row, standing)
        first = made[0]
        debt = debt_after(Debt(first.gross, first.tax, 0, doubtful=-paid.get(first.document_id, 0)), made)
        yield from _debt_faults(first.number, debt)
        due[DOUBTFUL_CLIENTS][first.tenant] += debt.doubtful
        due[PROVISION_FOR_CLIENTS][first.tenant] -= debt.provision
    for reference in sorted(standing):
        yield f"entry {reference} books a decision about a debt that does not stand"
    for account, balances in due.items():
        yield from balance_faults(connection, account, balances, "the decisions come to")


def _decision_faults(row: Any, standing: StandingEntries) -> Iterator[str]:
    booked_on = row.booked_on or row.decided_on
    made = Decision(row.kind, booked_on, row.amount, row.vat, row.from_doubtful, reference=row.reference)
    due = decision_entry(row.id, row.number, row.tenant, made)
    if row.tenant != row.buyer:
        yield f"the decision {row.id} about {row.number} names tenant {row.tenant}, its buyer is {row.buyer}"
    yield from entry_faults(f"the decision {row.id} about {row.number}", due, standing)
    if booked_on < row.decided_on:
        yield f"the decision {row.id} about {row.number} is booked on {booked_on}, before it was taken"
    if row.cancelled is not None:
        back = decision_entry(row.id, row.number, row.tenant, made._replace(vat=row.cancelled_vat))
        name = f"the cancellation of {DEBT_ACT.format(row.id)}"
        yield from entry_faults(name, cancellation(back, row.cancelled), standing)


def _debt_faults(number: str, debt: Debt) -> Iterator[str]:
    for what, amount, most in (
        ("doubtful", debt.doubtful, debt.gross - debt.written_off),
        ("provided for", debt.provision, debt.gross),
        ("written off", debt.written_off, debt.gross),
        ("VAT written off", debt.written_off_vat, debt.tax),
        ("recovered", debt.recovered, debt.written_off),
        ("VAT recovered", debt.recovered_vat, debt.written_off_vat),
    ):
        if not 0 <= amount <= most:
            yield f"{number}: {format_amount(amount)} is {what}, from 0.00 to {format_amount(most)} can be"


CHECKS: tuple[Proof, ...] = (debts,)
