"""Reads the rows of a table, whoever wrote it, in the contract's spelling."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Form, Layout
from billing.register.network_import.reading.header import NumberedRow, UnreadableFile
from billing.register.network_import.reading.spellings import Spellings, respelt
from billing.register.network_import.reading.text_files import COMMAS, Written, raw_rows, written
from billing.register.network_import.reading.workbook_rows import TableFile, workbook_rows
from ledger.exports.comma_separated import unguarded

_ERRORS = re.compile(r"#(N/A|NA|REF!|VALEUR!|VALUE!|NOM\?|NAME\?|DIV/0!|NOMBRE!|NUM!|NUL!|NULL!)")
# A number of twelve digits and more, as a spreadsheet shows it and writes it into a CSV file.
_SHORTENED = re.compile(r"[0-9](,[0-9]+)?E\+[0-9]{2,3}", re.ASCII)


def read_rows(
    table: TableFile, layout: Layout, faults: Faults, warnings: Faults | None = None
) -> Iterator[NumberedRow]:
    """Yield the rows of a file, lazily; rows that can't be told apart are noted as faults and left out.

    Raises UnreadableFile, before the first row or in the midst of them, when the rest can't be read. `warnings` takes
    what was read but should be looked at; without it these cells are refused.
    """
    path = table.path
    try:
        if path.suffix.lower() == ".xlsx":
            yield from workbook_rows(table, layout, faults, warnings)
            return
        how = written(path, layout, faults)
        if how.separator == COMMAS:
            yield from raw_rows(path, how, layout, faults)
        else:
            yield from _french_rows(path, how, layout, faults)
    except OSError as error:
        faults.add(path.name, None, None, None, f"cannot be read: {error.strerror}", "check the file and its rights")
        raise UnreadableFile from None


def _french_rows(path: Path, how: Written, layout: Layout, faults: Faults) -> Iterator[NumberedRow]:
    """Yield the rows of a file that a French spreadsheet wrote, in the contract's spelling; blank ones are left out."""
    file = path.name
    spellings = Spellings(file, layout)
    # What is wrong with rows is said while they are read.
    with suppress(UnreadableFile):
        spellings.learn(raw_rows(path, how, layout, Faults((file,))))
    sign = spellings.sign(faults)
    forms = [column.form for column in layout.columns]
    texts = [(index, column.name) for index, column in enumerate(layout.columns) if column.form is Form.TEXT]
    whole = True
    for line, row in raw_rows(path, how, layout, faults):
        if not any(row) or not any(map(str.strip, row)):
            continue
        cells = respelt(row, forms, sign)
        sound = True
        for index, name in texts:
            cell = cells[index]
            if cell[:1] == "'":
                cells[index] = unguarded(cell)
            elif cell[:1] == "#" and _ERRORS.fullmatch(cell):
                faults.add(file, line, name, cell, "is an error of the spreadsheet", "correct the cell's formula")
                sound = False
            elif cell[:1].isdigit() and _SHORTENED.fullmatch(cell.strip()):
                problem = "is a number that the spreadsheet has shortened: its digits are lost"
                faults.add(file, line, name, cell, problem, "format the column as text, and type the cell again")
                sound = False
        if sound:
            yield line, cells
        whole = whole and sound
    if not whole:
        raise UnreadableFile
