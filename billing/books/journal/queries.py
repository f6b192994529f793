"""The entries with their postings, and the chart of accounts, as the API and the audit trail list them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select

from billing.books.journal.shapes import Entry, Posting
from billing.frame.errors import Unknown
from billing.frame.shapes import instant
from ledger.models import account, entry, posting

ENTRY_KEY = (entry.c.id,)
ACCOUNT_KEY = (account.c.code,)
_POSTINGS = (
    select(posting)
    .where(posting.c.entry_id.in_(bindparam("numbers", expanding=True)))
    .order_by(posting.c.entry_id, posting.c.line_no)
)


def entries(criteria: Mapping[str, Any]) -> Select[Any]:
    """Select the entries that meet all criteria given.

    `journal`, `reference` and `piece` are the entry's own; of its days `from` and `until` are the first and last;
    `account` and `auxiliary` are those of one of its postings.
    """
    e, p = entry.c, posting.c
    own = ("journal", "reference", "piece")
    wanted: list[ColumnElement[bool]] = [e[name] == criteria[name] for name in own if criteria.get(name) is not None]
    if criteria.get("from") is not None:
        wanted.append(e.effective_on >= criteria["from"])
    if criteria.get("until") is not None:
        wanted.append(e.effective_on <= criteria["until"])
    moved = [p[name] == criteria[name] for name in ("account", "auxiliary") if criteria.get(name) is not None]
    if moved:
        wanted.append(select(p.line_no).where(p.entry_id == e.id, *moved).exists())
    return select(entry).where(*wanted)


def find_entry(connection: Connection, number: int) -> Row[Any]:
    """Return the row of an entry; raises Unknown."""
    row = connection.execute(select(entry).where(entry.c.id == number)).one_or_none()
    if row is None:
        raise Unknown(f"there is no entry {number}: GET /v1/ledger/entries lists them")
    return row


def entry_shapes(connection: Connection, heads: Sequence[Row[Any]]) -> list[Entry]:
    """Return the entries whose rows are `heads`, in that order, with their postings."""
    postings: dict[int, list[Posting]] = {head.id: [] for head in heads}
    for row in connection.execute(_POSTINGS, {"numbers": list(postings)}) if heads else ():
        postings[row.entry_id].append(Posting.of(row))
    return [
        Entry(
            number=head.id,
            reference=head.reference,
            journal=head.journal,
            effective_on=head.effective_on,
            recorded_at=instant(head.recorded_at),
            label=head.label,
            piece=head.piece,
            postings=postings[head.id],
        )
        for head in heads
    ]


def accounts() -> Select[Any]:
    """Select the chart of accounts."""
    return select(account)
