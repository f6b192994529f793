"""The tables that a folder holds: a CSV file or a workbook each, or the sheets of `network.xlsx`."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from billing.frame.errors import Fault, Refused
from billing.register.network_import.layout import Layout
from billing.register.network_import.reading.workbook import BadWorkbook, Workbook
from billing.register.network_import.reading.workbook_rows import chosen_sheet, label, require_shown

ONE_WORKBOOK = "network.xlsx"
# Sheets of this name explain the others, in the templates.
EXPLAINED = "colonnes"
_OTHER_KINDS = {
    ".xls": "is an old Excel file", ".xlsm": "is a workbook with macros", ".xlsb": "is a binary workbook",
    ".ods": "is an OpenDocument sheet",
}  # fmt: skip

# File, line, column, value, problem, remedy.
_Note: TypeAlias = tuple[str, None, None, None, str, str]


class TableFile(NamedTuple):
    """A table of a folder: its file, its sheet (None for a CSV file), and what messages call it."""

    path: Path
    sheet: str | None
    label: str


class Found(NamedTuple):
    """The tables of a folder by stem, in the order of reading, and what was found beside them."""

    tables: Mapping[str, TableFile]
    warnings: list[_Note]

    def label(self, layout: Layout) -> str:
        """Return what messages call a table, also one that is not there."""
        return self.tables[layout.stem].label if layout.stem in self.tables else layout.file


def find_tables(folder: Path, layouts: Mapping[str, Layout], whose: str = "the network") -> Found:
    """Return the tables of a folder; raises Refused if there are none, or one stands there twice."""
    names = ", ".join(layout.file for layout in layouts.values())
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise Refused([Fault(str(folder), None, None, None, problem, f"give a folder that holds {whose}'s files")])
    present = {path.name: path for path in sorted(folder.iterdir()) if not path.name.startswith("~$")}
    faults = [
        Fault(name, None, None, None, f"{_OTHER_KINDS[path.suffix.lower()]}, and can't be read", "save it as .xlsx")
        for name, path in present.items()
        if path.suffix.lower() in _OTHER_KINDS and path.stem.lower() in (*layouts, Path(ONE_WORKBOOK).stem)
    ]
    found: dict[str, list[TableFile]] = defaultdict(list)
    warnings: list[_Note] = []
    for stem, layout in layouts.items():
        if layout.file in present:
            found[stem].append(TableFile(present[layout.file], None, layout.file))
        if f"{stem}.xlsx" in present:
            found[stem].append(_own_workbook(present[f"{stem}.xlsx"], stem))
    if ONE_WORKBOOK in present:
        _add_sheets(present[ONE_WORKBOOK], layouts, found, warnings, faults)
    for stem, tables in found.items():
        for table in tables[1:]:
            problem = f"gives {stem} a second time, beside {tables[0].label}"
            faults.append(Fault(table.label, None, None, None, problem, "keep one of the two"))
    if faults:
        raise Refused(faults)
    if not found:
        raise Refused([Fault(str(folder), None, None, None, f"holds none of {whose}'s files", f"these are {names}")])
    known = {table.path.name for tables in found.values() for table in tables} | {ONE_WORKBOOK}
    for name, path in present.items():
        if path.suffix.lower() in (".csv", ".xlsx", ".tsv") and name not in known:
            meant = path.stem.lower() in layouts
            ending = ".csv" if path.suffix.lower() == ".tsv" else path.suffix.lower()
            remedy = (
                f"rename it {path.stem.lower()}{ending} if that is what it is"
                if meant
                else f"{whose}'s files are {names}"
            )
            warnings.append((name, None, None, None, f"is not a file of {whose}, and was not read", remedy))
    return Found({stem: found[stem][0] for stem in layouts if stem in found}, warnings)


def _own_workbook(path: Path, stem: str) -> TableFile:
    """Return the table of a workbook that holds one; what is wrong with it is said when it is read."""
    try:
        with Workbook(path) as book:
            sheet = chosen_sheet(book, stem).name
    except (BadWorkbook, OSError):
        return TableFile(path, None, path.name)
    return TableFile(path, sheet, label(path, sheet))


def _add_sheets(
    path: Path,
    layouts: Mapping[str, Layout],
    found: dict[str, list[TableFile]],
    warnings: list[_Note],
    faults: list[Fault],
) -> None:
    """Add the sheets of the one workbook, each by its name."""
    try:
        with Workbook(path) as book:
            for sheet in book.sheets:
                stem, named = sheet.name.strip().casefold(), label(path, sheet.name)
                if stem in layouts:
                    require_shown(sheet)
                    found[stem].append(TableFile(path, sheet.name, named))
                elif stem != EXPLAINED and next(book.rows(sheet), None) is not None:
                    remedy = f"name it after its file, such as {next(iter(layouts))}, if it is one of the network's"
                    warnings.append(
                        (named, None, None, None, "is not a sheet of the network, and was not read", remedy)
                    )
    except BadWorkbook as bad:
        faults.append(Fault(path.name, None, None, None, bad.problem, bad.remedy))
    except OSError as error:
        faults.append(Fault(path.name, None, None, None, f"cannot be read: {error.strerror}", "check the file"))
