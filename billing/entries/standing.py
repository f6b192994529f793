"""The entries that stand, compared with those that the facts demand."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, func, or_, select

from ledger.entry import Entry
from ledger.models import entry, posting
from pricing.money import format_amount

# Account, auxiliary, site: the key of a sum in the books.
Place: TypeAlias = tuple[str, str | None, str | None]


def difference_of_sums(expected: Mapping[Place, int], standing: Mapping[Place, int]) -> Iterator[str]:
    """Say where two sets of sums differ."""
    for place in sorted({*expected, *standing}, key=repr):
        due, stands = expected.get(place, 0), standing.get(place, 0)
        if due != stands:
            account, auxiliary, site = place
            of = "".join(f" {text}" for text in (auxiliary, site) if text)
            yield f"account {account}{of} moves by {format_amount(stands)} instead of {format_amount(due)}"


class StandingEntry(NamedTuple):
    """An entry that stands: its day, its voucher, its postings summed by account, auxiliary and site."""

    effective_on: date
    piece: str
    sums: dict[Place, int]


# By reference; a proof takes out the entries that facts demand, so that those left book nothing.
StandingEntries: TypeAlias = dict[str, StandingEntry]


def entries_like(connection: Connection, *patterns: str) -> StandingEntries:
    """Return the entries whose references are like one of SQL's patterns."""
    standing: StandingEntries = {}
    e, p = entry.c, posting.c
    rows = connection.execute(
        select(e.reference, e.effective_on, e.piece, p.account, p.auxiliary, p.site, p.amount)
        .outerjoin(posting, p.entry_id == e.id)
        .where(or_(*(e.reference.like(pattern) for pattern in patterns)))
    )
    for reference, on, piece, account, auxiliary, site, amount in rows:
        sums = standing.setdefault(reference, StandingEntry(on, piece, {})).sums
        place = account, auxiliary, site
        sums[place] = sums.get(place, 0) + amount
    return standing


def entry_faults(fact: str, due: Entry, standing: StandingEntries) -> Iterator[str]:
    """Compare the entry that a fact demands with the one that stands, which is taken out of `standing`."""
    stands = standing.pop(due.reference, None)
    if stands is None:
        yield f"{fact} has no entry {due.reference}"
        return
    if (stands.effective_on, stands.piece) != (due.effective_on, due.piece):
        yield f"entry {due.reference} is not of the day and piece of what it books: {fact}"
    sums: dict[Place, int] = {}
    for p in due.postings:
        place = p.account, p.auxiliary, p.site
        sums[place] = sums.get(place, 0) + p.amount
    for fault in difference_of_sums(sums, stands.sums):
        yield f"entry {due.reference}: {fault}"


def balance_faults(
    connection: Connection, account: str, due: Mapping[str, int], source: str, sign: int = 1
) -> Iterator[str]:
    """Say where an account's balance by subledger account is not what is due; `source` says what it should come to.

    `sign` -1 shows both as credit balances.
    """
    p = posting.c
    of_auxiliaries = select(p.auxiliary, func.sum(p.amount)).where(p.account == account).group_by(p.auxiliary)
    stands = {code: sign * int(balance) for code, balance in connection.execute(of_auxiliaries)}
    for code in sorted({*due, *stands}, key=str):
        if due.get(code, 0) != stands.get(code, 0):
            yield (
                f"account {account} of tenant {code} stands at {format_amount(stands.get(code, 0))}, {source} "
                f"{format_amount(due.get(code, 0))}"
            )
