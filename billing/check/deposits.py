"""Proof of the deposits: what is held of each is booked on 1487, movement by movement, and nothing else is."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from billing.check.booked import balance_faults, booked_like, entry_faults
from billing.check.proof import Step
from billing.deposits.deposits import HELD, MEANS, Movement, deposits, movement_entry, number_of
from billing.deposits.models import deposit, deposit_movement
from pricing.money import format_amount

_MEANS_OF = {account: (means, journal) for means, (journal, account) in MEANS.items()}
# What the references of deposits' entries look like, whatever the journal.
_OURS = tuple(f"{journal}/DG-%" for journal, _ in MEANS.values())


def deposits_held(connection: Connection, _step: Step) -> Iterator[str]:
    """Each movement of a deposit is booked as it is, none exceeds what it may, and 1487 is what is held, by tenant."""
    held: Counter[str] = Counter()
    booked = booked_like(connection, *_OURS)
    rows = connection.execute(
        select(deposit_movement, deposit.c.tenant)
        .join(deposit, deposit.c.id == deposit_movement.c.deposit_id)
        .order_by(deposit_movement.c.deposit_id, deposit_movement.c.movement_no)
    )
    for row in rows:
        means, journal = _MEANS_OF[row.money_account]
        movement = Movement(row.kind, means, row.moved_on, row.amount, row.reference, row.reason)
        due = movement_entry(row.deposit_id, row.movement_no, row.tenant, movement, journal, row.money_account)
        held[row.tenant] += -next(p.amount for p in due.postings if p.account == HELD)
        yield from entry_faults(f"deposit {number_of(row.deposit_id)}: its movement {row.movement_no}", due, booked)
    for reference in sorted(booked):
        yield f"entry {reference} books a movement of a deposit that does not stand"
    for head in connection.execute(deposits().order_by(deposit.c.id)):
        if not 0 <= head.held <= head.amount:
            of = format_amount(head.amount)
            yield f"deposit {number_of(head.id)} of {of} has {format_amount(head.held)} held"
    yield from balance_faults(connection, HELD, held, "its deposits held sum to", sign=-1)
