"""The files of a take-on: their columns, and how rows are read, from a folder or from JSON, into cells (R29)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

from billing.frame import cells
from billing.frame.cells import BadCell, optional
from billing.frame.errors import Refused
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Column, Form, Layout
from billing.register.network_import.reading import (
    FolderTables,
    NumberedRow,
    TableFile,
    UnreadableFile,
    find_tables,
    read_rows,
)
from billing.take_on.tables import opening_balance, opening_grant, take_on
from invoices.models import document
from pricing.money import format_amount, format_rate


def _account(cell: str) -> str:
    if not (cell.isascii() and cell.isdigit() and len(cell) in range(3, 17)):
        raise BadCell("is not an account", "give an account of the chart, such as 5141, in digits")
    return cell


def _code(name: str) -> Column:
    return Column(name, cells.code, name)


def _day(name: str) -> Column:
    return Column(name, cells.day, name, date.isoformat)


def _amount(name: str, parse: cells.Parser = cells.amount) -> Column:
    return Column(name, parse, name, format_amount)


OPEN_INVOICES, CREDITS, DEPOSITS, BALANCES, GRANTS = "open_invoices", "credits", "deposits", "balances", "grants"
# The tables that the layouts name are those of the rows' own records: nothing is written by them.
LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        layout.stem: layout
        for layout in (
            Layout(
                OPEN_INVOICES,
                document,
                (
                    Column("number", cells.brought_number, "number"),
                    Column("vat_rate", cells.vat_rate, "vat_rate", format_rate),
                    _code("tenant"),
                    _code("site"),
                    _day("issued_on"),
                    _day("due_on"),
                    _amount("base"),
                    _amount("vat", cells.amount_or_zero),
                    _amount("paid", lambda cell: cells.amount_or_zero(cell) if cell else 0),
                ),
                ("number", "vat_rate"),
            ),
            Layout(CREDITS, take_on, (_code("tenant"), _amount("amount"), _day("since")), ("tenant",)),
            Layout(DEPOSITS, take_on, (_code("lease"), _amount("amount"), _day("received_on")), ("lease",)),
            Layout(
                BALANCES,
                opening_balance,
                (
                    Column("account", _account, "account", spelt=Form.NUMBER),
                    Column("site", optional(cells.code), "site", lambda code: code or ""),
                    _amount("amount", cells.balance),
                ),
                # A till has a balance at each site.
                ("account", "site"),
            ),
            Layout(GRANTS, opening_grant, (_code("code"), _amount("used", cells.amount_or_zero)), ("code",)),
        )
    }
)
# The rows of each file, with their lines, as cells in the order of its columns.
Rows = Mapping[str, Sequence[NumberedRow]]


def find_files(folder: Path) -> FolderTables:
    """Return the files of a folder, CSV or workbooks; raises Refused if there are none."""
    return find_tables(folder, LAYOUTS, "a take-on")


def rows_of_files(present: FolderTables, faults: Faults) -> dict[str, list[NumberedRow]]:
    """Return the rows of a folder's files, noting what can't be read."""
    return {stem: list(_read(table, LAYOUTS[stem], faults)) for stem, table in present.tables.items()}


@contextmanager
def naming(present: FolderTables) -> Iterator[None]:
    """Name the files that were read, which may be workbooks, where what is done is refused."""
    labels = {layout.file: present.label(layout) for layout in LAYOUTS.values()}
    try:
        yield
    except Refused as refused:
        raise Refused([replace(fault, file=labels.get(fault.file, fault.file)) for fault in refused.faults]) from None


def new_faults(present: FolderTables | None = None) -> Faults:
    """Return a collector of faults that gives them in the order of the files, by either name of a file."""
    files = [layout.file for layout in LAYOUTS.values()]
    labels = files if present is None else [present.label(layout) for layout in LAYOUTS.values()]
    return Faults([name for names in zip(files, labels, strict=True) for name in names])


def _read(table: TableFile, layout: Layout, faults: Faults) -> Iterator[NumberedRow]:
    try:
        for line, row in read_rows(table, layout, faults):
            yield line, list(row)
    except UnreadableFile:
        # The reader has noted why.
        return


def rows_of_records(records: Mapping[str, Sequence[Mapping[str, str]]]) -> dict[str, list[NumberedRow]]:
    """Return rows given as texts by column, as JSON gives them: a column left out is blank; lines count from 1."""
    return {
        stem: [(line, [record.get(name, "") for name in LAYOUTS[stem].names]) for line, record in enumerate(given, 1)]
        for stem, given in records.items()
    }
