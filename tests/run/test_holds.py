"""A tenant is held from a run, with a reason: it is billed by the next one, and nothing else changes (R24)."""

import csv
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, func, select

from billing.check import check
from billing.cli import main
from billing.frame.database import reading, writing
from billing.frame.errors import Refused, RunRefused
from billing.run.holds.holding import HoldOrder, hold
from billing.run.review.files import pieces, review_shape
from billing.run.tables import run_hold
from tests.oracle.service import NOW
from tests.support.api import Caller
from tests.support.pages import text_of
from tests.support.park import Park, open_park
from tests.support.park import text as block
from tests.support.statements import assert_no_statement_a_row
from tests.support.usage import voids

LARGE = {"kind": "large", "incorporated_on": "2000-01-01", "email": "compta@firme.example"}
STARTUP = {"kind": "startup", "incorporated_on": "2025-06-01", "email": "compta@firme.example"}


def office(number: int, **fields: str) -> dict[str, str]:
    return {"code": f"L{number}", "tenant": f"T{number}", "site": "CAS", "unit": f"C-{number}", "area_m2": "20",
            "starts_on": "2026-01-01"} | fields  # fmt: skip


def meals(event: str, tenant: str, day: str, quantity: str = "10") -> dict[str, str]:
    return {"event_id": event, "tenant": tenant, "site": "CAS", "service": "MEAL", "quantity": quantity,
            "occurred_on": day}  # fmt: skip


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    """Three firms, billed for June 2026: T3 at the subsidised price, T1 and T2 at the market's."""
    park = open_park(engine, tmp_path)
    park.opens(
        tenants=[{**LARGE, "code": "T1"}, {**LARGE, "code": "T2"}, {**STARTUP, "code": "T3"}],
        leases=[office(n) for n in (1, 2, 3)],
        usage=[meals("E1", "T1", "2026-05-04")],
    )
    park.bills("2026-06", "2026-06-01")
    return park


@pytest.fixture
def invoke(engine: Engine) -> Callable[..., Result]:
    """Runs a command on the test's database, within this process."""
    environment = {"DATABASE_URL": engine.url.render_as_string(hide_password=False)}
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environment)


@pytest.fixture(autouse=True)
def proved(engine: Engine, request: pytest.FixtureRequest) -> Iterator[None]:
    """What every story leaves is proved by `check`, but for those that spoil it."""
    yield
    if "spoilt" not in request.node.name:
        assert check(engine) == []


def reviewed(park: Park, month: str) -> Any:
    return review_shape(park.review(month, date.fromisoformat(f"{month}-01")))


def test_a_held_tenant_is_left_out_and_billed_by_the_next_run(park: Park) -> None:
    park.enters(usage=[meals("E2", "T1", "2026-06-04")])
    assert park.holds("2026-07", "T1") == ["T1"]
    preview = park.preview("2026-07", date(2026, 7, 1))
    report = park.bills("2026-07")
    assert (report.held, report.errors) == ((("T1", "bail en litige"),), ())
    assert (report.invoices, report.cross_subsidy, report.held) == (
        preview.invoices, preview.cross_subsidy, preview.held,
    )  # fmt: skip
    assert "  held: T1, which the next run bills: bail en litige" in report.lines()
    assert [document.buyer.code for document in park.documents("2026-07")] == ["T2", "T3"]
    # T1 brings nothing in July, and both months in August; T3 draws each month (R17, R18).
    funding = [park.exported_cross_subsidy(f"2026-{month}")["sites"]["CAS"] for month in ("06", "07")]
    assert [(site["contributions"], site["draws"]) for site in funding] == [
        ("630.00", "1633.40"), ("300.00", "1633.40"),
    ]  # fmt: skip
    park.bills("2026-08")
    assert park.issued("2026-08") == block(
        """
        FA-2026-000006 T1: net 6160.00, VAT 1196.00, due 7356.00
          CAS L1 2026-07-01 to 2026-07-31 market 2900.00
          CAS L1 2026-08-01 to 2026-08-31 market 2900.00
          CAS MEAL 2026-06 market 360.00
        FA-2026-000007 T2: net 2900.00, VAT 580.00, due 3480.00
          CAS L2 2026-08-01 to 2026-08-31 market 2900.00
        FA-2026-000008 T3: net 966.60, VAT 193.32, due 1159.92
          CAS L3 2026-08-01 to 2026-08-31 subsidised 966.60
        """
    )


