"""The reading of a bank's file: its kind by its first bytes, and its statements."""

import re
from typing import NamedTuple

from billing.bank.formats.camt import parse_camt
from billing.bank.formats.comma_separated import CsvMapping, parse_csv
from billing.bank.formats.mt940 import parse_mt940
from billing.bank.formats.statement import (
    CURRENCY,
    STATEMENT_BYTES_MAX,
    FileContent,
    LeftOut,
    decoded,
    refuse,
)
from billing.frame.errors import Fault, Refused

CAMT, MT940, CSV = "camt.053", "mt940", "csv"
FORMATS = (CAMT, MT940, CSV)
# A field of MT940 at the beginning of a line: banks leave out some of the first ones.
_SWIFT = re.compile(r"^:(20|25P?|28[CD]?|60[FM]?|61|62[FM]?):", re.MULTILINE)
_SPREADSHEET = ("is a spreadsheet", "save it as CSV, or ask the bank for camt.053 or MT940")
# Files that are brought for statements and are none, by their first bytes: what they are, and what to do.
_OTHER_KINDS = (
    (b"PK\x03\x04", "is a ZIP archive", "unzip it and import each file in it"),
    (b"\x1f\x8b", "is packed (gzip)", "unpack it and import the file in it"),
    (b"7z\xbc\xaf", "is a 7z archive", "unpack it and import each file in it"),
    (b"Rar!", "is a RAR archive", "unpack it and import each file in it"),
    (b"\xd0\xcf\x11\xe0", *_SPREADSHEET),
    (b"%PDF", "is a PDF", "ask the bank for the statement as camt.053, MT940 or CSV"),
)
# What the archive of a spreadsheet holds: Excel's and LibreOffice's.
_SPREADSHEETS = (b"xl/workbook", b"application/vnd.oasis.opendocument.spreadsheet")


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
    if start.startswith((b"{1:", b"{4:")) or _SWIFT.search(decoded(content[:4096])) is not None:
        return MT940
    return CSV


def read_statements(
    content: bytes, file: str, csv: CsvReading, file_format: str | None = None, own_account: str = ""
) -> FileContent:
    """Return the statements of a file in its order, those of `own_account` alone where it is given.

    Where none is of it, all are returned. Raises Refused with a sentence per fault. `file_format` None: by its first
    bytes.
    """
    if len(content) > STATEMENT_BYTES_MAX:
        raise refuse(file, f"is larger than {STATEMENT_BYTES_MAX >> 20} MiB", "import it in parts")
    if not content.strip():
        raise refuse(file, "is empty", "ask the bank for the file again")
    for start, problem, remedy in _OTHER_KINDS:
        if content.startswith(start):
            is_spreadsheet = any(part in content for part in _SPREADSHEETS)
            raise refuse(file, *(_SPREADSHEET if is_spreadsheet else (problem, remedy)))
    kind = file_format or format_of(content)
    content_read = _read(content, file, csv, kind, own_account)
    # Where nothing is ours all of it is read, so that each fault is said at once.
    return _of_account(content_read, own_account) if content_read.statements else _read(content, file, csv, kind, "")


def _read(content: bytes, file: str, csv: CsvReading, kind: str, own_account: str) -> FileContent:
    match kind:
        case "camt.053":
            return parse_camt(content, file, own_account)
        case "mt940":
            return parse_mt940(content, file, own_account)
        case _:
            return parse_csv(content, file, csv.mapping, own_account, opening=csv.opening, closing=csv.closing)


def _of_account(content_read: FileContent, own_account: str) -> FileContent:
    """Return what of a file is our account's in dirhams; statements of its number in other currencies are left out.

    Raises Refused where a statement names no account in a file that holds those of others.
    """
    nameless = next((statement for statement in content_read.statements if not statement.account), None)
    if content_read.left_out and nameless is not None:
        problem = f"names no account, in a file that holds account {content_read.left_out[0].account}"
        remedy = f"ours is {own_account} (OPERATOR_FILE, rib): ask the bank for one file each"
        raise Refused([Fault(nameless.name, None, "account", None, problem, remedy)])
    ours = tuple(statement for statement in content_read.statements if statement.currency == CURRENCY)
    if not own_account or not ours:
        return content_read
    others = (
        LeftOut(statement.account, statement.currency, statement.reference, len(statement.lines))
        for statement in content_read.statements
        if statement.currency != CURRENCY
    )
    return FileContent(ours, (*content_read.left_out, *others))
