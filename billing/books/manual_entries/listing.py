"""Manual entries as a file: JSON, or a row a posting (`csv`, `xlsx`)."""

from collections.abc import Iterator, Sequence

from billing.books.manual_entries.shapes import ManualEntry
from billing.frame.shapes import indented
from ledger.exports.columns import Cell, Column, Kind
from ledger.exports.tables import table
from pricing.money import AMOUNT_DECIMALS, parse_decimal

_KINDS = {"date": Kind.DAY, "debit": Kind.AMOUNT, "credit": Kind.AMOUNT, "reversed_on": Kind.DAY}
_COLUMNS = tuple(
    Column(name, _KINDS.get(name, Kind.TEXT))
    for name in (
        "number", "date", "label", "voucher", "account", "auxiliary", "site", "debit", "credit", "reason",
        "voucher_sha256", "reversed_on",
    )
)  # fmt: skip


def manual_entries_file(entries: Sequence[ManualEntry], file_format: str) -> Iterator[bytes]:
    """Return manual entries as pieces of a file."""
    if file_format == "json":
        return iter([indented(entries)])
    return table(file_format, "Écritures manuelles", _COLUMNS, _rows(entries))


def _rows(entries: Sequence[ManualEntry]) -> Iterator[tuple[Cell, ...]]:
    for e in entries:
        for p in e.postings:
            debit, credit = (parse_decimal(amount, AMOUNT_DECIMALS) for amount in (p.debit, p.credit))
            yield (
                e.number, e.date, e.label, e.voucher, p.account, p.auxiliary, p.site, debit, credit, e.reason,
                e.voucher_sha256, e.reversed_on,
            )  # fmt: skip
