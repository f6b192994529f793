"""Any network, any order of imports and runs: the service gives what the reference gives (R1-R22)."""

from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given, note, settings

from billing.check import check
from tests.conftest import FreshEngine
from tests.oracle.reference import Oracle
from tests.oracle.service import Service
from tests.oracle.strategies import Enter, Step, histories
from tests.support.examples import QUIET, examples
from tests.support.expected import run_json
from tests.support.histories import offices_stand_as_owed

Totals: TypeAlias = dict[str, dict[str, Any]]
EXAMPLES = {"sqlite": examples(60), "postgresql": examples(10)}
# Shrinking a failure takes longer than a test may.
pytestmark = pytest.mark.timeout(1200)


def less(totals: Totals, before: Totals) -> Totals:
    """The totals without those of earlier attempts."""
    return {
        kind: {
            name: value - before[kind][name]
            if isinstance(value, int)
            else str(Decimal(value) - Decimal(before[kind][name]))
            for name, value in sums.items()
        }
        for kind, sums in totals.items()
    }


def play(history: tuple[Step, ...], service: Service, oracle: Oracle) -> None:
    """Play the history on both; after each run, everything the two say must be equal."""
    booked_once = True
    for step in history:
        note(repr(step))
        if isinstance(step, Enter):
            known = oracle.register.rows["grants"]
            booked_once &= all(known.get((row["code"],), row) == row for row in step.files.get("grants", ()))
            service.enter(step.files)
            oracle.enter(step.files)
            continue
        before = oracle.runs[step.month].totals() if step.month in oracle.runs else None
        if step.dry:
            expected, report = oracle.preview(step.month), service.preview(step.month)
        else:
            expected, report = oracle.run(step.month), service.run(step.month)
            booked_once &= not expected.retried
            assert service.exported_cross_subsidy(step.month) == report.cross_subsidy
        found = run_json(report)
        # A run tried again reports what it issued itself; one that was final, the whole month.
        is_of_attempt = before is not None and (report.issued_now or report.dry_run)
        totals = less(expected.totals(), before) if before is not None and is_of_attempt else expected.totals()
        assert {kind: found[kind] for kind in ("invoices", "credit_notes")} == totals
        assert [tenant for tenant, _ in report.errors] == sorted(expected.errors)
        shown = expected.cross_subsidy()
        assert {name: found["cross_subsidy"][name] for name in shown} == shown
    months = sorted(oracle.runs)
    assert service.shapes(months) == {month: oracle.runs[month].shapes() for month in months}
    assert service.balances() == oracle.balances()
    if booked_once:
        # A changed grant or a waterfall found anew is taken back and booked again: same balances, larger sums.
        assert service.trial_balance() == oracle.trial_balance()
    offices_stand_as_owed(service, oracle)
    assert check(service.engine) == []


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
# Takes long: each example bills months, facts change between them, and the reference bills them again.
def test_any_history_is_billed_and_booked_as_the_reference_does(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=EXAMPLES[database], suppress_health_check=QUIET, print_blob=True)
    @given(histories())
    def check_history(history: tuple[Step, ...]) -> None:
        with fresh_engine() as engine:
            play(history, Service(engine, tmp_path / "network"), Oracle())

    check_history()
