"""Usage events, streamed: any number of them passes through in chunks, in constant memory.

Each chunk is looked up among the stored events, and what is new is written at once, so that the order
of ids is the order of the file, and an event that comes twice in a file meets itself in the table. Cells
are checked by look-ups in caches; only a row that fails one is examined cell by cell.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import Connection

from billing.frame import cells
from billing.frame.bounds import AGREED_DAYS_AHEAD_MAX, TooFarAhead, too_far_ahead
from billing.frame.cells import BadCell
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import ARREARS, LAYOUTS, shown
from billing.register.network_import.reading import NumberedRow, UnreadableFile
from billing.register.network_import.report import FileCounts

CHUNK_ROWS = 20_000
_CACHED_QUANTITIES_MAX = 50_000

# Tenant, site, service, quantity in millionths, and the day as written (the strict form is the only one).
Facts: TypeAlias = tuple[str, str, str, int, str]

_LAYOUT = LAYOUTS["usage"]
_COLUMNS = "event_id, tenant, site, service, quantity, occurred_on"


@dataclass(frozen=True, slots=True)
class Known:
    """The rows that usage may refer to: codes, and the services' way of billing (blank where its row has a fault).

    A file in `unreadable` has rows nobody could read: a code missing from it is no fault of the usage.
    """

    tenants: Collection[str]
    sites: Collection[str]
    services: Mapping[str, str]
    unreadable: Collection[str]


class UsageLoader:
    """Loads the rows of one usage file, or of one request."""

    def __init__(self, connection: Connection, file: str, known: Known, faults: Faults, today: date) -> None:
        self._connection = connection
        self._file = file
        self._known = known
        self._faults = faults
        self._today = today
        self._days: set[str] = set()
        # The days among them that lie too far ahead, with what is wrong: refused where an event is new.
        self._far_days: dict[str, TooFarAhead] = {}
        self._quantities: dict[str, int] = {}
        self._chunk: dict[str, Facts] = {}
        self._lines: list[int] = []
        self._new = 0
        self._unchanged = 0
        # Stored before this file began; what has a higher id stands earlier in the file itself.
        last = connection.exec_driver_sql("SELECT max(id) FROM usage_event").scalar()
        self.last_before = 0 if last is None else int(last)

    def load(self, rows: Iterable[NumberedRow], on_chunk: Callable[[int], None]) -> FileCounts:
        """Check and write the rows; `on_chunk` is told how many have been read so far."""
        known = self._known
        tenants, sites = known.tenants, known.sites
        arrears = frozenset(code for code, billing in known.services.items() if billing == ARREARS)
        days, quantities, chunk, lines = self._days, self._quantities, self._chunk, self._lines
        read = 0
        try:
            for line, row in rows:
                event_id, tenant, site, service, quantity_text, day = row
                quantity = quantities.get(quantity_text)
                if not (
                    quantity is not None
                    and day in days
                    and tenant in tenants
                    and service in arrears
                    and site in sites
                    and event_id.isprintable()
                    and 0 < len(event_id) <= cells.CODE_LENGTH_MAX
                    and event_id.strip() == event_id
                ):
                    examined = self._examine(line, row)
                    if examined is None:
                        continue
                    quantity = examined
                facts = (tenant, site, service, quantity, day)
                earlier = chunk.setdefault(event_id, facts)
                if earlier is facts:
                    lines.append(line)
                elif earlier == facts:
                    self._unchanged += 1
                else:
                    self._note_conflict(line, event_id, facts, earlier, in_file=True)
                if len(lines) >= CHUNK_ROWS:
                    read += len(lines)
                    self._flush()
                    on_chunk(read)
        except UnreadableFile:
            # The reader has noted the fault; the rows read before are still judged.
            pass
        self._flush()
        on_chunk(self._new + self._unchanged)
        return FileCounts(new=self._new, unchanged=self._unchanged)

    def _examine(self, line: int, row: Sequence[str]) -> int | None:
        """Return the quantity of a row without faults, and cache its cells; None after noting its faults."""
        if not any(row):
            self._faults.add(self._file, line, None, None, "is a row of blank cells", "remove the line")
            return None
        values: dict[str, object] = {}
        for column, cell in zip(_LAYOUT.columns, row, strict=True):
            try:
                values[column.name] = column.parse(cell)
            except BadCell as bad:
                self._faults.add(self._file, line, column.name, cell, bad.problem, bad.remedy)
        right = self._refers(line, values)
        if isinstance(day := values.get("occurred_on"), date):
            self._days.add(row[5])
            wrong = too_far_ahead(day, self._today, AGREED_DAYS_AHEAD_MAX)
            if wrong is not None:
                self._far_days[row[5]] = wrong
        quantity = values.get("quantity")
        if not isinstance(quantity, int):
            return None
        if len(self._quantities) >= _CACHED_QUANTITIES_MAX:
            self._quantities.clear()
        self._quantities[row[4]] = quantity
        return quantity if right and len(values) == len(row) else None

    def _refers(self, line: int, values: Mapping[str, object]) -> bool:
        """Return whether tenant, site and service are known, and the service is one that is used, not leased."""
        known, right = self._known, True
        for column, file, codes in (
            ("tenant", "tenants", known.tenants),
            ("site", "sites", known.sites),
            ("service", "services", known.services),
        ):
            code = values.get(column)
            if isinstance(code, str) and code not in codes:
                right = False
                if file not in known.unreadable:
                    remedy = f"add it to {file}.csv, or correct the code"
                    self._faults.add(self._file, line, column, code, f"is no known {column}", remedy)
        service = values.get("service")
        if isinstance(service, str) and known.services.get(service, ARREARS) != ARREARS:
            right = False
            if known.services[service]:
                remedy = "remove the row: this service is billed from leases, not from usage"
                self._faults.add(self._file, line, "service", service, "is billed in advance", remedy)
        return right

    def _note_conflict(
        self, line: int, event_id: str, facts: Facts, stands: Sequence[str | int], *, in_file: bool
    ) -> None:
        columns = _LAYOUT.columns[1:]
        differing = ", ".join(
            f"{column.name} {there if isinstance(there, str) else shown(column, there)}"
            for column, here, there in zip(columns, facts, stands, strict=True)
            if here != there
        )
        where = "stands earlier in this file" if in_file else "exists already"
        remedy = "an event is never changed: correct the row, or give it an event_id of its own"
        self._faults.add_taken(self._file, line, "event_id", event_id, f"{where} with {differing}", remedy)

    def _flush(self) -> None:
        """Write what is new in the chunk, and empty it."""
        chunk = self._chunk
        if chunk:
            line_of = dict(zip(chunk, self._lines, strict=True))
            self._drop_stored(line_of)
            self._refuse_unusable_codes(line_of)
            if self._far_days:
                self._note_far_days(line_of)
            self._new += len(chunk)
            if chunk:
                self._write()
        chunk.clear()
        self._lines.clear()

    def _note_far_days(self, line_of: Mapping[str, int]) -> None:
        """Note the new events of the chunk that lie too far ahead."""
        for event_id, (*_, day) in self._chunk.items():
            if day in self._far_days:
                self._faults.add(self._file, line_of[event_id], "occurred_on", day, *self._far_days[day])

    def _refuse_unusable_codes(self, line_of: Mapping[str, int]) -> None:
        """Note each new event whose id could not stand in an address."""
        for event_id in self._chunk:
            try:
                cells.require_addressable(event_id)
            except BadCell as bad:
                self._faults.add(self._file, line_of[event_id], "event_id", event_id, bad.problem, bad.remedy)

    def _drop_stored(self, line_of: Mapping[str, int]) -> None:
        """Take out of the chunk what is stored already: the same is ignored, other values are noted."""
        chunk = self._chunk
        stored = self._stored()
        if not stored:
            return
        for number, event_id, *stands in stored:
            facts = chunk.pop(event_id)
            if list(facts) == stands:
                self._unchanged += 1
            else:
                in_file = number > self.last_before
                self._note_conflict(line_of[event_id], event_id, facts, stands, in_file=in_file)

    def _stored(self) -> list[tuple[Any, ...]]:
        """Return the stored events among the chunk's: id, event id, facts."""
        cursor = self._connection.connection.cursor()
        try:
            if self._connection.dialect.name == "postgresql":
                cursor.execute(
                    "SELECT id, event_id, tenant, site, service, quantity, to_char(occurred_on, 'YYYY-MM-DD') "
                    "FROM usage_event WHERE event_id = ANY(%s)",
                    (list(self._chunk),),
                )
            else:
                cursor.execute(
                    f"SELECT id, {_COLUMNS} FROM usage_event WHERE event_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants, values are bound
                    (json.dumps(list(self._chunk)),),
                )
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _write(self) -> None:
        # Not through billing.frame.database.insert_rows: these rows have the drivers' own forms already,
        # which halves the time.
        rows = [(event_id, *facts) for event_id, facts in self._chunk.items()]
        cursor = self._connection.connection.cursor()
        try:
            if self._connection.dialect.name == "postgresql":
                with cursor.copy(f"COPY usage_event ({_COLUMNS}) FROM STDIN") as copy:
                    copy.write(_as_copied(rows))
            else:
                cursor.executemany(f"INSERT INTO usage_event ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608 - constants, values are bound
        finally:
            cursor.close()


def _as_copied(rows: Iterable[tuple[str, str, str, str, int, str]]) -> str:
    """Return rows in COPY's text format. Codes hold no tab and no line end; a backslash is written twice."""
    content = "".join([f"{e}\t{t}\t{s}\t{v}\t{q}\t{d}\n" for e, t, s, v, q, d in rows])
    return content.replace("\\", "\\\\") if "\\" in content else content
