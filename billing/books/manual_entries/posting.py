"""Manual entries are posted, all of a file or none, and taken back; none is ever changed (R30, R22)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from billing.bank.queries import is_unlinked
from billing.books.manual_entries.judging import WantedEntry, judge
from billing.books.manual_entries.tables import manual_entry, manual_posting, manual_reversal
from billing.entries.cancelling import cancellation
from billing.entries.manual import by_hand, reference_of
from billing.frame.audit_log import record_change
from billing.frame.bounds import PREPARED_DAYS_AHEAD_MAX, require_near
from billing.frame.civil_time import today
from billing.frame.codes import MANUAL_ENTRY
from billing.frame.database import change_receivables, insert_rows
from billing.frame.errors import Conflict, Fault, Refused, Taken, Unknown
from billing.register.network_import.reading import NumberedRow
from ledger.entry import Posting
from ledger.journal import load_entry, post
from ledger.models import entry
from ledger.periods import first_open_day, require_open

SUBJECT = "manual-entries"


class Posted(NamedTuple):
    """Manual entries by key, in the order of the file, their vouchers, and which are new: the others stood already."""

    keys: tuple[int, ...]
    vouchers: list[str]
    new: frozenset[int]


def post_entries(
    connection: Connection,
    rows: Sequence[NumberedRow],
    reason: str,
    *,
    file: str,
    voucher_sha256: str | None,
    recorded_at: datetime,
) -> Posted:
    """Post the entries that the rows order; those that stand already, with the same postings, are left as they are.

    Raises Refused with every fault of every row; Taken among them where day, label and voucher are those of an entry
    with other postings.
    """
    # One at a time: two orders of the same file post it once, and a bank line is decided before or after.
    change_receivables(connection)
    wanted, faults = judge(connection, rows, file, today(recorded_at))
    if faults:
        raise Refused(faults)
    standing = _standing(connection, wanted)
    taken = [_taken(file, want, standing[key]) for want in wanted if (key := _key(want)) in standing
             and sorted(standing[key][1], key=repr) != sorted(want.postings, key=repr)]  # fmt: skip
    if taken:
        raise Refused(taken)
    number = int(connection.scalar(select(func.coalesce(func.max(manual_entry.c.id), 0))) or 0)
    keys, new = [], []
    for want in wanted:
        if _key(want) in standing:
            keys.append(standing[_key(want)][0])
            continue
        number += 1
        keys.append(number)
        new.append((number, want))
    _write(connection, new, reason, voucher_sha256, recorded_at)
    return Posted(tuple(keys), [want.voucher for want in wanted], frozenset(key for key, _ in new))


def reverse_entry(connection: Connection, key: int, reason: str, on: date | None, *, recorded_at: datetime) -> bool:
    """Take a manual entry back by its mirror image, and return whether that is new.

    On its own day, or the first open one where that month is closed, unless another day is given. Raises Unknown,
    Conflict while it stands for a bank line, Refused, PeriodClosed.
    """
    change_receivables(connection)
    row = connection.execute(select(manual_entry).where(manual_entry.c.id == key)).one_or_none()
    if row is None:
        raise Unknown(f"there is no manual entry {MANUAL_ENTRY.format(key)}: `entries list` shows those there are")
    if connection.scalar(select(manual_reversal.c.manual_entry_id).where(manual_reversal.c.manual_entry_id == key)):
        return False
    made = load_entry(connection, reference_of(key))
    if made is None:
        raise Conflict(f"the entry of {MANUAL_ENTRY.format(key)} is missing: see `technopark-billing check`")
    if connection.scalar(select(entry.c.id).where(entry.c.reference == made.reference, is_unlinked())) is None:
        raise Conflict(
            f"{MANUAL_ENTRY.format(key)} stands for a bank line: undo that decision first (`statements undo`)"
        )
    day = on or first_open_day(connection, row.effective_on)
    require_near(SUBJECT, "on", day, today(recorded_at), PREPARED_DAYS_AHEAD_MAX)
    if day < row.effective_on:
        raise Refused(
            [Fault(SUBJECT, None, "on", str(day), "is before the entry's own day", f"give {row.effective_on} or later")]
        )
    require_open(connection, day)
    post(connection, [cancellation(made, day)], recorded_at=recorded_at, insert=insert_rows)
    insert_rows(connection, manual_reversal, tuple(manual_reversal.c.keys()), [(key, day, reason, recorded_at)])
    record_change(
        connection, SUBJECT, MANUAL_ENTRY.format(key), None, {"reversed_on": day.isoformat(), "reason": reason}
    )
    return True


def _key(want: WantedEntry) -> tuple[date, str, str]:
    return want.on, want.label, want.voucher


def _standing(
    connection: Connection, wanted: Sequence[WantedEntry]
) -> Mapping[tuple[date, str, str], tuple[int, list[Posting]]]:
    """Return the entries of the wanted days that were not taken back, by day, label and voucher."""
    m, p, r = manual_entry.c, manual_posting.c, manual_reversal.c
    rows = connection.execute(
        select(m.id, m.effective_on, m.label, m.voucher, p.account, p.amount, p.auxiliary, p.site)
        .join(manual_posting, p.manual_entry_id == m.id)
        .outerjoin(manual_reversal, r.manual_entry_id == m.id)
        .where(m.effective_on.in_(sorted({want.on for want in wanted})), r.manual_entry_id.is_(None))
        .order_by(m.id, p.line_no)
    )
    standing: dict[tuple[date, str, str], tuple[int, list[Posting]]] = {}
    for key, on, label, voucher, *posting in rows:
        standing.setdefault((on, label, voucher), (key, []))[1].append(Posting(*posting))
    return standing


def _taken(file: str, want: WantedEntry, standing: tuple[int, Any]) -> Fault:
    number = MANUAL_ENTRY.format(standing[0])
    remedy = f"reverse it first (`entries reverse {number} --reason …`), or name another voucher"
    return Taken(file, want.line, "voucher", want.voucher, f"is that of {number}, with other postings", remedy)


def _write(
    connection: Connection,
    new: Sequence[tuple[int, WantedEntry]],
    reason: str,
    voucher_sha256: str | None,
    recorded_at: datetime,
) -> None:
    heads = [(key, e.on, e.label, e.voucher, voucher_sha256, reason, recorded_at) for key, e in new]
    lines = [
        (key, line_no, p.account, p.auxiliary, p.site, p.amount)
        for key, e in new
        for line_no, p in enumerate(e.postings, 1)
    ]
    if not new:
        return
    insert_rows(connection, manual_entry, tuple(manual_entry.c.keys()), heads)
    insert_rows(connection, manual_posting, tuple(manual_posting.c.keys()), lines)
    entries = [by_hand(key, e.on, e.label, e.voucher, e.postings) for key, e in new]
    post(connection, entries, recorded_at=recorded_at, insert=insert_rows)
    for key, e in new:
        after = {"date": e.on.isoformat(), "voucher": e.voucher, "reason": reason, "voucher_sha256": voucher_sha256}
        record_change(connection, SUBJECT, MANUAL_ENTRY.format(key), None, after)
