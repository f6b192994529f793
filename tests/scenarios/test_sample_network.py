"""The shipped sample network, six months: exactly the expected results, on both databases."""

from typing import Any

import pytest

from billing.check import check
from billing.register.network_import import import_folder
from billing.run import plan
from billing.run.month import run_month
from pricing.period import parse_month
from tests.oracle.sample import SAMPLE, as_golden, golden, played_sample
from tests.oracle.service import NOW
from tests.support.expected import require_expected, run_json
from tests.support.park import Park


def require_expected_documents(park: Park) -> None:
    """The last month's documents are those of `documents-2026-11.json`."""
    (shapes,) = park.shapes(["2026-11"]).values()
    assert [as_golden(shape) for shape in shapes] == [
        as_golden(document) for document in golden("documents-2026-11.json")
    ]


def test_the_sample_gives_the_expected_documents_waterfalls_and_books(park: Park) -> None:
    import_folder(park.engine, SAMPLE, now=NOW)
    for month in golden("months.json"):
        require_expected(run_json(park.bills(month["period"])), month)
    require_expected_documents(park)
    assert park.trial_balance() == played_sample().trial_balance()
    assert check(park.engine) == []


def test_the_sample_run_in_several_processes_or_stopped_and_resumed_gives_the_same(
    park: Park, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "BATCH_TENANTS", 60)
    import_folder(park.engine, SAMPLE, now=NOW)

    def stop(done: int, in_all: int) -> None:
        if done == in_all // 2:
            raise KeyboardInterrupt

    for place, month in enumerate(golden("months.json")):
        first_day = parse_month(month["period"])
        terms: dict[str, Any] = {
            "clock": lambda: NOW,
            "issued_on": first_day,
            "deliver": False,
            "workers": 1 + place % 2,
        }
        with pytest.raises(KeyboardInterrupt):
            run_month(park.settings, park.engine, first_day, progress=stop, **terms)
        require_expected(run_json(run_month(park.settings, park.engine, first_day, **terms)), month)
    require_expected_documents(park)
    numbers = [document.number for month in golden("months.json") for document in park.documents(month["period"])]
    assert sorted(numbers) == [f"FA-2026-{place:06d}" for place in range(1, len(numbers) + 1)]
    assert check(park.engine) == []
