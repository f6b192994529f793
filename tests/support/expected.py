"""What the sample network must come to (shared with the reference)."""

from typing import Any

from msgspec import to_builtins

from billing.run.report import RunReport


def require_expected(found: dict[str, Any], month: dict[str, Any]) -> None:
    """A run's report is that of `months.json`."""
    assert found["errors"] == []
    assert found["invoices"] == month["invoices"]
    assert found["credit_notes"] == month["credit_notes"]
    expected = month["cross_subsidy"]
    assert {name: found["cross_subsidy"][name] for name in expected} == expected


def run_json(report: RunReport) -> dict[str, Any]:
    """Return a run's report as the API answers it."""
    values: dict[str, Any] = to_builtins(report.shape())
    return values
