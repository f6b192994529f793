"""The journal's one door: entries are posted here, reversed here, and never touched again (R22)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.entry import Entry, Posting
from ledger.errors import ReferenceTaken
from ledger.models import account_day, entry, entry_counter, posting

RowWriter: TypeAlias = Callable[[Connection, Table, Sequence[str], Iterable[Sequence[Any]]], None]

_ENTRY_COLUMNS = ("id", "reference", "journal", "effective_on", "recorded_at", "label", "piece", "posting_count")
_POSTING_COLUMNS = ("entry_id", "line_no", "account", "auxiliary", "site", "effective_on", "amount")
_EXISTING = select(entry.c.id, entry.c.reference).where(entry.c.reference.in_(bindparam("references", expanding=True)))
# More names in one query than this, and SQLite's limit on variables comes near.
_NAMES_MAX = 10_000


def insert_by_core(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows through SQLAlchemy, in one statement: the default where nothing faster is handed in."""
    connection.execute(table.insert().values([dict(zip(columns, row, strict=True)) for row in rows]))


def post(
    connection: Connection, entries: Sequence[Entry], *, recorded_at: datetime, insert: RowWriter = insert_by_core
) -> list[int]:
    """Post entries, all or none, and give their numbers in the same order.

    Idempotent by reference: an entry that stands already is left as it is and its number given again;
    raises ReferenceTaken when the reference stands for something else. Numbers have no gap: the
    counter stays locked until the transaction ends. `recorded_at` is a UTC instant.
    """
    numbers = _standing(connection, entries)
    fresh = [e for e in entries if e.reference not in numbers]
    if fresh:
        first = _take_numbers(connection, len(fresh))
        numbers.update((e.reference, first + index) for index, e in enumerate(fresh))
        entry_rows = [
            (first + i, e.reference, e.journal, e.effective_on, recorded_at, e.label, e.piece, len(e.postings))
            for i, e in enumerate(fresh)
        ]
        posting_rows = [
            (first + i, line_no, p.account, p.auxiliary, p.site, e.effective_on, p.amount)
            for i, e in enumerate(fresh)
            for line_no, p in enumerate(e.postings, 1)
        ]
        # Each database seals an entry in its own order (ARCHITECTURE: invariants).
        if connection.dialect.name == "sqlite":
            insert(connection, posting, _POSTING_COLUMNS, posting_rows)
            insert(connection, entry, _ENTRY_COLUMNS, entry_rows)
        else:
            insert(connection, entry, _ENTRY_COLUMNS, entry_rows)
            insert(connection, posting, _POSTING_COLUMNS, posting_rows)
        _add_to_days(connection, fresh)
    return [numbers[e.reference] for e in entries]


def reversal(of: Entry, reference: str, effective_on: date, label: str) -> Entry:
    """The entry that takes another back: the same postings with opposite signs."""
    return Entry(
        reference=reference,
        journal=of.journal,
        effective_on=effective_on,
        label=label,
        piece=of.piece,
        postings=tuple(p._replace(amount=-p.amount) for p in of.postings),
    )


def load_entry(connection: Connection, reference: str) -> Entry | None:
    """The entry that bears `reference`, as it was posted; None if there is none."""
    head = connection.execute(select(entry).where(entry.c.reference == reference)).one_or_none()
    return None if head is None else _loaded(connection, head)


def _loaded(connection: Connection, head: Any) -> Entry:
    rows = connection.execute(
        select(posting.c.account, posting.c.amount, posting.c.auxiliary, posting.c.site)
        .where(posting.c.entry_id == head.id)
        .order_by(posting.c.line_no)
    )
    postings = tuple(Posting(*row) for row in rows)
    return Entry(head.reference, head.journal, head.effective_on, head.label, head.piece, postings)


def _standing(connection: Connection, entries: Sequence[Entry]) -> dict[str, int]:
    """The numbers of those entries that are posted already; raises ReferenceTaken."""
    wanted = {e.reference: e for e in entries}
    if len(wanted) != len(entries):
        raise ReferenceTaken("the same reference twice in one posting")
    found: dict[str, int] = {}
    references = list(wanted)
    for start in range(0, len(references), _NAMES_MAX):
        chunk = references[start : start + _NAMES_MAX]
        for number, reference in connection.execute(_EXISTING, {"references": chunk}):
            if load_entry(connection, reference) != wanted[reference]:
                raise ReferenceTaken(f"{reference} stands for another entry: correct it by a reversal and a new one")
            found[reference] = number
    return found


def _take_numbers(connection: Connection, count: int) -> int:
    """The first of `count` entry numbers in a row; locks the counter until the transaction ends."""
    statement = update(entry_counter).where(entry_counter.c.id == 1)
    last = connection.scalar(statement.values(last=entry_counter.c.last + count).returning(entry_counter.c.last))
    if last is None:
        raise RuntimeError("the entry counter is missing: the schema is incomplete, run `technopark-billing migrate`")
    return int(last) - count + 1


def _add_to_days(connection: Connection, entries: Iterable[Entry]) -> None:
    """Add what the entries move to the accounts' days."""
    moved: dict[tuple[str, date], list[int]] = {}
    for e in entries:
        for p in e.postings:
            day = moved.setdefault((p.account, e.effective_on), [0, 0])
            if p.amount > 0:
                day[0] += p.amount
            else:
                day[1] -= p.amount
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(account_day)
    statement = statement.on_conflict_do_update(
        index_elements=[account_day.c.account, account_day.c.day],
        set_={
            "debit": account_day.c.debit + statement.excluded.debit,
            "credit": account_day.c.credit + statement.excluded.credit,
        },
    )
    # In one order for everybody, though the counter's lock already keeps writers apart.
    rows = [
        {"account": account, "day": day, "debit": debit, "credit": credit}
        for (account, day), (debit, credit) in sorted(moved.items())
    ]
    connection.execute(statement, rows)
