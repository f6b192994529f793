"""Certain bank lines, which decide themselves when their file is imported."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from billing.bank.choices import choice_of
from billing.bank.facts import load_pool
from billing.bank.matching.pool import Pool
from billing.bank.matching.values import LineKind, Proposal
from billing.bank.naming import LineKey
from billing.bank.queries import LineRow
from billing.bank.receipts import receive_what_can, settle_cheques
from billing.bank.recording import Decision, LineEntry, record_decisions
from billing.frame.terms import Terms
from ledger.periods import Limits, limits


class Facts(NamedTuple):
    """What the lines of a file are matched with, as it stood before them."""

    limits: Limits
    pool: Pool


def look_up(connection: Connection, lines: Sequence[LineRow], terms: Terms) -> Facts:
    """Read all that the lines may be matched with; the caller holds `change_receivables`."""
    return Facts(limits(connection), load_pool(connection, [row.line for row in lines], terms))


def decide(
    connection: Connection, certain: Sequence[tuple[LineRow, Proposal]], *, recorded_at: datetime, terms: Terms
) -> dict[LineKey, Proposal]:
    """Book the lines that are certain; gives the proposals of those that could be."""
    received = [(row, proposal) for row, proposal in certain if proposal.kind == LineKind.RECEIVED]
    entries = receive_what_can(
        connection,
        [(row, choice_of(proposal)) for row, proposal in received],
        recorded_at=recorded_at,
        terms=terms,
    )
    certain = [(row, proposal) for row, proposal in certain if proposal.kind != LineKind.RECEIVED or row.key in entries]
    decisions = [
        _decision(row, proposal, [entries[row.key]]) for row, proposal in certain if proposal.kind == LineKind.RECEIVED
    ]
    for row, proposal in certain:
        if proposal.kind in (LineKind.CLEARED, LineKind.BOUNCED):
            made = settle_cheques(
                connection, row, choice_of(proposal), proposal.why.text, recorded_at=recorded_at, terms=terms
            )
            decisions.append(_decision(row, proposal, made))
        elif proposal.kind == LineKind.RECORDED:
            decisions.append(_decision(row, proposal, [LineEntry(reference) for reference in proposal.entries]))
    record_decisions(connection, decisions, recorded_at)
    return {row.key: proposal for row, proposal in certain}


def certain_of(facts: Facts, lines: Sequence[LineRow], terms: Terms) -> list[tuple[LineRow, Proposal]]:
    """Return the lines that may book themselves, if the settings of their day let them, each with its proposal.

    In the order of the statement: what one line pays is paid for the next, and what the books hold already is found
    first, so that it stands beside no other line. Lines of closed months wait for a person. Pure.
    """
    period_limits, pool = facts
    least = {on: _least_certainty(on, period_limits, terms) for on in {row.line.booked_on for row in lines}}
    open_lines = [row for row in lines if least[row.line.booked_on] is not None]
    certain: dict[LineKey, Proposal] = {}
    for propose in (pool.recorded, pool.proposals):
        for row in open_lines:
            proposal = None if row.key in certain else next(iter(propose(row.line)), None)
            if proposal is not None and proposal.books_itself(least[row.line.booked_on] or 0):
                pool.take(proposal)
                certain[row.key] = proposal
    return [(row, certain[row.key]) for row in open_lines if row.key in certain]


def _least_certainty(on: date, period_limits: Limits, terms: Terms) -> int | None:
    """Return how certain lines of a day must be to book themselves; None where none may."""
    through, until = period_limits.closed_through, period_limits.open_through
    is_open = (through is None or on > through) and (until is None or on <= until)
    if not (is_open and terms.at("statements.book_certain", on)):
        return None
    return int(terms.at("statements.certain_from", on))


def _decision(row: LineRow, proposal: Proposal, entries: Sequence[LineEntry]) -> Decision:
    return Decision(
        key=row.key,
        number=1,
        kind=proposal.kind,
        why=proposal.why.text,
        decided_on=row.line.booked_on,
        confidence=proposal.confidence,
        tenant=proposal.tenant,
        entries=tuple(entries),
    )
