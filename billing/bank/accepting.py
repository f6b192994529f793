"""The first proposals of waiting lines, accepted at once from a certainty on: each as a person would one by one."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from billing.bank.choices import choice_of
from billing.bank.deciding import decide
from billing.bank.facts import load_pool
from billing.bank.matching.values import Proposal
from billing.bank.queries import LineRow, line_row, lines
from billing.frame.database import change_receivables
from billing.frame.terms import Terms


class Accepted(NamedTuple):
    """A line with the proposal that it was, or would be, decided by."""

    row: LineRow
    proposal: Proposal


def accept_certain(
    connection: Connection, least: int, *, recorded_at: datetime, terms: Terms, dry_run: bool = False
) -> list[Accepted]:
    """Decide every waiting line whose first proposal is at least so certain, in order, all or none; return them.

    What one line uses is gone for the next. `dry_run`: nothing is decided. Raises as `decide` does.
    """
    if not dry_run:
        change_receivables(connection)
    rows = [line_row(row) for row in connection.execute(lines(waiting=True))]
    pool = load_pool(connection, [row.line for row in rows], terms)
    accepted = []
    for row in rows:
        proposal = next(iter(pool.proposals(row.line)), None)
        if proposal is not None and proposal.confidence >= least:
            pool.take(proposal)
            accepted.append(Accepted(row, proposal))
    for row, proposal in [] if dry_run else accepted:
        decide(
            connection, row.key, choice_of(proposal), why=proposal.why.text, recorded_at=recorded_at, terms=terms,
            confidence=proposal.confidence,
        )  # fmt: skip
    return accepted
