"""Room for deep calls, so that the cost of a layout does not depend on how deep the caller stands.

CPython keeps the frames of Python functions in chunks of 16 KiB that it maps as calls go deeper and unmaps as they
return. Where a chunk ends within a layout's innermost loop, every turn of it maps and faults in pages: up to a tenth
of a document's time, by nothing but the depth of the stack. A function whose own frame is large gets a chunk twice
its size, and what it calls has the rest of that chunk.
"""

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")

# Slots of 8 bytes: the chunk is the power of two above, 512 KiB, of which some 600 frames get what is left. Nothing of
# it is touched before it is used.
_SLOTS = 40_000


def _call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


_call_with_room = FunctionType(_call.__code__.replace(co_stacksize=_SLOTS), globals())


def with_room(function: Callable[P, Result]) -> Callable[P, Result]:
    """Return the same function, whose calls find room for their frames without mapping more."""

    @wraps(function)
    def roomy(*args: P.args, **kwargs: P.kwargs) -> Result:
        result: Result = _call_with_room(function, args, kwargs)
        return result

    return roomy
