"""Imports a network folder, or records from elsewhere, all or nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine, select

from billing.frame.added_rows import note_rows
from billing.frame.audit_log import API, act_of
from billing.frame.civil_time import today
from billing.frame.database import change_facts, insert_rows, writing
from billing.frame.errors import Fault, Refused
from billing.frame.settings import Settings
from billing.register.network_import.checks import (
    References,
    check_applications,
    check_ceilings,
    check_lease_days,
    check_openings,
    check_services,
    check_units,
    check_vat_rates,
    merged_services,
    price_rates,
    review_tenants,
)
from billing.register.network_import.faults import Faults
from billing.register.network_import.further import FurtherFile
from billing.register.network_import.grants import check_grant_days, check_grants, number_revisions, post_grants
from billing.register.network_import.layout import LAYOUTS, Layout
from billing.register.network_import.plausibility import Arrived, Unlikely, review
from billing.register.network_import.reading import NumberedRow, TableFile, find_tables, read_rows
from billing.register.network_import.report import FileCounts, ImportReport
from billing.register.network_import.sheet import Sheet
from billing.register.network_import.stored import stored_rows, stored_services
from billing.register.network_import.usage import Known, UsageLoader
from billing.register.tables import import_log
from ledger.accounts import label_of
from ledger.models import account

# Told the file's name and how many of its rows have been read so far.
Progress: TypeAlias = Callable[[str, int], None]


class _Source(NamedTuple):
    """The rows of one file or resource, `again` once more without noting faults.

    `tenants` is whom usage refers to, None if that can't be told at once.
    """

    file: str
    rows: Iterable[NumberedRow]
    again: Callable[[], Iterable[NumberedRow]]
    tenants: frozenset[str] | None = None


class _Brought(NamedTuple):
    """The rows of another subject's file, as it has read them."""

    kind: FurtherFile
    file: str
    rows: Sequence[Any]

    def placed(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return faults by the name of the file that was read, which may be a workbook."""
        return [replace(fault, file=self.file) if fault.file == self.kind.layout.file else fault for fault in faults]


class HandedOver(NamedTuple):
    """A folder that holds one file which was handed over alone, and where that came from, for the log of imports."""

    folder: Path
    source: str


def import_folder(
    engine: Engine,
    folder: Path | HandedOver,
    *,
    now: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
    settings: Settings | None = None,
    further: Iterable[FurtherFile] = (),
) -> ImportReport:
    """Load a network folder (contract) in one transaction, all or nothing.

    Raises Refused with every fault of every file; then, and with `dry_run`, nothing is written. `now`
    is a UTC instant. Rows are matched by key: a new key is added, a known one with other values is a
    change, nothing is deleted. `further` are the files of other subjects, written by `settings` (None: as shipped).
    """
    further_files = {subject_file.layout.stem: subject_file for subject_file in further}
    layouts = {**LAYOUTS, **{stem: subject_file.layout for stem, subject_file in further_files.items()}}
    place, source = folder if isinstance(folder, HandedOver) else (folder, str(folder))
    present = find_tables(place, layouts)
    faults, warnings = _collectors(present.label(layout) for layout in layouts.values())
    for warning in present.warnings:
        warnings.add(*warning)
    absent = [x.file for stem, x in LAYOUTS.items() if stem not in present.tables and not x.may_lack]
    if absent and place is folder:
        warnings.add(", ".join(absent), None, None, None, "not in the folder: nothing is loaded from it")
    with writing(engine) as connection:
        sources = {
            stem: _Source(
                table.label,
                read_rows(table, LAYOUTS[stem], faults, warnings),
                partial(_rows_again, table, LAYOUTS[stem]),
            )
            for stem, table in present.tables.items()
            if stem in LAYOUTS
        }
        brought = [
            _Brought(
                subject_file,
                table.label,
                subject_file.read(table.label, read_rows(table, subject_file.layout, faults, warnings), faults),
            )
            for stem, table in present.tables.items()
            if (subject_file := further_files.get(stem)) is not None
        ]
        act = _Import(connection, sources, faults, warnings, progress, brought, settings)
        if act_of(engine).origin == API:
            # What came over HTTP lies in a folder of the moment.
            source = f"api:{act_of(engine).actor}"
        report = act.carry_out(now=now, source=source, dry_run=dry_run)
        if dry_run:
            connection.rollback()
    return report


def apply_records(
    connection: Connection,
    records: Mapping[str, Iterable[Mapping[str, str]]],
    *,
    now: datetime,
    source: str,
    create_only: bool = False,
) -> ImportReport:
    """Load records given as texts by column, under the stems of their files, as a folder's rows are loaded.

    A column left out is blank. In faults, `file` is the stem and `line` counts the records from 1. With
    `create_only` a key that exists with other values is a fault of the kind Taken; a usage event always is.
    Raises Refused with every fault; the caller then rolls its transaction back, for some usage may have
    been written by then.
    """
    faults, warnings = _collectors(LAYOUTS)
    sources = {}
    for stem, given in records.items():
        rows = list(_numbered(LAYOUTS[stem], given, faults))
        # U+0000 is a fault that is found later; PostgreSQL can't even be asked for it.
        tenants = frozenset(row[1] for _, row in rows if "\0" not in row[1]) if stem == "usage" else None
        sources[stem] = _Source(stem, rows, partial(iter, rows), tenants)
    act = _Import(connection, sources, faults, warnings, None)
    return act.carry_out(now=now, source=source, create_only=create_only)


def _collectors(files: Iterable[str]) -> tuple[Faults, Faults]:
    order = tuple(files)
    return Faults(order), Faults(order)


def _rows_again(table: TableFile, layout: Layout) -> Iterator[NumberedRow]:
    unheard = Faults((table.label,))
    return read_rows(table, layout, unheard, unheard)


def _numbered(layout: Layout, records: Iterable[Mapping[str, str]], faults: Faults) -> Iterator[NumberedRow]:
    names = layout.names
    for number, record in enumerate(records, 1):
        for name in record:
            if name not in names:
                remedy = f"columns are {', '.join(names)}"
                faults.add(layout.stem, number, name, str(record[name]), "is an unknown column", remedy)
        yield number, [record.get(name, "") for name in names]


class _Import:
    """One import under way: reads everything, checks everything, then writes."""

    def __init__(
        self,
        connection: Connection,
        sources: Mapping[str, _Source],
        faults: Faults,
        warnings: Faults,
        progress: Progress | None,
        brought: Sequence[_Brought] = (),
        settings: Settings | None = None,
    ) -> None:
        self._connection = connection
        self._sources = sources
        self._faults = faults
        self._warnings = warnings
        self._progress = progress
        self._brought = brought
        self._settings = settings
        self._arrived: Arrived | None = None
        self._sheets = {
            stem: Sheet(layout, sources[stem].file if stem in sources else layout.file)
            for stem, layout in LAYOUTS.items()
            if stem != "usage"
        }

    def carry_out(
        self, *, now: datetime, source: str, dry_run: bool = False, create_only: bool = False
    ) -> ImportReport:
        """Read, check, write, log; raise Refused with every fault."""
        change_facts(self._connection)
        for stem, sheet in self._sheets.items():
            self._read(stem, sheet)
            sheet.refuse_unusable_codes(self._faults)
            if create_only:
                sheet.refuse_changes(self._faults)
        present_day = today(now)
        check_grant_days(self._sheets["grants"], self._faults, present_day)
        usage = self._check(present_day)
        if self._faults:
            coming = frozenset(str(key[0]) for key in self._sheets["tenants"].by_key)
            for brought in self._brought:
                try:
                    brought.kind.load(self._connection, brought.rows, now, self._settings)
                except Refused as refused:
                    brought.kind.note(brought.placed(refused.faults), self._faults, coming)
            raise Refused(self._faults.in_order())
        for sheet in self._sheets.values():
            sheet.write(self._connection)
            sheet.note_changes(self._connection)
        self._add_accounts()
        post_grants(self._connection, self._sheets["grants"], recorded_at=now)
        review(self._connection, self._sheets, self._arrived, present_day, Unlikely(self._warnings))
        report = self._report(usage, dry_run)
        counts = {brought.file: self._load(brought, now) for brought in self._brought}
        further = [warning for loaded in counts.values() for warning in loaded.warnings]
        report = replace(report, files={**report.files, **counts}, warnings=(*report.warnings, *further))
        record = import_log.insert().values(imported_at=now, source=source, summary=report.as_json())
        note_rows(self._connection, import_log, self._connection.scalars(record.returning(import_log.c.id)))
        return report

    def _load(self, brought: _Brought, now: datetime) -> FileCounts:
        """Load another subject's file, once all it refers to is there; raises Refused with every fault, in order."""
        try:
            counts = brought.kind.load(self._connection, brought.rows, now, self._settings)
        except Refused as refused:
            brought.kind.note(brought.placed(refused.faults), self._faults, frozenset())
            raise Refused(self._faults.in_order()) from None
        if self._progress is not None:
            self._progress(brought.file, len(brought.rows))
        return counts

    def _read(self, stem: str, sheet: Sheet) -> None:
        if stem not in self._sources:
            return
        sheet.read(self._sources[stem].rows, self._faults)
        if sheet.by_key:
            sheet.compare(stored_rows(self._connection, sheet.layout, sheet.by_key))
        if self._progress is not None:
            self._progress(sheet.file, len(sheet.rows))

    def _check(self, present_day: date) -> FileCounts | None:
        """Judge the rows together with what is stored, and load the usage; gives its counts, None without usage."""
        connection, sheets, faults = self._connection, self._sheets, self._faults
        check_openings(connection, sheets["sites"], faults)
        check_services(connection, sheets["services"], faults)
        check_vat_rates(sheets["vat_rates"], faults)
        price_rates(sheets["rates"], faults)
        check_lease_days(sheets["leases"], faults)
        review_tenants(sheets["tenants"], self._warnings)
        references = References(connection, sheets)
        for sheet in sheets.values():
            references.check(sheet, faults)
        check_units(connection, sheets["leases"], faults)
        check_applications(sheets["applications"], references, faults, self._warnings)
        catalogue = merged_services(stored_services(connection), sheets["services"])
        check_ceilings(connection, sheets, catalogue, faults)
        check_grants(connection, sheets["grants"], faults)
        number_revisions(sheets["grants"])
        if "usage" not in self._sources:
            return None
        source = self._sources["usage"]
        references.learn("tenants", source.tenants)
        references.learn("sites", None)
        billing = {code: service.get("billing", "") for code, service in catalogue.items()}
        known = Known(references.codes("tenants"), references.codes("sites"), billing, references.unreadable)
        loader = UsageLoader(connection, source.file, known, faults, present_day)
        self._arrived = Arrived(source.file, loader.last_before, source.again)
        return loader.load(source.rows, self._tell_usage)

    def _tell_usage(self, rows: int) -> None:
        if self._progress is not None:
            self._progress(self._sources["usage"].file, rows)

    def _add_accounts(self) -> None:
        """Open the accounts that services name and the books don't have yet."""
        named = {row.values["revenue_account"] for row in self._sheets["services"].rows if row.is_news}
        if named:
            there = set(self._connection.scalars(select(account.c.code).where(account.c.code.in_(named))))
            opened = [(code, label_of(code)) for code in sorted(named - there)]
            insert_rows(self._connection, account, ("code", "label"), opened)

    def _report(self, usage: FileCounts | None, dry_run: bool) -> ImportReport:
        files = {
            self._sources[stem].file: usage if usage is not None and stem == "usage" else self._sheets[stem].counts()
            for stem in LAYOUTS
            if stem in self._sources
        }
        changes = [change for sheet in self._sheets.values() for change in sheet.changes()]
        return ImportReport(files, tuple(changes), tuple(self._warnings.in_order()), dry_run)
