"""Proof of the deposits: what is held of each is booked on 1487, movement by movement, and nothing else is."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, select

from billing.entries.accounts import DEPOSITS_HELD
from billing.entries.cancelling import cancellation
from billing.entries.deposits import BROUGHT, MEANS_OF_ACCOUNT, REFERENCES_LIKE, Movement, movement_entry
from billing.entries.receivables import DEPOSIT
from billing.entries.standing import balance_faults, entries_like, entry_faults
from billing.frame import codes
from billing.frame.checking import Proof, Step
from billing.frame.codes import FINAL_STATEMENT, RECEIPT
from billing.receivables.deposits.deposits import deposits
from billing.receivables.tables.deposits import (
    deposit,
    deposit_cancellation,
    deposit_movement,
    deposit_set_off,
    final_statement,
)
from billing.receivables.tables.receipts import receipt, receipt_cancellation
from pricing.money import AMOUNT_DECIMALS, format_amount, parse_decimal


def deposits_held(connection: Connection, _step: Step) -> Iterator[str]:
    """Each movement of a deposit is booked as it is, none exceeds what it may, and 1487 is what is held, by tenant."""
    held: Counter[str] = Counter()
    standing = entries_like(connection, *REFERENCES_LIKE)
    m, x = deposit_movement.c, deposit_cancellation.c
    rows = connection.execute(
        select(deposit_movement, deposit.c.tenant, x.cancelled_on, x.booked_on.label("cancelled"))
        .join(deposit, deposit.c.id == m.deposit_id)
        .outerjoin(deposit_cancellation, and_(x.deposit_id == m.deposit_id, x.movement_no == m.movement_no))
        .order_by(m.deposit_id, m.movement_no)
    )
    counted: Counter[tuple[int, str, str]] = Counter()
    for row in rows:
        means = MEANS_OF_ACCOUNT[row.money_account]
        if means == BROUGHT:
            held[row.tenant] += row.amount
            continue
        movement = Movement(row.kind, means, row.moved_on, row.amount, row.reference, row.reason, row.booked_on)
        due = movement_entry(row.deposit_id, row.movement_no, row.tenant, movement)
        name = codes.deposit_movement(row.deposit_id, row.movement_no)
        yield from entry_faults(f"the movement {name}", due, standing)
        counted[row.deposit_id, row.kind, row.reference] += 1
        if row.occurrence != counted[row.deposit_id, row.kind, row.reference]:
            yield f"{name}: the movements of that reference are not counted 1, 2, 3"
        if due.effective_on < row.moved_on:
            yield f"{name} is booked on {due.effective_on}, before it moved"
        if row.cancelled is None:
            held[row.tenant] += -next(p.amount for p in due.postings if p.account == DEPOSITS_HELD)
            continue
        yield from entry_faults(f"the cancellation of {name}", cancellation(due, row.cancelled), standing)
        if not due.effective_on <= row.cancelled_on <= row.cancelled:
            yield f"{name} was cancelled on {row.cancelled_on} and booked on {row.cancelled}"
    yield from _set_off_faults(connection, held)
    for reference in sorted(standing):
        yield f"entry {reference} books a movement of a deposit that does not stand"
    for head in connection.execute(deposits()):
        if not 0 <= head.held <= head.amount:
            of = format_amount(head.amount)
            yield f"deposit {codes.DEPOSIT.format(head.id)} of {of} has {format_amount(head.held)} held"
    yield from balance_faults(connection, DEPOSITS_HELD, held, "its deposits held sum to", sign=-1)


def _set_off_faults(connection: Connection, held: Counter[str]) -> Iterator[str]:
    """Check that deposits paid what their receipts say; the receipts' entries are proved with the receipts."""
    o, r = deposit_set_off.c, receipt.c
    rows = connection.execute(
        select(
            deposit_set_off, r.means, r.amount.label("received"), r.tenant.label("payer"), deposit.c.tenant,
            receipt_cancellation.c.receipt_id.label("cancelled"),
        )
        .outerjoin(receipt, r.id == o.receipt_id)
        .outerjoin(deposit, deposit.c.id == o.deposit_id)
        .outerjoin(receipt_cancellation, receipt_cancellation.c.receipt_id == o.receipt_id)
        .order_by(o.receipt_id)
    )  # fmt: skip
    for row in rows:
        if row.cancelled is None:
            held[row.tenant] -= row.amount
        if (row.means, row.received, row.payer) != (DEPOSIT, row.amount, row.tenant):
            number = codes.DEPOSIT.format(row.deposit_id)
            yield f"{RECEIPT.format(row.receipt_id)} is not what was set off of deposit {number}"
    without = select(r.id).outerjoin(deposit_set_off, o.receipt_id == r.id)
    for key in connection.scalars(without.where(r.means == DEPOSIT, o.receipt_id.is_(None)).order_by(r.id)):
        yield f"{RECEIPT.format(key)} is of a deposit that does not say so"


def final_statements(connection: Connection, _step: Step) -> Iterator[str]:
    """Each statement that closed a lease is of a day after its end, to its tenant, and sums up what it lists."""
    for row in connection.execute(select(final_statement).order_by(final_statement.c.id)):
        number = FINAL_STATEMENT.format(row.id)
        content = json.loads(row.content)
        open_sum = sum(parse_decimal(document["open"], AMOUNT_DECIMALS) for document in content["documents"])
        less = sum(parse_decimal(content[name], AMOUNT_DECIMALS) for name in ("credit", "deposit_left"))
        if row.balance != open_sum - less or content["balance"] != format_amount(row.balance):
            yield f"{number}: its balance {format_amount(row.balance)} is not the sum of what it lists"
        paid = sum(parse_decimal(part["amount"], AMOUNT_DECIMALS) for part in content.get("settled", ()))
        if "deposit" in content and _gone(content) < paid:
            yield f"{number}: its deposit paid more than what of it is gone"
        if content["buyer"]["code"] != row.tenant:
            yield f"{number} is addressed to {content['buyer']['code']}, it closes an account of {row.tenant}"
        if row.closed_on.isoformat() <= content["ends_on"]:
            yield f"{number} is of {row.closed_on}, its lease {row.lease} ended on {content['ends_on']}"


def _gone(content: dict[str, Any]) -> int:
    """Return what of a statement's deposit was set off: what was received, less what was given back and is left."""
    received, *less = (
        parse_decimal(content[name], AMOUNT_DECIMALS) for name in ("received", "returned", "deposit_left")
    )
    return received - sum(less)


CHECKS: tuple[Proof, ...] = (deposits_held, final_statements)
