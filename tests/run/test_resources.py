"""The month over HTTP: previewed, run, watched, tried again; who funded whom."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from billing.frame.database import reading
from billing.register.network_import import import_folder
from billing.register.tables import billing_run
from invoices.models import delivery, document
from tests.support.api import NOW, Caller, CallerOf
from tests.support.networks import write_network

JUNE = {"period": "2026-06", "issue_date": "2026-06-01"}


def numbers(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(select(document.c.number).order_by(document.c.number)))


def test_a_month_is_run_and_its_report_is_the_answer(ground: Caller, engine: Engine) -> None:
    """W1's office in June: 22.5 m2 at 50.00, 20 % VAT."""
    answer = ground.post("/v1/billing-runs", JUNE)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/billing-runs/2026-06")
    assert answer.json["invoices"] == {"count": 1, "net": "1125.00", "tax": "225.00", "gross": "1350.00", "lines": 1}
    assert (answer.json["issued_now"], answer.json["dry_run"], answer.json["errors"]) == (True, False, [])
    assert numbers(engine) == ["FA-2026-000001"]


def test_a_preview_gives_the_runs_totals_and_writes_nothing(ground: Caller, engine: Engine) -> None:
    preview = ground.post("/v1/billing-runs/preview", JUNE, scope="auditor")
    assert preview.status_code == 200
    assert ground.get("/v1/billing-runs")["items"] == []
    run = ground.post("/v1/billing-runs", JUNE)
    differing = {name for name in run.json if run.json[name] != preview.json[name]}
    assert differing == {"dry_run", "issued_now"}


def test_a_completed_run_is_final_r14(ground: Caller, engine: Engine) -> None:
    ground.post("/v1/billing-runs", JUNE)
    again = ground.post("/v1/billing-runs", {"period": "2026-06"})
    assert (again.status_code, again.json["issued_now"]) == (200, False)
    assert numbers(engine) == ["FA-2026-000001"]


def test_a_month_that_can_not_be_run_is_refused_with_the_reason_r14_r15(ground: Caller) -> None:
    ground.post("/v1/billing-runs", {"period": "2026-07", "issue_date": "2026-07-01"})
    earlier = ground.post("/v1/billing-runs", JUNE)
    assert (earlier.status_code, earlier.json["type"]) == (409, "/problems/run-refused")
    assert "2026-06 comes before 2026-07" in earlier.json["detail"]
    backwards = ground.post("/v1/billing-runs", {"period": "2026-08", "issue_date": "2026-06-30"})
    assert (backwards.status_code, backwards.json["type"]) == (409, "/problems/run-refused")
    assert ground.post("/v1/billing-runs/preview", JUNE).status_code == 409


def test_a_month_is_written_as_a_month(ground: Caller) -> None:
    for period in ("2026-13", "2026-6", "06/2026", "2026-06-01", "", "2026-06\n", "٢٠٢٦-٠٦", 202606, None):
        refused = ground.post("/v1/billing-runs", {"period": period})
        assert refused.status_code == 422, period
        assert [error["field"] for error in refused.json["errors"]] == ["period"]


def test_a_slip_of_the_pen_does_not_bill_years_at_once(ground: Caller, engine: Engine) -> None:
    for path, period in (
        ("/v1/billing-runs", "2031-09"),
        ("/v1/billing-runs", "2062-06"),
        ("/v1/billing-runs/preview", "2062-06"),
    ):
        refused = ground.post(path, {"period": period})
        assert (refused.status_code, refused.json["type"]) == (422, "/problems/refused")
        assert [error["field"] for error in refused.json["errors"]] == ["period"]
    assert ground.post("/v1/billing-runs/preview", {"period": "2031-09"}).json["warnings"] != []
    assert numbers(engine) == []


def test_deliveries_are_queued_unless_it_says_not_to(ground: Caller, engine: Engine) -> None:
    ground.post("/v1/billing-runs", JUNE | {"deliver": False})
    assert ground.get("/v1/deliveries")["items"] == []
    ground.post("/v1/billing-runs", {"period": "2026-07", "issue_date": "2026-07-01"})
    assert [found["number"] for found in ground.get("/v1/deliveries")["items"]] == ["FA-2026-000002"]
    for value in ("true", 1, 0, None):
        assert ground.post("/v1/billing-runs", JUNE | {"deliver": value}).status_code == 422


