"""Work on many rows at once, which Python's collector and threads leave alone."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# A thread keeps the interpreter for this long, in seconds, while another wants it.
_SWITCH_INTERVAL_S = 0.001


@contextmanager
def undisturbed() -> Iterator[None]:
    """Suspend the search for cycles while many rows are made: they leave none.

    The search takes a sixth of a batch of a run, and a fifth to a quarter of a statement's import (DECISIONS 113).
    The thread that copies needs the interpreter often and for microseconds: it isn't kept waiting for long.
    """
    if not gc.isenabled():
        yield
        return
    interval = sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.enable()
