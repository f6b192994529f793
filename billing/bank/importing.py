"""Files of the bank, stored in one act: read, continued from what stands, and what is certain of them decided."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, not_, select

from billing.bank.certain import certain_of, decide, look_up
from billing.bank.continuation import (
    Chain,
    NewStatement,
    PrintedStatement,
    StandingLine,
    continuations,
    numbered_digest,
    printed_statements,
)
from billing.bank.formats.comma_separated import csv_mapping
from billing.bank.formats.reading import CsvReading, read_statements
from billing.bank.formats.statement import BankLine, LeftOut, Statement, account, faults_of
from billing.bank.naming import line_name, statement_name
from billing.bank.queries import LineRow, is_of_withdrawn, is_withdrawn
from billing.bank.tables import bank_line, bank_statement, bank_statement_withdrawal
from billing.frame.audit_log import record_change
from billing.frame.background_copy import copying_beside
from billing.frame.civil_time import today
from billing.frame.database import RowWriter, among, change_receivables
from billing.frame.errors import Fault, Refused
from billing.frame.terms import Terms
from billing.frame.undisturbed import undisturbed
from pricing.money import format_amount

_STATEMENT_COLUMNS = (
    "id", "account", "place", "reference", "file", "opening", "closed_on", "closing", "line_count", "digest",
    "recorded_at",
)  # fmt: skip
_LINE_COLUMNS = (
    "statement_id", "line_no", "booked_on", "value_on", "amount", "bank_reference", "end_to_end_id",
    "structured_reference", "counterparty", "counterparty_account", "text", "code", "is_reversal", "fingerprint",
    "occurrence",
)  # fmt: skip
_STORED = BankLine._fields.index("is_reversal")
FILE_LENGTH_MAX = 200
MAPPING_DEFAULT = "fr"


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """The order to import a file: our account, the settings, the instant; and of a CSV what it does not say."""

    own_account: str
    terms: Terms
    recorded_at: datetime
    file_format: str | None = None
    mapping: str = MAPPING_DEFAULT
    opening: int | None = None
    closing: int | None = None


class ImportedStatement(NamedTuple):
    """A statement of a file after its import: its key (None: all of it stood already), lines new and known."""

    statement: int | None
    name: str
    new: int
    known: int


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file after its import: its statements, how many new lines booked themselves, what is of other accounts."""

    statements: tuple[ImportedStatement, ...]
    booked: int
    left_out: tuple[LeftOut, ...] = ()

    @property
    def new(self) -> int:
        """Return the number of lines that were not known before."""
        return sum(statement.new for statement in self.statements)

    @property
    def known(self) -> int:
        """Return the number of lines that stood already, by this file or another."""
        return sum(statement.known for statement in self.statements)

    @property
    def waiting(self) -> int:
        """Return the number of lines that wait for a person."""
        return self.new - self.booked


@undisturbed()
def import_file(connection: Connection, content: bytes, file: str, order: ImportOrder) -> ImportedFile:
    """Read a bank's file and store its statements, whole or not at all; what is certain books itself.

    Imported again it adds nothing. Raises Refused with a sentence per fault.
    """
    mapping = csv_mapping(order.terms.at("statements.csv_mappings", order.recorded_at.date()), order.mapping)
    reading = CsvReading(mapping, order.opening, order.closing)
    statements, left_out = read_statements(content, file, reading, order.file_format, account(order.own_account))
    outcomes = _judged(connection, statements, account(order.own_account), today(order.recorded_at))
    new_statements = [new for new in outcomes if new is not None]
    lines = [row for new in new_statements for row in _rows_of(new)]
    facts = look_up(connection, lines, order.terms)
    # PostgreSQL takes the lines while they are matched.
    with copying_beside(connection) as insert:
        _store(connection, new_statements, order, insert)
        certain = certain_of(facts, lines, order.terms)
    booked = decide(connection, certain, recorded_at=order.recorded_at, terms=order.terms) if certain else {}
    imported = [
        ImportedStatement(None, statement.name, 0, len(statement.lines))
        if new is None
        else ImportedStatement(new.key, statement.name, len(new.lines), len(statement.lines) - len(new.lines))
        for statement, new in zip(statements, outcomes, strict=True)
    ]
    return ImportedFile(tuple(imported), len(booked), left_out)


def _judged(
    connection: Connection, statements: Sequence[Statement], own_account: str, day: date
) -> list[NewStatement | None]:
    """Return what is new of each statement of a file, in their order (None: all of it stands); raise every fault.

    A statement without account is taken for one of `own_account`, the only one there is. Each begins with the balance
    the one before ended with; one whose first lines are known goes on behind them.
    """
    change_receivables(connection)
    faults = [fault for statement in statements for fault in _faults(statement, own_account, day)]
    if faults:
        raise Refused(faults)
    printed = printed_statements(own_account, statements)
    chain = _chain(connection, own_account, printed)
    outcomes = list(continuations(chain, printed))
    if any(
        isinstance(outcome, Fault) or statement.opening == statement.closing
        for outcome, statement in zip(outcomes, statements, strict=True)
    ):
        # Days and amounts may show what names don't.
        chain = replace(chain, latest=_latest(connection, own_account, printed))
        outcomes = list(continuations(chain, printed))
    faults = [outcome for outcome in outcomes if isinstance(outcome, Fault)]
    if faults:
        raise Refused(faults)
    return [outcome if isinstance(outcome, NewStatement) else None for outcome in outcomes]


def _rows_of(new: NewStatement) -> Iterator[LineRow]:
    """Yield the lines of a new statement under the keys they are stored by."""
    for line_no, printed in enumerate(new.lines, 1):
        yield LineRow((new.key, line_no), printed.line)


