"""Plays a history on the service, and lays out what came of it as the reference does."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from billing.config import Settings, load_settings
from billing.db import reading
from billing.network_import import import_folder
from billing.run import RunReport, preview_month, run_month
from invoices.document import CREDIT_NOTE, Document, DocumentLine
from invoices.reading import document_ids, load_documents
from ledger.models import posting
from pricing.money import format_amount, format_price, format_quantity, format_rate
from pricing.period import format_month, parse_month
from tests.networks import COLUMNS
from tests.oracle.reference import Files, line_order

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ISSUED_ON = date(2028, 12, 31)


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
            import_folder(self.engine, write_rows(self.folder, files), now=NOW)

    def run(self, month: str, issued_on: date = ISSUED_ON) -> RunReport:
        """Run the month, in this process."""
        return run_month(
            self.settings, self.engine, parse_month(month), clock=lambda: NOW, issued_on=issued_on, deliver=False
        )

    def preview(self, month: str, issued_on: date = ISSUED_ON) -> RunReport:
        """The dry run of the month."""
        return preview_month(self.engine, parse_month(month), clock=lambda: NOW, issued_on=issued_on)

    def documents(self, month: str) -> list[Document]:
        """What the month's run issued, by number."""
        with reading(self.engine) as connection:
            return [found for _, found in load_documents(connection, document_ids(connection, parse_month(month)))]

    def shapes(self, months: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The documents of each month in the reference's shape, by tenant and kind."""
        documents = {month: self.documents(month) for month in months}
        run_of = {found.number: format_month(found.period) for of in documents.values() for found in of}
        return {
            month: sorted(
                (document_shape(found, run_of) for found in of), key=lambda shape: (shape["tenant"], shape["kind"])
            )
            for month, of in documents.items()
        }

    def sums(self) -> dict[str, tuple[int, int]]:
        """Debit and credit in centimes of every account with postings."""
        debit = func.sum(posting.c.amount).filter(posting.c.amount > 0)
        credit = func.sum(-posting.c.amount).filter(posting.c.amount < 0)
        with reading(self.engine) as connection:
            rows = connection.execute(select(posting.c.account, debit, credit).group_by(posting.c.account)).all()
        return {account: (int(debit or 0), int(credit or 0)) for account, debit, credit in rows}

    def balances(self) -> dict[str, str]:
        """Debit less credit of every account whose balance isn't nil."""
        sums = sorted(self.sums().items())
        return {account: format_amount(debit - credit) for account, (debit, credit) in sums if debit != credit}

    def trial_balance(self) -> dict[str, tuple[str, str]]:
        """Debit and credit of every account with postings."""
        return {
            account: (format_amount(debit), format_amount(credit))
            for account, (debit, credit) in sorted(self.sums().items())
            if debit or credit
        }


def document_shape(document: Document, run_of: Mapping[str, str]) -> dict[str, Any]:
    """The contract's JSON without number and dates; `corrects` is the run of the invoice corrected."""
    return {
        "kind": document.kind,
        "period": format_month(document.period),
        "tenant": document.buyer.code,
        "currency": document.currency,
        "lines": sorted((_line_shape(line, document, run_of) for line in document.lines), key=line_order),
        "vat": [
            {"rate": format_rate(v.rate), "base": format_amount(v.base), "amount": format_amount(v.amount)}
            for v in document.vat
        ],
        "net": format_amount(document.net),
        "tax": format_amount(document.tax),
        "gross": format_amount(document.gross),
    }


def _line_shape(line: DocumentLine, document: Document, run_of: Mapping[str, str]) -> dict[str, Any]:
    priced = line.priced
    corrects = None
    if document.kind == CREDIT_NOTE and line.corrects is not None:
        corrects = run_of[line.corrects.number]
    return {
        "service": priced.service,
        "site": priced.site,
        "lease": priced.lease,
        "month": format_month(priced.month),
        "first_day": priced.first_day.isoformat() if priced.first_day else None,
        "last_day": priced.last_day.isoformat() if priced.last_day else None,
        "tier": priced.tier,
        "quantity": format_quantity(priced.quantity),
        "full_price": format_price(priced.full_price),
        "unit_price": format_price(priced.unit_price),
        "amount": format_amount(priced.amount),
        "full_amount": format_amount(priced.full_amount),
        "cost_amount": format_amount(priced.cost_amount),
        "vat_rate": format_rate(priced.vat_rate),
        "corrects": corrects,
    }
