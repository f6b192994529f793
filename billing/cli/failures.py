"""Tell the person at the terminal what went wrong, in a sentence, and what to do next."""

import errno
import sys
from typing import Any

from billing.frame.errors import BillingError, Refused
from invoices.errors import InvoicingError
from ledger.errors import LedgerError
from pricing.errors import PricingError

_DOMAIN = (BillingError, InvoicingError, LedgerError, PricingError)
# Messages of SQLite, and what each means here.
_SQLITE = (
    ("unable to open database file", "the database {database} cannot be opened: check that its folder exists and that "
     "you may write there"),
    ("database is locked", "the database {database} has been kept locked by another program for too long: let it "
     "finish, then run the command again"),
    ("disk is full", "the disk with {database} is full: nothing was half written; make room, then run the command "
     "again"),
    ("readonly database", "the database {database} may only be read: check the rights on the file and its folder"),
    ("not a database", "{database} is no SQLite database: check DATABASE_URL"),
    ("disk I/O error", "the disk with {database} cannot be read or written: check it, then run the command again"),
    ("malformed", "the database {database} is damaged: restore the last backup"),
)  # fmt: skip
# PostgreSQL's classes of errors, by the beginning of their code.
_POSTGRESQL = (
    ("53100", "the disk of the database is full: nothing was half written; make room, then run the command again"),
    ("53", "the database has no resources left ({reason}): run the command again later"),
    ("57P", "the database server was stopped meanwhile ({reason}): run the command again"),
    ("28", "the database does not let this user in ({reason}): check DATABASE_URL"),
    ("3D", "{reason}: create the database, or check DATABASE_URL"),
    ("42501", "the database user lacks a right ({reason})"),
)


def sentence_of(error: Exception) -> str | None:
    """Return what went wrong, for people; None where the error is a fault of the program, not a state of the world."""
    if isinstance(error, Refused):
        count = len(error.faults)
        return f"refused, nothing was written; {count} {'fault' if count == 1 else 'faults'}:\n{error}"
    if isinstance(error, _DOMAIN):
        return str(error)
    of_database = _database_sentence(error)
    if of_database is not None:
        return of_database
    if isinstance(error, OSError):
        return _file_sentence(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory: what was committed stays; run the command again on a larger machine"
    return None


def _file_sentence(error: OSError) -> str:
    reason = error.strerror or str(error)
    place = f"{error.filename}: " if error.filename is not None else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{place}the disk is full; make room, then run the command again"
    return f"{place}{reason[:1].lower()}{reason[1:]}"


def _database_sentence(error: Exception) -> str | None:
    """Return a sentence for an error of the database driver, wrapped by SQLAlchemy or not; None for any other."""
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is None:
        return None
    if isinstance(error, sqlalchemy.DBAPIError):
        return _driver_sentence(error.orig)
    if isinstance(error, sqlalchemy.TimeoutError):
        return "the database gave no connection in time: run the command again later"
    return None


def _driver_sentence(orig: Any) -> str | None:
    reason = _first_line(orig)
    if type(orig).__module__.startswith("sqlite3"):
        for words, meaning in _SQLITE:
            if words in reason:
                return meaning.format(database=_sqlite_file())
        return (
            None if type(orig).__name__ in ("ProgrammingError", "InterfaceError") else f"the database refused: {reason}"
        )
    code = getattr(orig, "sqlstate", None)
    if code is None:
        # No code: no server has answered.
        return f"the database cannot be reached: {reason}"
    for beginning, meaning in _POSTGRESQL:
        if code.startswith(beginning):
            return meaning.format(reason=reason)
    # 42 is SQL that is wrong: ours.
    return None if code.startswith("42") else f"the database refused: {reason}"


def _first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _sqlite_file() -> str:
    """Return the SQLite file the settings name, for messages."""
    from billing.frame.settings import load_settings

    return load_settings().database_url.database or ""
