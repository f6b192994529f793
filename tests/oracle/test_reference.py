"""The reference proves itself on the sample network before it judges anyone else."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.reference import KEYS, Oracle, Run

SAMPLE = Path(__file__).parents[2] / "billing" / "demo" / "network"
EXPECTED = Path(__file__).parents[1] / "golden" / "expected"


def sample() -> dict[str, list[dict[str, str]]]:
    files = {}
    for name in KEYS:
        with (SAMPLE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            files[name] = list(csv.DictReader(lines))
    return files


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    oracle = Oracle()
    oracle.enter(sample())
    return {month["period"]: oracle.run(month["period"]) for month in golden("months.json")}


def golden(name: str) -> Any:
    return json.loads((EXPECTED / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("month", golden("months.json"), ids=lambda month: month["period"])
def test_the_reference_gives_the_expected_totals_and_waterfall_of_the_sample(
    runs: dict[str, Run], month: dict[str, Any]
) -> None:
    run = runs[month["period"]]
    assert run.totals() == {"invoices": month["invoices"], "credit_notes": month["credit_notes"]}
    assert run.cross_subsidy() == {"period": month["period"], **month["cross_subsidy"]}
    assert run.errors == {}


def test_the_reference_gives_the_expected_documents_of_the_samples_last_month(runs: dict[str, Run]) -> None:
    def plain(document: dict[str, Any]) -> dict[str, Any]:
        """As the golden file has it: fewer fields, numbers as JSON numbers, lines in its order."""
        fields = ("service", "site", "lease", "month", "first_day", "last_day", "tier")
        lines = [
            {
                **{name: line[name] for name in fields},
                **{name: float(line[name]) for name in ("quantity", "unit_price", "vat_rate")},
                **{name: line[name] for name in ("amount", "full_amount", "cost_amount")},
            }
            for line in document["lines"]
        ]
        order = ("service", "site", "lease", "month", "first_day", "tier", "unit_price", "amount")
        return {
            **{name: document[name] for name in ("kind", "tenant", "net", "tax", "gross")},
            "lines": sorted(lines, key=lambda line: tuple(str(line[name] or "") for name in order)),
        }

    def bag(documents: list[dict[str, Any]]) -> list[str]:
        return [json.dumps(plain(document), sort_keys=True) for document in documents]

    found, expected = bag(runs["2026-11"].shapes()), bag(golden("documents-2026-11.json"))
    assert found == expected
