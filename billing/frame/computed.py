"""Results of slow questions, kept while nothing was written since."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from billing.frame.tables import audit_counter

_T = TypeVar("_T")
_KEPT = 16


def newest_act(connection: Connection) -> int:
    """Return the number of the newest act of this snapshot: another one stands for other facts."""
    return int(connection.scalar(select(audit_counter.c.last)) or 0)


class Computed:
    """The last results computed from the facts; one counts as long as no act was recorded after it.

    Every fact is written by an act (R32), so the number of the newest act says which facts a snapshot shows.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def of(self, connection: Connection, question: Hashable, compute: Callable[[], _T]) -> _T:
        """Return what `compute` gives for the facts of this snapshot; what it raises is raised, and kept by nobody."""
        key = (newest_act(connection), question)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                result: _T = self._kept[key]
                return result
        result = compute()
        with self._lock:
            self._kept[key] = result
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return result
