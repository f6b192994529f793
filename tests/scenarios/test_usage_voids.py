"""Usage events entered by mistake are voided: not billed, or taken back whole and what is left billed again (R10)."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from billing.check import check
from billing.frame.database import reading, writing
from billing.frame.errors import Refused
from billing.register.network_import import import_folder
from billing.run.usage_voids.queries import void_shapes
from billing.run.usage_voids.voiding import VoidOrder, void_events
from billing.run.usage_voids.voids_file import IMPORT_FILE
from tests.oracle.service import NOW
from tests.support.credit_notes import credits_by_hand
from tests.support.networks import Row
from tests.support.park import Park, text

STARTUP = {"code": "T1", "incorporated_on": "2025-06-01"}
LEASE = ("L1", "T1", "CAS", "CAS-1", "20", "2026-01-10", None)


def meals(event_id: str, quantity: str, day: str = "2026-05-11") -> Row:
    return {"event_id": event_id, "tenant": "T1", "site": "CAS", "quantity": quantity, "occurred_on": day}


def voids(park: Park, *event_ids: str, reason: str = "saisi deux fois") -> list[str]:
    with writing(park.engine) as connection:
        return void_events(connection, [VoidOrder(event_id, reason) for event_id in event_ids], recorded_at=NOW)


def of_meals(story: str) -> str:
    """The lines of a story that are of documents or of meals."""
    return "\n".join(line.strip() for line in story.splitlines() if "MEAL" in line)


def opens(park: Park, *usage: Row) -> None:
    meal = ("CAS", "MEAL", None, "2015-01-01", "36.00", "17.00", "33.00", "test")
    park.opens(tenants=[STARTUP], leases=[LEASE], usage=list(usage))
    park.enters(rates=[meal])


def imports(park: Park, rows: Sequence[tuple[str, str]], *, dry_run: bool = False) -> list[str]:
    """Import usage_voids.csv with what else the folder holds; return the report's lines."""
    lines = ["event_id,reason", *(",".join(row) for row in rows)]
    (park.folder / "usage_voids.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        report = import_folder(park.engine, park.folder, now=NOW, dry_run=dry_run, further=[IMPORT_FILE])
    finally:
        (park.folder / "usage_voids.csv").unlink()
    return [line for line in report.lines() if "usage" in line and "warning" not in line]


def test_w13_ninety_meals_too_many_are_credited_and_ten_billed_at_the_same_tier_and_rate(park: Park) -> None:
    opens(park, meals("E1", "100"))
    park.bills("2026-06")
    assert of_meals(park.issued("2026-06")) == "CAS MEAL 2026-05 subsidised 1700.00"
    assert voids(park, "E1") == ["E1"]
    park.enters(usage=[meals("E2", "10")])
    report = park.bills("2026-07")
    assert park.issued("2026-07") == text("""
        AV-2026-000001 T1: net 1700.00, VAT 170.00, due 1870.00
          CAS MEAL 2026-05 subsidised 1700.00, corrects FA-2026-000001
        FA-2026-000002 T1: net 1136.60, VAT 210.32, due 1346.92
          CAS L1 2026-07-01 to 2026-07-31 subsidised 966.60
          CAS MEAL 2026-05 subsidised 170.00
        """)
    # Draws: the office 2600.00 - 966.60, ten meals 330.00 - 170.00, less a hundred meals 3300.00 - 1700.00.
    assert report.cross_subsidy["sites"]["CAS"]["draws"] == "193.40"
    # Advantages: 2900.00 - 966.60, and ten meals less a hundred at 19.00 each.
    assert report.cross_subsidy["advantage"] == "223.40"
    assert check(park.engine) == []
    # It is over: the month after finds nothing more to take back.
    park.bills("2026-08")
    assert of_meals(park.issued("2026-08")) == ""
    assert check(park.engine) == []


def test_r10_an_event_that_was_not_billed_yet_is_billed_by_no_run(park: Park) -> None:
    opens(park, meals("E1", "100000"), meals("E2", "3"))
    assert voids(park, "E1") == ["E1"]
    park.bills("2026-06")
    assert of_meals(park.issued("2026-06")) == "CAS MEAL 2026-05 subsidised 51.00"
    assert check(park.engine) == []
    park.bills("2026-07")
    assert of_meals(park.issued("2026-07")) == ""
    assert check(park.engine) == []


def test_r10_what_is_left_is_billed_as_it_was_whatever_rate_tier_and_vat_are_now(park: Park) -> None:
    opens(park, meals("E1", "100"), meals("E2", "7"))
    park.bills("2026-06")
    park.enters(
        rates=[("CAS", "MEAL", None, "2015-01-01", "40.00", "15.00", "30.00", "corrected")],
        vat_rates=[("MEAL", "2015-01-01", "0.12")],
        tenants=[{**STARTUP, "kind": "large"}],
    )
    voids(park, "E1")
    # The same month, entered since: at the rate and tier of today.
    park.enters(usage=[meals("E3", "1")])
    park.bills("2026-07")
    assert of_meals(park.issued("2026-07")) == text("""
          CAS MEAL 2026-05 subsidised 1819.00, corrects FA-2026-000001
          CAS MEAL 2026-05 market 40.00
          CAS MEAL 2026-05 subsidised 119.00
        """)
    assert check(park.engine) == []


def test_r10_several_events_of_one_line_are_taken_back_at_once_or_one_after_the_other(park: Park) -> None:
    opens(park, meals("E1", "1"), meals("E2", "2"), meals("E3", "4"), meals("E4", "8"))
    park.bills("2026-06")
    assert voids(park, "E1", "E2") == ["E1", "E2"]
    park.bills("2026-07")
    assert of_meals(park.issued("2026-07")) == text("""
          CAS MEAL 2026-05 subsidised 255.00, corrects FA-2026-000001
          CAS MEAL 2026-05 subsidised 204.00
        """)
    assert voids(park, "E3") == ["E3"]
    with reading(park.engine) as connection:
        (void,) = void_shapes(connection, ["E3"])
    assert (void.invoice, void.credit_note) == ("FA-2026-000002", None)
    park.bills("2026-08")
    assert of_meals(park.issued("2026-08")) == text("""
          CAS MEAL 2026-05 subsidised 204.00, corrects FA-2026-000002
          CAS MEAL 2026-05 subsidised 136.00
        """)
    assert check(park.engine) == []
    voids(park, "E4")
    park.bills("2026-09")
    assert of_meals(park.issued("2026-09")) == "CAS MEAL 2026-05 subsidised 136.00, corrects FA-2026-000003"
    assert check(park.engine) == []
    assert park.balances().get("71243") == "-3866.40"


def test_r13_a_part_credited_by_hand_is_billed_again_when_the_line_is_taken_back(park: Park) -> None:
    opens(park, meals("E1", "100"), meals("E2", "10"))
    park.bills("2026-06")
    credits_by_hand(park, "FA-2026-000001", (2, 50000))
    voids(park, "E1")
    park.bills("2026-07")
    assert of_meals(park.issued("2026-07")) == text("""
          CAS MEAL 2026-05 subsidised 1870.00, corrects FA-2026-000001
          CAS MEAL 2026-05 subsidised 170.00
          CAS MEAL 2026-05 market 500.00
        """)
    assert check(park.engine) == []


def test_a_line_credited_whole_by_hand_before_its_event_was_voided_ends_at_what_is_left(park: Park) -> None:
    opens(park, meals("E1", "100"))
    park.bills("2026-06")
    credits_by_hand(park, "FA-2026-000001", (2, None))
    voids(park, "E1")
    park.bills("2026-07")
    # 1700.00 of meals and VAT: taken back by the run, given by hand, the gift taken back.
    assert "7129" not in park.balances()
    assert park.balances()["71243"] == "-1933.20"
    assert park.balances()["3421"] == "2319.84"
    assert check(park.engine) == []


def test_voiding_again_changes_nothing_and_every_unknown_event_is_named(park: Park) -> None:
    opens(park, meals("E1", "100"), meals("E2", "10"))
    assert voids(park, "E1") == ["E1"]
    assert voids(park, "E1", "E2", "E2", reason="autre raison") == ["E2"]
    assert voids(park, "E1") == []
    with reading(park.engine) as connection:
        assert [void.reason for void in void_shapes(connection, ["E1", "E2"])] == ["saisi deux fois", "autre raison"]
    with pytest.raises(Refused) as refused:
        voids(park, "E1", "E8", "E9", "E\0", reason=" ")
    assert [(fault.column, fault.value) for fault in refused.value.faults if fault.column == "event_id"] == [
        ("event_id", "E8"),
        ("event_id", "E9"),
        ("event_id", "E\0"),
    ]
    assert check(park.engine) == []


def test_a_void_frees_a_tenant_whose_month_could_not_be_billed(park: Park) -> None:
    """Findings B2: an event on a day without a rate."""
    opens(park, meals("E1", "1", "1999-11-03"))
    assert park.bills("2026-06").errors != ()
    voids(park, "E1")
    assert park.bills("2026-06").errors == ()
    assert "CAS L1 2026-06-01 to 2026-06-30" in park.issued("2026-06")
    assert check(park.engine) == []


def test_a_tenant_in_error_is_not_credited_until_it_can_be_billed(park: Park) -> None:
    opens(park, meals("E1", "100"))
    park.bills("2026-06")
    voids(park, "E1")
    park.enters(usage=[meals("E2", "1", "1999-11-03")])
    assert [tenant for tenant, _ in park.bills("2026-07").errors] == ["T1"]
    assert park.issued("2026-07") == ""
    assert check(park.engine) == []
    voids(park, "E2")
    park.bills("2026-07", "2026-07-02")
    assert of_meals(park.issued("2026-07")) == "CAS MEAL 2026-05 subsidised 1700.00, corrects FA-2026-000001"
    assert check(park.engine) == []


def test_a_file_voids_events_of_the_same_folder_and_its_dry_run_says_what_the_import_does(park: Park) -> None:
    opens(park, meals("E1", "100"))
    rows = [("E1", "saisi deux fois"), ("E2", "mauvais locataire")]
    with pytest.raises(Refused, match=r"usage_voids.csv:3: event_id 'E2' is no known usage event"):
        imports(park, rows)
    park.enters(usage=[meals("E3", "1")])
    with (park.folder / "usage.csv").open("a", encoding="utf-8") as file:
        file.write("E2,T1,CAS,MEAL,5,2026-05-12\n")
    said = ["usage.csv: 1 new, 0 changed, 1 unchanged", "usage_voids.csv: 2 new, 0 changed, 0 unchanged"]
    assert imports(park, rows, dry_run=True) == said
    assert imports(park, rows) == said
    again = [("E1", "une autre raison"), ("E2", "mauvais locataire")]
    assert imports(park, again)[-1] == "usage_voids.csv: 0 new, 0 changed, 2 unchanged"
    park.bills("2026-06")
    assert of_meals(park.issued("2026-06")) == "CAS MEAL 2026-05 subsidised 17.00"
    assert check(park.engine) == []


def test_every_fault_of_the_file_is_named_and_nothing_is_voided(park: Park) -> None:
    opens(park, meals("E1", "100"))
    with pytest.raises(Refused) as refused:
        imports(park, [("E1", ""), ("E8", "x"), ("E1", "x"), ("E1", "y")])
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [
        (2, "reason"),
        (3, "event_id"),
        (5, "event_id"),
    ]
    assert voids(park, "E1") == ["E1"]


def test_a_void_between_preview_and_run_is_in_the_run(park: Park) -> None:
    opens(park, meals("E1", "100"))
    before = park.preview("2026-06")
    voids(park, "E1")
    preview, run = park.preview("2026-06"), park.bills("2026-06")
    assert before.invoices.net - run.invoices.net == 170000
    assert (preview.invoices, preview.credit_notes) == (run.invoices, run.credit_notes)
    assert preview.cross_subsidy == run.cross_subsidy


def test_check_names_a_void_that_no_act_made_and_one_that_a_run_left_billed(park: Park) -> None:
    from tests.support.spoiling import behind_its_back

    opens(park, meals("E1", "100"))
    park.bills("2026-06")
    behind_its_back(
        park.engine,
        "INSERT INTO usage_void (usage_event_id, reason, voided_at) "
        f"SELECT id, 'x', '{datetime(2020, 1, 1, tzinfo=UTC):%Y-%m-%d %H:%M:%S.%f}' FROM usage_event",
    )
    problems = check(park.engine)
    assert any("E1 is void, and no act in the audit log made it so" in problem for problem in problems)
    assert any("E1 is void, and a run since has left it billed" in problem for problem in problems)
