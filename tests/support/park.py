"""A park to tell stories with: enter rows, run months, read documents and books as plain text."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import dedent

from sqlalchemy import Engine, select

from billing.frame.database import reading, writing
from billing.register.network_import import import_folder
from billing.run.holds.holding import HoldOrder, hold
from billing.run.report import RunReport
from billing.run.usage_voids.voids_file import IMPORT_FILE
from invoices.document import Document
from ledger.models import entry, posting
from pricing.money import format_amount
from pricing.period import parse_month
from tests.oracle.service import NOW, Service, instant
from tests.support.networks import COLUMNS, Row, write_network


@dataclass
class Park(Service):
    """The service, with rows told as in `tests.support.networks` and results as text."""

    def opens(self, **files: list[Row]) -> None:
        """Enter the ground network (Tanger and Casablanca as in the worked examples) with these files."""
        write_network(self.folder, **files)
        import_folder(self.engine, self.folder, now=NOW, further=[IMPORT_FILE])

    def enters(self, **files: list[Row] | str) -> None:
        """Enter these rows, and nothing else."""
        others = dict.fromkeys(COLUMNS)
        write_network(self.folder, **{**others, **files})
        import_folder(self.engine, self.folder, now=NOW, further=[IMPORT_FILE])

    def bills(self, month: str, issued_on: str | None = None) -> RunReport:
        """Run a month; issued on its first day unless said otherwise."""
        return self.run(month, date.fromisoformat(issued_on) if issued_on else parse_month(month))

    def holds(self, month: str, *tenants: str, reason: str = "bail en litige", release: bool = False) -> list[str]:
        """Hold tenants from a month's run, or take the holds back; the codes for which that changed anything."""
        period = parse_month(month)
        order = HoldOrder(period, tenants, reason, release)
        with writing(self.engine) as connection:
            return hold(connection, order, today=period, recorded_at=instant(period))

    def issued(self, month: str) -> str:
        """The documents of a month's run, one line of text for each of theirs."""
        return "\n".join(line for document in self.documents(month) for line in told(document))

    def booked(self, journal: str, since: str = "0001-01-01") -> str:
        """The entries of a journal in order; debit is positive, credit negative."""
        with reading(self.engine) as connection:
            entries = connection.execute(
                select(entry.c.id, entry.c.effective_on, entry.c.reference)
                .where(entry.c.journal == journal, entry.c.effective_on >= date.fromisoformat(since))
                .order_by(entry.c.id)
            ).all()
            lines = []
            for head in entries:
                lines.append(f"{head.effective_on} {head.reference}")
                rows = connection.execute(
                    select(posting.c.account, posting.c.auxiliary, posting.c.site, posting.c.amount)
                    .where(posting.c.entry_id == head.id)
                    .order_by(posting.c.line_no)
                )
                lines += [
                    f"  {account:<6}{auxiliary or '':<8}{site or '':<5}{format_amount(amount):>12}"
                    for account, auxiliary, site, amount in rows
                ]
        return "\n".join(lines)


def told(document: Document) -> list[str]:
    """A document as text: number, buyer and sums, then its lines."""
    sums = f"net {format_amount(document.net)}, VAT {format_amount(document.tax)}, due {format_amount(document.gross)}"
    lines = [f"{document.number} {document.buyer.code}: {sums}"]
    for line in document.lines:
        priced = line.priced
        days = f"{priced.first_day} to {priced.last_day}" if priced.first_day else f"{priced.month:%Y-%m}"
        corrects = f", corrects {line.corrects.number}" if line.corrects else ""
        where = f"{priced.site} {priced.lease or priced.service}"
        lines.append(f"  {where} {days} {priced.tier} {format_amount(priced.amount)}{corrects}")
    return lines


def text(story: str) -> str:
    """A block of text as written in a test, without its margin."""
    return dedent(story).strip("\n")


def open_park(engine: Engine, folder: Path) -> Park:
    """A park on an empty database."""
    return Park(engine, folder / "network")
