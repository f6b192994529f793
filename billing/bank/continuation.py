"""The continuation of the statements that stand by those of a file: each line once, no gap between two; pure.

Banks send the same movement in several files, and files that overlap. A line is known by its fingerprint, and by which
of the lines alike it is; a statement by its digest. One whose first lines are known goes on behind them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from billing.bank.formats.statement import BankLine, Statement
from billing.bank.naming import statement_name
from billing.frame.errors import Fault
from pricing.money import format_amount


class PrintedLine(NamedTuple):
    """A line of a file with its fingerprint; `occurrence` is which of the file's lines alike it is, from 1."""

    line: BankLine
    fingerprint: str
    occurrence: int


class PrintedStatement(NamedTuple):
    """A statement of a file with the fingerprints of its lines, and its own digest."""

    statement: Statement
    lines: tuple[PrintedLine, ...]
    digest: str


class NewStatement(NamedTuple):
    """A statement to be stored: `opening` is the balance before its `lines`, which are those not known yet."""

    key: int
    place: int
    opening: int
    lines: tuple[PrintedLine, ...]
    printed: PrintedStatement


@dataclass(frozen=True, slots=True)
class Chain:
    """The statements of an account that stand: the last one, and by what its lines and statements are known again.

    `closed_on` and `key` None: there is none yet. `lines` counts lines by fingerprint.
    """

    place: int = 0
    key: int | None = None
    closed_on: date | None = None
    closing: int = 0
    next_key: int = 1
    lines: Mapping[str, int] = field(default_factory=dict)
    digests: frozenset[str] = frozenset()

    def after(self, new: NewStatement) -> "Chain":
        """Return the chain with a new statement at its end."""
        statement = new.printed.statement
        return replace(
            self,
            place=new.place,
            key=new.key,
            closed_on=statement.closed_on,
            closing=statement.closing,
            next_key=new.key + 1,
            lines={**self.lines, **{line.fingerprint: line.occurrence for line in new.lines}},
            digests=self.digests | {new.printed.digest},
        )


# A statement is new, or stands already in all its lines (None), or does not go on from the chain.
Outcome: TypeAlias = NewStatement | Fault | None


def continuation(chain: Chain, printed: PrintedStatement) -> Outcome:
    """Return what becomes of a statement at the end of a chain."""
    statement = printed.statement
    if printed.digest in chain.digests:
        return None
    is_known = [line.occurrence <= chain.lines.get(line.fingerprint, 0) for line in printed.lines]
    all_known = bool(is_known) and all(is_known)
    if _goes_on(chain, statement) and not (all_known and statement.opening == statement.closing):
        # A line that looks known is another one like it: the balance takes it in only now.
        fresh = printed.lines
    elif all_known:
        return None
    else:
        fresh = tuple(line for line, known in zip(printed.lines, is_known, strict=True) if not known)
        fault = _discontinuity(chain, statement, statement.opening + _sum(printed.lines) - _sum(fresh))
        if fault is not None:
            return fault
    opening = statement.closing - _sum(fresh)
    return NewStatement(chain.next_key, chain.place + 1, opening, _numbered(chain, fresh), printed)


def continuations(chain: Chain, printed: Iterable[PrintedStatement]) -> Iterator[Outcome]:
    """Yield what becomes of each statement of a file, which go on from one another."""
    for statement in printed:
        outcome = continuation(chain, statement)
        if isinstance(outcome, NewStatement):
            chain = chain.after(outcome)
        yield outcome


def printed_statements(own_account: str, statements: Sequence[Statement]) -> list[PrintedStatement]:
    """Return the statements of a file with fingerprints and digests."""
    occurrences: Counter[str] = Counter()
    printed = []
    for statement in statements:
        lines = []
        for line in statement.lines:
            fingerprint = _fingerprint(own_account, line)
            occurrences[fingerprint] += 1
            lines.append(PrintedLine(line, fingerprint, occurrences[fingerprint]))
        printed.append(PrintedStatement(statement, tuple(lines), _digest(statement, lines)))
    return printed


def _numbered(chain: Chain, lines: Iterable[PrintedLine]) -> tuple[PrintedLine, ...]:
    """Return new lines with their numbers among all lines alike that stand."""
    added: Counter[str] = Counter()
    numbered = []
    for line in lines:
        added[line.fingerprint] += 1
        occurrence = chain.lines.get(line.fingerprint, 0) + added[line.fingerprint]
        numbered.append(line._replace(occurrence=occurrence))
    return tuple(numbered)


def _sum(lines: Iterable[PrintedLine]) -> int:
    return sum(line.line.amount for line in lines)


def _goes_on(chain: Chain, statement: Statement) -> bool:
    """Return whether a statement begins where the chain ends."""
    if chain.closed_on is None:
        return True
    return statement.opening == chain.closing and statement.closed_on >= chain.closed_on


def _discontinuity(chain: Chain, statement: Statement, begins: int) -> Fault | None:
    """Return why a statement does not go on from the chain, if so; `begins` is its balance after what is known."""
    if chain.closed_on is None or chain.key is None:
        return None
    last = f"{statement_name(chain.key)} of {chain.closed_on}"
    if statement.closed_on < chain.closed_on:
        problem = f"comes before the last statement, {last}"
        remedy = "statements are imported in order; what is missing between two is a question for the bank"
        return Fault(statement.name, None, "closed_on", statement.closed_on.isoformat(), problem, remedy)
    if begins == chain.closing:
        return None
    problem = f"is not the balance {format_amount(chain.closing)} that the last statement, {last}, ended with"
    remedy = f"import what lies between first: {format_amount(begins - chain.closing)} are not told of"
    return Fault(statement.name, None, "opening", format_amount(begins), problem, remedy)


def _fingerprint(own_account: str, line: BankLine) -> str:
    """Return what distinguishes a line from every other: its account, day, amount, and the bank's reference.

    Where the bank gives none, its texts without signs: another kind of file may break a text otherwise.
    """
    said = line.bank_reference or "|".join(
        (line.value_on.isoformat(), line.end_to_end_id, "".join(filter(str.isalnum, f"{line.counterparty}{line.text}")))
    )
    text = f"{own_account}|{line.booked_on}|{line.amount}|{said.upper()}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _digest(statement: Statement, lines: Iterable[PrintedLine]) -> str:
    """Return what distinguishes a statement from every other, whatever file it comes in."""
    prints = sorted(line.fingerprint for line in lines)
    text = "|".join((str(statement.opening), str(statement.closed_on), str(statement.closing), *prints))
    return blake2b(text.encode(), digest_size=16).hexdigest()
