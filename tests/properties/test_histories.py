"""Any network, any order of imports and runs: the service gives what the reference gives (R1-R22)."""

import os
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings

from billing.check import check
from invoices.document import CREDIT_NOTE
from tests.conftest import FreshEngine
from tests.oracle.reference import Oracle, civil, days_of, months_between
from tests.oracle.service import Service
from tests.oracle.strategies import Enter, Step, histories

# For a long hunt by hand: HYPOTHESIS_DEPTH=5000 pytest tests/properties
DEPTH = int(os.environ.get("HYPOTHESIS_DEPTH", "0"))
EXAMPLES = {"sqlite": DEPTH or 60, "postgresql": DEPTH or 10}
# Shrinking a failure takes longer than a test may.
pytestmark = pytest.mark.timeout(0 if DEPTH else 1200)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


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
        if step.dry:
            expected, report = oracle.preview(step.month), service.preview(step.month)
        else:
            expected, report = oracle.run(step.month), service.run(step.month)
            booked_once &= not expected.retried
            assert service.exported_cross_subsidy(step.month) == report.to_json()["cross_subsidy"]
        found = report.to_json()
        assert {kind: found[kind] for kind in ("invoices", "credit_notes")} == expected.totals()
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


def offices_stand_as_owed(service: Service, oracle: Oracle) -> None:
    """All invoices less all credit notes: each lease's days since R12, once, at what they cost by today's facts.

    The days are told from the documents and the lease rows alone, the sums from the entitlement computed
    afresh; for tenants billed after the last change.
    """
    standing: Counter[tuple[str, str | None, date]] = Counter()
    charged: Counter[tuple[str, str | None, str]] = Counter()
    for run in oracle.runs:
        for document in service.documents(run):
            sign = -1 if document.kind == CREDIT_NOTE else 1
            for line in document.lines:
                first, last = line.priced.first_day, line.priced.last_day
                if first is not None and last is not None:
                    for n in range((last - first).days + 1):
                        standing[document.buyer.code, line.priced.lease, first + timedelta(days=n)] += sign
                    charged[document.buyer.code, line.priced.lease, f"{first:%Y-%m}"] += sign * line.priced.amount
    billed = oracle.billed_in_full()
    months = months_between(oracle.first_month(), max(oracle.runs))
    owed = Counter(
        (lease["tenant"], lease["code"], day)
        for lease in oracle.register.all("leases")
        for month in months
        for day in days_of(month)
        if lease["tenant"] in billed
        and civil(lease["starts_on"]) <= day
        and (not lease["ends_on"] or day <= civil(lease["ends_on"]))
    )
    assert {key: count for key, count in standing.items() if count and key[0] in billed} == owed
    due: Counter[tuple[str, str | None, str]] = Counter()
    for tenant in billed:
        for month in months:
            for office in oracle.register.office_lines(tenant, month):
                due[tenant, office.lease, month] += int(office.amount * 100)
    assert {key: sum_ for key, sum_ in charged.items() if sum_ and key[0] in billed} == {
        key: sum_ for key, sum_ in due.items() if sum_
    }


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
def test_any_history_is_billed_and_booked_as_the_reference_does(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=EXAMPLES[database], deadline=None, suppress_health_check=QUIET, print_blob=True)
    @given(histories())
    def check_history(history: tuple[Step, ...]) -> None:
        with fresh_engine() as engine:
            play(history, Service(engine, tmp_path / "network"), Oracle())

    check_history()
