"""Why a document says what it says: from the facts as they stood, whatever the register says by now."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from msgspec import to_builtins
from sqlalchemy import Engine, select

from billing.documents.explanation.explaining import explain
from billing.documents.explanation.shapes import DocumentExplanation
from billing.frame.database import reading
from billing.register.history import lease_history
from invoices.errors import UnknownDocument
from invoices.models import document
from tests.conftest import FreshEngine
from tests.oracle.service import Service
from tests.oracle.strategies import Enter, Step, histories
from tests.support.api import CallerOf
from tests.support.billed_park import bill_park
from tests.support.credit_notes import cancels_by_hand, credits_by_hand
from tests.support.debts import decides
from tests.support.examples import QUIET
from tests.support.networks import Row
from tests.support.one_off import bills_by_hand
from tests.support.park import Park, open_park
from tests.support.people import invoker, ok, refused
from tests.support.queued import environment
from tests.support.statements import counted_statements
from tests.support.till import order, receives
from tests.support.usage import voids

FIRST = "FA-2026-000001"
# Founded on 15 January 2024, admitted on 10 March 2025: the window ends with 9 September 2026 (W1).
STARTUP: dict[str, str] = {"code": "T1", "incorporated_on": "2024-01-15"}
OFFICE: dict[str, str] = {"code": "L1", "tenant": "T1", "site": "TNG", "area_m2": "22.5", "starts_on": "2025-03-10"}
LARGE: dict[str, str] = {"code": "T2", "kind": "large", "incorporated_on": "2000-01-01"}
HALL: dict[str, str] = {"code": "L2", "tenant": "T2", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    return open_park(engine, tmp_path)


def explained(park: Service, number: str = FIRST) -> DocumentExplanation:
    with reading(park.engine) as connection:
        return explain(connection, number)


def all_explained(park: Service, known: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Every document's explanation but those known, without what became of it since: of its run and its money."""
    with reading(park.engine) as connection:
        numbers = connection.scalars(select(document.c.number).order_by(document.c.id)).all()
        read = {number: to_builtins(explain(connection, number)) for number in numbers if number not in known}
    for explanation in read.values():
        for name in ("settled", "credited", "counted_in", "positions", "funding"):
            del explanation[name]
    return {**known, **read}


def meals(*events: tuple[str, str, str], tenant: str = "T1", site: str = "TNG") -> list[Row]:
    return [
        {"event_id": code, "tenant": tenant, "site": site, "service": "MEAL", "quantity": quantity, "occurred_on": day}
        for code, quantity, day in events
    ]


def test_w1_a_tier_change_within_the_month_is_two_lines_with_the_window_they_rest_on(park: Park) -> None:
    park.opens(tenants=[STARTUP], leases=[OFFICE])
    park.bills("2026-09")
    before = explained(park)
    subsidised, market = before.lines
    for line, days, tier, price, part in (
        (subsidised, ("2026-09-01", "2026-09-09", 9, 30), "subsidised", "50.00", ("0.00", "567.00", "675.00")),
        (market, ("2026-09-10", "2026-09-30", 21, 30), "market", "150.00", ("252.00", "0.00", "0.00")),
    ):
        assert line.lease is not None
        assert line.tier_basis is not None
        assert line.tier_basis.window is not None
        lease, basis = line.lease, line.tier_basis
        assert (str(lease.first_day), str(lease.last_day), lease.days, lease.days_in_month) == days
        assert (lease.code, lease.area_m2, lease.unit) == ("L1", "22.5", "U-L1")
        assert (line.tier, line.unit_price, line.is_reproduced) == (tier, price, True)
        assert (str(basis.admission_day), basis.first_lease, basis.is_eligible) == ("2025-03-10", "L1", True)
        assert str(basis.admitted_before) == "2026-01-15"
        assert (str(line.tier_basis.window.first_day), str(line.tier_basis.window.last_day)) == (
            "2025-03-10", "2026-09-09",
        )  # fmt: skip
        part_of = line.cross_subsidy
        assert (part_of.contribution, part_of.draw, part_of.advantage) == part
        [rate] = line.rates
        assert (rate.tenant_kind, str(rate.effective_from), rate.market, rate.subsidised, rate.full_cost) == (
            None, "2015-01-01", "150.00", "50.00", "134.00",
        )  # fmt: skip
        assert (rate.source, rate.entered is not None) == ("test", True)
        assert line.vat is not None
        assert (line.vat.rate, str(line.vat.effective_from)) == ("0.20", "2015-01-01")
    assert [position.draw for position in before.positions] == ["567.00"]
    assert [(part.step, part.received, part.given) for part in before.funding] == [
        ("own", "252.00", "252.00"), ("unfunded", "315.00", "0.00"),
    ]  # fmt: skip


