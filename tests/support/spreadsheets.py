"""Network folders as spreadsheets write them: French CSV, and workbooks (openpyxl) of real numbers and days."""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import Workbook

_NUMBERS = {
    "capacity", "price_ceiling_incl_vat", "rate", "market", "subsidised", "full_cost", "area_m2", "quantity", "amount",
    "base", "vat", "paid", "vat_rate", "used", "account",
}  # fmt: skip
_DAYS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def tables_of(folder: Path) -> dict[str, list[list[str]]]:
    """The tables of a folder of plain CSV files by stem, titles first."""
    return {path.stem: list(csv.reader(path.open(encoding="utf-8", newline=""))) for path in folder.glob("*.csv")}


def french(title: str, cell: str) -> str:
    """A cell as a French spreadsheet shows it: decimal comma, dd/mm/yyyy."""
    if title in _NUMBERS:
        return cell.replace(".", ",")
    return "/".join(reversed(cell.split("-"))) if _DAYS.fullmatch(cell) else cell


def typed(title: str, cell: str) -> Any:
    """A cell as a spreadsheet keeps it: numbers and days are such, a part like 1/3 and every other text a text."""
    if title in _NUMBERS and re.fullmatch(r"-?[0-9.]+", cell):
        return float(cell)
    return date.fromisoformat(cell) if _DAYS.fullmatch(cell) else cell or None


def write_french(
    folder: Path, tables: Mapping[str, Sequence[Sequence[str]]], *, encoding: str = "cp1252", separator: str = ";"
) -> Path:
    """Write tables as a French spreadsheet saves them as CSV."""
    folder.mkdir(exist_ok=True)
    for stem, (titles, *rows) in tables.items():
        with (folder / f"{stem}.csv").open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file, delimiter=separator, lineterminator="\r\n")
            writer.writerow(titles)
            writer.writerows([french(title, cell) for title, cell in zip(titles, row, strict=True)] for row in rows)
    return folder


def write_workbook(
    path: Path, sheets: Mapping[str, Iterable[Sequence[Any]]], change: Callable[[Workbook], None] = lambda _book: None
) -> Path:
    """Write a workbook of such sheets; `change` may spoil it before it is saved."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    change(book)
    path.parent.mkdir(exist_ok=True)
    book.save(path)
    return path


def typed_rows(table: Sequence[Sequence[str]]) -> list[list[Any]]:
    """A table's rows as a spreadsheet keeps them."""
    titles, *rows = table
    return [list(titles), *([typed(t, cell) for t, cell in zip(titles, row, strict=True)] for row in rows)]
