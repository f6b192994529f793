"""Each room below `billing` declares what it adds to the service in one value.

A room is a folder with everything of its subject. Its package declares `SUBJECT`, `billing.subjects` lists it, and
the schema, the service's role, `check`, the command line, the HTTP API and the scheduler fold over that list. A part
is named by its module and imported when it is asked for, so that a command loads no more than it needs.

| part | module | holds |
|---|---|---|
| tables | `tables` | tables, `APPEND_ONLY`, `REFERENCES` (see `billing.schema.triggers`) |
| checks | `checks` | `CHECKS`: proofs of R22 on its rows; `CAUSES`: those of them that find changed records |
| resources | `resources` | `blueprint`: its addresses under `/v1` |
| import_files | by name | `IMPORT_FILE`: a file of the network folder (`billing.register.network_import.further`) |
| orders | by name | `ORDERS`: kinds of order that may wait for a second person (`billing.approvals.orderable`) |
| jobs | `jobs` | `JOBS` of the clock, `HOUSEWORK` of the night (`billing.frame.jobs`) |
| commands | `commands` | `deposits_command` for `deposits`; `report vat-return` belongs to the group `report` |
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table


@dataclass(frozen=True, slots=True)
class Subject:
    """A room's parts: module names below its package; commands by the words they are called with."""

    package: str
    tables: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    import_files: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)

    def load(self, module: str) -> ModuleType:
        """Import one of its modules."""
        return import_module(f"{self.package}.{module}")

    def loaded(self, modules: tuple[str, ...]) -> Iterator[ModuleType]:
        """Import the modules of a part, in their order."""
        return map(self.load, modules)


def metadata_of(subjects: Iterable[Subject]) -> "tuple[MetaData, ...]":
    """Return the metadata of all tables, those of these subjects loaded; what others refer to comes first."""
    import invoices.messages.tables
    import invoices.models
    import ledger.models
    from billing.frame import tables

    for subject in subjects:
        list(subject.loaded(subject.tables))
    return ledger.models.metadata, invoices.models.metadata, tables.metadata


def tables_of(subjects: Iterable[Subject]) -> "list[Table]":
    """Return every table of the service, each after those it refers to."""
    return [table for metadata in metadata_of(subjects) for table in metadata.sorted_tables]