def test_an_explanation_stays_what_it_was_whatever_the_register_says_since(park: Park) -> None:
    park.opens(tenants=[STARTUP, LARGE], leases=[OFFICE, HALL], usage=meals(("U1", "3", "2026-05-04")))
    park.bills("2026-06")
    before = all_explained(park)
    park.enters(
        tenants=[STARTUP | {"kind": "large", "incorporated_on": "1999-01-01"}, LARGE, {"code": "T3"}],
        leases=[
            OFFICE | {"tenant": "T3", "area_m2": "30", "starts_on": "2023-01-01"},
            HALL | {"ends_on": "2026-06-10"},
            {"code": "L0", "tenant": "T1", "site": "CAS", "area_m2": "1", "starts_on": "2020-01-01"},
        ],
        rates=[
            ("TNG", "OFFICE", None, "2015-01-01", "160.00", "1/2", "140.00", "corrigé"),
            ("TNG", "OFFICE", "startup", "2026-01-01", "170.00", "60.00", "150.00", "nouveau"),
            ("TNG", "MEAL", None, "2026-05-01", "35.00", "16.00", "32.00", "nouveau"),
        ],
        vat_rates=[("OFFICE", "2015-01-01", "0.10"), ("MEAL", "2026-01-01", "0.07")],
    )
    assert all_explained(park) == before
    park.bills("2026-07")
    after = all_explained(park)
    assert {number: after[number] for number in before} == before
    # What the next run repairs is explained by the facts it found, and by what they were.
    [note] = [x for x in after.values() if x["kind"] == "credit_note" and x["tenant"] == "T1"]
    [line] = note["lines"]
    assert (line["takes_back"], line["rates"][0]["market"], line["is_reproduced"]) == (
        {"document": FIRST, "line": 1}, "150.00", True,
    )  # fmt: skip
    assert {(change["subject"], change["key"]) for change in line["changes"]} >= {
        ("leases", "L1"), ("tenants", "T1"), ("rates", "TNG/OFFICE/*/2015-01-01"), ("vat_rates", "OFFICE/2015-01-01"),
    }  # fmt: skip
    assert all(x["is_reproduced"] for explanation in after.values() for x in explanation["lines"])


def test_w9_a_repair_names_what_was_changed_by_whom(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[HALL])
    park.bills("2026-06")
    park.enters(leases=[HALL | {"ends_on": "2026-06-15"}], tenants=[LARGE | {"email": "x@y.ma"}])
    park.bills("2026-07")
    taken, billed = explained(park, "AV-2026-000001").lines[0], explained(park, "FA-2026-000002").lines[0]
    assert (taken.origin, taken.cross_subsidy.contribution, billed.cross_subsidy.contribution) == (
        "taken_back", "-300.00", "150.00",
    )  # fmt: skip
    assert billed.lease is not None
    assert (billed.lease.days, str(billed.lease.ends_on)) == (15, "2026-06-15")
    for line in (taken, billed):
        [change] = line.changes
        assert (change.subject, change.key) == ("leases", "L2")
        assert (change.before, change.after) == ({"ends_on": ""}, {"ends_on": "2026-06-15"})
    [crediting] = explained(park).credited
    assert (crediting.credit_note, crediting.amount, crediting.kind) == ("AV-2026-000001", "2900.00", "repair")


