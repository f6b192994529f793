"""Orders that may have to wait for a second person: each room declares its kinds as `ORDERS` (`frame.subject`).

A kind is a name of the setting `approvals.required`, the type of its orders (a NamedTuple of what JSON holds: texts,
whole numbers, days) and the one function that carries an order out, at once or once approved. So a new kind is a few
lines: the function, and `Orderable(NAME, Order, function)` beside it; its commands and addresses call `place`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from billing.frame.settings import Settings
from billing.frame.subject import Subject


class Circumstances(NamedTuple):
    """When an order is carried out, by which settings, and who answers for it; `approved_by` None: nobody had to."""

    recorded_at: datetime
    settings: Settings
    asked_by: str
    approved_by: str | None = None


class Done(NamedTuple):
    """An order carried out.

    `number` names what was made. `effect` says, for people, exactly what was done: no numbers that were counted up
    meanwhile, since others count too. `references` are those of its entries, which are shown whole. `changed` is
    false where it stood already. `answer` is what the caller shows.
    """

    number: str
    effect: Mapping[str, Any]
    references: tuple[str, ...] = ()
    changed: bool = True
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Orderable:
    """A kind of order; `applies` says of an order whether it is of the kind that waits."""

    kind: str
    order: type
    carry_out: Callable[[Connection, Any, Circumstances], Done]
    applies: Callable[[Connection, Any, Circumstances], bool] = lambda _connection, _order, _circumstances: True


def orderables(subjects: Sequence[Subject]) -> dict[str, Orderable]:
    """Return every kind of order that the subjects declare, by its name."""
    declared = (one for subject in subjects for module in subject.loaded(subject.orders) for one in module.ORDERS)
    return {one.kind: one for one in declared}
