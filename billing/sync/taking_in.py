"""Takes what was read from Salesforce into the register: by the import's rules, all or nothing, the bookmark with it.

The bookmark is the instant up to which Salesforce was read. It is the source in the log of imports, so it moves with
the rows or not at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select

from billing.frame.cells import BadCell
from billing.frame.civil_time import utc
from billing.frame.database import change_facts, reading, writing
from billing.frame.errors import Conflict, Fault, Refused
from billing.frame.salesforce import Salesforce
from billing.register.history import changes_of_key
from billing.register.network_import import Change, ImportReport, apply_records
from billing.register.network_import.layout import LAYOUTS, Layout
from billing.register.network_import.stored import stored_rows
from billing.register.tables import import_log
from billing.sync.client import Client
from billing.sync.reading import Read, read_changed, require_known, soql_instant

# The act by which rows are taken in.
OPERATION = "sync salesforce"
_SOURCE = "salesforce until "
# A transaction of Salesforce commits after the stamps it gives: what is younger may not be there yet.
_SETTLED = timedelta(minutes=2)


def take_in(
    engine: Engine,
    client: Client,
    mapping: Salesforce,
    *,
    now: datetime,
    dry_run: bool = False,
    everything: bool = False,
    overwrite: bool = False,
) -> ImportReport | None:
    """Take what has changed in Salesforce since the bookmark into the register; None: nothing has.

    `everything` reads from the beginning. A column that SALESFORCE_FILE does not name keeps its value. Raises Refused
    with every fault by record; and, unless `overwrite`, with every field that was changed here as well since the
    bookmark, to another value. Nothing is written then, nor with `dry_run`.
    """
    require_known(mapping)
    with reading(engine) as connection:
        bookmark = bookmark_of(connection)
    until = (now - _SETTLED).replace(microsecond=0)
    after = None if everything else bookmark
    read = read_changed(client, mapping, after=after, until=until)
    if not any(found.rows for found in read.values()):
        return None
    with writing(engine) as connection:
        change_facts(connection)
        if bookmark_of(connection) != bookmark:
            raise Conflict("Salesforce is being read by another process at this moment: run the command again")
        records = {
            stem: _completed(connection, LAYOUTS[stem], found.rows) for stem, found in read.items() if found.rows
        }
        try:
            report = apply_records(connection, records, now=now, source=f"{_SOURCE}{soql_instant(until)}")
        except Refused as refused:
            raise Refused([_placed(fault, read) for fault in refused.faults]) from None
        conflicts = [] if overwrite or bookmark is None else list(_conflicts(connection, report.changes, bookmark))
        if conflicts:
            raise Refused(conflicts)
        if dry_run:
            connection.rollback()
    return replace(report, dry_run=dry_run)


def bookmark_of(connection: Connection) -> datetime | None:
    """Return the instant up to which Salesforce was read; None before the first time."""
    s = import_log.c.source
    newest = select(s).where(s.startswith(_SOURCE)).order_by(import_log.c.id.desc()).limit(1)
    source = connection.scalar(newest)
    return None if source is None else datetime.fromisoformat(source.removeprefix(_SOURCE))


def _completed(connection: Connection, layout: Layout, rows: list[dict[str, str]]) -> list[Mapping[str, str]]:
    """Return rows with the columns that were not read as the register has them."""
    keys = {index: key for index, row in enumerate(rows) if (key := _key(layout, row)) is not None}
    stored = stored_rows(connection, layout, keys.values()) if keys else {}
    return [
        {**layout.show_row(stored[keys[index]]), **row} if keys.get(index) in stored else row
        for index, row in enumerate(rows)
    ]


def _key(layout: Layout, row: Mapping[str, str]) -> tuple[Any, ...] | None:
    try:
        return tuple(layout.column(name).parse(row[name]) for name in layout.key)
    except BadCell:
        # The import says so.
        return None


def _placed(fault: Fault, read: Mapping[str, Read]) -> Fault:
    """Return a fault by the record it is in."""
    names = read[fault.file].names if fault.file in read else []
    if fault.line is None or fault.line > len(names):
        return fault
    return replace(fault, file=names[fault.line - 1], line=None)


def _conflicts(connection: Connection, changes: tuple[Change, ...], since: datetime) -> Iterator[Fault]:
    """Yield each field that is about to lose what somebody entered here since the bookmark."""
    for change in changes:
        mine = [
            past.provenance
            for past in changes_of_key(connection, change.file, change.key)
            if change.column in (past.after or {})
            and past.provenance.operation != OPERATION
            and utc(past.provenance.at) > since
        ]
        if mine:
            last = mine[-1]
            yield Fault(
                f"{change.file} {change.key}",
                None,
                change.column,
                change.new,
                f"in Salesforce, but {last.actor} entered {change.old!r} here on {utc(last.at):%Y-%m-%d %H:%M} UTC",
                "enter the right one in Salesforce; or take all of Salesforce's with --overwrite",
            )
