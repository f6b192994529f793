"""The file of manual entries: its columns, and how rows are read, from a file or from JSON, into cells (R30)."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from billing.books.manual_entries.tables import manual_posting
from billing.frame import cells
from billing.frame.cells import BadCell, Parser, optional
from billing.frame.errors import Fault, Refused
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Column, Form, Layout
from billing.register.network_import.reading import TableFile, UnreadableFile, read_rows
from pricing.money import format_amount

LABEL_LENGTH_MAX, VOUCHER_LENGTH_MAX = 200, 120


def account(cell: str) -> str:
    """Parse an account: digits alone; whether the chart has it is judged with the entry."""
    if not (cell.isascii() and cell.isdigit() and len(cell) in range(3, 17)):
        raise BadCell("is not an account", "give an account of the chart, such as 6147, in digits")
    return cell


def _said(length_max: int, what: str) -> Parser:
    def parse(cell: str) -> str:
        said = " ".join(cell.split())
        if not 0 < len(said) <= length_max or not said.isprintable():
            raise BadCell(f"must be 1 to {length_max} characters that can be printed", what)
        return said

    return parse


LAYOUT = Layout(
    "entries",
    manual_posting,
    (
        Column("date", cells.day, "date", date.isoformat),
        Column("label", _said(LABEL_LENGTH_MAX, "say what the entry books"), "label"),
        Column("voucher", _said(VOUCHER_LENGTH_MAX, "name what the entry rests on"), "voucher"),
        Column("account", account, "account", spelt=Form.NUMBER),
        Column("auxiliary", optional(cells.code), "auxiliary"),
        Column("site", optional(cells.code), "site"),
        Column("debit", optional(cells.amount_or_zero), "debit", format_amount),
        Column("credit", optional(cells.amount_or_zero), "credit", format_amount),
    ),
    ("date", "label", "voucher"),
)


def rows_of_file(path: Path) -> tuple[list[tuple[int, list[str]]], list[Fault]]:
    """Return the rows of a file, CSV or workbook, and warnings; raises Refused for one that can't be read."""
    faults, warnings = Faults([path.name]), Faults([path.name])
    rows = []
    try:
        for line, row in read_rows(TableFile(path, path.name), LAYOUT, faults, warnings):
            rows.append((line, list(row)))
    except UnreadableFile:
        # The reader has noted why.
        pass
    if faults:
        raise Refused(faults.in_order())
    return rows, warnings.in_order()


def rows_of_records(records: Sequence[Mapping[str, str | None]]) -> list[tuple[int, list[str]]]:
    """Return rows given as texts by column, as JSON gives them: a column left out is blank; they count from 1."""
    return [(number, [record.get(name) or "" for name in LAYOUT.names]) for number, record in enumerate(records, 1)]
