"""Manual entries, and what takes one back, may have to wait for a second person (R23)."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from billing.approvals.orderable import Circumstances, Done, Orderable
from billing.books.manual_entries.posting import post_entries, reverse_entry
from billing.frame.codes import MANUAL_ENTRY
from ledger.entry import MISCELLANEOUS, REVERSED


class ManualOrder(NamedTuple):
    """Rows of manual entries with their lines, as cells; or, without rows, the key of the one to take back, and when.

    `file` is what messages call the rows; the voucher file is kept already.
    """

    reason: str
    file: str = ""
    rows: Sequence[tuple[int, list[str]]] = ()
    voucher_sha256: str | None = None
    reverses: int | None = None
    on: date | None = None


def _carry_out(connection: Connection, order: ManualOrder, circumstances: Circumstances) -> Done:
    now = circumstances.recorded_at
    effect: dict[str, Any] = {"reason": order.reason, "voucher_sha256": order.voucher_sha256}
    if order.reverses is not None:
        number = MANUAL_ENTRY.format(order.reverses)
        new = reverse_entry(connection, order.reverses, order.reason, order.on, recorded_at=now)
        reference = f"{MISCELLANEOUS}/{number}{REVERSED}"
        return Done(number, {**effect, "reverses": number}, (reference,), changed=new, answer=(order.reverses,))
    posted = post_entries(
        connection, order.rows, order.reason, file=order.file, voucher_sha256=order.voucher_sha256, recorded_at=now
    )
    made = [MANUAL_ENTRY.format(key) for key in posted.keys if key in posted.new]
    references = tuple(f"{MISCELLANEOUS}/{number}" for number in made)
    effect["vouchers"] = posted.vouchers
    number = made[0] if len(made) == 1 else f"{made[0]} to {made[-1]}" if made else ""
    return Done(number, effect, references, changed=bool(made), answer=posted.keys)


MANUAL_ENTRIES = Orderable("manual_entry", ManualOrder, _carry_out)
ORDERS = (MANUAL_ENTRIES,)
