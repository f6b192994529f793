"""The reference proves itself on the sample network before it judges anyone else."""

from typing import Any

import pytest

from tests.oracle.sample import as_golden, golden, played_sample


@pytest.mark.parametrize("month", golden("months.json"), ids=lambda month: month["period"])
def test_the_reference_gives_the_expected_totals_and_waterfall_of_the_sample(month: dict[str, Any]) -> None:
    run = played_sample().runs[month["period"]]
    assert run.totals() == {"invoices": month["invoices"], "credit_notes": month["credit_notes"]}
    assert run.cross_subsidy() == {"period": month["period"], **month["cross_subsidy"]}
    assert run.errors == {}


def test_the_reference_gives_the_expected_documents_of_the_samples_last_month() -> None:
    found = [as_golden(shape) for shape in played_sample().runs["2026-11"].shapes()]
    assert found == [as_golden(document) for document in golden("documents-2026-11.json")]