def _store(connection: Connection, new: Sequence[NewStatement], order: ImportOrder, insert: RowWriter) -> None:
    heads = [
        (
            statement.key, account(order.own_account), statement.place, statement.printed.statement.reference,
            statement.printed.statement.file[:FILE_LENGTH_MAX], statement.opening,
            statement.printed.statement.closed_on, statement.printed.statement.closing, len(statement.lines),
            statement.digest, order.recorded_at,
        )
        for statement in new
    ]  # fmt: skip
    lines = [
        (statement.key, line_no, *line[:_STORED], int(line.is_reversal), fingerprint, occurrence)
        for statement in new
        for line_no, (line, fingerprint, occurrence) in enumerate(statement.lines, 1)
    ]
    insert(connection, bank_statement, _STATEMENT_COLUMNS, heads)
    insert(connection, bank_line, _LINE_COLUMNS, lines)
    for key, _, _, reference, file, opening, closed_on, closing, count, *_ in heads:
        after = {
            "file": file, "reference": reference, "closed_on": str(closed_on), "opening": format_amount(opening),
            "closing": format_amount(closing), "lines": count,
        }  # fmt: skip
        record_change(connection, "statements", statement_name(key), None, after)


def _faults(statement: Statement, own_account: str, day: date) -> Iterator[Fault]:
    yield from faults_of(statement)
    if statement.account and statement.account != own_account:
        remedy = f"ours is {own_account} (OPERATOR_FILE, rib)"
        yield Fault(statement.name, None, "account", statement.account, "is no account of ours", remedy)
    if statement.closed_on > day:
        remedy = "import it once the day is over"
        yield Fault(statement.name, None, "closed_on", statement.closed_on.isoformat(), "is still to come", remedy)


def _latest(connection: Connection, own_account: str, printed: Sequence[PrintedStatement]) -> tuple[StandingLine, ...]:
    """Return the account's lines from the first day of a file's lines on, in their order."""
    days = [line.line.booked_on for statement in printed for line in statement.lines]
    if not days:
        return ()
    s, x = bank_statement.c, bank_line.c
    rows = connection.execute(
        select(x.statement_id, x.line_no, x.booked_on, x.amount, x.fingerprint)
        .join(bank_statement, s.id == x.statement_id)
        .where(s.account == own_account, s.closed_on >= min(days), x.booked_on >= min(days), not_(is_withdrawn()))
        .order_by(s.place, x.line_no)
    )
    latest, alike = [], Counter[str]()
    for statement_id, line_no, booked_on, amount, fingerprint in rows:
        # Those withdrawn are counted in what is stored, and not among what stands.
        alike[fingerprint] += 1
        name = line_name(statement_id, line_no)
        latest.append(StandingLine(name, booked_on, amount, fingerprint, alike[fingerprint]))
    return tuple(latest)


def _chain(connection: Connection, own_account: str, printed: Sequence[PrintedStatement]) -> Chain:
    """Return the account's chain, with what stands of the lines and statements of a file."""
    s, x = bank_statement.c, bank_line.c
    standing, gone = _digests(connection, [statement.digest for statement in printed])
    fingerprints = sorted({line.fingerprint for statement in printed for line in statement.lines})
    is_gone = is_of_withdrawn().label("is_gone")
    counted = connection.execute(
        select(x.fingerprint, is_gone, func.count())
        .where(among(connection, x.fingerprint, fingerprints))
        .group_by(x.fingerprint, is_gone)
    ).all()
    last = connection.execute(
        select(s.id, s.closed_on, s.closing)
        .where(s.account == own_account, not_(is_withdrawn()))
        .order_by(s.place.desc())
        .limit(1)
    ).one_or_none()
    key, closed_on, closing = last or (None, None, 0)
    place = connection.scalar(select(func.coalesce(func.max(s.place), 0)).where(s.account == own_account))
    days = sorted({statement.statement.closed_on for statement in printed})
    heads = connection.execute(
        select(s.reference, s.closed_on, s.opening, s.closing, s.id).where(
            s.account == own_account,
            s.closed_on.between(days[0], days[-1]),
            s.reference != "",
            s.line_count > 0,
            not_(is_withdrawn()),
        )
    )
    return Chain(
        int(place or 0),
        key,
        closed_on,
        closing,
        next_key=int(connection.scalar(select(func.coalesce(func.max(s.id), 0))) or 0) + 1,
        lines={fingerprint: count for fingerprint, gone, count in counted if not gone},
        gone={fingerprint: count for fingerprint, gone, count in counted if gone},
        digests=standing,
        digests_gone=gone,
        heads={(reference, on, int(opened), int(closed)): key for reference, on, opened, closed, key in heads},
    )


def _digests(connection: Connection, digests: Sequence[str]) -> tuple[frozenset[str], dict[str, int]]:
    """Return which statements stand, by the digests of what the bank said, and how many of each were withdrawn.

    A statement imported again after it was withdrawn is stored under another digest: `numbered_digest`.
    """
    s, x = bank_statement.c, bank_statement_withdrawal.c
    most = int(connection.scalar(select(func.count()).select_from(bank_statement_withdrawal)) or 0)
    said = {numbered_digest(digest, n): digest for digest in digests for n in range(most + 1)}
    rows = connection.execute(
        select(s.digest, x.statement_id)
        .outerjoin(bank_statement_withdrawal, x.statement_id == s.id)
        .where(among(connection, s.digest, list(said)))
    ).all()
    standing = frozenset(said[row.digest] for row in rows if row.statement_id is None)
    return standing, dict(Counter(said[row.digest] for row in rows if row.statement_id is not None))
