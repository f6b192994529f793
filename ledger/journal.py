"""The journal's one door: entries are posted here, reversed here, and never touched again (R22)."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Date, Table, bindparam, select, text

from ledger.accounts import chart, label_of
from ledger.entry import Entry, Posting
from ledger.errors import ReferenceTaken
from ledger.models import entry, posting
from ledger.periods import Limits, limits, refuse

RowWriter: TypeAlias = Callable[[Connection, Table, Sequence[str], Iterable[Sequence[Any]]], None]

# (account, day) -> [debit, credit], in centimes.
_Moved: TypeAlias = dict[tuple[str, date], list[int]]

_ENTRY_COLUMNS = ("id", "reference", "journal", "effective_on", "recorded_at", "label", "piece", "posting_count")
_POSTING_COLUMNS = ("entry_id", "line_no", "account", "auxiliary", "site", "effective_on", "amount")
# However many references are asked for, they are one parameter of one statement: a list of a thousand
# parameters costs more to prepare than to answer.
_AMONG = {
    "sqlite": "IN (SELECT value FROM json_each(:references))",
    "postgresql": "= ANY (CAST(:references AS varchar[]))",
}
_EXISTING = {
    dialect: text(f"SELECT id, reference FROM entry WHERE reference {among}") for dialect, among in _AMONG.items()
}
# Between which days may be posted, from the newest closing: asked for with the numbers, so that it costs no statement.
_LIMITS = ", ".join(
    f"(SELECT {limit} FROM period_act ORDER BY id DESC LIMIT 1) AS {limit}"
    for limit in ("closed_through", "open_through")
)
_TAKE = text("UPDATE entry_counter SET last = last + :count WHERE id = 1 RETURNING last")
# Takes numbers if none of the references stands, in one step; `seen` is the newest number when that was looked up.
_TAKE_NEW = {
    "sqlite": text(
        "UPDATE entry_counter SET last = last + :count WHERE id = 1 "
        f"AND NOT EXISTS (SELECT 1 FROM entry WHERE reference {_AMONG['sqlite']}) "
        f"RETURNING last, last - :count AS seen, {_LIMITS}"
    ),
    "postgresql": text(
        "UPDATE entry_counter c SET last = c.last + :count "
        "FROM (SELECT last AS seen FROM entry_counter WHERE id = 1) before WHERE c.id = 1 "
        f"AND NOT EXISTS (SELECT 1 FROM entry WHERE reference {_AMONG['postgresql']}) "
        f"RETURNING c.last, before.seen, {_LIMITS}"
    ),
}
_TAKE_FOR_NEW = {
    dialect: taking.columns(closed_through=Date, open_through=Date) for dialect, taking in _TAKE_NEW.items()
}


def insert_by_core(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows through SQLAlchemy, in one statement: the default where nothing faster is handed in."""
    connection.execute(table.insert().values([dict(zip(columns, row, strict=True)) for row in rows]))


def post(
    connection: Connection, entries: Sequence[Entry], *, recorded_at: datetime, insert: RowWriter = insert_by_core
) -> list[int]:
    """Post entries, all or none, and give their numbers in the same order.

    Idempotent by reference: an entry that stands already is left as it is and its number given again;
    raises ReferenceTaken when the reference stands for something else, UnknownAccount for an account
    outside the chart, PeriodClosed or PeriodNotYetOpen for a day that can't be posted to. Numbers have no gap:
    the counter stays locked until the transaction ends.
    `recorded_at` is a UTC instant.
    """
    numbers, fresh, first = _numbered(connection, entries)
    if fresh:
        numbers.update((e.reference, number) for number, e in enumerate(fresh, first))
        entry_rows, posting_rows, moved = _laid_out(fresh, first, recorded_at)
        _open_accounts(connection, {code for code, _ in moved})
        # What needs an answer first, then what a writer may still be writing when this returns; postings before
        # entries, whose rows seal them.
        _add_to_days(connection, moved)
        insert(connection, posting, _POSTING_COLUMNS, posting_rows)
        insert(connection, entry, _ENTRY_COLUMNS, entry_rows)
    return [numbers[e.reference] for e in entries]


def _laid_out(
    entries: Iterable[Entry], first: int, recorded_at: datetime
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], _Moved]:
    """Entries, numbered from `first`, as rows; and what each account moves each day."""
    entry_rows, posting_rows = [], []
    moved: _Moved = {}
    for number, e in enumerate(entries, first):
        on = e.effective_on
        entry_rows.append((number, e.reference, e.journal, on, recorded_at, e.label, e.piece, len(e.postings)))
        for line_no, (code, amount, auxiliary, site) in enumerate(e.postings, 1):
            posting_rows.append((number, line_no, code, auxiliary, site, on, amount))
            day = moved.get((code, on))
            if day is None:
                day = moved[code, on] = [0, 0]
            if amount > 0:
                day[0] += amount
            else:
                day[1] -= amount
    return entry_rows, posting_rows, moved


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


