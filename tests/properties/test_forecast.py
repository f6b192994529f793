"""Any network, any history: the path ahead is what the next runs then give, repairs and mended errors included."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, note, settings

from billing.cross_subsidy.forecast.assumptions import load_assumptions
from billing.cross_subsidy.forecast.forecasting import KNOWN, Question, forecast
from billing.frame.database import reading
from pricing.money import format_amount
from pricing.period import add_months, format_month, parse_month
from tests.conftest import FreshEngine
from tests.oracle.service import Service
from tests.oracle.strategies import Enter, RunMonth, Step, histories
from tests.support.assumptions import nothing_by_chance
from tests.support.examples import QUIET, examples
from tests.support.expected import run_json

MONTHS = 3
EXAMPLES = {"sqlite": examples(25), "postgresql": examples(5)}
FIGURES = ("contributions", "draws", "earmarked_grants", "own", "network", "reserve", "network_grants", "unfunded")


def play(history: tuple[Step, ...], service: Service) -> str | None:
    """Play the history; gives the month of its latest run."""
    latest = None
    for step in history:
        note(repr(step))
        if isinstance(step, Enter):
            service.enter(step.files)
        elif isinstance(step, RunMonth) and not step.dry:
            service.run(step.month)
            latest = max(latest or step.month, step.month)
    return latest


def look_ahead_then_run(history: tuple[Step, ...], service: Service) -> None:
    """Forecast the next months, run them, and compare every site's share of every step."""
    latest = play(history, service)
    first = date(2026, 1, 1) if latest is None else add_months(parse_month(latest), 1)
    known = Question(nothing_by_chance(), first, months=MONTHS, draws=3, usage=KNOWN)
    drawn = Question(load_assumptions(None), first, months=MONTHS, draws=5)
    with reading(service.engine) as connection:
        found = forecast(connection, known, first)
        # Whatever the network is, it can be drawn.
        assert len(forecast(connection, drawn, first).months) == MONTHS
    for month, outcome, figures in zip(found.path.months, found.path.outcomes, found.months, strict=True):
        report = run_json(service.run(format_month(month)))
        assert {tenant["tenant"] for tenant in report["errors"]} <= {code for code, _ in found.path.unpriced}
        given = report["cross_subsidy"]
        assert format_amount(outcome.reserve_after) == given["reserve_after"]
        assert {
            code: {name: format_amount(getattr(funding, name)) for name in FIGURES}
            for code, funding in outcome.sites.items()
        } == {code: {name: of_site[name] for name in FIGURES} for code, of_site in given["sites"].items()}
        for figure in figures.network.values():
            assert set(figure.drawn) == {figure.path}
    last = found.path.outcomes[-1]
    given = service.exported_cross_subsidy(format_month(found.path.months[-1]))
    assert {code: format_amount(left) for code, left in last.grants_left.items()} == given["grants_left"]


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
def test_the_path_ahead_is_what_the_next_runs_give(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=EXAMPLES[database], suppress_health_check=QUIET, print_blob=True)
    @given(histories(runs_most=3))
    def check_history(history: tuple[Step, ...]) -> None:
        with fresh_engine() as engine:
            look_ahead_then_run(history, Service(engine, tmp_path / "network"))

    check_history()
