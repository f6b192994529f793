"""Proof of the VAT on advances: each change is booked, and the last closed month ended with what is declared."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from billing.books.vat_return.advances import advances_booked
from billing.books.vat_return.tables import advance_vat
from billing.entries.accounts import ADVANCES_VAT
from billing.entries.advances import ADVANCE, advance_entry
from billing.entries.standing import balance_faults, entries_like, entry_faults
from billing.frame.checking import Proof, Step
from billing.frame.codes import RECEIPT
from billing.receivables.open_items.open_items import credits as unallocated_credits
from ledger.periods import last_day, limits
from pricing.money import format_amount, vat_included


def advances(connection: Connection, _step: Step) -> Iterator[str]:
    """The VAT on advances is booked as it was declared, on what was held as the last closed month ended."""
    standing = entries_like(connection, f"{ADVANCE}%")
    vat: Counter[str] = Counter()
    last = 0
    for row in connection.execute(select(advance_vat).order_by(advance_vat.c.id)):
        if row.id != last + 1:
            yield f"VAT on advances {row.id} follows {last}: changes are missing"
        last = row.id
        due = advance_entry(row.id, last_day(row.month), row.receipt_id, row.tenant, row.vat)
        if due is not None:
            yield from entry_faults(f"VAT on advances {row.id} of {RECEIPT.format(row.receipt_id)}", due, standing)
        vat[row.tenant] += row.vat
    for reference in sorted(standing):
        yield f"entry {reference} books VAT on an advance that was not recorded"
    yield from balance_faults(connection, ADVANCES_VAT, vat, "its advances bear")
    if last:
        yield from _held_faults(connection)


def _held_faults(connection: Connection) -> Iterator[str]:
    """Yield where what closings booked is not what was held at the end of the last closed month."""
    closed = limits(connection).closed_through
    if closed is None:
        return
    held: Counter[tuple[int, str | None]] = Counter()
    for credit in unallocated_credits(connection, on=closed, unplaced=False):
        if credit.is_money:
            held[credit.receipt, credit.tenant] += credit.left
    booked: Counter[tuple[int, str]] = Counter()
    for advance, (amount, vat) in advances_booked(connection, closed).items():
        booked[advance.receipt, advance.tenant] += amount
        due = vat_included(amount, advance.rate)
        if vat != due:
            yield (
                f"{RECEIPT.format(advance.receipt)} of {advance.tenant}: VAT {format_amount(vat)} is declared on an "
                f"advance of {format_amount(amount)} on {closed}, {format_amount(due)} is due"
            )
    for (receipt, tenant), amount in sorted(booked.items()):
        if amount != held[receipt, tenant]:
            yield (
                f"{RECEIPT.format(receipt)} held {format_amount(held[receipt, tenant])} of {tenant} on {closed}, "
                f"VAT is declared on {format_amount(amount)}"
            )


CHECKS: tuple[Proof, ...] = (advances,)
