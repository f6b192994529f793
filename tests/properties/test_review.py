"""Any network, any history: a review shows what the run then issues, to the line (R24)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note, settings

from billing.run.review.files import review_shape
from tests.conftest import FreshEngine
from tests.oracle.service import Service
from tests.oracle.strategies import Enter, Step, histories
from tests.support.examples import QUIET, examples

EXAMPLES = {"sqlite": examples(25), "postgresql": examples(5)}
pytestmark = pytest.mark.timeout(1200)
_SUMS = ("tenant", "kind", "net", "tax", "gross")


def plain(documents: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Documents by tenant and kind: their sums, and the amounts of their lines."""
    told = []
    for document in documents:
        found = document if isinstance(document, dict) else {name: getattr(document, name) for name in _SUMS}
        lines = document["lines"] if isinstance(document, dict) else document.lines
        amounts = [line["amount"] if isinstance(line, dict) else line.amount for line in lines]
        told.append((*(found[name] for name in _SUMS), amounts))
    return sorted(told)


def play(history: tuple[Step, ...], service: Service) -> None:
    """Play a history; each run is reviewed, then ordered with the digest of the review."""
    for step in history:
        note(repr(step))
        if isinstance(step, Enter):
            service.enter(step.files)
        elif not step.dry:
            review = service.review(step.month)
            before = {found["number"] for found in service.exported_documents_if_run(step.month)}
            report = service.run(step.month, digest=review.digest)
            issued = [x for x in service.exported_documents(step.month) if x["number"] not in before]
            assert plain(review_shape(review).documents) == plain(issued)
            assert report.cross_subsidy == review.report.cross_subsidy
            assert report.errors == review.report.errors


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
def test_a_review_is_what_the_run_issues(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=EXAMPLES[database], suppress_health_check=QUIET, print_blob=True)
    @given(histories())
    def check_history(history: tuple[Step, ...]) -> None:
        with fresh_engine() as engine:
            play(history, Service(engine, tmp_path / "network"))

    check_history()
