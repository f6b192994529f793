"""Plays a history on the service, and lays out what came of it as the reference does."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, select

from billing.books.journal import trial_balance
from billing.documents import export as documents_export
from billing.frame.database import reading
from billing.frame.settings import Settings, load_settings
from billing.register.network_import import import_folder
from billing.register.tables import billing_run
from billing.run import waterfall_export
from billing.run.month import run_month
from billing.run.preview import preview_month
from billing.run.report import RunReport
from billing.run.review.reviewing import Review, review_month
from billing.run.usage_voids.voids_file import IMPORT_FILE
from invoices.document import Document
from invoices.reading import document_ids, load_documents
from pricing.period import parse_month
from tests.oracle.reference import Files, line_order
from tests.support.networks import COLUMNS

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
# After every month drawn by the strategies.
ISSUED_ON = date(2028, 12, 31)

# The contract's fields of a line but `corrects`; more may be added there.
LINE_FIELDS = (
    "service", "site", "lease", "month", "first_day", "last_day", "tier", "quantity", "full_price", "unit_price",
    "amount", "full_amount", "cost_amount", "vat_rate",
)  # fmt: skip

Export: TypeAlias = Callable[[Connection], Iterator[bytes]]


def instant(*days: date) -> datetime:
    """Return the present instant of a story; of later days the latest, since nothing is done long before it (R14)."""
    return max(NOW, *(datetime(day.year, day.month, day.day, 9, tzinfo=UTC) for day in days))


def write_rows(folder: Path, files: Files) -> Path:
    """The rows as a network folder, a file for each name given."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, rows in files.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, COLUMNS[name], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


@dataclass
class Service:
    """The service on one database; `folder` is where network folders are written to be imported."""

    engine: Engine
    folder: Path
    settings: Settings = field(default_factory=lambda: load_settings({}))

    def enter(self, files: Files) -> None:
        """Import the rows."""
        if files:
            folder = write_rows(self.folder, files)
            import_folder(self.engine, folder, now=instant(ISSUED_ON), further=[IMPORT_FILE])

    def run(self, month: str, issued_on: date = ISSUED_ON, digest: str | None = None) -> RunReport:
        """Run the month and those skipped before it, in this process, on its day of issue."""
        period = parse_month(month)
        return run_month(
            self.settings,
            self.engine,
            period,
            clock=lambda: instant(issued_on, period),
            issued_on=issued_on,
            catch_up=True,
            digest=digest,
            deliver=False,
        )

    def preview(self, month: str, issued_on: date = ISSUED_ON) -> RunReport:
        """The dry run of the month."""
        period = parse_month(month)
        return preview_month(
            self.engine, period, clock=lambda: instant(issued_on, period), issued_on=issued_on, catch_up=True
        )

    def review(self, month: str, issued_on: date = ISSUED_ON) -> Review:
        """The review of the month's run."""
        period = parse_month(month)
        return review_month(
            self.engine, period, clock=lambda: instant(issued_on, period), issued_on=issued_on, catch_up=True
        )

    def documents(self, month: str) -> list[Document]:
        """What the month's run issued, by number."""
        with reading(self.engine) as connection:
            return [found for _, found in load_documents(connection, document_ids(connection, parse_month(month)))]

    def _exported(self, export: Export) -> Any:
        with reading(self.engine) as connection:
            return json.loads(b"".join(export(connection)))

    def exported_documents(self, month: str) -> list[dict[str, Any]]:
        """`export documents` of the month."""
        found: list[dict[str, Any]] = self._exported(
            lambda connection: documents_export.pieces(connection, parse_month(month), "json")
        )
        return found

    def exported_documents_if_run(self, month: str) -> list[dict[str, Any]]:
        """`export documents` of the month; none where it has not run."""
        with reading(self.engine) as connection:
            has_run = connection.scalar(select(billing_run.c.period).where(billing_run.c.period == parse_month(month)))
        return self.exported_documents(month) if has_run else []

    def exported_cross_subsidy(self, month: str) -> dict[str, Any]:
        """`export cross-subsidy` of the month."""
        found: dict[str, Any] = self._exported(
            lambda connection: waterfall_export.pieces(connection, parse_month(month), "json")
        )
        return found

    def shapes(self, months: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The documents exported for each month in the reference's shape, by tenant and kind."""
        documents = {month: self.exported_documents(month) for month in months}
        for of in documents.values():
            assert [found["number"] for found in of] == sorted(found["number"] for found in of)
        run_of = {found["number"]: found["period"] for of in documents.values() for found in of}
        return {
            month: sorted((plain(found, run_of) for found in of), key=lambda shape: (shape["tenant"], shape["kind"]))
            for month, of in documents.items()
        }

    def trial_balance(self) -> dict[str, tuple[str, str]]:
        """Debit and credit of every account that moved, as `export trial-balance` has them."""
        found = self._exported(lambda connection: trial_balance.pieces(connection, None, "json"))
        for row in found["accounts"]:
            assert Decimal(row["balance"]) == Decimal(row["debit"]) - Decimal(row["credit"])
        return {
            row["account"]: (row["debit"], row["credit"])
            for row in found["accounts"]
            if (row["debit"], row["credit"]) != ("0.00", "0.00")
        }

    def balances(self) -> dict[str, str]:
        """Debit less credit of every account whose balance isn't nil."""
        differences = {
            account: Decimal(debit) - Decimal(credit) for account, (debit, credit) in self.trial_balance().items()
        }
        return {account: str(balance) for account, balance in differences.items() if balance}


def plain(exported: Mapping[str, Any], run_of: Mapping[str, str]) -> dict[str, Any]:
    """An exported document without number and dates; `corrects` is the run of the invoice corrected."""
    lines = [
        {
            **{name: line[name] for name in LINE_FIELDS},
            "corrects": None if line["corrects"] is None else run_of[line["corrects"]],
        }
        for line in exported["lines"]
    ]
    fields = ("kind", "period", "tenant", "currency", "vat", "net", "tax", "gross")
    return {**{name: exported[name] for name in fields}, "lines": sorted(lines, key=line_order)}
