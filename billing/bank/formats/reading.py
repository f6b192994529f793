"""The reading of a bank's file: its kind by its first bytes, and its statements."""

from typing import NamedTuple

from billing.bank.formats.camt import parse_camt
from billing.bank.formats.comma_separated import CsvMapping, parse_csv
from billing.bank.formats.mt940 import parse_mt940
from billing.bank.formats.statement import STATEMENT_BYTES_MAX, Statement, refuse

CAMT, MT940, CSV = "camt.053", "mt940", "csv"
FORMATS = (CAMT, MT940, CSV)


class CsvReading(NamedTuple):
    """The reading of a CSV file: its mapping, and the balances it doesn't say, in centimes."""

    mapping: CsvMapping
    opening: int | None = None
    closing: int | None = None


def format_of(content: bytes) -> str:
    """Return the kind of a file by its first bytes; what is neither XML nor SWIFT is taken for CSV."""
    start = content[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    if start.startswith(b"<"):
        return CAMT
    if start.startswith((b":20:", b"{1:", b"{4:")) or b"\n:20:" in start or b"\r:20:" in start:
        return MT940
    return CSV


def read_statements(
    content: bytes, file: str, csv: CsvReading, file_format: str | None = None
) -> tuple[Statement, ...]:
    """Return the statements of a file in its order, at least one; raises Refused with a sentence per fault.

    `file_format` None: by its first bytes.
    """
    if len(content) > STATEMENT_BYTES_MAX:
        raise refuse(file, f"is larger than {STATEMENT_BYTES_MAX >> 20} MiB", "import it in parts")
    if not content.strip():
        raise refuse(file, "is empty", "ask the bank for the file again")
    match file_format or format_of(content):
        case "camt.053":
            return parse_camt(content, file)
        case "mt940":
            return parse_mt940(content, file)
        case _:
            return parse_csv(content, file, csv.mapping, opening=csv.opening, closing=csv.closing)
