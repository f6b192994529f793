"""Proof of the deposits: what is held of each is booked on 1487, movement by movement, and nothing else is."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, or_, select

from billing.check.documents import Place, difference_of_sums
from billing.check.proof import Step
from billing.deposits.deposits import HELD, MEANS, Movement, deposits, movement_entry, number_of
from billing.deposits.models import deposit, deposit_movement
from ledger.models import entry, posting
from pricing.money import format_amount

_MEANS_OF = {account: (means, journal) for means, (journal, account) in MEANS.items()}
# What the references of deposits' entries look like, whatever the journal.
_OURS = tuple(f"{journal}/DG-%" for journal, _ in MEANS.values())


def deposits_held(connection: Connection, _step: Step) -> Iterator[str]:
    """Each movement of a deposit is booked as it is, none exceeds what it may, and 1487 is what is held, by tenant."""
    held: Counter[str] = Counter()
    booked = _entries(connection)
    rows = connection.execute(
        select(deposit_movement, deposit.c.tenant)
        .join(deposit, deposit.c.id == deposit_movement.c.deposit_id)
        .order_by(deposit_movement.c.deposit_id, deposit_movement.c.movement_no)
    )
    for row in rows:
        means, journal = _MEANS_OF[row.money_account]
        movement = Movement(row.kind, means, row.moved_on, row.amount, row.reference, row.reason)
        due = movement_entry(row.deposit_id, row.movement_no, row.tenant, movement, journal, row.money_account)
        sums: dict[Place, int] = {(p.account, p.auxiliary, p.site): p.amount for p in due.postings}
        held[row.tenant] += -next(p.amount for p in due.postings if p.account == HELD)
        stands = booked.pop(due.reference, None)
        if stands is None:
            yield f"deposit {number_of(row.deposit_id)}: its movement {row.movement_no} has no entry {due.reference}"
            continue
        if (stands[0], stands[1]) != (due.effective_on, due.piece):
            yield f"entry {due.reference} is not of the day and piece of the movement it books"
        for fault in difference_of_sums(sums, stands[2]):
            yield f"entry {due.reference}: {fault}"
    for reference in sorted(booked):
        yield f"entry {reference} books a movement of a deposit that does not stand"
    for head in connection.execute(deposits().order_by(deposit.c.id)):
        if not 0 <= head.held <= head.amount:
            of = format_amount(head.amount)
            yield f"deposit {number_of(head.id)} of {of} has {format_amount(head.held)} held"
    yield from _balances(connection, held)


def _entries(connection: Connection) -> dict[str, tuple[Any, str, dict[Place, int]]]:
    """The entries of deposits by reference: day, piece, sums."""
    found: dict[str, tuple[Any, str, dict[Place, int]]] = {}
    rows = connection.execute(
        select(
            entry.c.reference, entry.c.effective_on, entry.c.piece, posting.c.account, posting.c.auxiliary,
            posting.c.site, posting.c.amount,
        )
        .outerjoin(posting, posting.c.entry_id == entry.c.id)
        .where(or_(*(entry.c.reference.like(ours) for ours in _OURS)))
    )  # fmt: skip
    for reference, on, piece, account, auxiliary, site, amount in rows:
        sums = found.setdefault(reference, (on, piece, {}))[2]
        place = account, auxiliary, site
        sums[place] = sums.get(place, 0) + amount
    return found


def _balances(connection: Connection, held: Counter[str]) -> Iterator[str]:
    stands = dict(
        connection.execute(
            select(posting.c.auxiliary, -func.sum(posting.c.amount))
            .where(posting.c.account == HELD)
            .group_by(posting.c.auxiliary)
        ).all()
    )
    for code in sorted({*held, *stands}, key=str):
        if held[code] != stands.get(code, 0):
            yield (
                f"account {HELD} of tenant {code} stands at {format_amount(int(stands.get(code, 0)))}, its deposits "
                f"held sum to {format_amount(held[code])}"
            )
