"""Proof of cut-off: each is booked as its sums say on 31 December, and taken back whole on 1 January (R31)."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection, select

from billing.books.cut_off.tables import cut_off, cut_off_sum
from billing.entries.cut_off import CutOffSum, cut_off_entries
from billing.entries.standing import entries_like, entry_faults
from billing.frame.checking import Proof, Step
from billing.frame.codes import CUT_OFF
from ledger.entry import MISCELLANEOUS
from ledger.errors import UnbalancedEntry


def cut_offs(connection: Connection, _step: Step) -> Iterator[str]:
    """Every cut-off is booked by site and account, and has its exact mirror image on 1 January."""
    standing = entries_like(connection, f"{MISCELLANEOUS}/{CUT_OFF.prefix}-%")
    c, s = cut_off.c, cut_off_sum.c
    rows = connection.execute(
        select(c.id, c.year, s.kind, s.site, s.account, s.amount)
        .outerjoin(cut_off_sum, s.cut_off_id == c.id)
        .order_by(c.id, s.line_no)
    )
    last = 0
    for (key, year), group in groupby(rows, key=attrgetter("id", "year")):
        number = CUT_OFF.format(key)
        if key != last + 1:
            yield f"cut-off {number} follows {CUT_OFF.format(last)}: one is missing"
        last = key
        sums = [CutOffSum(row.kind, row.site, row.account, row.amount) for row in group if row.kind is not None]
        try:
            due = cut_off_entries(key, year, sums)
        except UnbalancedEntry:
            yield f"cut-off {number} of {year} has no sums"
            continue
        for one in due:
            yield from entry_faults(f"cut-off {number} of {year}", one, standing)
    for reference in sorted(standing):
        yield f"entry {reference} books a cut-off that was not recorded"


CHECKS: tuple[Proof, ...] = (cut_offs,)
