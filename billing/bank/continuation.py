"""The continuation of the statements that stand by those of a file: each line once, no gap between two; pure.

Banks send the same movement in several files, and files that overlap. A line is known by its fingerprint, and by which
of the lines alike it is; a statement by its digest. One whose first lines are known goes on behind them. Where two
kinds of file name a line otherwise, days, amounts and balances together show that it stands; else the file is refused.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from billing.bank.formats.statement import BankLine, Statement, identity
from billing.bank.naming import line_name, statement_name
from billing.frame.errors import Fault
from pricing.money import format_amount

# A sentence names so many lines at most.
_NAMED_MAX = 5


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
    """A statement to be stored: `opening` is the balance before its `lines`, which are those not known yet.

    `digest` tells it from every other that is stored, those withdrawn too.
    """

    key: int
    place: int
    opening: int
    lines: tuple[PrintedLine, ...]
    printed: PrintedStatement
    digest: str


# A statement's name at the bank, the day it closed, its balances before and after.
Head: TypeAlias = tuple[str, date, int, int]


class StandingLine(NamedTuple):
    """A line that stands, by its name; with what it is known by."""

    name: str
    booked_on: date
    amount: int
    fingerprint: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The statements of an account that stand: the last one, and by what its lines and statements are known again.

    `closed_on` and `key` None: there is none yet. `lines` counts lines by fingerprint. `heads` are statements by their
    name, day and balances, with their keys. `latest` are the lines from the first day of the file on, in their order.
    `gone` and `digests_gone` count lines and statements that were withdrawn.
    """

    place: int = 0
    key: int | None = None
    closed_on: date | None = None
    closing: int = 0
    next_key: int = 1
    lines: Mapping[str, int] = field(default_factory=dict)
    digests: frozenset[str] = frozenset()
    heads: Mapping[Head, int] = field(default_factory=dict)
    latest: tuple[StandingLine, ...] = ()
    gone: Mapping[str, int] = field(default_factory=dict)
    digests_gone: Mapping[str, int] = field(default_factory=dict)

    def after(self, new: NewStatement) -> "Chain":
        """Return the chain with a new statement at its end."""
        statement = new.printed.statement
        stored = (
            StandingLine(
                line_name(new.key, line_no),
                line.booked_on,
                line.amount,
                fingerprint,
                occurrence - self.gone.get(fingerprint, 0),
            )
            for line_no, (line, fingerprint, occurrence) in enumerate(new.lines, 1)
        )
        return replace(
            self,
            place=new.place,
            key=new.key,
            closed_on=statement.closed_on,
            closing=statement.closing,
            next_key=new.key + 1,
            lines={
                **self.lines,
                **{line.fingerprint: line.occurrence - self.gone.get(line.fingerprint, 0) for line in new.lines},
            },
            digests=self.digests | {new.printed.digest},
            heads={**self.heads, _head(statement): new.key},
            latest=(*self.latest, *stored),
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
    is_balanced = bool(is_known) and statement.opening == statement.closing
    if _goes_on(chain, statement) and not (all_known and is_balanced):
        if is_balanced and not (overlap := _overlap(chain, printed, printed.lines)).left:
            problem = f"moves nothing in all, and lines of its days and amounts stand already: {overlap.named()}"
            return Fault(statement.name, None, None, None, problem, "ask the bank whether they are others like these")
        # A line that looks known is another one like it: the balance takes it in only now.
        fresh = printed.lines
    elif all_known or (statement.reference and _head(statement) in chain.heads):
        return None
    else:
        fresh = tuple(line for line, known in zip(printed.lines, is_known, strict=True) if not known)
        if not _begins_at_end(chain, printed, fresh):
            overlap = _overlap(chain, printed, fresh)
            if overlap.is_within:
                return None
            if not overlap.is_whole or not _begins_at_end(chain, printed, overlap.left):
                return _discontinuity(chain, statement, overlap)
            fresh = overlap.left
    opening = statement.closing - _sum(fresh)
    digest = numbered_digest(printed.digest, chain.digests_gone.get(printed.digest, 0))
    return NewStatement(chain.next_key, chain.place + 1, opening, _numbered(chain, fresh), printed, digest)


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
    """Return new lines with their numbers among all lines alike, those withdrawn too."""
    added: Counter[str] = Counter()
    numbered = []
    for line in lines:
        added[line.fingerprint] += 1
        stored = chain.lines.get(line.fingerprint, 0) + chain.gone.get(line.fingerprint, 0)
        occurrence = stored + added[line.fingerprint]
        numbered.append(line._replace(occurrence=occurrence))
    return tuple(numbered)


def _sum(lines: Iterable[PrintedLine]) -> int:
    return sum(line.line.amount for line in lines)


def _goes_on(chain: Chain, statement: Statement) -> bool:
    """Return whether a statement begins where the chain ends."""
    if chain.closed_on is None:
        return True
    return statement.opening == chain.closing and statement.closed_on >= chain.closed_on


def _begins_at_end(chain: Chain, printed: PrintedStatement, fresh: Sequence[PrintedLine]) -> bool:
    """Return whether a statement is at the chain's end where its lines that are not `fresh` are behind it."""
    statement = printed.statement
    begins = statement.opening + _sum(printed.lines) - _sum(fresh)
    return chain.closed_on is not None and statement.closed_on >= chain.closed_on and begins == chain.closing


class _Overlap(NamedTuple):
    """Lines that stand under other names, by day and amount; what is `left` of those asked for stands by no name.

    `is_whole`: each day and amount is told no more often than it stands, and no line between is missing. `is_within`:
    so is the whole statement, and its closing balance is the one that stands at the end of its day.
    """

    standing: tuple[StandingLine, ...]
    left: tuple[PrintedLine, ...]
    is_whole: bool
    is_within: bool

    def named(self) -> str:
        """Return the first of the lines that stand, with day and amount."""
        lines = [f"{line.name} ({line.booked_on}, {format_amount(line.amount)})" for line in self.standing[:_NAMED_MAX]]
        more = len(self.standing) - len(lines)
        return ", ".join(lines) + (f" and {more} more" if more else "")


def _overlap(chain: Chain, printed: PrintedStatement, asked: Sequence[PrintedLine]) -> _Overlap:
    """Return what of the lines asked for stands already, by day and amount."""
    statement = printed.statement
    named = {(line.fingerprint, line.occurrence) for line in printed.lines}
    named -= {(line.fingerprint, line.occurrence) for line in asked}
    first = min((line.line.booked_on for line in printed.lines), default=statement.closed_on)
    free = [
        line for line in chain.latest if line.booked_on >= first and (line.fingerprint, line.occurrence) not in named
    ]
    wanted = Counter((line.line.booked_on, line.line.amount) for line in asked)
    stands = Counter((line.booked_on, line.amount) for line in free)
    left = tuple(line for line in asked if not stands[line.line.booked_on, line.line.amount])
    # What the first day brought may stand before the opening balance.
    between = {key: count for key, count in stands.items() if first < key[0] <= statement.closed_on}
    is_whole = (
        len(left) < len(asked)
        and all(wanted[key] <= count for key, count in stands.items() if wanted[key])
        and all(wanted[key] == count for key, count in between.items())
    )
    after = sum(line.amount for line in chain.latest if line.booked_on > statement.closed_on)
    is_within = is_whole and not left and statement.closing == chain.closing - after
    standing = tuple(line for line in free if wanted[line.booked_on, line.amount])
    return _Overlap(standing, left, is_whole, is_within)


def _discontinuity(chain: Chain, statement: Statement, overlap: _Overlap) -> Fault:
    """Return why a statement does not go on from the chain."""
    last = f"{statement_name(chain.key or 0)} of {chain.closed_on}"
    closing = format_amount(chain.closing)
    overlaps = f"; it overlaps what stands: {overlap.named()}" if overlap.standing else ""
    if chain.closed_on is not None and statement.closed_on < chain.closed_on:
        problem = f"comes before the last statement, {last}{overlaps}"
        remedy = "statements are imported in order; what is missing between two is a question for the bank"
        return Fault(statement.name, None, "closed_on", statement.closed_on.isoformat(), problem, remedy)
    problem = f"is not the balance {closing} that the last statement, {last}, ended with{overlaps}"
    begins = statement.opening
    remedy = f"import what lies between first: {format_amount(begins - chain.closing)} are not told of"
    if overlaps:
        remedy = f"import a statement that begins after {chain.closed_on} with {closing}: no line is taken twice"
    return Fault(statement.name, None, "opening", format_amount(begins), problem, remedy)


def _head(statement: Statement) -> Head:
    return statement.reference, statement.closed_on, statement.opening, statement.closing


def _fingerprint(own_account: str, line: BankLine) -> str:
    """Return what distinguishes a line from every other: its account, day, amount, and what it is known by."""
    text = f"{own_account}|{line.booked_on}|{line.amount}|{identity(line).upper()}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def numbered_digest(digest: str, withdrawn: int) -> str:
    """Return the digest under which a statement is stored that was withdrawn so many times before."""
    return digest if not withdrawn else blake2b(f"{digest}|{withdrawn}".encode(), digest_size=16).hexdigest()


def _digest(statement: Statement, lines: Iterable[PrintedLine]) -> str:
    """Return what distinguishes a statement from every other, whatever file it comes in."""
    prints = sorted(line.fingerprint for line in lines)
    text = "|".join((str(statement.opening), str(statement.closed_on), str(statement.closing), *prints))
    return blake2b(text.encode(), digest_size=16).hexdigest()
