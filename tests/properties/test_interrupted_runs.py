"""A run stopped after any batch, and resumed (R14, R15): whatever came between, nothing is lost or doubled."""

from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from billing.check import check
from billing.run import plan
from billing.run.month import run_month
from pricing.period import parse_month
from tests.conftest import FreshEngine
from tests.oracle.reference import Oracle, following
from tests.oracle.service import ISSUED_ON, Service, instant
from tests.oracle.strategies import Enter, Step, World, histories
from tests.support.examples import QUIET, examples
from tests.support.expected import run_json
from tests.support.histories import offices_stand_as_owed

# Shrinking a failure takes longer than a test may.
pytestmark = pytest.mark.timeout(1200)


class Stopped(Exception):
    """The process died here, as far as the run can tell."""


def stop_after(service: Service, month: str, batches: int) -> bool:
    """Run the month until so many batches are done; whether it was stopped before its end."""

    def progress(done: int, _in_all: int) -> None:
        if done >= batches:
            raise Stopped

    try:
        run_month(
            service.settings,
            service.engine,
            parse_month(month),
            clock=lambda: instant(ISSUED_ON, parse_month(month)),
            issued_on=ISSUED_ON,
            catch_up=True,
            deliver=False,
            progress=progress,
        )
    except Stopped:
        return True
    return False


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
def test_r14_a_run_stopped_after_any_batch_and_run_again_gives_what_one_go_gives(
    fresh_engine: FreshEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(plan, "BATCH_TENANTS", 1)
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=examples({"sqlite": 15, "postgresql": 5}[database]), suppress_health_check=QUIET)
    @given(histories(), st.lists(st.integers(1, 4), min_size=1, max_size=6))
    def check_history(history: tuple[Step, ...], stops: list[int]) -> None:
        with fresh_engine() as engine:
            service, oracle = Service(engine, tmp_path / "network"), Oracle()
            for place, step in enumerate(history):
                note(repr(step))
                if isinstance(step, Enter):
                    service.enter(step.files)
                    oracle.enter(step.files)
                elif not step.dry:
                    # Stopped, perhaps twice, then run to its end.
                    if stop_after(service, step.month, stops[place % len(stops)]):
                        stop_after(service, step.month, 1)
                    foreseen = run_json(service.preview(step.month))
                    found = run_json(service.run(step.month))
                    oracle.run(step.month)
                    for name in ("invoices", "credit_notes", "cross_subsidy", "errors"):
                        assert foreseen[name] == found[name]
            months = sorted(oracle.runs)
            assert service.shapes(months) == {month: oracle.runs[month].shapes() for month in months}
            assert service.balances() == oracle.balances()
            assert check(engine) == []

    check_history()


@st.composite
def changed_midway(draw: st.DrawFn) -> tuple[str, Enter, int, Enter, Enter]:
    """A first month, a network, the batch the second run is stopped after, what is entered then and after it."""
    world = World(draw, draw(st.sampled_from(("2026-01", "2024-01"))))
    first = Enter(world.first_network())
    return world.origin, first, draw(st.integers(1, 4)), Enter(world.change()), Enter(world.change())


@pytest.mark.parametrize("fresh_engine", ["sqlite"], indirect=True)
def test_r13_r14_facts_that_change_while_a_run_is_stopped_are_caught_up_by_the_next_run(
    fresh_engine: FreshEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "BATCH_TENANTS", 1)

    @settings(max_examples=examples(15), suppress_health_check=QUIET)
    @given(changed_midway())
    def check_story(story: tuple[str, Enter, int, Enter, Enter]) -> None:
        start, first, batches, midway, after = story
        second, third = following(start), following(following(start))
        with fresh_engine() as engine:
            service, oracle = Service(engine, tmp_path / "network"), Oracle()
            service.enter(first.files)
            service.run(start)
            stop_after(service, second, batches)
            service.enter(midway.files)
            service.run(second)
            assert check(engine) == []
            service.enter(after.files)
            service.run(third)
            assert check(engine) == []
            # Half the second month was billed before the change, half after it: only the third run sets all right.
            oracle.enter(first.files)
            oracle.run(start)
            oracle.enter(midway.files)
            oracle.run(second)
            oracle.enter(after.files)
            oracle.run(third)
            offices_stand_as_owed(service, oracle)

    check_story()
