"""The line of titles of a file, and where each of the layout's columns stands below it."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Layout

# A row's first line, and its cells in the order of the layout's columns.
NumberedRow: TypeAlias = tuple[int, Sequence[str]]


class UnreadableFile(Exception):
    """The file's rows can't be told apart: the reason has been noted, its rows are unknown."""


class Columns(NamedTuple):
    """The columns of a file: how many, the place of each of the layout's, and those that have no title.

    A column that the file lacks stands behind its last one, where all cells are blank.
    """

    number: int
    order: tuple[int, ...]
    untitled: tuple[int, ...]


def title(cell: str) -> str:
    """Return a column's title as it is compared: spreadsheets add blanks, and capitals at the beginning."""
    return cell.strip("\ufeff \t\u00a0").casefold()


def columns_of(cells: Sequence[str], file: str, line: int, layout: Layout, faults: Faults) -> Columns:
    """Return where each of the layout's columns stands in the file; raises UnreadableFile if its header is wrong.

    Spreadsheets write columns without a title: they are skipped, as long as nothing stands in them.
    """
    names = layout.names
    titles = [title(cell) for cell in cells]
    right = True
    untitled = tuple(index for index, name in enumerate(titles) if not name)
    for index, name in enumerate(titles):
        cell = cells[index]
        if index in untitled:
            continue
        if name not in names:
            remedy = f"remove it or correct its name; columns are {', '.join(names)}"
            faults.add(file, line, cell, cell, "is an unknown column", remedy)
        elif name in titles[:index]:
            faults.add(file, line, name, cell, "is there twice", "remove one of the two columns")
        else:
            continue
        right = False
    for column in layout.columns:
        if column.name not in titles and not column.may_lack:
            remedy = "add it; its cells may be blank where allowed"
            faults.add(file, line, column.name, None, "is a missing column", remedy)
            right = False
    if not right:
        raise UnreadableFile
    order = tuple(titles.index(name) if name in titles else len(cells) for name in names)
    return Columns(len(cells), order, untitled)
