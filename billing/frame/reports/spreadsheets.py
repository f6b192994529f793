"""Tables as CSV or XLSX; JSON is each export's own affair."""

from collections.abc import Iterator, Sequence

from billing.frame.errors import Unknown
from ledger.exports import comma_separated, spreadsheet
from ledger.exports.columns import Column, Rows

FORMATS = ("json", "csv", "xlsx")


def require_format(file_format: str) -> None:
    """Raise Unknown unless the format is one of FORMATS."""
    if file_format not in FORMATS:
        raise Unknown(f"there is no format {file_format} here: choose one of {', '.join(FORMATS)}")


def table(file_format: str, title: str, columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """The table as pieces of a CSV file or a workbook."""
    if file_format == "csv":
        return comma_separated.table(columns, rows)
    return spreadsheet.table(title, columns, rows)
