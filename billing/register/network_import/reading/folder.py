"""The tables that a folder holds: a CSV file or a workbook each, or the sheets of `network.xlsx`."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from billing.frame.errors import Fault, Refused
from billing.register.network_import.layout import Layout
from billing.register.network_import.reading.workbook import BadWorkbook, Workbook
from billing.register.network_import.reading.workbook_rows import (
    TableFile,
    require_shown,
    sheet_of,
    table_of_sheet,
)

ONE_WORKBOOK = "network.xlsx"
# Sheets of this name explain the others, in the templates.
EXPLAINED = "colonnes"
_OTHER_KINDS = {
    ".xls": "is an old Excel file", ".xlsm": "is a workbook with macros", ".xlsb": "is a binary workbook",
    ".ods": "is an OpenDocument sheet",
}  # fmt: skip

_TABLE_KINDS = frozenset({".csv", ".xlsx", ".tsv"})

# File, line, column, value, problem, remedy.
_Note: TypeAlias = tuple[str, None, None, None, str, str]


class FolderTables(NamedTuple):
    """The tables of a folder by stem, in the order of reading, and warnings of what stands beside them."""

    tables: Mapping[str, TableFile]
    warnings: list[_Note]

    def label(self, layout: Layout) -> str:
        """Return what messages call a table, also one that is not there."""
        return self.tables[layout.stem].label if layout.stem in self.tables else layout.file


def find_tables(folder: Path, layouts: Mapping[str, Layout], whose: str = "the network") -> FolderTables:
    """Return the tables of a folder, whose names may have capitals; raises Refused if there are none, or one twice."""
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise Refused([Fault(str(folder), None, None, None, problem, f"give a folder that holds {whose}'s files")])
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith("~$")]
    faults = [
        Fault(
            path.name, None, None, None, f"{_OTHER_KINDS[path.suffix.lower()]}, and can't be read", "save it as .xlsx"
        )
        for path in paths
        if path.suffix.lower() in _OTHER_KINDS and path.stem.lower() in (*layouts, Path(ONE_WORKBOOK).stem)
    ]
    tables: dict[str, list[TableFile]] = defaultdict(list)
    warnings: list[_Note] = []
    for path in paths:
        name, stem = path.name.lower(), path.stem.lower()
        if name == ONE_WORKBOOK:
            _add_sheets(path, layouts, whose, tables, warnings, faults)
        elif stem in layouts and name == layouts[stem].file:
            tables[stem].append(TableFile(path, path.name))
        elif stem in layouts and name == f"{stem}.xlsx":
            tables[stem].append(_own_workbook(path, stem))
        elif path.suffix.lower() in _TABLE_KINDS:
            warnings.append(_not_read(path, layouts, whose))
    for stem, twice in tables.items():
        for table in twice[1:]:
            problem = f"gives {stem} a second time, beside {twice[0].label}"
            faults.append(Fault(table.label, None, None, None, problem, "keep one of the two"))
    if faults:
        raise Refused(faults)
    if not tables:
        names = f"these are {_names(layouts)}"
        raise Refused([Fault(str(folder), None, None, None, f"holds none of {whose}'s files", names)])
    return FolderTables({stem: tables[stem][0] for stem in layouts if stem in tables}, warnings)


def _names(layouts: Mapping[str, Layout]) -> str:
    names = ", ".join(layout.file for layout in layouts.values())
    return f"{names}, each also as .xlsx, or all as sheets of {ONE_WORKBOOK}"


def _not_read(path: Path, layouts: Mapping[str, Layout], whose: str) -> _Note:
    """Return the warning of a file that may have been meant as a table."""
    remedy = f"{whose}'s files are {_names(layouts)}"
    if path.stem.lower() in layouts:
        remedy = f"save it as {path.stem.lower()}.csv if that is what it is"
    return path.name, None, None, None, f"is not a file of {whose}, and was not read", remedy


def _own_workbook(path: Path, stem: str) -> TableFile:
    """Return the table of a workbook that holds one; what is wrong with it is said when it is read."""
    try:
        book = Workbook(path)
        return table_of_sheet(path, book, sheet_of(book, stem))
    except (BadWorkbook, OSError):
        return TableFile(path, path.name)


def _add_sheets(
    path: Path,
    layouts: Mapping[str, Layout],
    whose: str,
    tables: dict[str, list[TableFile]],
    warnings: list[_Note],
    faults: list[Fault],
) -> None:
    """Add the sheets of the one workbook, each by its name."""
    try:
        book = Workbook(path)
        for sheet in book.sheets:
            stem, table = sheet.name.strip().casefold(), table_of_sheet(path, book, sheet)
            if stem in layouts:
                require_shown(sheet)
                tables[stem].append(table)
            elif stem != EXPLAINED and next(book.rows(sheet), None) is not None:
                remedy = f"{whose}'s sheets are {', '.join(layouts)}: name it so if it is one of them"
                problem = f"is not a sheet of {whose}, and was not read"
                warnings.append((table.label, None, None, None, problem, remedy))
    except BadWorkbook as bad:
        faults.append(Fault(path.name, None, None, None, bad.problem, bad.remedy))
    except OSError as error:
        faults.append(Fault(path.name, None, None, None, f"cannot be read: {error.strerror}", "check the file"))
