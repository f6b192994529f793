"""Proof of manual entries: each is posted as it was ordered, and journal OD holds nothing that no act explains."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, and_, not_, select

from billing.books.manual_entries.judging import account_problem
from billing.books.manual_entries.tables import manual_entry, manual_posting, manual_reversal
from billing.books.manual_entries.vouchers import file_faults
from billing.entries.cancelling import cancellation
from billing.entries.manual import BY_HAND, by_hand
from billing.entries.standing import entries_like, entry_faults
from billing.frame.checking import Proof, Step
from billing.frame.codes import MANUAL_ENTRY
from ledger.entry import MISCELLANEOUS, Posting
from ledger.errors import UnbalancedEntry
from ledger.models import entry

_BY_HAND = f"{BY_HAND}%"
# The other entries of the journal are proved with the receipts, advances, debts, deposits, cash and cut-offs they book.
_OTHERS = tuple(
    f"{MISCELLANEOUS}/{kind}-%" for kind in ("RG", "AF", "PL", "RP", "RB", "TVA", "CR", "RC", "DG", "REG", "AR")
)


def manual_entries(connection: Connection, _step: Step) -> Iterator[str]:
    """Every manual entry is booked as ordered, on accounts open to it; every entry of OD books something recorded."""
    standing = entries_like(connection, _BY_HAND)
    m, p, r = manual_entry.c, manual_posting.c, manual_reversal.c
    rows = connection.execute(
        select(manual_entry, p.line_no, p.account, p.amount, p.auxiliary, p.site, r.reversed_on)
        .outerjoin(manual_posting, p.manual_entry_id == m.id)
        .outerjoin(manual_reversal, r.manual_entry_id == m.id)
        .order_by(m.id, p.line_no)
    )
    last = 0
    for key, group in groupby(rows, key=attrgetter("id")):
        of_entry = list(group)
        number, head = MANUAL_ENTRY.format(key), of_entry[0]
        if key != last + 1:
            yield f"manual entry {number} follows {MANUAL_ENTRY.format(last)}: entries are missing"
        last = key
        postings = tuple(Posting(row.account or "", row.amount or 0, row.auxiliary, row.site) for row in of_entry)
        for posting in postings:
            problem = account_problem(posting.account)
            if problem is not None:
                yield f"manual entry {number} moves {posting.account}, which {problem[0]}"
        try:
            due = by_hand(key, head.effective_on, head.label, head.voucher, postings)
        except UnbalancedEntry:
            yield f"the postings of manual entry {number} do not balance"
            continue
        yield from entry_faults(f"manual entry {number}", due, standing)
        if head.reversed_on is not None:
            yield from entry_faults(f"the reversal of {number}", cancellation(due, head.reversed_on), standing)
    for reference in sorted(standing):
        yield f"entry {reference} books a manual entry that was not recorded"
    others = and_(*(not_(entry.c.reference.like(pattern)) for pattern in (_BY_HAND, *_OTHERS)))
    unknown = select(entry.c.id, entry.c.reference).where(entry.c.journal == MISCELLANEOUS, others)
    for number, reference in connection.execute(unknown.order_by(entry.c.id)):
        yield f"entry {number} ({reference}) stands in journal {MISCELLANEOUS} without what it books"
    yield from file_faults(connection)


CHECKS: tuple[Proof, ...] = (manual_entries,)