def test_usage_merged_from_events_names_them_and_a_void_bills_the_rest_at_its_first_terms(park: Park) -> None:
    park.opens(
        tenants=[STARTUP], leases=[OFFICE], usage=meals(("U1", "100", "2026-05-04"), ("U2", "2.5", "2026-05-30"))
    )
    park.bills("2026-06")
    [line] = [x for x in explained(park).lines if x.origin == "usage"]
    assert [(x.event_id, x.quantity, str(x.occurred_on)) for x in line.events] == [
        ("U1", "100", "2026-05-04"), ("U2", "2.5", "2026-05-30"),
    ]  # fmt: skip
    assert (line.quantity, line.unit_price, line.vat_rate, line.is_reproduced) == ("102.5", "17.50", "0.10", True)
    voids(park, "U1")
    park.enters(rates=[("TNG", "MEAL", None, "2015-01-01", "30.00", "10.00", "20.00", "corrigé")])
    park.enters(usage=meals(("U3", "1", "2026-05-31")))
    park.bills("2026-07")
    [credited] = explained(park, "AV-2026-000001").lines
    [again, new] = sorted(
        (x for x in explained(park, "FA-2026-000002").lines if x.origin == "usage"), key=lambda x: -float(x.quantity)
    )
    assert credited.takes_back is not None
    assert (credited.takes_back.document, [x.event_id for x in credited.events]) == (FIRST, ["U1", "U2"])
    assert [change.key for change in credited.changes if change.subject == "usage_voids"] == ["U1"]
    assert (again.unit_price, again.rates[0].subsidised, again.is_reproduced) == ("17.50", "17.50", True)
    [event] = again.events
    assert event.billed_before is not None
    assert (event.event_id, event.billed_before.document) == ("U2", FIRST)
    assert (new.unit_price, new.rates[0].source, new.is_reproduced) == ("10.00", "corrigé", True)


def test_r10_a_void_after_the_issue_changes_no_explanation_but_that_of_what_takes_the_line_back(park: Park) -> None:
    park.opens(tenants=[STARTUP], leases=[OFFICE], usage=meals(("U1", "2", "2026-05-04"), ("U2", "3", "2026-05-05")))
    voids(park, "U2")
    park.bills("2026-06")
    before = all_explained(park)
    [line] = [x for x in before[FIRST]["lines"] if x["origin"] == "usage"]
    assert [(x["event_id"], x["void_reason"]) for x in line["events"]] == [("U1", None)]
    voids(park, "U1", reason="compté deux fois")
    assert all_explained(park) == before
    park.bills("2026-07")
    assert all_explained(park)[FIRST] == before[FIRST]
    [credited] = explained(park, "AV-2026-000001").lines
    assert [(x.event_id, x.void_reason) for x in credited.events] == [("U1", "compté deux fois")]
    [change] = credited.changes
    assert (change.subject, change.key, change.after) == ("usage_voids", "U1", {"reason": "compté deux fois"})
    assert "event U1 of 2026-05-04: 2; void: compté deux fois" in credited.why


def test_r13_of_rates_only_versions_that_were_in_force_for_the_tenant_are_given_as_reasons(park: Park) -> None:
    large = ("TNG", "OFFICE", "large", "2015-01-01", "300.00", "300.00", "134.00", "test")
    later = ("TNG", "OFFICE", None, "2026-06-20", "150.00", "51.00", "134.00", "test")
    sme = ("TNG", "OFFICE", "sme", "2026-06-01", "140.00", "45.00", "130.00", "test")
    park.opens(tenants=[STARTUP], leases=[OFFICE])
    park.enters(rates=[large, later, sme])
    park.bills("2026-06")
    park.enters(
        rates=[
            (*large[:4], "310.00", *large[5:]),
            (*later[:5], "52.00", *later[6:]),
            (*sme[:5], "46.00", *sme[6:]),
            ("TNG", "OFFICE", None, "2014-01-01", "149.00", "49.00", "133.00", "ancien"),
        ]
    )
    park.bills("2026-07")
    changed = {
        str(line.lease.first_day): [change.key for change in line.changes]
        for number in ("AV-2026-000001", "FA-2026-000002")
        for line in explained(park, number).lines
        if line.lease is not None and line.month == "2026-06"
    }
    assert changed == {"2026-06-20": ["TNG/OFFICE/*/2026-06-20"]}


