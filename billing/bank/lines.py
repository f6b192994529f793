"""Bank lines as they are answered: each with its decisions, or else with its proposals as things stand."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from billing.bank.facts import propose
from billing.bank.matching.values import UNDONE
from billing.bank.naming import LineKey
from billing.bank.queries import (
    decisions,
    entries_named,
    line_row,
    lines,
    require_line_row,
    withdrawn_statements,
)
from billing.bank.shapes import LineDecision, Proposal, StatementLine
from billing.frame.terms import Terms


def line_shapes(connection: Connection, rows: Sequence[Row[Any]], terms: Terms) -> list[StatementLine]:
    """Return the lines of rows of `bank_line`, in their order; four statements and those of `load_pool` for all."""
    line_rows = [line_row(row) for row in rows]
    keys = [row.key for row in line_rows]
    decided, entries = decisions(connection, keys), entries_named(connection, keys)
    withdrawn = withdrawn_statements(connection, {row.key[0] for row in line_rows})
    waiting = [
        row
        for row in line_rows
        if row.key[0] not in withdrawn and (row.key not in decided or decided[row.key][-1].kind == UNDONE)
    ]
    proposed = propose(connection, [row.line for row in waiting], terms)
    proposals = dict(zip([row.key for row in waiting], proposed, strict=True))
    return [
        StatementLine.of(
            row,
            [LineDecision.of(made, entries.get((*row.key, made.decision_no), ())) for made in decided.get(row.key, ())],
            [Proposal.of(proposal) for proposal in proposals.get(row.key, ())],
        )
        for row in line_rows
    ]


def line_shape(connection: Connection, key: LineKey, terms: Terms) -> StatementLine:
    """Return a line, with every decision about it; raises Unknown."""
    (shape,) = line_shapes(connection, [require_line_row(connection, key)], terms)
    return shape


def lines_listed(
    connection: Connection, terms: Terms, *, statement: int | None, waiting: bool | None
) -> list[StatementLine]:
    """Return the lines of a statement (None: of all) that wait or are decided (None: both), in order."""
    rows = connection.execute(lines(statement=statement, waiting=waiting)).all()
    return line_shapes(connection, rows, terms)