def test_the_review_names_who_is_held_and_the_next_one_says_catch_up(park: Park) -> None:
    before = reviewed(park, "2026-07")
    park.holds("2026-07", "T1")
    review = park.review("2026-07", date(2026, 7, 1))
    shape = review_shape(review)
    assert (shape.held, shape.vanished, [x.tenant for x in shape.documents]) == (["T1"], [], ["T2", "T3"])
    assert shape.digest != before.digest
    operator = park.settings.operator.party
    rows = list(csv.DictReader(io.StringIO(b"".join(pieces(review, "csv", operator)).decode())))
    assert [(row["kind"], row["tenant"], row["problem"]) for row in rows if row["kind"] == "held"] == [
        ("held", "T1", "bail en litige")
    ]
    page = text_of(b"".join(pieces(review, "pdf", operator)))
    assert "Suspendu" in page
    assert "bail en litige" in page
    park.bills("2026-07")
    [late] = [x for x in reviewed(park, "2026-08").documents if x.tenant == "T1"]
    # Compared with June, the last run that did not leave it out: 2900.00 for the office and 300.00 for meals.
    assert late.previous is not None
    assert (late.previous.period, late.previous.net, late.difference) == ("2026-06", "3260.00", "2540.00")
    assert (late.reasons, late.flags) == (["usage", "catch_up"], [])


def test_a_tenant_held_twice_in_a_row_is_billed_three_months_at_once(park: Park) -> None:
    for month in ("2026-07", "2026-08"):
        park.holds(month, "T3")
        park.bills(month)
    [late] = [x for x in reviewed(park, "2026-09").documents if x.tenant == "T3"]
    assert (late.net, late.reasons, late.flags) == ("2899.80", ["catch_up"], ["above_twice_last"])
    park.bills("2026-09")
    assert [line.priced.month.month for line in park.documents("2026-09")[2].lines] == [7, 8, 9]
    assert park.exported_cross_subsidy("2026-09")["sites"]["CAS"]["draws"] == "4900.20"


def test_what_was_voided_and_mended_meanwhile_waits_for_the_next_run(park: Park) -> None:
    voids(park, "E1")
    park.enters(leases=[office(1, area_m2="10")])
    park.holds("2026-07", "T1")
    park.bills("2026-07")
    assert [document.buyer.code for document in park.documents("2026-07")] == ["T2", "T3"]
    park.bills("2026-08")
    # June is repaired, July caught up, the void meals taken back.
    assert (
        park.issued("2026-08").splitlines()[:7]
        == block(
            """
        AV-2026-000001 T1: net 3260.00, VAT 616.00, due 3876.00
          CAS L1 2026-06-01 to 2026-06-30 market 2900.00, corrects FA-2026-000001
          CAS MEAL 2026-05 market 360.00, corrects FA-2026-000001
        FA-2026-000006 T1: net 4350.00, VAT 870.00, due 5220.00
          CAS L1 2026-06-01 to 2026-06-30 market 1450.00
          CAS L1 2026-07-01 to 2026-07-31 market 1450.00
          CAS L1 2026-08-01 to 2026-08-31 market 1450.00
        """
        ).splitlines()
    )


def test_a_tenant_held_from_the_first_run_is_billed_from_there(engine: Engine, tmp_path: Path) -> None:
    park = open_park(engine, tmp_path)
    park.opens(tenants=[{**LARGE, "code": "T1"}, {**LARGE, "code": "T2"}], leases=[office(1), office(2)])
    park.holds("2026-06", "T1")
    park.bills("2026-06")
    assert reviewed(park, "2026-07").documents[0].reasons == ["new_tenant", "catch_up"]
    park.bills("2026-07")
    assert [line.priced.month.month for line in park.documents("2026-07")[0].lines] == [6, 7]


def test_a_hold_taken_back_holds_nobody_and_may_be_given_again(park: Park) -> None:
    assert park.holds("2026-07", "T1", "T2") == ["T1", "T2"]
    assert park.holds("2026-07", "T1", "T3") == ["T3"]
    assert park.holds("2026-07", "T1", "T2", reason="signé", release=True) == ["T1", "T2"]
    assert park.holds("2026-07", "T2", reason="signé", release=True) == []
    assert park.holds("2026-07", "T2", reason="encore un doute") == ["T2"]
    assert park.bills("2026-07").held == (("T2", "encore un doute"), ("T3", "bail en litige"))
    assert [document.buyer.code for document in park.documents("2026-07")] == ["T1"]


