"""Statements into the books: each line once, whatever files bring it; each statement where the one before ended."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from billing.bank.formats.statement import BankLine, Statement, account, faults_of
from billing.bank.tables import bank_line, bank_statement
from billing.frame.audit_log import record_change
from billing.frame.civil_time import TIME_ZONE
from billing.frame.database import among, change_receivables, insert_rows
from billing.frame.errors import Fault, Refused
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
FILE_LENGTH_MAX = 200


class Imported(NamedTuple):
    """What became of one statement of a file: its key (None: all of it stood already), lines new and known."""

    statement: int | None
    name: str
    new: int
    known: int


@dataclass(slots=True)
class _Chain:
    """Where an account's statements have come to."""

    place: int = 0
    key: int | None = None
    closed_on: date | None = None
    closing: int = 0


def name_of(key: int) -> str:
    """How people call a statement: `RE-000012`."""
    return f"RE-{key:06d}"


def line_name(key: int, line_no: int) -> str:
    """How people call its line: `RE-000012/3`."""
    return f"{name_of(key)}/{line_no}"


def import_statements(
    connection: Connection, statements: Sequence[Statement], *, own_account: str, recorded_at: datetime
) -> list[Imported]:
    """Keep the statements of a file, all or none, in their order; what stands already is left as it is.

    A statement without account is taken for one of `own_account`, the only one there is. Each begins with the balance
    the one before ended with; one whose first lines are known goes on behind them. Raises Refused with every fault.
    """
    change_receivables(connection)
    today = recorded_at.astimezone(ZoneInfo(TIME_ZONE)).date()
    faults = [fault for one in statements for fault in _faults(one, own_account, today)]
    if faults:
        raise Refused(faults)
    prints = [[_fingerprint(account(own_account), line) for line in one.lines] for one in statements]
    stored = _occurrences(connection, {found for listed in prints for found in listed})
    digests = [_digest(one, listed) for one, listed in zip(statements, prints, strict=True)]
    standing = set(
        connection.scalars(select(bank_statement.c.digest).where(among(connection, bank_statement.c.digest, digests)))
    )
    chain = _chain(connection, account(own_account))
    next_key = int(connection.scalar(select(func.coalesce(func.max(bank_statement.c.id), 0))) or 0) + 1
    seen: Counter[str] = Counter()
    heads: list[tuple[Any, ...]] = []
    rows: list[tuple[object, ...]] = []
    done: list[Imported] = []
    for one, listed, digest in zip(statements, prints, digests, strict=True):
        if digest in standing:
            seen.update(listed)
            done.append(Imported(None, one.name, 0, len(one.lines)))
            continue
        known = []
        for found in listed:
            seen[found] += 1
            known.append(seen[found] <= stored[found])
        if _goes_on(one, chain) and not (all(known) and one.opening == one.closing and one.lines):
            # What looks known is another movement like it: the balance has taken it in only now.
            fresh = [(line, found) for line, found in zip(one.lines, listed, strict=True)]
        elif one.lines and all(known):
            done.append(Imported(None, one.name, 0, len(one.lines)))
            continue
        else:
            fresh = [(line, found) for line, found, old in zip(one.lines, listed, known, strict=True) if not old]
            begins = one.opening + sum(line.amount for line, old in zip(one.lines, known, strict=True) if old)
            fault = _discontinuity(one, begins, chain)
            if fault is not None:
                faults.append(fault)
                continue
        chain = _Chain(chain.place + 1, next_key, one.closed_on, one.closing)
        opening = one.closing - sum(line.amount for line, _ in fresh)
        heads.append((
            next_key, account(own_account), chain.place, one.reference, one.file[:FILE_LENGTH_MAX], opening,
            one.closed_on, one.closing, len(fresh), digest, recorded_at,
        ))  # fmt: skip
        for line_no, (line, found) in enumerate(fresh, 1):
            stored[found] += 1
            rows.append((next_key, line_no, *line[:-1], int(line.is_reversal), found, stored[found]))
        standing.add(digest)
        done.append(Imported(next_key, one.name, len(fresh), len(one.lines) - len(fresh)))
        next_key += 1
    if faults:
        raise Refused(faults)
    insert_rows(connection, bank_statement, _STATEMENT_COLUMNS, heads)
    insert_rows(connection, bank_line, _LINE_COLUMNS, rows)
    for key, _, _, reference, file, opening, closed_on, closing, count, *_ in heads:
        after = {
            "file": file, "reference": reference, "closed_on": str(closed_on), "opening": format_amount(opening),
            "closing": format_amount(closing), "lines": count,
        }  # fmt: skip
        record_change(connection, "statements", name_of(key), None, after)
    return done


def _faults(one: Statement, own_account: str, today: date) -> Iterable[Fault]:
    yield from faults_of(one)
    if one.account and one.account != account(own_account):
        remedy = f"ours is {account(own_account)} (OPERATOR_FILE, rib)"
        yield Fault(one.name, None, "account", one.account, "is no account of ours", remedy)
    if one.closed_on > today:
        remedy = "import it once the day is over"
        yield Fault(one.name, None, "closed_on", one.closed_on.isoformat(), "is still to come", remedy)


def _goes_on(one: Statement, chain: _Chain) -> bool:
    """Whether a statement begins where the account's last one ended."""
    if chain.closed_on is None:
        return True
    return one.opening == chain.closing and one.closed_on >= chain.closed_on


def _discontinuity(one: Statement, begins: int, chain: _Chain) -> Fault | None:
    """What is wrong with where a statement begins, once what is known of it is counted in."""
    if chain.closed_on is None or chain.key is None:
        return None
    last = f"{name_of(chain.key)} of {chain.closed_on}"
    if one.closed_on < chain.closed_on:
        problem = f"comes before the last statement, {last}"
        remedy = "statements are imported in order; what is missing between two is a question for the bank"
        return Fault(one.name, None, "closed_on", one.closed_on.isoformat(), problem, remedy)
    if begins == chain.closing:
        return None
    problem = f"is not the balance {format_amount(chain.closing)} that the last statement, {last}, ended with"
    remedy = f"import what lies between first: {format_amount(begins - chain.closing)} are not told of"
    return Fault(one.name, None, "opening", format_amount(begins), problem, remedy)


def _fingerprint(of_account: str, line: BankLine) -> str:
    """What makes a line this one and no other: its account, day, amount, and the bank's reference.

    Where the bank gives none, what is said of it, without signs: another kind of file may break a text otherwise.
    """
    said = line.bank_reference or "|".join(
        (line.value_on.isoformat(), line.end_to_end_id, "".join(filter(str.isalnum, f"{line.counterparty}{line.text}")))
    )
    text = f"{of_account}|{line.booked_on}|{line.amount}|{said.upper()}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _digest(one: Statement, prints: Sequence[str]) -> str:
    """What makes a statement this one and no other, whatever file it comes in."""
    text = "|".join((str(one.opening), str(one.closed_on), str(one.closing), *sorted(prints)))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _occurrences(connection: Connection, prints: set[str]) -> Counter[str]:
    """How many lines stand of each fingerprint."""
    c = bank_line.c
    rows = connection.execute(
        select(c.fingerprint, func.count())
        .where(among(connection, c.fingerprint, sorted(prints)))
        .group_by(c.fingerprint)
    )
    return Counter(dict(rows.all()))


def _chain(connection: Connection, of_account: str) -> _Chain:
    c = bank_statement.c
    found = connection.execute(
        select(c.place, c.id, c.closed_on, c.closing).where(c.account == of_account).order_by(c.place.desc()).limit(1)
    ).one_or_none()
    return _Chain() if found is None else _Chain(*found)