def test_a_run_shows_how_far_it_has_come_and_what_it_meant_for_each_tenant(park: Caller) -> None:
    run = park.get("/v1/billing-runs/2026-08", "auditor")
    assert (run["status"], run["attempt"], run["batches"]) == ("complete", 2, {"done": 1, "total": 1})
    assert run["outcomes"] == {"issued": 4, "nothing": 1, "error": 0, "held": 0}
    assert run["invoices"]["count"] == len(park.get("/v1/documents?period=2026-08&kind=invoice")["items"])
    assert [found["period"] for found in park.get("/v1/billing-runs")["items"]] == ["2026-06", "2026-07", "2026-08"]
    outcomes = park.get("/v1/billing-runs/2026-07/outcomes")["items"]
    assert [found["tenant"] for found in outcomes] == ["A1", "B1", "C1", "D1", "E1"]
    assert {found["status"] for found in outcomes} == {"issued", "nothing"}
    d1 = outcomes[3]
    assert (d1["invoice"][:3], d1["credit_note"]) == ("FA-", "AV-2026-000001")
    assert park.get("/v1/billing-runs/2026-07/outcomes?status=error")["items"] == []
    assert park("GET", "/v1/billing-runs/2026-09").status_code == 404
    assert park("GET", "/v1/billing-runs/2026-09/outcomes").status_code == 404


def test_a_tenant_in_error_is_named_and_billed_once_its_data_is_mended_r6_r14(
    engine: Engine, tmp_path: Path, caller_of: CallerOf
) -> None:
    folder = write_network(
        tmp_path / "network",
        tenants=[{"code": "T1"}, {"code": "T2"}],
        leases=[
            ("L1", "T1", "TNG", "TNG-1", "20", "2026-06-01", None),
            ("L2", "T2", "CAS", "C1", "20", "2026-06-01", None),
        ],
        rates=[("TNG", "OFFICE", None, "2015-01-01", "150.00", "50.00", "134.00", "test")],
    )
    import_folder(engine, folder, now=NOW)
    caller = caller_of(engine)
    run = caller.post("/v1/billing-runs", JUNE)
    assert run.status_code == 201
    assert [error["tenant"] for error in run.json["errors"]] == ["T2"]
    [failed] = caller.get("/v1/billing-runs/2026-06/outcomes?status=error")["items"]
    assert "no rate for OFFICE at CAS" in failed["message"]
    rate = {"site": "CAS", "service": "OFFICE", "effective_from": "2015-01-01", "market": "145.00",
            "subsidised": "1/3", "full_cost": "130.00"}  # fmt: skip
    assert caller.post("/v1/rates", rate).status_code == 201
    again = caller.post("/v1/billing-runs", {"period": "2026-06"})
    assert (again.status_code, again.json["errors"]) == (201, [])
    assert numbers(engine) == ["FA-2026-000001", "FA-2026-000002"]


def test_progress_can_be_read_while_the_month_is_run(ground: Caller, engine: Engine) -> None:
    """Readers wait for nobody: a run that holds its batch is seen as running, with nothing done."""
    with reading(engine) as connection:
        assert connection.scalar(select(billing_run.c.period)) is None
    seen: list[Any] = []
    finished = threading.Event()

    def watch() -> None:
        while not finished.is_set():
            answer = ground("GET", "/v1/billing-runs/2026-06")
            seen.append(answer.json if answer.status_code == 200 else answer.status_code)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert ground.post("/v1/billing-runs", JUNE).status_code == 201
    finally:
        finished.set()
        watcher.join()
    seen.append(ground.get("/v1/billing-runs/2026-06"))
    stages = [404 if answer == 404 else answer["status"] for answer in seen]
    assert stages == sorted(stages, key=[404, "running", "complete"].index)
    assert stages[-1] == "complete"


def test_four_requests_at_once_run_a_month_once_r14(ground: Caller, engine: Engine) -> None:
    barrier = threading.Barrier(4)
    answers: list[Any] = []

    def ask() -> None:
        barrier.wait()
        answers.append(ground.post("/v1/billing-runs", JUNE))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert {answer.json["invoices"]["gross"] for answer in answers} == {"1350.00"}
    assert numbers(engine) == ["FA-2026-000001"]
    with reading(engine) as connection:
        assert len(connection.scalars(select(delivery.c.document_id)).all()) == 1


def test_who_funded_whom_is_told_for_a_completed_run(park: Caller) -> None:
    """R18: what meets a site's need sums to it."""
    told = park.get("/v1/cross-subsidy/2026-07", "auditor")
    assert (told["period"], set(told["sites"])) == ("2026-07", {"CAS", "TNG"})
    assert set(told["grants_left"]) == {"GN", "GS"}
    assert park("GET", "/v1/cross-subsidy/2026-09").status_code == 404
    matrix = park.get("/v1/cross-subsidy/2026-07/matrix", "auditor")
    assert matrix["period"] == "2026-07"
    assert {cell["funder"]["kind"] for cell in matrix["cells"]} & {"tenant", "grant"}
    assert park("GET", "/v1/cross-subsidy/2026-09/matrix").status_code == 404
