"""Decide when a tier change is announced: a function of the day, the steps and former announcements."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

# A correction that lies at no step.
NO_STEP = 0


class Notice(NamedTuple):
    """An announcement that stands: its message, the first day at the market price it named, its step."""

    message: int
    switches_on: date
    step: int


class Due(NamedTuple):
    """An announcement to be made now: at which step, and which former one it corrects, if any."""

    step: int
    corrects: Notice | None


def due(switches_on: date, on: date, steps: Sequence[int], made: Sequence[Notice]) -> Due | None:
    """Return what is to be announced on a day of a tier change; `made` are the former notices, in order.

    Only the nearest step that is reached counts: after downtime nobody is told twice what one letter says. A step is
    announced once for the same tier change; where the day announced last is another one, it is corrected at
    once, at whatever step. Nothing is announced on the day of the tier change or after it.
    """
    left = (switches_on - on).days
    if left <= 0:
        return None
    step = min((step for step in steps if left <= step), default=NO_STEP)
    if made and made[-1].switches_on != switches_on:
        return Due(step, made[-1])
    if step == NO_STEP or any(NO_STEP < notice.step <= step for notice in _of_this(switches_on, made)):
        return None
    return Due(step, None)


def _of_this(switches_on: date, made: Sequence[Notice]) -> list[Notice]:
    """Return the notices of this tier change since another day was last announced."""
    notices: list[Notice] = []
    for notice in reversed(made):
        if notice.switches_on != switches_on:
            break
        notices.append(notice)
    return notices
