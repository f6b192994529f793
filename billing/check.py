"""The proof of R22 on a whole database: books, documents, runs and triggers, each against the others.

`check` reads one snapshot and changes nothing; a run may be under way. It names what is wrong, row by row.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from types import ModuleType
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import MultipleResultsFound, NoResultFound, OperationalError

from billing.documents.checks.tenants import tenant_count
from billing.frame.checking import Proof
from billing.frame.database import reading
from billing.frame.exposed_files import exposed_files
from billing.frame.settings import Settings
from billing.frame.undisturbed import undisturbed
from billing.proof.witnesses import Standing, standings, witnesses_of
from billing.register.tables import billing_run
from billing.schema import checks as schema_checks
from billing.schema import row_checks
from billing.schema.roles import excessive_rights
from billing.subjects import SUBJECTS
from invoices.models import document_file
from ledger.models import entry

# The problems of one proof are named up to this number; a sentence says that there are more.
NAMED_MAX = 200
# Where records were changed, what other proofs find mostly follows from that, and they name so many each.
NAMED_AFTER_A_CAUSE = 3
# What a proof meets in rows that can't be what they should be.
_SPOILT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, MultipleResultsFound, NoResultFound)


def check(
    engine: Engine, *, documents_url: str | None = None, progress: Callable[[int, int], None] | None = None
) -> list[str]:
    """Return every problem as a sentence that names the row; an empty list proves R22.

    What was changed is said first, what follows from it after it.
    With `documents_url` the stored PDF files are read and their SHA-256 compared as well, and the log of the proof
    with the newest checkpoint kept there. `progress` takes the units of work done and in all. Of each kind at most
    NAMED_MAX problems are named, NAMED_AFTER_A_CAUSE where records were changed.
    """
    problems: list[str] = []
    done, has_cause = 0, False
    proofs = _proofs()
    with undisturbed(), reading(engine) as connection:
        total = len(proofs) + _work(connection, files=documents_url is not None)

        def step(units: int) -> None:
            nonlocal done
            done = min(done + units, total)
            if progress is not None:
                progress(done, total)

        for proof, is_cause in proofs:
            named_max = NAMED_MAX if is_cause or not has_cause else NAMED_AFTER_A_CAUSE
            found = _named(proof.__name__, proof(connection, step), named_max)
            has_cause |= is_cause and bool(found)
            problems += found
            step(1)
        if documents_url is not None:
            for module in _check_modules():
                for file_proof in getattr(module, "FILE_CHECKS", ()):
                    problems += _named(file_proof.__name__, file_proof(connection, step, documents_url), NAMED_MAX)
    if progress is not None:
        progress(total, total)
    return problems


class Checked(NamedTuple):
    """The outcome of a whole check: what is wrong, what is unsafe around the database, where each witness stands."""

    problems: list[str]
    warnings: list[str]
    witnessed: list[Standing]


def whole_check(
    settings: Settings, engine: Engine, *, files: bool, progress: Callable[[int, int], None] | None = None
) -> Checked:
    """Check the database of these settings, with `files` also the stored ones, and what guards it."""
    witnesses = witnesses_of(settings)
    problems = check(engine, documents_url=settings.documents_url if files else None, progress=progress)
    with reading(engine) as connection:
        rights, witnessed = excessive_rights(connection), standings(connection, witnesses)
    unseen = [str(standing) for standing in witnessed if standing.last is None]
    return Checked(problems, [*rights, *exposed_files(settings), *unseen], witnessed)


def _check_modules() -> list[ModuleType]:
    return [module for subject in SUBJECTS for module in subject.loaded(subject.checks)]


def _proofs() -> list[tuple[Proof, bool]]:
    """Return every proof: first those that say which records were changed, whatever follows from it after them."""
    modules = _check_modules()
    causes = [*row_checks.CHECKS, *(proof for module in modules for proof in getattr(module, "CAUSES", ()))]
    others = [proof for module in (schema_checks, *modules) for proof in module.CHECKS if proof not in causes]
    return [*((proof, True) for proof in causes), *((proof, False) for proof in others)]


def _work(connection: Connection, *, files: bool) -> int:
    """Count the units of work beside the proofs: tenants, runs, entries, and files if they are read."""
    counted = [func.count(billing_run.c.period), func.max(entry.c.id)]
    units = tenant_count(connection)
    units += sum(int(connection.scalar(select(count)) or 0) for count in counted)
    if files:
        units += int(connection.scalar(select(func.count()).select_from(document_file)) or 0)
    return units


def _named(proof: str, problems: Iterator[str], named_max: int) -> list[str]:
    """Return the problems of one proof, the first ones by name."""
    named: list[str] = []
    try:
        named.extend(islice(problems, named_max))
        if left := sum(1 for _ in islice(problems, NAMED_MAX)):
            number = str(left) if left < NAMED_MAX else f"at least {left}"
            named.append(f"… and {number} more of the same kind: mend what is named first, then check again")
    except _SPOILT as error:
        # Rows can be spoilt in ways that no proof foresees: that is a problem as well.
        named.append(f"the proof of {proof} stopped at a row that can't be what it should be: {error!r}")
    except OperationalError as error:
        # SQLite hands out texts as they are stored; one that is not Unicode cannot be read.
        if "decode" not in str(error.orig):
            raise
        named.append(f"the proof of {proof} stopped at a row with text that is none: {error.orig!r}")
    return named