def _numbered(connection: Connection, entries: Sequence[Entry]) -> tuple[dict[str, int], Sequence[Entry], int]:
    """The numbers of the entries that stand, those that don't, and the first of the numbers taken for these."""
    if len({e.reference for e in entries}) != len(entries):
        raise ReferenceTaken("the same reference twice in one posting")
    if not entries:
        return {}, (), 0
    asked = {"count": len(entries)} | _references(connection, entries)
    taken = connection.execute(_TAKE_FOR_NEW[connection.dialect.name], asked).one_or_none()
    if taken is not None and taken.last == taken.seen + len(entries):
        _require_open(Limits(taken.closed_through, taken.open_through), entries)
        return {}, entries, taken.seen + 1
    # Some stand, or others have posted between the look and the lock, perhaps the same. Whoever waited for the
    # lock now sees what they did.
    last = _take(connection, len(entries)) if taken is None else int(taken.last)
    standing = _standing(connection, entries)
    _take(connection, -len(standing))
    fresh = [e for e in entries if e.reference not in standing]
    _require_open(limits(connection), fresh)
    return standing, fresh, last - len(entries) + 1


def _require_open(known: Limits, entries: Sequence[Entry]) -> None:
    """Raise PeriodClosed or PeriodNotYetOpen unless all of them lie in open months."""
    if entries and known.open_through is not None:
        refuse(known, min(e.effective_on for e in entries))
        refuse(known, max(e.effective_on for e in entries))


def _take(connection: Connection, count: int) -> int:
    """The last of `count` numbers in a row, the counter locked until the transaction ends; negative gives back.

    The database refuses to take back a number that is an entry's.
    """
    last = connection.scalar(_TAKE, {"count": count})
    if last is None:
        raise RuntimeError("the entry counter is missing: the schema is incomplete, run `technopark-billing migrate`")
    return int(last)


def _references(connection: Connection, entries: Iterable[Entry]) -> dict[str, Any]:
    references = [e.reference for e in entries]
    return {"references": json.dumps(references) if connection.dialect.name == "sqlite" else references}


def _standing(connection: Connection, entries: Iterable[Entry]) -> dict[str, int]:
    """The numbers of those entries that are posted already; raises ReferenceTaken."""
    wanted = {e.reference: e for e in entries}
    rows = connection.execute(_EXISTING[connection.dialect.name], _references(connection, entries))
    found = {reference: int(number) for number, reference in rows}
    for reference in found:
        standing = load_entry(connection, reference)
        if standing != wanted[reference]:
            raise ReferenceTaken(
                f"{reference} stands for another entry ({_difference(standing, wanted[reference])}): "
                "correct it by a reversal and a new one"
            )
    return found


def _difference(standing: Entry | None, wanted: Entry) -> str:
    """Which fields differ, so that whoever retries sees why it isn't the same."""
    differing = [
        name
        for name in ("journal", "effective_on", "label", "piece", "postings")
        if getattr(standing, name) != getattr(wanted, name)
    ]
    return "other " + ", ".join(differing)


_OPEN_ACCOUNT = text("INSERT INTO account (code, label) VALUES (:code, :label) ON CONFLICT DO NOTHING")


def _open_accounts(connection: Connection, accounts: Iterable[str]) -> None:
    """Add those that are not in the shipped chart, but below one that is; raises UnknownAccount."""
    for code in sorted(set(accounts) - chart().keys()):
        connection.execute(_OPEN_ACCOUNT, {"code": code, "label": label_of(code)})


_ADD_TO_DAYS_SQLITE = text(
    "INSERT INTO account_day (account, day, debit, credit) VALUES (:account, :day, :debit, :credit) "
    "ON CONFLICT (account, day) DO UPDATE SET debit = debit + excluded.debit, credit = credit + excluded.credit"
).bindparams(bindparam("day", type_=Date))
# One statement however many days: each of its own would cost PostgreSQL a round trip.
_ADD_TO_DAYS_POSTGRESQL = text(
    "INSERT INTO account_day (account, day, debit, credit) "
    "SELECT * FROM unnest(CAST(:accounts AS varchar[]), CAST(:days AS date[]), CAST(:debits AS bigint[]), "
    "CAST(:credits AS bigint[])) ON CONFLICT (account, day) "
    "DO UPDATE SET debit = account_day.debit + excluded.debit, credit = account_day.credit + excluded.credit"
)


def _add_to_days(connection: Connection, moved: _Moved) -> None:
    """Add what accounts moved on a day, (debit, credit), to what they had."""
    # In one order for everybody, though the counter's lock already keeps writers apart.
    rows = [(code, day, debit, credit) for (code, day), (debit, credit) in sorted(moved.items())]
    if connection.dialect.name == "sqlite":
        names = ("account", "day", "debit", "credit")
        connection.execute(_ADD_TO_DAYS_SQLITE, [dict(zip(names, row, strict=True)) for row in rows])
    else:
        columns = (list(column) for column in zip(*rows, strict=True))
        values = dict(zip(("accounts", "days", "debits", "credits"), columns, strict=True))
        connection.execute(_ADD_TO_DAYS_POSTGRESQL, values)