def test_explaining_takes_as_many_statements_for_many_lines_of_many_documents_as_for_one(park: Park) -> None:
    leases = [
        OFFICE | {"starts_on": "2026-08-01"},
        *(OFFICE | {"code": f"M{n}", "tenant": "T2"} for n in range(1, 9)),
    ]
    of_months = [(f"U{n}", "1", f"2026-0{n}-01") for n in (1, 2, 3, 4, 5)]
    usage = [*meals(("U0", "1", "2026-07-01")), *meals(*of_months, tenant="T2")]
    park.opens(tenants=[STARTUP, LARGE], leases=[*leases], usage=usage)
    for month in ("2026-06", "2026-07", "2026-08"):
        park.bills(month)
    park.enters(leases=[lease | {"area_m2": "30"} for lease in leases])
    park.bills("2026-09")
    counts = {}
    for number in ("FA-2026-000003", "FA-2026-000001", "AV-2026-000001", "AV-2026-000002"):
        with counted_statements(park.engine) as statements:
            lines = explained(park, number).lines
        counts[len(lines), len({line.takes_back and line.takes_back.document for line in lines})] = len(statements)
    assert list(counts) == [(2, 1), (13, 1), (1, 1), (24, 3)]
    small_invoice, large_invoice, small_note, large_note = counts.values()
    assert (small_invoice, small_note) == (large_invoice, large_note)


def test_the_history_of_a_tenants_leases_is_not_that_of_one_whose_code_differs_by_a_capital(park: Park) -> None:
    small: dict[str, str] = {"code": "t1", "kind": "large", "incorporated_on": "2000-01-01"}
    park.opens(tenants=[STARTUP, small], leases=[OFFICE, HALL | {"code": "l1", "tenant": "t1"}])
    with reading(park.engine) as connection:
        assert {change.key for change in lease_history(connection, "T1").changes} == {"L1"}
        assert {change.key for change in lease_history(connection, "t1").changes} == {"l1"}


def test_a_credit_note_by_hand_is_explained_by_its_reason_and_what_withdraws_it_says_so(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[HALL])
    park.bills("2026-06")
    note = credits_by_hand(park, FIRST, (1, 50000)).number
    rebate = explained(park, note)
    [line] = rebate.lines
    assert (rebate.reason, rebate.issued_by) == ("Climatisation en panne du 3 au 9 juin", "amina")
    assert (line.origin, line.rates, line.tier_basis, line.is_reproduced) == ("by_hand", [], None, None)
    assert line.takes_back is not None
    assert (line.takes_back.document, line.takes_back.line, line.cross_subsidy.contribution) == (FIRST, 1, "0.00")
    park.enters(leases=[HALL | {"ends_on": "2026-06-15"}])
    park.bills("2026-07")
    [again] = [x for x in explained(park, "FA-2026-000002").lines if x.origin == "billed_again"]
    assert (again.withdraws, again.is_reproduced) == (note, None)
    assert [(x.credit_note, x.kind, x.withdrawn_by) for x in explained(park).credited] == [
        (note, "rebate", "FA-2026-000002"), ("AV-2026-000002", "repair", None),
    ]  # fmt: skip


def test_a_cancellation_is_explained_by_the_line_it_takes_back_and_counted_by_the_next_run(park: Park) -> None:
    park.opens(tenants=[STARTUP], leases=[OFFICE], usage=meals(("U1", "2", "2026-05-04")))
    park.bills("2026-06")
    park.enters(rates=[("TNG", "MEAL", None, "2015-01-01", "34.00", "16.00", "31.50", "corrigé")])
    note = cancels_by_hand(park, FIRST).number
    assert explained(park, note).counted_in is None
    park.bills("2026-07")
    cancelled = explained(park, note)
    assert (cancelled.counted_in, [x.is_reproduced for x in cancelled.lines]) == ("2026-07", [True, True])
    assert [x.draw for x in (line.cross_subsidy for line in cancelled.lines)] == ["-1890.00", "-28.00"]
    # What was cancelled is priced anew.
    [meal] = [x for x in explained(park, "FA-2026-000002").lines if x.service == "MEAL"]
    assert (meal.unit_price, meal.is_reproduced, meal.rates[0].source) == ("16.00", True, "corrigé")


