"""Tables for programs: columns of a kind each, and their rows, as pieces of a CSV file, a workbook or a JSON list.

Every table the service exports is written here, so that an amount, a day or a rate looks the same wherever it stands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ledger.exports import comma_separated, spreadsheet
from ledger.exports.columns import Column, Kind, Rows
from ledger.exports.pieces import gathered

# CSV as a French spreadsheet opens it: semicolons, decimal commas, dd/mm/yyyy.
FRENCH_CSV = "csv-fr"
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "json": "application/json",
        "csv": comma_separated.MEDIA_TYPE,
        FRENCH_CSV: comma_separated.MEDIA_TYPE,
        "xlsx": spreadsheet.MEDIA_TYPE,
    }
)
TABLES = ("csv", FRENCH_CSV, "xlsx")


def ending(file_format: str) -> str:
    """Return the ending of a file's name by its format."""
    return "csv" if file_format == FRENCH_CSV else file_format


def table(file_format: str, title: str, columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """Return a table as pieces of a CSV file (`csv`, `csv-fr`), or of a workbook (`xlsx`) whose sheet bears the title.

    Raises TextTooLong, with the first piece, for a text that no cell of a workbook can hold.
    """
    if file_format == "csv":
        return comma_separated.table(columns, rows)
    if file_format == FRENCH_CSV:
        return comma_separated.table(columns, rows, comma_separated.FRENCH)
    return spreadsheet.table(title, columns, rows)


def json_cell(kind: Kind, cell: Any) -> Any:
    """Return a cell as JSON holds it: counts as numbers; amounts, prices and rates as decimal strings; days as ISO."""
    return cell if cell is None or kind in (Kind.TEXT, Kind.COUNT) else comma_separated.WRITERS[kind](cell)


def json_items(items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the items between the brackets of a JSON list, a line each, some tens of kilobytes at a time."""
    return gathered((b",\n" if number else b"\n") + item for number, item in enumerate(items))


def json_list(items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a JSON list of the items, a line each; `[]` where there are none."""
    pieces = json_items(items)
    first = next(pieces)
    yield b"[" + first
    yield from pieces
    yield b"\n]\n" if first else b"]\n"
