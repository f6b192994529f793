"""The books an accountant expects, before any format: typed columns, and rows that come one after the other.

Livre-journal, grand-livre, balance générale, balance auxiliaire, journal centralisateur (law.md section 6). Each is
a function from a connection and a `Selection` to a `Report`, read while it is written, so that a year of a large park
needs no more memory than a day of a small one. Class 9 is a part of its own, never within the general
ledger's totals (R21). The names of auxiliaries are handed in: the ledger knows no tenant.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from sqlalchemy import Connection

from ledger.reports import auxiliary_balance, centralised_journal, general_ledger, journal, trial_balance
from ledger.reports.rows import Report
from ledger.reports.selection import Selection
from ledger.subledgers import NameOf

Reporter: TypeAlias = Callable[[Connection, Selection, NameOf], Report]

REPORTS: Mapping[str, Reporter] = MappingProxyType(
    {
        "journal": journal.report,
        "ledger": general_ledger.report,
        "trial-balance": trial_balance.report,
        "auxiliary-balance": auxiliary_balance.report,
        "centralised-journal": centralised_journal.report,
    }
)
