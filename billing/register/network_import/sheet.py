"""The rows of one register file beside what is stored: parsed, compared by key, written."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam

from billing.frame.audit_log import record_change
from billing.frame.cells import BadCell, require_addressable
from billing.frame.database import insert_rows
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Column, Layout, shown
from billing.register.network_import.reading import NumberedRow, UnreadableFile
from billing.register.network_import.report import Change, FileCounts
from billing.register.network_import.stored import Key, Values


class Row:
    """One row of a file. `values` lacks what could not be parsed; `key` is None if that is of the key.

    `before` is the row stored under the same key, None for a new one; `changed` the columns in which
    the two differ.
    """

    __slots__ = ("before", "cells", "changed", "key", "line", "values")

    def __init__(self, line: int, cells: Sequence[str], key: Key | None, values: dict[str, Any]) -> None:
        self.line = line
        self.cells = cells
        self.key = key
        self.values = values
        self.before: Values | None = None
        self.changed: tuple[Column, ...] = ()

    @property
    def is_news(self) -> bool:
        """Return whether this row adds or changes something."""
        return self.before is None or bool(self.changed)

    def has(self, *fields: str) -> bool:
        """Return whether all these fields could be parsed."""
        return all(field in self.values for field in fields)


class Sheet:
    """A register file's rows. `readable` tells whether the file could be read to its end."""

    def __init__(self, layout: Layout, file: str) -> None:
        self.layout = layout
        self.file = file
        self.rows: list[Row] = []
        self.by_key: dict[Key, Row] = {}
        self.readable = True

    def read(self, rows: Iterable[NumberedRow], faults: Faults) -> None:
        """Parse rows, noting every cell that can't be taken and every key that comes twice."""
        try:
            for line, cells in rows:
                self._add(line, cells, faults)
        except UnreadableFile:
            self.readable = False

    def _add(self, line: int, cells: Sequence[str], faults: Faults) -> None:
        if not any(cells):
            faults.add(self.file, line, None, None, "is a row of blank cells", "remove the line")
            return
        values: dict[str, Any] = {}
        for column, cell in zip(self.layout.columns, cells, strict=True):
            try:
                values[column.field] = column.parse(cell)
            except BadCell as bad:
                faults.add(self.file, line, column.name, cell, bad.problem, bad.remedy)
        key = tuple(values[name] for name in self.layout.key) if all(n in values for n in self.layout.key) else None
        row = Row(line, cells, key, values)
        self.rows.append(row)
        if key is None:
            return
        if key in self.by_key:
            problem = f"is there twice: {self.layout.show_key(key)} stands on line {self.by_key[key].line} already"
            self.note(faults, row, self.layout.key[-1], problem, "remove one of the two rows")
        else:
            self.by_key[key] = row

    def note(self, faults: Faults, row: Row, column: str, problem: str, remedy: str = "") -> None:
        """Note a fault of a row's cell."""
        faults.add(self.file, row.line, column, self.cell(row, column), problem, remedy)

    def cell(self, row: Row, column: str) -> str:
        """Return the file's cell in a row's column."""
        return row.cells[self.layout.names.index(column)]

    def compare(self, stored: dict[Key, Values]) -> None:
        """Set beside each row what is stored under its key.

        A row that changes nothing of what every file says leaves as it stands what it may do without and does not say.
        """
        for key, row in self.by_key.items():
            row.before = stored.get(key)
            if row.before is not None:
                row.changed = tuple(
                    column
                    for column in self.layout.columns
                    if column.field in row.values and row.values[column.field] != row.before[column.field]
                )
                if row.changed and all(column.may_lack and not self.cell(row, column.name) for column in row.changed):
                    row.values |= {column.field: row.before[column.field] for column in row.changed}
                    row.changed = ()

    def refuse_unusable_codes(self, faults: Faults) -> None:
        """Note each new row whose own code could not stand in an address; what is stored stays as it is."""
        if self.layout.key[-1] != "code":
            return
        for key, row in self.by_key.items():
            if row.before is None:
                try:
                    require_addressable(key[-1])
                except BadCell as bad:
                    self.note(faults, row, "code", bad.problem, bad.remedy)

    def refuse_changes(self, faults: Faults) -> None:
        """Note each row whose key exists with other values: for callers that only add."""
        for key, row in self.by_key.items():
            if row.changed:
                column = self.layout.key[-1]
                problem = f"exists already with another {', '.join(c.name for c in row.changed)}"
                remedy = f"{self.layout.show_key(key)} is taken: give another key, or change the one that exists"
                faults.add_taken(self.file, row.line, column, self.cell(row, column), problem, remedy)

    def codes(self) -> set[str]:
        """Return the codes this file gives, also in rows that have faults."""
        return {key[0] for key in self.by_key}

    def write(self, connection: Connection) -> None:
        """Insert the new rows, and update the changed columns of the others."""
        fields = [column.name for column in self.layout.table.c]
        new = [[row.values[field] for field in fields] for row in self.rows if row.before is None]
        if new:
            insert_rows(connection, self.layout.table, fields, new)
        updates: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.before is not None:
                differing = tuple(field for field in fields if row.values[field] != row.before[field])
                if differing:
                    updates[differing].append(row)
        for differing, rows in updates.items():
            self._update(connection, differing, rows)

    def _update(self, connection: Connection, fields: Sequence[str], rows: Sequence[Row]) -> None:
        table, key = self.layout.table, self.layout.key
        statement = table.update().where(*(table.c[name] == bindparam(f"key_{name}") for name in key))
        connection.execute(
            statement.values({field: bindparam(f"new_{field}") for field in fields}),
            [
                {f"key_{name}": row.values[name] for name in key} | {f"new_{f}": row.values[f] for f in fields}
                for row in rows
            ],
        )

    def note_changes(self, connection: Connection) -> None:
        """Note with this transaction's act what each new and each changed row was and has become."""
        for key, row in self.by_key.items():
            if row.is_news:
                columns = [c for c in self.layout.columns if row.before is None or c in row.changed]
                before = row.before and {c.name: shown(c, row.before[c.field]) for c in columns}
                after = {c.name: shown(c, row.values[c.field]) for c in columns}
                record_change(connection, self.layout.stem, self.layout.show_key(key), before, after)

    def counts(self) -> FileCounts:
        """Count the rows that are new, changed, unchanged."""
        new = tuple(self.layout.show_key(key) for key, row in self.by_key.items() if row.before is None)
        changed = sum(1 for row in self.rows if row.changed)
        return FileCounts(len(new), changed, len(self.rows) - len(new) - changed, new)

    def changes(self) -> list[Change]:
        """Return each changed column, old and new."""
        return [
            Change(
                self.file,
                self.layout.show_key(key),
                column.name,
                shown(column, row.before[column.field]),
                shown(column, row.values[column.field]),
            )
            for key, row in self.by_key.items()
            if row.before is not None
            for column in row.changed
        ]
