"""Files that other subjects bring into a network folder: loaded with the register, all or nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from billing.frame.errors import Fault
from billing.frame.settings import Settings
from billing.frame.subject import Subject
from billing.register.network_import.faults import Faults
from billing.register.network_import.layout import Layout
from billing.register.network_import.reading import NumberedRow
from billing.register.network_import.report import FileCounts


@dataclass(frozen=True, slots=True)
class FurtherFile:
    """A file of a network folder that is not of the register.

    `read` parses its rows and notes the faults of cells. `load` writes what is new, once the register is written, and
    raises Refused with every fault; `note` takes these among the folder's, where tenants that the folder would have
    added are no fault. `settings` None means as shipped.
    """

    layout: Layout
    read: Callable[[str, Iterable[NumberedRow], Faults], Sequence[Any]]
    load: Callable[[Connection, Sequence[Any], datetime, Settings | None], FileCounts]
    note: Callable[[Iterable[Fault], Faults, frozenset[str]], None]


def further_files(subjects: Iterable[Subject]) -> list[FurtherFile]:
    """Return the files of a network folder that belong to other subjects."""
    return [module.IMPORT_FILE for subject in subjects for module in subject.loaded(subject.import_files)]
