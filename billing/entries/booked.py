"""The entries in the books under references of one form, to be held against those that the facts demand."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, func, or_, select

from ledger.entry import Entry
from ledger.models import entry, posting
from pricing.money import format_amount

# Sums in the books are kept by account, auxiliary and site.
Place: TypeAlias = tuple[str, str | None, str | None]


def difference_of_sums(expected: Mapping[Place, int], booked: Mapping[Place, int]) -> Iterator[str]:
    """Say in words where two sets of sums differ."""
    for place in sorted({*expected, *booked}, key=repr):
        due, stands = expected.get(place, 0), booked.get(place, 0)
        if due != stands:
            account, auxiliary, site = place
            of = "".join(f" {text}" for text in (auxiliary, site) if text)
            yield f"account {account}{of} moves by {format_amount(stands)} instead of {format_amount(due)}"


class Stands(NamedTuple):
    """An entry in the books: its day, its voucher, its postings summed by account, auxiliary and site."""

    effective_on: date
    piece: str
    sums: dict[Place, int]


# By reference. A check takes out each entry that a fact demands; those left at the end book nothing.
Booked: TypeAlias = dict[str, Stands]


def booked_like(connection: Connection, *patterns: str) -> Booked:
    """Read the entries whose references match one of SQL's patterns."""
    booked: Booked = {}
    e, p = entry.c, posting.c
    rows = connection.execute(
        select(e.reference, e.effective_on, e.piece, p.account, p.auxiliary, p.site, p.amount)
        .outerjoin(posting, p.entry_id == e.id)
        .where(or_(*(e.reference.like(pattern) for pattern in patterns)))
    )
    for reference, on, piece, account, auxiliary, site, amount in rows:
        sums = booked.setdefault(reference, Stands(on, piece, {})).sums
        place = account, auxiliary, site
        sums[place] = sums.get(place, 0) + amount
    return booked


def entry_faults(what: str, due: Entry, booked: Booked) -> Iterator[str]:
    """Say what differs between the entry that a fact demands and the one in the books, and take it out of `booked`."""
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
    """Say where an account's balance by auxiliary is not what is due; `said` names what comes to that.

    With `sign` -1 both are credit balances.
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
