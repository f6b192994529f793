"""What finance staff take away: a month's documents, its cross-subsidy, the trial balance; as JSON, CSV or XLSX.

The JSON is the contract's; the tables have its names as columns. The journal's formats are in
`ledger.exports`.
"""

from collections.abc import Iterable
from datetime import date
from typing import BinaryIO

from sqlalchemy import Connection

from billing.books.journal import trial_balance
from billing.documents import export as documents
from billing.documents.export import document_json, documents_json
from billing.run import matrix_export as funding_matrix
from billing.run import waterfall_export as cross_subsidy

__all__ = [
    "document_json",
    "documents_json",
    "export_cross_subsidy",
    "export_documents",
    "export_funding_matrix",
    "export_trial_balance",
]


def _write(pieces: Iterable[bytes], destination: BinaryIO) -> None:
    for piece in pieces:
        destination.write(piece)


def export_documents(connection: Connection, period: date, file_format: str, destination: BinaryIO) -> None:
    """The documents issued by the run of the month that begins on `period`, by number, in constant memory.

    Raises Unknown when that month has not been run, or for another format than json, csv, xlsx.
    """
    _write(documents.pieces(connection, period, file_format), destination)


def export_cross_subsidy(connection: Connection, period: date, file_format: str, destination: BinaryIO) -> None:
    """The waterfall of the run of the month that begins on `period` (R18).

    Raises Unknown when that run is not complete, or for another format than json, csv, xlsx.
    """
    _write(cross_subsidy.pieces(connection, period, file_format), destination)


def export_funding_matrix(connection: Connection, period: date, file_format: str, destination: BinaryIO) -> None:
    """Who funded whom in the run of the month that begins on `period`, tenant by tenant (R17-R19).

    Raises Unknown when that run is not complete, or for another format than json, csv, xlsx.
    """
    _write(funding_matrix.pieces(connection, period, file_format), destination)


def export_trial_balance(connection: Connection, until: date | None, file_format: str, destination: BinaryIO) -> None:
    """Every account with postings up to and including `until` (None: all).

    Raises Unknown for another format than json, csv, xlsx.
    """
    _write(trial_balance.pieces(connection, until, file_format), destination)
