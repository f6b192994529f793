"""Room for deep calls: the same results, and no pages mapped anew at any depth."""

import resource
from collections.abc import Callable

import pytest

from invoices.rendering.pdf import print_page, render_pdf
from invoices.rendering.weasyprint_tuning.frames import with_room

TURNS = 1_000
DEPTHS = range(1, 121)


def _innermost() -> None:
    for _ in range(TURNS):
        _nothing()


def _nothing() -> None:
    pass


def _at_depth(depth: int, function: Callable[[], None]) -> None:
    if depth:
        _at_depth(depth - 1, function)
    else:
        function()


def _faults(depth: int, function: Callable[[], None]) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    _at_depth(depth, function)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_no_depth_costs_a_page_a_call() -> None:
    """Without room some depth pays for every turn of the loop; with it none does."""
    assert max(_faults(depth, _innermost) for depth in DEPTHS) >= TURNS
    assert max(_faults(depth, with_room(_innermost)) for depth in DEPTHS) < TURNS // 10


def test_arguments_results_and_errors_pass_through() -> None:
    """The function is called as it is written, and known by its name."""

    @with_room
    def halved(number: int, *, by: int = 2) -> float:
        """Divide."""
        return number / by

    assert halved(3) == 1.5
    assert halved(3, by=3) == 1
    assert halved.__name__ == "halved"
    assert halved.__doc__ == "Divide."
    with pytest.raises(ZeroDivisionError):
        halved(3, by=0)


def test_printing_has_room() -> None:
    """Both functions that print have it."""
    assert hasattr(render_pdf, "__wrapped__")
    assert hasattr(print_page, "__wrapped__")
