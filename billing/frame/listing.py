"""Lists as people and programs ask for them: each declares once where it is searched, what it is sorted by, since when.

The API and the command line ask by the same declaration. When something was added or changed is read off the acts
(`billing.frame.audit_log`), so nothing is kept for it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import JSON, BigInteger, ColumnElement, Connection, Select, cast, func, or_, select, true

from billing.frame.added_rows import ROWS
from billing.frame.errors import Fault, Refused
from billing.frame.searching import found_in
from billing.frame.tables import audit_change, audit_event

# Acts are numbered in the order of commits; their instants may go back by as much as clocks differ or are set back.
_CLOCKS_DIFFER = timedelta(hours=1)
# Before a column's name: the greatest first.
DESCENDING = "-"

Search: TypeAlias = Callable[[Connection, str], ColumnElement[bool]]
Since: TypeAlias = Callable[[Connection, datetime], ColumnElement[bool]]


class Asked(NamedTuple):
    """What a list is asked for, besides its own filters."""

    search: str | None = None
    sort: str | None = None
    created_after: datetime | None = None
    updated_after: datetime | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Asked":
        """Read it from a request's query, or the options of a command."""
        return cls(*(values.get(name) for name in cls._fields))


class Listing(NamedTuple):
    """What a list can be asked for: its unique key orders it unless one of `sorts` is asked for, by name.

    `searched` says in words where `search` looks. `created` and `updated` select what was added since an instant, and
    what happened to a row since, its own adding apart.
    """

    key: tuple[ColumnElement[Any], ...]
    sorts: Mapping[str, ColumnElement[Any]]
    searched: str
    search: Search
    created: Since
    updated: Since

    @property
    def orders(self) -> tuple[str, ...]:
        """Return all that `sort` may be."""
        return tuple(f"{sign}{name}" for name in self.sorts for sign in ("", DESCENDING))

    def order(self, sort: str | None) -> tuple[tuple[ColumnElement[Any], ...], bool]:
        """Return the columns of an order, and whether the greatest comes first; raise Refused for one that is none."""
        if sort is None:
            return self.key, False
        name = sort.removeprefix(DESCENDING)
        if sort not in self.orders:
            remedy = f"sort by {', '.join(self.sorts)}; `-{next(iter(self.sorts))}` begins with the greatest"
            raise Refused([Fault("list", None, "sort", sort, "is no order of this list", remedy)])
        column = self.sorts[name]
        return (self.key if column is self.key[0] else (column, *self.key)), name != sort

    def narrowed(self, connection: Connection, rows: Select[Any], asked: Asked) -> Select[Any]:
        """Leave in a selection what was searched, and was added or changed since."""
        if (asked.search or "").strip():
            rows = rows.where(self.search(connection, str(asked.search)))
        if asked.created_after is not None:
            rows = rows.where(self.created(connection, asked.created_after))
        if asked.updated_after is not None:
            since = connection, asked.updated_after
            rows = rows.where(or_(self.created(*since), self.updated(*since)))
        return rows

    def ordered(self, connection: Connection, rows: Select[Any], asked: Asked) -> Select[Any]:
        """Return a selection narrowed, in the order that was asked for: a list without pages."""
        columns, is_descending = self.order(asked.sort)
        return self.narrowed(connection, rows, asked).order_by(
            *(column.desc() if is_descending else column for column in columns)
        )


def search_of(*columns: ColumnElement[str]) -> Search:
    """Search in these columns."""
    return lambda _connection, text: found_in(text, *columns)


def acts_since(at: datetime) -> Select[Any]:
    """Select the acts recorded after an instant, at the cost of what was done since."""
    earlier = audit_event.alias().c
    last = (
        select(earlier.id)
        .where(earlier.recorded_at <= at - _CLOCKS_DIFFER)
        .order_by(earlier.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    e = audit_event.c
    return select(e.id).where(e.id > func.coalesce(last, 0), e.recorded_at > at)


def added_since(kind: str, key: ColumnElement[int], at: datetime) -> ColumnElement[bool]:
    """Select the `document` or `usage_event` rows that acts added after an instant; `key` is the column acts name."""
    e = audit_event.c
    return key >= select(func.min(e[f"first_{kind}"])).where(e.id.in_(acts_since(at))).scalar_subquery()


def changed_since(subject: str, at: datetime, *, only_added: bool = False) -> Select[Any]:
    """Select the keys of what acts changed of a subject after an instant, or only of what they added."""
    c = audit_change.c
    added = (c.before.is_(None),) if only_added else ()
    return select(c.key).where(c.act_id.in_(acts_since(at)), c.subject == subject, *added)


def named_since(connection: Connection, table: str, at: datetime) -> Select[Any]:
    """Select the keys of the rows of a table that acts added after an instant: the first part, which is a number."""
    c = audit_change.c
    if connection.dialect.name == "sqlite":
        # A number is read up to what is none.
        each = func.json_each(c.after).table_valued("key")
        key: ColumnElement[Any] = each.c.key
    else:
        each = func.json_object_keys(cast(c.after, JSON)).table_valued("key").render_derived()
        key = func.split_part(each.c.key, "/", 1)
    return (
        select(cast(key, BigInteger))
        .select_from(audit_change.join(each, true()))
        .where(c.act_id.in_(acts_since(at)), c.subject == ROWS, c.key == table)
    )