def test_the_retry_for_a_mended_tenant_leaves_who_is_held(park: Park) -> None:
    agadir = {"code": "AGA", "name": "Technopark Agadir", "city": "Agadir"}
    park.enters(
        sites=[agadir],
        tenants=[{**LARGE, "code": code} for code in ("T4", "T5")],
        leases=[office(number, site="AGA") for number in (4, 5)],
    )
    park.holds("2026-07", "T1")
    assert [code for code, _ in park.bills("2026-07").errors] == ["T4", "T5"]
    # Who could not be billed may be held from the retry.
    park.holds("2026-07", "T5", reason="bail à revoir")
    rate = {"site": "AGA", "service": "OFFICE", "market": "105.00", "subsidised": "1/3", "full_cost": "101.50"}
    park.enters(rates=[rate])
    assert [x.tenant for x in reviewed(park, "2026-07").documents] == ["T4"]
    retry = park.bills("2026-07")
    assert (retry.errors, retry.held) == ((), (("T1", "bail en litige"), ("T5", "bail à revoir")))
    assert [x.buyer.code for x in park.documents("2026-07")] == ["T2", "T3", "T4"]
    assert park.bills("2026-07").issued_now is False
    park.bills("2026-08")
    assert [(x.buyer.code, len(x.lines)) for x in park.documents("2026-08")] == [
        ("T1", 2), ("T2", 1), ("T3", 1), ("T4", 1), ("T5", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("month", "tenants", "reason", "problem"),
    [
        ("2026-07", ("T1", "T9"), "litige", "tenant 'T9' is no known tenant"),
        ("2026-07", ("T1",), "  ", "reason"),
        ("2026-06", ("T1",), "litige", "tenant 'T1' has been through the run of 2026-06"),
        ("2026-05", ("T1",), "litige", "period '2026-05' comes before 2026-06, the latest run"),
    ],
)
def test_an_order_that_can_not_be_is_refused(
    park: Park, month: str, tenants: tuple[str, ...], reason: str, problem: str
) -> None:
    with pytest.raises(Refused, match=problem):
        park.holds(month, *tenants, reason=reason)
    assert park.bills("2026-07").held == ()


def test_a_month_far_ahead_and_a_hold_never_given_are_refused(park: Park) -> None:
    order = HoldOrder(date(2062, 7, 1), ("T1",), "litige")
    with writing(park.engine) as connection, pytest.raises(Refused, match="'2062-07' is later than 2026-08"):
        hold(connection, order, today=date(2026, 7, 31), recorded_at=NOW)
    with pytest.raises(Refused, match="tenant 'T1' is not held from 2026-07"):
        park.holds("2026-07", "T1", release=True)


def test_who_was_held_is_final_once_the_month_has_run(park: Park) -> None:
    park.holds("2026-07", "T1")
    park.bills("2026-07")
    for release in (False, True):
        with pytest.raises(Refused, match="'T1' was held from 2026-07, which has been run"):
            park.holds("2026-07", "T1", release=release)


def test_a_hold_after_the_review_changes_what_was_reviewed(park: Park) -> None:
    digest = park.review("2026-07", date(2026, 7, 1)).digest
    park.holds("2026-07", "T2")
    with pytest.raises(RunRefused, match="facts changed since the review"):
        park.run("2026-07", date(2026, 7, 1), digest)
    assert park.documents("2026-07") == []


def test_a_hold_from_a_month_that_never_ran_is_said(park: Park) -> None:
    park.holds("2026-07", "T1")
    shape = reviewed(park, "2026-08")
    assert shape.held == []
    assert shape.warnings == ["T1 is held from 2026-07, which has not been run: 2026-08 bills it"]
    park.holds("2026-08", "T1")
    assert (reviewed(park, "2026-08").held, reviewed(park, "2026-08").warnings) == (["T1"], [])


def test_requests_hold_release_and_list(ground: Caller, engine: Engine) -> None:
    address = "/v1/billing-runs/2026-09/holds"
    first = ground.post(address, {"tenant": "T1", "reason": "litige"})
    assert (first.status_code, first.json["state"], first.json["outcome"]) == (201, "held", None)
    assert ground.post(address, {"tenant": "T1", "reason": "autre"}).json == first.json
    assert ground.post(address, {"tenant": "T1", "reason": "autre"}).status_code == 200
    released = ground.post(f"{address}/T1/release", {"reason": "signé"})
    assert (released.status_code, released.json["state"], released.json["reason"]) == (201, "released", "signé")
    assert ground.post(f"{address}/T1/release", {"reason": "signé"}).status_code == 200
    assert ground.post(address, {"tenant": "T9", "reason": "x"}).status_code == 422
    assert ground.post(address, {"tenant": "T2", "reason": "litige"}).status_code == 201
    run = ground.post("/v1/billing-runs", {"period": "2026-09"})
    assert (run.status_code, run.json["held"]) == (201, [{"tenant": "T2", "reason": "litige"}])
    outcomes = ground.get("/v1/billing-runs/2026-09/outcomes?status=held")["items"]
    assert [(x["tenant"], x["status"], x["message"]) for x in outcomes] == [("T2", "held", "litige")]
    assert ground.get("/v1/billing-runs/2026-09")["outcomes"]["held"] == 1
    listed = ground.get("/v1/run-holds?period=2026-09")["items"]
    assert [(x["tenant"], x["state"], x["outcome"]) for x in listed] == [
        ("T1", "released", "issued"), ("T2", "held", "held"),
    ]  # fmt: skip
    assert ground.get("/v1/run-holds?period=2026-10")["items"] == []
    changes = ground.get("/v1/changes?subject=run_holds&key=2026-09/T1")["items"]
    assert [change["after"]["held"] for change in changes] == [True, False]


def test_eight_at_once_hold_a_tenant_once(ground: Caller, engine: Engine) -> None:
    address = "/v1/billing-runs/2026-09/holds"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ground.post(address, {"tenant": "T1", "reason": f"{n}"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["reason"] for answer in answers}) == 1
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(run_hold)) == 1


