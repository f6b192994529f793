"""Receipts: money in, what it settles, what was withheld, what came back; and what was written off as a settlement."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from alembic import op
from sqlalchemy import Connection, text

from billing.migrations.script import execute_script

revision = "0010"
down_revision = "0009"

_DECISIONS = text(
    "SELECT id, document_id, kind, decided_on, amount, vat FROM debt_act WHERE kind IN ('written_off', 'recovered') "
    "ORDER BY document_id, id"
)
_RATES = text("SELECT rate, base, amount FROM document_vat WHERE document_id = :document ORDER BY rate")
_SETTLE = text(
    "INSERT INTO settlement (document_id, act, act_id, rate, settled_on, base, vat, vat_released, base_due, vat_due) "
    "VALUES (:document, :act, :id, :rate, :on, :base, :vat, :released, :base_due, :vat_due)"
)


def upgrade() -> None:
    """Create the tables and their guards; tell by rate what was written off and recovered before."""
    connection = op.get_bind()
    execute_script(connection, __file__)
    for key, decisions in groupby(connection.execute(_DECISIONS).all(), key=attrgetter("document_id")):
        _tell_by_rate(connection, key, list(decisions))


def _tell_by_rate(connection: Connection, key: int, decisions: list[object]) -> None:
    """Share each decision's base and VAT, as they were booked, among the rates of what was left."""
    rates = connection.execute(_RATES, {"document": key}).all()
    left = {"written_off": [(row.base, row.amount) for row in rates], "recovered": [(0, 0) for _ in rates]}
    for row in decisions:
        kind, amount, vat = attrgetter("kind", "amount", "vat")(row)
        bases = _allocate(amount - vat, [base for base, _ in left[kind]])
        vats = _allocate(vat, [share for _, share in left[kind]])
        lost = kind == "written_off"
        for index, (rate, base, share) in enumerate(zip((r.rate for r in rates), bases, vats, strict=True)):
            before = left[kind][index]
            left[kind][index] = before[0] - base, before[1] - share
            if lost:
                found = left["recovered"][index]
                left["recovered"][index] = found[0] + base, found[1] + share
            values = {
                "document": key, "act": kind, "id": attrgetter("id")(row), "rate": rate,
                "on": attrgetter("decided_on")(row), "base": base if lost else 0, "vat": share if lost else 0,
                "released": share if lost else 0, "base_due": 0 if lost else base, "vat_due": 0 if lost else share,
            }  # fmt: skip
            connection.execute(_SETTLE, values)


def _allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Share centimes in proportion to weights by largest remainder, as `pricing.money` did in this version (R19).

    The parts sum to the whole; ties go to the first. Raises ValueError for a negative weight, and for something to
    share where no weight is above zero.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    if total == 0:
        return (0,) * len(weights)
    if whole == 0:
        raise ValueError("nothing to share in proportion to")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)
