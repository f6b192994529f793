"""A report ready to be written: what was asked for, and what the report says of itself."""

from datetime import date
from typing import NamedTuple

from ledger.reports.rows import Report


class Asked(NamedTuple):
    """Days, both included; the beginning of account numbers; a tenant; a site. None: all."""

    start: date | None = None
    until: date | None = None
    account: str | None = None
    tenant: str | None = None
    site: str | None = None


class Fact(NamedTuple):
    """A title and what it says."""

    title: str
    text: str


class Prepared(NamedTuple):
    """A report, with what was asked for and how it tells of it."""

    report: Report
    asked: Asked
    facts: tuple[Fact, ...]
    last_day: date | None
    newest_entry: int
    lines_on_paper_max: int
