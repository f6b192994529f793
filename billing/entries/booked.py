"""What is booked under references of one make, to be held against the entries that the facts demand."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, func, or_, select

from ledger.entry import Entry
from ledger.models import entry, posting
from pricing.money import format_amount

# Account, auxiliary, site: what a sum in the books is kept by.
Place: TypeAlias = tuple[str, str | None, str | None]


def difference_of_sums(expected: Mapping[Place, int], found: Mapping[Place, int]) -> Iterator[str]:
    """Where two sets of sums differ, in words."""
    for place in sorted({*expected, *found}, key=repr):
        due, stands = expected.get(place, 0), found.get(place, 0)
        if due != stands:
            account, auxiliary, site = place
            of = "".join(f" {text}" for text in (auxiliary, site) if text)
            yield f"account {account}{of} moves by {format_amount(stands)} instead of {format_amount(due)}"


class Stands(NamedTuple):
    """An entry as found: its day, its piece, its postings summed by account, auxiliary and site."""

    effective_on: date
    piece: str
    sums: dict[Place, int]


# By reference; whoever holds facts against it takes out what it has found, and what is left books nothing.
Booked: TypeAlias = dict[str, Stands]


def booked_like(connection: Connection, *patterns: str) -> Booked:
    """The entries whose references are like one of SQL's patterns."""
    found: Booked = {}
    e, p = entry.c, posting.c
    rows = connection.execute(
        select(e.reference, e.effective_on, e.piece, p.account, p.auxiliary, p.site, p.amount)
        .outerjoin(posting, p.entry_id == e.id)
        .where(or_(*(e.reference.like(pattern) for pattern in patterns)))
    )
    for reference, on, piece, account, auxiliary, site, amount in rows:
        sums = found.setdefault(reference, Stands(on, piece, {})).sums
        place = account, auxiliary, site
        sums[place] = sums.get(place, 0) + amount
    return found


def entry_faults(what: str, due: Entry, booked: Booked) -> Iterator[str]:
    """What differs between the entry that a fact demands and the one that stands, which is taken out of `booked`."""
    stands = booked.pop(due.reference, None)
    if stands is None:
        yield f"{what} has no entry {due.reference}"
        return
    if (stands.effective_on, stands.piece) != (due.effective_on, due.piece):
        yield f"entry {due.reference} is not of the day and piece of what it books: {what}"
    sums: dict[Place, int] = {}
    for p in due.postings:
        place = p.account, p.auxiliary, p.site
        sums[place] = sums.get(place, 0) + p.amount
    for fault in difference_of_sums(sums, stands.sums):
        yield f"entry {due.reference}: {fault}"


def balance_faults(
    connection: Connection, account: str, due: Mapping[str, int], said: str, sign: int = 1
) -> Iterator[str]:
    """Where an account's balance by auxiliary is not what is due; `said` tells what comes to that.

    `sign` -1 tells both as credit balances.
    """
    p = posting.c
    of_auxiliaries = select(p.auxiliary, func.sum(p.amount)).where(p.account == account).group_by(p.auxiliary)
    stands = {code: sign * int(balance) for code, balance in connection.execute(of_auxiliaries)}
    for code in sorted({*due, *stands}, key=str):
        if due.get(code, 0) != stands.get(code, 0):
            yield (
                f"account {account} of tenant {code} stands at {format_amount(stands.get(code, 0))}, {said} "
                f"{format_amount(due.get(code, 0))}"
            )
