"""When a switch is announced: a pure function of the day, the steps and what was told before."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

# A correction that lies at no step.
NO_STEP = 0


class Notice(NamedTuple):
    """An announcement that stands: its message, the first day at the market price it told, its step."""

    message: int
    switches_on: date
    step: int


class Due(NamedTuple):
    """An announcement to be made now: at which step, and which former one it corrects, if any."""

    step: int
    corrects: Notice | None


def due(switches_on: date, on: date, steps: Sequence[int], told: Sequence[Notice]) -> Due | None:
    """What is to be announced on a day of a switch, `told` being what the tenant was told so far, in order.

    Only the nearest step that is reached counts: after downtime nobody is told twice what one letter says. A step is
    announced once for the same switch; where the day that was last told is another one, it is corrected at
    once, at whatever step. Nothing is announced on the day of the switch or after it.
    """
    left = (switches_on - on).days
    if left <= 0:
        return None
    step = min((step for step in steps if left <= step), default=NO_STEP)
    if told and told[-1].switches_on != switches_on:
        return Due(step, told[-1])
    if step == NO_STEP or any(NO_STEP < notice.step <= step for notice in _of_this(switches_on, told)):
        return None
    return Due(step, None)


def _of_this(switches_on: date, told: Sequence[Notice]) -> list[Notice]:
    """What was told of this switch since another day was last told."""
    found: list[Notice] = []
    for notice in reversed(told):
        if notice.switches_on != switches_on:
            break
        found.append(notice)
    return found