def test_commands_hold_release_and_list(ground: Caller, invoke: Callable[..., Result]) -> None:
    assert "nobody is held" in invoke("holds", "list").stdout
    without = invoke("holds", "add", "2026-10", "T1")
    assert (without.exit_code, "needs a reason" in without.stderr) == (1, True)
    done = invoke("holds", "add", "2026-10", "T1", "T2", "--reason", "litige")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0, [f"{code} is held from the run of 2026-10: the next run bills it" for code in ("T1", "T2")],
    )  # fmt: skip
    back = invoke("holds", "release", "2026-10", "T2", "--reason", "signé")
    assert back.stdout == "T2 is billed by the run of 2026-10\n"
    again = invoke("holds", "add", "2026-10", "T1", "--reason", "autre")
    assert "T1 is held from the run of 2026-10" in again.stdout
    assert "nothing changed" in again.stdout
    listed = invoke("holds", "list", "2026-10").stdout
    assert [line.split()[:2] for line in listed.splitlines() if line.strip().startswith("2026-10")] == [
        ["2026-10", "T1"], ["2026-10", "T2"],
    ]  # fmt: skip


def test_check_names_a_hold_that_was_spoilt(park: Park) -> None:
    park.holds("2026-07", "T1")
    park.bills("2026-07")
    assert check(park.engine) == []
    with park.engine.begin() as connection:
        row = "INSERT INTO run_hold VALUES ('2026-06-01', 'T2', 1, 'faux', '2026-06-01 09:00:00')"
        connection.exec_driver_sql(row)
        connection.exec_driver_sql("UPDATE run_outcome SET message = 'autre' WHERE status = 'held'")
    problems = check(park.engine)
    assert "hold 2026-06/T2: its acts are [(True, 'faux')], the audit log says []" in problems
    assert "T2 is held from the run of 2026-06, which billed it all the same" in problems
    assert "the run of 2026-07 left T1 out as held, and no hold with that reason stands" in problems


def test_holds_are_listed_with_as_many_statements_for_two_as_for_all(park: Park, caller_of: Any) -> None:
    park.holds("2026-07", "T1", "T2", "T3")
    assert_no_statement_a_row(caller_of(park.engine), park.engine, "/v1/run-holds")
