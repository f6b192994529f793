"""The manual entries, as commands and addresses show them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from billing.books.manual_entries.shapes import ManualEntry, ManualPosting
from billing.books.manual_entries.tables import manual_entry, manual_posting, manual_reversal, voucher_file
from billing.entries.manual import reference_of
from billing.frame.codes import MANUAL_ENTRY
from billing.frame.database import among
from billing.frame.errors import Unknown
from billing.frame.shapes import instant
from ledger.accounts import label_of
from pricing.money import format_amount

MANUAL_ENTRY_KEY = (manual_entry.c.id,)


def manual_entries() -> Select[Any]:
    """Select the manual entries, each with its voucher file's name and what took it back."""
    r = manual_reversal.c
    return (
        select(manual_entry, voucher_file.c.name.label("voucher_name"), r.reversed_on, r.reason.label("reversed_for"))
        .outerjoin(voucher_file, voucher_file.c.sha256 == manual_entry.c.voucher_sha256)
        .outerjoin(manual_reversal, r.manual_entry_id == manual_entry.c.id)
    )


def find_manual_entries(connection: Connection, keys: Sequence[int]) -> list[ManualEntry]:
    """Return manual entries in this order; raises Unknown."""
    rows = {
        row.id: row
        for row in connection.execute(manual_entries().where(among(connection, manual_entry.c.id, sorted(set(keys)))))
    }
    for key in keys:
        if key not in rows:
            raise Unknown(f"there is no manual entry {MANUAL_ENTRY.format(key)}: `entries list` shows those there are")
    return manual_shapes(connection, [rows[key] for key in keys])


def all_manual_entries(connection: Connection) -> list[ManualEntry]:
    """Return every manual entry, by number."""
    return manual_shapes(connection, connection.execute(manual_entries().order_by(*MANUAL_ENTRY_KEY)).all())


def manual_shapes(connection: Connection, heads: Sequence[Row[Any]]) -> list[ManualEntry]:
    """Return the manual entries of these rows, in their order."""
    p = manual_posting.c
    postings: dict[int, list[Any]] = {head.id: [] for head in heads}
    of_entries = select(manual_posting).where(among(connection, p.manual_entry_id, sorted(postings)))
    for row in connection.execute(of_entries.order_by(p.manual_entry_id, p.line_no)):
        postings[row.manual_entry_id].append(row)
    return [
        ManualEntry(
            number=MANUAL_ENTRY.format(head.id),
            reference=reference_of(head.id),
            date=head.effective_on,
            label=head.label,
            voucher=head.voucher,
            voucher_sha256=head.voucher_sha256,
            voucher_name=head.voucher_name,
            reason=head.reason,
            recorded_at=instant(head.recorded_at),
            amount=format_amount(sum(row.amount for row in postings[head.id] if row.amount > 0)),
            postings=[_posting(row) for row in postings[head.id]],
            reversed_on=head.reversed_on,
            reversed_for=head.reversed_for,
        )
        for head in heads
    ]


def _posting(row: Row[Any]) -> ManualPosting:
    return ManualPosting(
        account=row.account,
        label=label_of(row.account),
        auxiliary=row.auxiliary,
        site=row.site,
        debit=format_amount(max(row.amount, 0)),
        credit=format_amount(max(-row.amount, 0)),
    )


def moved_by_hand(connection: Connection, account: str, first: date, last: date) -> int:
    """Return what manual entries and their reversals moved on an account from a day to another, debit positive."""
    m, p, r = manual_entry.c, manual_posting.c, manual_reversal.c
    of_account = select(func.coalesce(func.sum(p.amount), 0)).where(p.account == account)
    made = of_account.join(manual_entry, m.id == p.manual_entry_id).where(m.effective_on.between(first, last))
    back = of_account.join(manual_reversal, r.manual_entry_id == p.manual_entry_id).where(
        r.reversed_on.between(first, last)
    )
    return int(connection.scalar(made) or 0) - int(connection.scalar(back) or 0)
