"""`usage_voids.csv`: usage events that are void, voided with the rest of the folder, all or nothing.

It is optional. The same event again changes nothing, whatever reason stands there.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from billing.frame import cells
from billing.frame.cells import BadCell
from billing.frame.errors import Fault
from billing.frame.settings import Settings
from billing.register.network_import.faults import Faults
from billing.register.network_import.further import FurtherFile
from billing.register.network_import.layout import Column, Layout
from billing.register.network_import.reading import NumberedRow, UnreadableFile
from billing.register.network_import.report import FileCounts
from billing.register.tables import usage_void
from billing.run.usage_voids.voiding import (
    REASON_PROBLEM,
    REASON_REMEDY,
    SUBJECT,
    VoidOrder,
    is_reason,
    void_events,
)


def _reason(cell: str) -> str:
    if not is_reason(cell):
        raise BadCell(REASON_PROBLEM, REASON_REMEDY)
    return cell.strip()


USAGE_VOIDS = Layout(
    SUBJECT,
    usage_void,
    (
        Column("event_id", cells.code, "event_id", about="Numéro de la consommation annulée"),
        Column("reason", _reason, "reason", about="Motif"),
    ),
    ("event_id",),
    {"event_id": "usage"},
)


def _read(file: str, rows: Iterable[NumberedRow], faults: Faults) -> list[VoidOrder]:
    """Parse the rows, noting every cell at fault and every event that comes twice; a row with a fault is left out."""
    orders: dict[str, VoidOrder] = {}
    try:
        for line, row in rows:
            order = _parsed(file, line, row, faults)
            if order is None:
                continue
            first = orders.setdefault(order.event_id, order)
            if first is not order:
                problem = f"is there twice: it stands on line {first.line} already"
                faults.add(file, line, "event_id", order.event_id, problem, "remove one of the two rows")
    except UnreadableFile:
        # The reader has noted it; the rows before are still judged.
        pass
    return list(orders.values())


def _parsed(file: str, line: int, row: Sequence[str], faults: Faults) -> VoidOrder | None:
    if not any(row):
        faults.add(file, line, None, None, "is a row of blank cells", "remove the line")
        return None
    parsed = {}
    for column, cell in zip(USAGE_VOIDS.columns, row, strict=True):
        try:
            parsed[column.name] = column.parse(cell)
        except BadCell as bad:
            faults.add(file, line, column.name, cell, bad.problem, bad.remedy)
    return VoidOrder(**parsed, line=line) if len(parsed) == len(row) else None


def _load(connection: Connection, orders: Sequence[VoidOrder], now: datetime, _settings: Settings | None) -> FileCounts:
    """Void the events; raises Refused with every fault, by line and column."""
    news = void_events(connection, orders, recorded_at=now, file=USAGE_VOIDS.file)
    return FileCounts(new=len(news), unchanged=len(orders) - len(news))


def _note(refused: Iterable[Fault], faults: Faults, _coming: frozenset[str]) -> None:
    """Note the faults of voids among the folder's."""
    for fault in refused:
        faults.add(fault.file, fault.line, fault.column, fault.value, fault.problem, fault.remedy)


IMPORT_FILE = FurtherFile(USAGE_VOIDS, _read, _load, _note)
