"""The receipts that a person says a line is of: cheques it clears, money it takes back, or entries that stand."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, not_, select

from billing.bank.choices import Choice
from billing.bank.matching.values import LineKind
from billing.bank.queries import LineRow, is_of_line, is_reversed, is_unlinked, moves_bank_account
from billing.bank.refusing import refused
from billing.entries.receivables import TO_BE_CLEARED
from billing.frame.codes import RECEIPT
from billing.frame.database import among
from billing.frame.errors import Unknown
from billing.receivables.tables.receipts import receipt, receipt_event
from ledger.entry import BANK
from ledger.models import entry, posting


def choice_of_receipts(connection: Connection, row: LineRow, receipts: Sequence[int]) -> Choice:
    """Return what a line is that is of these receipts; raises Unknown, Refused.

    Their entries that wait for a line book it already; cheques and bills that wait are cleared by a credit. A debit
    for which nothing is booked yet brings them back.
    """
    keys = tuple(dict.fromkeys(receipts))
    means = dict(
        connection.execute(select(receipt.c.id, receipt.c.means).where(among(connection, receipt.c.id, keys))).all()
    )
    for key in keys:
        if key not in means:
            raise Unknown(f"there is no receipt {RECEIPT.format(key)}")
    entries = _waiting_entries(connection, keys, row.line.amount)
    if entries.keys() == set(keys):
        return Choice(LineKind.RECORDED, entries=tuple(entries[key] for key in keys))
    if row.line.amount < 0:
        return Choice(LineKind.BOUNCED, receipts=keys)
    event = receipt_event.c
    settled = set(connection.scalars(select(event.receipt_id).where(among(connection, event.receipt_id, keys))))
    to_clear = tuple(key for key in keys if means[key] in TO_BE_CLEARED and key not in settled)
    if len(to_clear) == len(keys):
        return Choice(LineKind.CLEARED, receipts=keys)
    if to_clear:
        number = RECEIPT.format(to_clear[0])
        remedy = f"clear it first: `technopark-billing payments clear {number}`"
        raise refused("receipts", number, "is still to be cleared, unlike the others", remedy)
    number = RECEIPT.format(next(key for key in keys if key not in entries))
    remedy = "name receipts whose money the bank has not told of yet"
    raise refused("receipts", number, "has no entry of the bank's account that waits for a line", remedy)


def _waiting_entries(connection: Connection, keys: Sequence[int], amount: int) -> dict[int, str]:
    """Return the entry of each receipt that moves the bank's account the way a line does, and stands for none."""
    moved = func.sum(posting.c.amount)
    references = {f"{BANK}/{RECEIPT.format(key)}{act}": key for key in keys for act in ("", "/encaissement", "/impaye")}
    rows = connection.execute(
        select(entry.c.reference)
        .join(posting, posting.c.entry_id == entry.c.id)
        .where(
            among(connection, entry.c.reference, list(references)),
            moves_bank_account(),
            is_unlinked(),
            not_(is_of_line()),
            not_(is_reversed()),
        )
        .group_by(entry.c.id, entry.c.reference)
        .having(moved > 0 if amount > 0 else moved < 0)
    )
    return {references[reference]: reference for reference in rows.scalars()}