def test_r5_a_window_ends_18_months_after_an_earlier_stay_and_r4_a_late_admission_has_none(park: Park) -> None:
    park.opens(
        tenants=[
            {"code": "T1", "incorporated_on": "2024-05-01", "admitted_on": "2024-08-31"},
            {"code": "T2", "incorporated_on": "2024-05-01"},
            {"code": "T3", "kind": "large"},
        ],
        leases=[
            {"code": f"L{n}", "tenant": f"T{n}", "site": "TNG", "area_m2": "10", "starts_on": "2026-05-01"}
            for n in (1, 2, 3)
        ],
    )
    park.bills("2026-06")
    sentences = {}
    for number in (1, 2, 3):
        [line] = explained(park, f"FA-2026-00000{number}").lines
        assert (line.tier, line.is_reproduced) == ("market", True)
        sentences[number] = next(sentence for sentence in line.why if sentence.startswith("market"))
    assert "an earlier stay" in sentences[1]
    assert "2024-08-31 to 2026-02-27" in sentences[1]
    assert sentences[2] == "market: admitted on 2026-05-01, when it was 24 months old or older (founded on 2024-05-01)"
    assert sentences[3] == "market: the kind large has no claim to the subsidised price"


def test_what_settled_a_document_is_shown_in_the_order_of_days(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[HALL])
    park.bills("2026-06")
    receives(park, order("1200.00", tenant="T2", on="2026-06-20", pays={FIRST: "1200.00"}))
    decides(park, "written_off", "600.00", on="2026-07-20")
    settled = [(str(x.on), x.act, x.amount, x.vat_due, x.by, x.reason) for x in explained(park).settled]
    assert settled == [
        ("2026-06-20", "allocated", "1200.00", "200.00", "RG-000001", None),
        ("2026-07-20", "written_off", "600.00", "0.00", None, "redressement judiciaire"),
    ]


def test_the_command_and_the_api_explain_as_the_function_does(
    engine: Engine, tmp_path: Path, caller_of: CallerOf
) -> None:
    bill_park(engine, tmp_path / "billed")
    caller = caller_of(engine)
    answer = caller.get(f"/v1/documents/{FIRST}/explanation")
    with reading(engine) as connection:
        assert answer == to_builtins(explain(connection, FIRST))
        with pytest.raises(UnknownDocument):
            explain(connection, "FA-2026-000099")
    assert caller("GET", "/v1/documents/FA-2026-000099/explanation").status_code == 404
    run = invoker(environment(engine, tmp_path))
    assert "window of 18 months" in ok(run("documents", "explain", FIRST))
    assert ok(run("documents", "explain", FIRST, "--format", "csv")).count(FIRST) == len(answer["lines"])
    assert "no document bears the number FA-2026-000099" in refused(run("documents", "explain", "FA-2026-000099"))


@pytest.mark.parametrize("fresh_engine", ["sqlite"], indirect=True)
def test_in_any_history_the_facts_named_give_each_line_then_and_later(
    fresh_engine: FreshEngine, tmp_path: Path
) -> None:
    # Shrinking takes minutes and shows little: what differs is printed.
    @settings(max_examples=12, suppress_health_check=QUIET, derandomize=True, phases=[Phase.generate])
    @given(histories())
    def explain_history(history: tuple[Step, ...]) -> None:
        with fresh_engine() as engine:
            service, then = Service(engine, tmp_path / "network"), dict[str, Any]()
            for step in history:
                if isinstance(step, Enter):
                    service.enter(step.files)
                elif not step.dry:
                    service.run(step.month)
                    then = all_explained(service, known=then)
            now = all_explained(service)
            for number, explanation in then.items():
                assert now[number] == explanation, number
                for line in explanation["lines"]:
                    assert line["is_reproduced"], (number, line)

    explain_history()


def test_r27_a_one_off_invoice_and_what_cancels_it_are_explained_by_who_made_them(park: Park) -> None:
    park.opens(tenants=[LARGE], leases=[HALL])
    number = bills_by_hand(park, "MEAL;Cocktail;3;100.00", tenant="T2", on="2026-06-02").number
    note = cancels_by_hand(park, number, on="2026-06-20").number
    for explanation in (explained(park, number), explained(park, note)):
        [line] = explanation.lines
        assert (line.origin, line.rates, line.is_reproduced) == ("by_hand", [], None)
        assert any(sentence.startswith("a person decided it: ") for sentence in line.why)
