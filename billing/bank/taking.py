"""A file from the bank, taken in one act: read, kept, and what of it is certain booked."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from billing.bank.deciding import decide_certain, lines_of_statements
from billing.bank.formats.comma_separated import csv_mapping
from billing.bank.formats.reading import CsvReading, read_statements
from billing.bank.importing import Imported, import_statements
from billing.frame.terms import Terms

MAPPING_DEFAULT = "fr"


@dataclass(frozen=True, slots=True)
class Taking:
    """How a file is to be taken: whose account ours is, the settings, the instant; and of a CSV what it doesn't say."""

    own_account: str
    terms: Terms
    recorded_at: datetime
    file_format: str | None = None
    mapping: str = MAPPING_DEFAULT
    opening: int | None = None
    closing: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its statements, and how many of its new lines booked themselves."""

    statements: tuple[Imported, ...]
    booked: int

    @property
    def new(self) -> int:
        """Lines that were not known before."""
        return sum(one.new for one in self.statements)

    @property
    def known(self) -> int:
        """Lines that stood already, by this file or another."""
        return sum(one.known for one in self.statements)

    @property
    def waiting(self) -> int:
        """Lines that wait for a person."""
        return self.new - self.booked


def take_file(connection: Connection, content: bytes, file: str, taking: Taking) -> Taken:
    """Read a bank's file and keep its statements, whole or not at all; what is certain books itself.

    Taken again it adds nothing. Raises Refused with a sentence per fault.
    """
    on = taking.recorded_at.date()
    mapping = csv_mapping(taking.terms.at("statements.csv_mappings", on), taking.mapping)
    reading = CsvReading(mapping, taking.opening, taking.closing)
    statements = read_statements(content, file, reading, taking.file_format)
    imported = import_statements(connection, statements, own_account=taking.own_account, recorded_at=taking.recorded_at)
    fresh = [one.statement for one in imported if one.statement is not None]
    lines = lines_of_statements(connection, fresh) if fresh else []
    booked = decide_certain(connection, lines, recorded_at=taking.recorded_at, terms=taking.terms) if lines else {}
    return Taken(tuple(imported), len(booked))
