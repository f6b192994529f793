"""How many examples a property draws, and which of Hypothesis' complaints don't concern it."""

import os

from hypothesis import HealthCheck

# `make explore` draws new examples, ten times as many.
EXPLORES = bool(os.environ.get("EXPLORE"))
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


def examples(usual: int) -> int:
    """Return how many examples to draw where `usual` are drawn by `make test`."""
    return usual * 10 if EXPLORES else usual
