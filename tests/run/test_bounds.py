"""What an order to run a month is refused for, because no command takes a run back (R14, W14)."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from billing.frame.database import reading
from billing.frame.errors import Refused
from billing.receivables.tables.receipts import allocation
from billing.run.month import run_month
from billing.run.preview import preview_month
from billing.run.report import RunReport
from tests.support.api import Caller, CallerOf
from tests.support.credit_notes import credits_by_hand
from tests.support.park import Park, open_park, text

LARGE = {"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}
OFFICE = {"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}


@pytest.fixture
def billed(engine: Engine, tmp_path: Path) -> Park:
    """A firm with one office, billed for July 2026."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=[LARGE], leases=[OFFICE])
    order(park, "2026-07", on="2026-07-01")
    return park


def order(park: Park, month: str, *, on: str, dry_run: bool = False, **how: Any) -> RunReport:
    """Run a month, or preview it, at nine o'clock of a day."""
    now = datetime.fromisoformat(f"{on}T09:00:00+00:00")
    period = date.fromisoformat(f"{month}-01")
    if dry_run:
        return preview_month(park.engine, period, clock=lambda: now, **how)
    return run_month(park.settings, park.engine, period, clock=lambda: now, **how)


def refused(park: Park, month: str, *, on: str, **how: Any) -> list[tuple[str | None, str]]:
    """The columns and sentences an order is refused with; a dry run warns of the same and does it."""
    with pytest.raises(Refused) as refusal:
        order(park, month, on=on, **how)
    warnings = order(park, month, on=on, dry_run=True, **how).warnings
    assert warnings == tuple(map(str, refusal.value.faults))
    assert park.documents(month) == []
    return [(fault.column, fault.problem) for fault in refusal.value.faults]


def test_w14_a_month_later_than_the_next_one_is_refused_with_catch_up_too(billed: Park) -> None:
    later = ("period", "is later than 2026-09, the month after today's")
    assert later in refused(billed, "2027-08", on="2026-08-01")
    assert refused(billed, "2027-08", on="2026-08-01", catch_up=True) == [later]


def test_w14_a_skipped_month_is_billed_only_if_the_order_says_so(billed: Park) -> None:
    assert refused(billed, "2026-09", on="2026-08-01") == [("catch_up", "is needed: 2026-08 has not been run")]
    order(billed, "2026-09", on="2026-08-01", catch_up=True)
    assert billed.issued("2026-09") == text("""
        FA-2026-000002 T1: net 5800.00, VAT 1160.00, due 6960.00
          CAS L1 2026-08-01 to 2026-08-31 market 2900.00
          CAS L1 2026-09-01 to 2026-09-30 market 2900.00
        """)


def test_several_skipped_months_are_named(billed: Park) -> None:
    problem = "is needed: 2026-08 to 2026-10 have not been run"
    assert refused(billed, "2026-11", on="2026-11-30") == [("catch_up", problem)]


def test_the_month_after_todays_may_be_run_by_the_calendar_of_casablanca(billed: Park) -> None:
    # Half past eleven in the evening, UTC, of 30 June is the first of July in Casablanca (R2).
    order(billed, "2026-08", on="2026-07-01")
    evening = datetime(2026, 8, 31, 23, 30, tzinfo=UTC)
    order(billed, "2026-09", on="2026-08-01")
    report = run_month(billed.settings, billed.engine, date(2026, 10, 1), clock=lambda: evening)
    assert report.issued_on == date(2026, 9, 1)


def test_an_issue_date_more_than_31_days_ahead_is_refused(billed: Park) -> None:
    far = ("issue_date", "is more than 31 days after today, 2026-07-20: nothing could be issued before it (R15)")
    for day in (date(2026, 8, 21), date(2062, 8, 1), date(9999, 12, 31)):
        assert refused(billed, "2026-08", on="2026-07-20", issued_on=day) == [far]
    assert order(billed, "2026-08", on="2026-07-20", issued_on=date(2026, 8, 20)).issued_on == date(2026, 8, 20)


def test_a_dry_run_of_a_month_beyond_all_reason_is_refused(billed: Park) -> None:
    with pytest.raises(Refused, match=r"2062-06.*is more than 60 months after today"):
        order(billed, "2062-06", on="2026-07-20", dry_run=True)


