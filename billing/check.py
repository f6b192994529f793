"""The proof of R22 on a whole database: books, documents, runs and triggers, each against the others.

`check` reads one snapshot and changes nothing; a run may be under way. It names what is wrong, row by row.
"""

from collections.abc import Callable, Iterator
from types import ModuleType

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import OperationalError

from billing.documents.checks.tenants import tenant_count
from billing.frame.checking import Proof
from billing.frame.database import reading
from billing.register.tables import billing_run
from billing.schema import checks as schema_checks
from billing.subjects import SUBJECTS
from invoices.models import document_file
from ledger.models import entry

# The problems of one proof are named up to this number; a sentence says that there are more.
NAMED_MAX = 200


def check(
    engine: Engine, *, documents_url: str | None = None, progress: Callable[[int, int], None] | None = None
) -> list[str]:
    """Return every problem as a sentence that names the row; an empty list proves R22.

    With `documents_url` the stored PDF files are read and their SHA-256 compared as well, and the log of the proof
    with the newest checkpoint kept there. `progress` takes the units of work done and in all. Of each kind at most
    NAMED_MAX problems are named.
    """
    problems: list[str] = []
    done = 0
    proofs = _proofs()
    with reading(engine) as connection:
        total = len(proofs) + _work(connection, files=documents_url is not None)

        def step(units: int) -> None:
            nonlocal done
            done = min(done + units, total)
            if progress is not None:
                progress(done, total)

        for proof in proofs:
            problems += _named(proof.__name__, proof(connection, step))
            step(1)
        if documents_url is not None:
            for module in _check_modules():
                for file_proof in getattr(module, "FILE_CHECKS", ()):
                    problems += _named(file_proof.__name__, file_proof(connection, step, documents_url))
    if progress is not None:
        progress(total, total)
    return problems


def _check_modules() -> list[ModuleType]:
    return [schema_checks, *(module for subject in SUBJECTS for module in subject.loaded(subject.checks))]


def _proofs() -> list[Proof]:
    return [proof for module in _check_modules() for proof in module.CHECKS]


def _work(connection: Connection, *, files: bool) -> int:
    """Count the units of work beside the proofs: tenants, runs, entries, and files if they are read."""
    counted = [func.count(billing_run.c.period), func.max(entry.c.id)]
    units = tenant_count(connection)
    units += sum(int(connection.scalar(select(count)) or 0) for count in counted)
    if files:
        units += int(connection.scalar(select(func.count()).select_from(document_file)) or 0)
    return units


def _named(proof: str, problems: Iterator[str]) -> list[str]:
    """Return the problems of one proof, the first ones by name."""
    named: list[str] = []
    try:
        for problem in problems:
            if len(named) == NAMED_MAX:
                named.append(f"… and more of the same kind than the {NAMED_MAX} named: mend these, then check again")
                break
            named.append(problem)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # Rows can be spoilt in ways that no proof foresees: that is a problem as well.
        named.append(f"the proof of {proof} stopped at a row that can't be what it should be: {error!r}")
    except OperationalError as error:
        # SQLite hands out texts as they are stored; one that is not Unicode cannot be read.
        if "decode" not in str(error.orig):
            raise
        named.append(f"the proof of {proof} stopped at a row with text that is none: {error.orig!r}")
    return named
