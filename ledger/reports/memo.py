"""Show the opening entries, which totals of movements leave out: with them they are the totals of the journal."""

from collections.abc import Iterable, Iterator
from typing import Any

from ledger.reports.rows import Row, RowKind, part_of


def memo(
    opened: Iterable[tuple[str, int, int]],
    part: str,
    debit: int,
    credit: int,
    *,
    before: tuple[Any, ...],
    after: tuple[Any, ...],
) -> Iterator[Row]:
    """Yield two rows, or none where nothing was opened: what journal `AN` booked, and the journal's total with it.

    `debit` and `credit` are the movements' total; `before` and `after` the cells around the two sums.
    """
    of_part = [sums for sums in opened if part_of(sums[0]) == part]
    if not of_part:
        return
    opened_debit = sum(debit for _, debit, _ in of_part)
    opened_credit = sum(credit for _, _, credit in of_part)
    for label, sums in (
        ("Pour mémoire : écritures d'à-nouveaux (journal AN)", (opened_debit, opened_credit)),
        ("Total du livre-journal", (debit + opened_debit, credit + opened_credit)),
    ):
        yield Row(RowKind.MEMO, (label,), (*before, *sums, *after))
