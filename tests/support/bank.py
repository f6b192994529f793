"""The bank's statements, told as a bookkeeper tells them: what it says, what is decided, what waits."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from billing.bank.choices import Choice
from billing.bank.deciding import accept_proposal, decide
from billing.bank.importing import ImportedFile, ImportOrder, import_file
from billing.bank.matching.values import LineKind
from billing.bank.naming import line_name
from billing.bank.queries import decisions, lines_of_statements
from billing.bank.undoing import undo_decision
from billing.frame.database import reading, writing
from billing.frame.terms import Term, Terms
from billing.receivables.receipts.orders import Part
from pricing.money import format_amount
from tests.oracle.service import NOW
from tests.support.bank_files import camt
from tests.support.bank_files import entry as movement
from tests.support.park import Park
from tests.support.till import centimes


def says(amount: str, on: str = "2026-06-20", **told: str) -> str:
    """A movement as the bank tells it."""
    return movement(centimes(amount), date.fromisoformat(on), **told)


def statement(entries: Iterable[str], *, opening: str, closing: str, on: str = "2026-06-20", **told: Any) -> bytes:
    """A statement of one day."""
    return camt(entries, opening=centimes(opening), closing=centimes(closing), on=date.fromisoformat(on), **told)


def without_booking(park: Park) -> Park:
    """The same park, where the setting lets no line book itself."""
    terms = park.settings.terms
    versions = {**terms.versions, "statements.book_certain": (Term(date(2000, 1, 1), False, "test"),)}
    return replace(park, settings=replace(park.settings, terms=Terms(versions)))


def takes(park: Park, content: bytes, file: str = "releve.xml", **how: Any) -> ImportedFile:
    settings = park.settings
    order = ImportOrder(settings.operator.party.rib, settings.terms, NOW, **how)
    with writing(park.engine) as connection:
        return import_file(connection, content, file, order)


def decides(park: Park, key: tuple[int, int], kind: str, why: str = "vérifié", **told: Any) -> None:
    parts = tuple(Part(number, centimes(of)) for number, of in told.pop("pays", {}).items())
    entry = told.pop("entry", None)
    entries = told.pop("recorded", () if entry is None else (entry,))
    choice = Choice(LineKind(kind), parts=parts, entries=entries, **told)
    with writing(park.engine) as connection:
        decide(connection, key, choice, why=why, recorded_at=NOW, terms=park.settings.terms)


def accepts(park: Park, key: tuple[int, int]) -> None:
    """Take the first of what is proposed."""
    with writing(park.engine) as connection:
        accept_proposal(connection, key, 1, recorded_at=NOW, terms=park.settings.terms)


def undoes_line(park: Park, key: tuple[int, int]) -> None:
    with writing(park.engine) as connection:
        undo_decision(connection, key, reason="erreur", recorded_at=NOW)


def found(park: Park, statements: Iterable[int] = (1,)) -> Mapping[str, str]:
    """What each line was found to be: amount, decision, how certain; `?` where it waits."""
    with reading(park.engine) as connection:
        rows = lines_of_statements(connection, list(statements))
        decided = decisions(connection, [row.key for row in rows])
    told = {}
    for row in rows:
        latest = decided[row.key][-1] if row.key in decided else None
        kind = "?" if latest is None or latest.kind == "undone" else latest.kind
        sure = "" if latest is None or latest.confidence is None else f" {latest.confidence}"
        told[line_name(*row.key)] = f"{format_amount(row.line.amount)} {kind}{sure}"
    return told
