"""The bundles of two years of a park, the first closed and the second open, unpacked; each as tables of SQLite."""

import csv
import io
import re
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from openpyxl import load_workbook
from sqlalchemy import Engine

from billing.audit.bundle.sample import Sample
from billing.audit.bundle.writing import audit_bundle
from billing.books.manual_entries.files import rows_of_records
from billing.books.manual_entries.posting import post_entries
from billing.books.manual_entries.vouchers import keep_voucher
from billing.books.periods.closing import close_period
from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import reading, writing
from billing.proof.checkpoints import make_checkpoint, signers_of
from billing.receivables.receipts.receiving import receive
from ledger.periods import limits
from pricing.period import months, next_month
from tests.support.park import open_park
from tests.support.proved_park import signing_settings
from tests.support.till import order
from tests.support.whole_story import LATER, tells

CLOSED, OPEN = 2026, 2027
VOUCHER = b"%PDF-1.7 loyer"


def two_years(engine: Engine, folder: Path) -> dict[int, Path]:
    """Tell the story into a migrated, empty database, go on into the next year, and unpack both years' bundles."""
    park, settings = open_park(engine, folder), signing_settings(engine, folder)
    tells(park)
    act = Act("amina", CLI, "periods close", "r2", "les lignes suivent", "amina")
    with writing(on_behalf(engine, act, lambda: LATER)) as connection:
        closed = limits(connection).closed_through
        for month in months(
            date(CLOSED, 1, 1) if closed is None else next_month(closed.replace(day=1)), date(CLOSED, 12, 1)
        ):
            close_period(
                connection, month, today=LATER.date(), recorded_at=LATER, open_months_max=13, terms=park.settings.terms
            )
    park.bills("2027-01", "2027-01-01")
    row = {"date": "2027-01-20", "label": "Loyer du siège", "voucher": "FR-200"}
    rows = rows_of_records(
        [row | {"account": "6131", "debit": "100.00"}, row | {"account": "4411", "credit": "100.00"}]
    )
    with writing(park.engine) as connection:
        paid, seller = order("1000.00", on="2027-01-15", reference="V30"), settings.operator.party
        receive(connection, [paid], recorded_at=LATER, terms=park.settings.terms, seller=seller)
        digest = keep_voucher(connection, "loyer.pdf", VOUCHER, recorded_at=LATER)
        post_entries(connection, rows, "loyer", file="entries", voucher_sha256=digest, recorded_at=LATER)
    make_checkpoint(settings, engine, lambda: LATER)
    folders = {}
    for year in (CLOSED, OPEN):
        with reading(engine) as connection:
            made = audit_bundle(connection, year, seller, park.settings.terms, signers_of(settings), Sample(3, 1))
            archive = io.BytesIO(b"".join(made.pieces))
        folders[year] = folder / str(year)
        with ZipFile(archive) as bundle:
            bundle.extractall(folders[year])
    return folders


def centimes(text: str | None) -> int:
    """An amount as whole centimes; a blank cell is 0."""
    whole, _, cents = (text or "0.00").replace(",", ".").partition(".")
    if len(cents) != 2:
        raise ValueError(f"{text} is no amount")
    return int(whole + cents)


class Files:
    """The files of an unpacked bundle: it is known which were read. Each CSV is a table of SQLite by its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        self.unread = set(self.names)
        self.tables = sqlite3.connect(":memory:")
        self.tables.create_function("c", 1, centimes, deterministic=True)
        for name in sorted(self.names):
            if name.endswith(".csv"):
                self._load(name.removesuffix(".csv"), list(csv.reader(io.StringIO(self.text(name), newline=""))))
            elif name.startswith("fec/"):
                lines = self.text(name).removesuffix("\r\n").split("\r\n")
                part = "analytique" if "-analytique" in name else "générale"
                self._load(f"fec/{part}", [line.split("\t") for line in lines])

    def _load(self, table: str, rows: list[list[str]]) -> None:
        columns = ", ".join(f'"{name}"' for name in rows[0])
        self.tables.execute(f'CREATE TABLE "{table}" ({columns})')
        marks = ", ".join("?" * len(rows[0]))
        self.tables.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows[1:])

    def bytes_of(self, name: str) -> bytes:
        """A file, which counts as read."""
        self.unread.discard(name)
        return (self.folder / name).read_bytes()

    def text(self, name: str) -> str:
        """A file of text, which counts as read."""
        return self.bytes_of(name).decode()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.tables.execute(query).fetchall()

    def value(self, query: str) -> int:
        """The one number of a query."""
        [(found,)] = self.ask(query)
        assert found is None or isinstance(found, int)
        return found or 0

    def cells(self, name: str) -> list[list[str]]:
        """The rows of a CSV file or of all sheets of a workbook, below their heads, each cell in one spelling."""
        if name.endswith(".csv"):
            rows: list[Any] = list(csv.reader(io.StringIO(self.text(name), newline="")))[1:]
        else:
            book = load_workbook(io.BytesIO(self.bytes_of(name)), read_only=True)
            rows = [row for sheet in book for row in list(sheet.iter_rows(values_only=True))[1:]]
        return [list(map(_spelt, row)) for row in rows]


def _spelt(cell: object) -> str:
    text = "" if cell is None else str(cell)
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return f"{Decimal(text):f}".rstrip("0").rstrip(".") if "." in text else text
    day = re.fullmatch(r"([0-9]{4}-[0-9]{2})(-[0-9]{2})?(?:[ T]([0-9:]{8})Z?)?", text)
    return f"{day[1]}{day[2] or '-01'} {day[3] or '00:00:00'}" if day else text
