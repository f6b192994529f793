"""Writes a network folder to be filled in, from the columns by which it is imported."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from billing.frame.errors import Fault, Refused
from billing.register.network_import.layout import LAYOUTS, Layout
from billing.register.network_import.reading.folder import EXPLAINED, ONE_WORKBOOK
from ledger.exports import spreadsheet
from ledger.exports.columns import Column, Kind
from ledger.exports.tables import table
from pricing.money import format_amount, format_price, format_quantity, format_rate

README = "LISEZ-MOI.txt"
_KINDS = {
    format_amount: Kind.AMOUNT, format_price: Kind.PRICE, format_quantity: Kind.QUANTITY, format_rate: Kind.RATE,
    date.isoformat: Kind.DAY,
}  # fmt: skip
_EXPLANATION = (Column("Fichier", Kind.TEXT), Column("Colonne", Kind.TEXT), Column("Clé", Kind.TEXT),
                Column("Contenu", Kind.TEXT))  # fmt: skip
_HEAD = """Dossier du réseau : un fichier par table, avec les colonnes ci-dessous (* : clé de la ligne).
Remplacez les lignes d'exemple par les vôtres ; les fichiers dont vous n'avez pas besoin peuvent être supprimés.
Une cellule vide veut dire « aucun ». Vérifiez sans rien écrire : technopark-billing import DOSSIER --dry-run
"""


def columns_of(layout: Layout) -> tuple[Column, ...]:
    """Return a file's columns as the exports write them."""
    return tuple(Column(column.name, _KINDS.get(column.show, Kind.TEXT)) for column in layout.columns)


def _examples(layout: Layout) -> Iterator[tuple[Any, ...]]:
    """Yield the example rows of a file, parsed as the import does: a text stays as it is written."""
    kinds = [column.kind for column in columns_of(layout)]
    for row in layout.examples:
        yield tuple(
            None if not cell else cell if kind is Kind.TEXT else column.parse(cell)
            for column, kind, cell in zip(layout.columns, kinds, row, strict=True)
        )


def write_template(folder: Path, file_format: str, further: Iterable[Layout] = ()) -> list[str]:
    """Write a folder of `csv` or `csv-fr` files, or one workbook (`xlsx`); returns the files' names.

    `further` are the files of other subjects. Raises Refused, and writes nothing, where a file is there already.
    """
    layouts = (*LAYOUTS.values(), *further)
    files: Mapping[str, Iterable[bytes]]
    if file_format == "xlsx":
        sheets = [spreadsheet.Sheet(x.stem, columns_of(x), _examples(x), to_fill_in=True) for x in layouts]
        explained = spreadsheet.Sheet(EXPLAINED.capitalize(), _EXPLANATION, _explained(layouts))
        files = {ONE_WORKBOOK: spreadsheet.book([*sheets, explained], empty=explained)}
    else:
        files = {
            **{x.file: table(file_format, x.stem, columns_of(x), _examples(x)) for x in layouts},
            README: [_readme(layouts).encode()],
        }
    there = [name for name in files if (folder / name).exists()]
    if there:
        problem, remedy = "is there already", "name another folder, or take it out"
        raise Refused([Fault(str(folder / name), None, None, None, problem, remedy) for name in there])
    folder.mkdir(parents=True, exist_ok=True)
    for name, pieces in files.items():
        with (folder / name).open("xb") as file:
            file.writelines(pieces)
    return list(files)


def _explained(layouts: Iterable[Layout]) -> Iterator[tuple[str, ...]]:
    for layout in layouts:
        for column in layout.columns:
            yield layout.stem, column.name, "clé" if column.name in layout.key else "", column.about


def _readme(layouts: Iterable[Layout]) -> str:
    parts = [_HEAD]
    for layout in layouts:
        parts.append(f"\n{layout.file}\n")
        width = max(map(len, layout.names)) + 1
        for column in layout.columns:
            name = f"{column.name}{'*' if column.name in layout.key else ''}"
            parts.append(f"  {name:<{width}}  {column.about}\n")
    return "".join(parts)
