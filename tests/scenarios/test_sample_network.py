"""The shipped sample network, six months: exactly the expected results, on both databases."""

import csv
import json
from pathlib import Path
from typing import Any

from billing.check import check
from billing.network_import import import_folder
from tests.oracle.reference import KEYS, Oracle
from tests.oracle.service import NOW
from tests.scenarios.park import Park

SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"
EXPECTED = Path(__file__).parents[1] / "golden" / "expected"


def golden(name: str) -> Any:
    return json.loads((EXPECTED / name).read_text(encoding="utf-8"))


def as_text(shape: dict[str, Any]) -> str:
    """A document as the golden file has it: fewer fields, some numbers as JSON numbers, lines in its order."""
    texts = ("service", "site", "lease", "month", "first_day", "last_day", "tier")
    lines = [
        {
            **{name: line[name] for name in texts},
            **{name: float(line[name]) for name in ("quantity", "unit_price", "vat_rate")},
            **{name: line[name] for name in ("amount", "full_amount", "cost_amount")},
        }
        for line in shape["lines"]
    ]
    order = ("service", "site", "lease", "month", "first_day", "tier", "unit_price", "amount")
    lines.sort(key=lambda line: tuple(str(line[name] or "") for name in order))
    return json.dumps({**{name: shape[name] for name in ("kind", "tenant", "net", "tax", "gross")}, "lines": lines})


def test_the_sample_gives_the_expected_documents_waterfalls_and_books(park: Park) -> None:
    import_folder(park.engine, SAMPLE, now=NOW)
    oracle = Oracle()
    files = {}
    for name in KEYS:
        with (SAMPLE / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
            files[name] = list(csv.DictReader(rows))
    oracle.enter(files)
    for month in golden("months.json"):
        found = park.bills(month["period"]).to_json()
        assert found["errors"] == []
        assert found["invoices"] == month["invoices"]
        assert found["credit_notes"] == month["credit_notes"]
        expected = month["cross_subsidy"]
        assert {name: found["cross_subsidy"][name] for name in expected} == expected
        oracle.run(month["period"])
    (shapes,) = park.shapes(["2026-11"]).values()
    assert [as_text(shape) for shape in shapes] == [as_text(document) for document in golden("documents-2026-11.json")]
    assert park.trial_balance() == oracle.trial_balance()
    assert check(park.engine) == []