def test_the_first_run_may_be_of_any_past_month_and_none_is_skipped_before_it(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    park.opens(tenants=[LARGE], leases=[OFFICE])
    assert refused(park, "2027-01", on="2026-11-30") == [("period", "is later than 2026-12, the month after today's")]
    assert order(park, "2025-03", on="2026-11-30").invoices.count == 1


def test_the_api_names_the_field_and_takes_catch_up(ground: Caller) -> None:
    def fields(body: dict[str, object], path: str = "/v1/billing-runs") -> list[str]:
        answer = ground.post(path, body)
        return [answer.status_code, *(fault["field"] for fault in answer.json.get("errors", ()))]

    assert ground.post("/v1/billing-runs", {"period": "2026-07", "issue_date": "2026-07-01"}).status_code == 201
    assert fields({"period": "2026-09"}) == [422, "catch_up"]
    assert fields({"period": "2026-08", "issue_date": "2062-08-01"}) == [422, "issue_date"]
    assert fields({"period": "2026-11", "catch_up": True}) == [422, "period"]
    assert fields({"period": "2026-08", "catch_up": "yes"}) == [422, "catch_up"]
    preview = ground.post("/v1/billing-runs/preview", {"period": "2026-09"})
    assert (preview.status_code, len(preview.json["warnings"])) == (200, 1)
    assert ground.post("/v1/billing-runs", {"period": "2026-09", "catch_up": True}).json["invoices"]["lines"] == 3


def test_of_eight_runs_at_once_one_has_issued_it(engine: Engine, tmp_path: Path, caller_of: CallerOf) -> None:
    import threading

    park = open_park(engine, tmp_path)
    park.opens(tenants=[LARGE], leases=[OFFICE])
    caller, answers = caller_of(engine), []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        answers.append(caller.post("/v1/billing-runs", {"period": "2026-07", "issue_date": "2026-07-01"}))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert [answer.json["issued_now"] for answer in answers].count(True) == 1
    assert {answer.json["invoices"]["count"] for answer in answers} == {1}


def test_a_late_run_dates_the_credits_it_applies_by_its_issue_date(engine: Engine, tmp_path: Path) -> None:
    """A5: ordered in November, July's credit note is applied in July."""
    park = open_park(engine, tmp_path)
    park.opens(tenants=[LARGE], leases=[OFFICE])
    order(park, "2026-06", on="2026-11-20", issued_on=date(2026, 6, 1))
    park.enters(leases=[{**OFFICE, "ends_on": "2026-06-15"}])
    order(park, "2026-07", on="2026-11-20", issued_on=date(2026, 7, 1))
    with reading(engine) as connection:
        assert set(connection.scalars(select(allocation.c.allocated_on))) == {date(2026, 7, 1)}


def test_a_run_tried_again_keeps_its_issue_date_and_reports_what_it_issued(engine: Engine, tmp_path: Path) -> None:
    """A6: one tenant in error, mended in November; nothing was issued since July."""
    park = open_park(engine, tmp_path)
    park.opens(
        tenants=[LARGE, {**LARGE, "code": "T2"}],
        leases=[OFFICE, {**OFFICE, "code": "L2", "tenant": "T2", "site": "AGA", "unit": "A"}],
        sites=[("CAS", "Casa", "Casa", None, None), ("TNG", "Tanger", "Tanger", None, None),
               ("AGA", "Agadir", "Agadir", None, None)],
    )  # fmt: skip
    assert order(park, "2026-07", on="2026-07-01").invoices.count == 1
    park.enters(
        rates=[{"site": "AGA", "service": "OFFICE", "market": "105.00", "subsidised": "1/3", "full_cost": "101.50"}]
    )
    assert order(park, "2026-07", on="2026-11-29", dry_run=True).invoices.count == 1
    report = order(park, "2026-07", on="2026-11-29")
    assert (report.issued_on, report.invoices.count, report.documents_before) == (date(2026, 7, 1), 1, 1)
    assert [document.issued_on for document in park.documents("2026-07")] == [date(2026, 7, 1)] * 2
    assert order(park, "2026-07", on="2026-11-30").issued_now is False


def test_a_run_tried_again_after_a_later_document_is_dated_today(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    park.opens(
        tenants=[LARGE, {**LARGE, "code": "T2"}],
        leases=[OFFICE, {**OFFICE, "code": "L2", "tenant": "T2", "site": "AGA", "unit": "A"}],
        sites=[("CAS", "Casa", "Casa", None, None), ("TNG", "Tanger", "Tanger", None, None),
               ("AGA", "Agadir", "Agadir", None, None)],
    )  # fmt: skip
    order(park, "2026-07", on="2026-07-01")
    credits_by_hand(park, "FA-2026-000001", (1, 1000), on="2026-07-10")
    park.enters(
        rates=[{"site": "AGA", "service": "OFFICE", "market": "105.00", "subsidised": "1/3", "full_cost": "101.50"}]
    )
    assert order(park, "2026-07", on="2026-07-20").issued_on == date(2026, 7, 20)
