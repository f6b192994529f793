"""Any set of credit notes, of runs and by hand: each has the VAT of R11, and what is credited whole comes to 0.00."""

from collections import defaultdict
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing.check import check
from billing.documents.credit_notes.giving import CreditOrder, Part, credit_terms, give_credit_note
from billing.documents.credit_notes.kinds import CreditKind
from billing.documents.credit_notes.queries import creditable_lines
from billing.documents.queries import document_shapes
from billing.frame.database import reading, writing
from billing.receivables.open_items.open_items import open_items
from billing.receivables.receipts.applying_credits import apply_credits
from invoices.document import INVOICE
from invoices.models import document
from tests.conftest import FreshEngine
from tests.oracle.service import NOW
from tests.support.examples import QUIET, examples
from tests.support.networks import Row
from tests.support.park import Park

EXAMPLES = {"sqlite": examples(20), "postgresql": examples(6)}
MONTHS = ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09")
# 22.5 m² at 48.33 and 0.22986 m² at 145.00 bear VAT that rounds up; meals have another rate.
AREAS = ("22.5", "0.22986", "12.37")
# An invoice and a line of it, how much, and whether the line is cancelled instead.
_BY_HAND = st.tuples(st.integers(0, 20), st.integers(0, 9), st.integers(1, 100), st.sampled_from((False, False, True)))
_CHANGES = st.tuples(st.integers(0, 2), st.sampled_from(AREAS))
STEPS = st.lists(st.tuples(st.lists(_BY_HAND, max_size=2), st.lists(_CHANGES, max_size=2)), min_size=4, max_size=4)


def lease_row(number: int, area: str) -> Row:
    return {
        "code": f"L{number}", "tenant": "T1", "site": ("CAS", "CAS", "TNG")[number], "area_m2": area,
        "starts_on": "2025-04-10",
    }  # fmt: skip


def meals(month: str) -> Row:
    day = f"{month}-11"
    return {"event_id": f"M{month}", "tenant": "T1", "site": "CAS", "quantity": "3", "occurred_on": day}


def invoices(park: Park) -> list[str]:
    with reading(park.engine) as connection:
        found = select(document.c.number).where(document.c.kind == INVOICE).order_by(document.c.id)
        return list(connection.scalars(found))


def gives(park: Park, number: str, parts: list[Part], kind: CreditKind = CreditKind.REBATE) -> None:
    if parts:
        with writing(park.engine) as connection:
            terms = credit_terms(connection, park.settings, None, NOW)
            give_credit_note(connection, CreditOrder(number, tuple(parts), "geste", "amina", kind), terms)


def credits_a_part(park: Park, invoice: int, line: int, hundredths: int, cancels: bool) -> None:
    numbers = invoices(park)
    number = numbers[invoice % len(numbers)]
    with reading(park.engine) as connection:
        lines = creditable_lines(connection, number)
    chosen = lines[line % len(lines)]
    if cancels and chosen.stands and chosen.line.withdraws is None:
        gives(park, number, [Part(chosen.line_no, None)], CreditKind.CANCELLATION)
    elif chosen.left:
        gives(park, number, [Part(chosen.line_no, max(chosen.left * hundredths // 100, 1))])


def credits_all_that_is_left(park: Park) -> None:
    """But for lines that bill a credit note's amount again: they make up for a line that was credited beyond itself."""
    for number in invoices(park):
        with reading(park.engine) as connection:
            lines = creditable_lines(connection, number)
        gives(park, number, [Part(x.line_no, x.left) for x in lines if x.left and x.line.withdraws is None])


def exported(park: Park) -> list[dict[str, Any]]:
    """Every document, as the API answers it, in the order of issue."""
    with reading(park.engine) as connection:
        heads = connection.execute(select(document).order_by(document.c.id)).all()
        return [
            {
                "number": shape.number, "kind": shape.kind, "gross": Fraction(shape.gross), "vat": shape.vat,
                "lines": [(line.corrects, Fraction(line.vat_rate), Fraction(line.amount)) for line in shape.lines],
            }
            for shape in document_shapes(connection, heads)
        ]  # fmt: skip


def rounded(value: Fraction) -> Fraction:
    """To the centime, half away from zero."""
    centimes = (abs(value) * 100 + Fraction(1, 2)).__floor__()
    return Fraction(centimes if value >= 0 else -centimes, 100)


def every_vat_is_that_of_r11(documents: list[dict[str, Any]]) -> dict[tuple[str, Fraction], Fraction]:
    """Hold every document against a model that knows the exported lines alone; what is not credited in the end."""
    left: dict[tuple[str, Fraction], Fraction] = defaultdict(Fraction)
    for issued in documents:
        due: dict[Fraction, Fraction] = {}
        sums: dict[tuple[str, Fraction], Fraction] = defaultdict(Fraction)
        for corrects, rate, amount in issued["lines"]:
            sums[corrects or issued["number"], rate] += amount
        for (number, rate), base in sums.items():
            if issued["kind"] == INVOICE:
                left[number, rate] = base
                vat = rounded(base * rate)
            else:
                vat = rounded(left[number, rate] * rate) - rounded((left[number, rate] - base) * rate)
                left[number, rate] -= base
            due[rate] = due.get(rate, Fraction()) + vat
        assert {Fraction(vat.rate): Fraction(vat.amount) for vat in issued["vat"]} == due, issued["number"]
    return left


@pytest.mark.parametrize("fresh_engine", ["sqlite", "postgresql"], indirect=True)
def test_r11_credit_notes_of_runs_and_by_hand_leave_no_centime(
    fresh_engine: FreshEngine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.node.callspec.params["fresh_engine"]

    @settings(max_examples=EXAMPLES[database], suppress_health_check=QUIET, print_blob=True, deadline=None)
    @given(STEPS)
    def check_history(steps: list[tuple[list[tuple[int, int, int, bool]], list[tuple[int, str]]]]) -> None:
        with fresh_engine() as engine:
            park = Park(engine, tmp_path / "network")
            leases = [lease_row(number, "20") for number in range(3)]
            park.opens(tenants=[{"code": "T1", "incorporated_on": "2025-01-15"}], leases=leases)
            park.bills(MONTHS[0])
            for month, before, (by_hand, changes) in zip(MONTHS[1:], MONTHS, steps, strict=False):
                for step in by_hand:
                    credits_a_part(park, *step)
                park.enters(leases=[lease_row(*change) for change in dict(changes).items()], usage=[meals(before)])
                preview = park.preview(month, date(2026, 11, 22))
                report = park.bills(month, "2026-11-22")
                assert (preview.invoices, preview.credit_notes) == (report.invoices, report.credit_notes)
                assert preview.cross_subsidy == report.cross_subsidy
            credits_all_that_is_left(park)
            documents = exported(park)
            left = every_vat_is_that_of_r11(documents)
            with writing(engine) as connection:
                apply_credits(connection, recorded_at=NOW)
            with reading(engine) as connection:
                still_open = [(item.number, item.open) for item in open_items(connection)]
            if not any(left.values()):
                assert sum(x["gross"] if x["kind"] == INVOICE else -x["gross"] for x in documents) == 0
                assert still_open == []
                assert {"3421", "44551", "4455"}.isdisjoint(park.balances())
            assert check(engine) == []

    check_history()
