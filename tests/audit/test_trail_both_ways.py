"""The trail both ways: from every kind of entry to its cause and to a person, from every thing to what came of it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.json import decode
from sqlalchemy import Engine, func, select

from billing.audit.feed.queries import BEGINNING, events_after
from billing.audit.feed.types import is_wanted_type
from billing.audit.trail.causes import FORMS, causes_of, form_of
from billing.audit.trail.following import Place, follow, follow_balance
from billing.audit.trail.queries import SUBJECTS, entry_trails
from billing.audit.trail.shapes import Trail, TrailStep
from billing.cli import main
from billing.frame.database import reading
from billing.frame.errors import TooLong, Unknown
from billing.frame.shapes import encode
from billing.frame.tables import audit_change
from ledger.models import entry, posting
from pricing.money import format_amount
from tests.support.api import Caller, CallerOf
from tests.support.networks import Row
from tests.support.park import Park, open_park
from tests.support.statements import counted_statements
from tests.support.till import order, receives
from tests.support.whole_story import tells


@pytest.fixture
def story(engine: Engine, tmp_path: Path) -> Park:
    """The park of the whole story."""
    park = open_park(engine, tmp_path)
    tells(park)
    return park


def followed(park: Park, name: str, kind: str | None = None) -> Trail:
    with reading(park.engine) as connection:
        return follow(connection, name, kind)


def named(steps: Sequence[TrailStep], kind: str) -> list[str]:
    return [step.name for step in steps if step.kind == kind]


def test_every_kind_of_entry_leads_to_its_cause_and_to_a_person(story: Park) -> None:
    with reading(story.engine) as connection:
        heads = connection.execute(select(entry).order_by(entry.c.id)).all()
        trails = entry_trails(connection, heads)
        # A cut-off takes the end of a year: tests/books/test_cut_off.py follows one.
        assert {form_of(trail.reference)[0] for trail in trails} == set(FORMS.values()) - {"cut_off"}
        assert [trail.reference for trail in trails if not trail.causes or trail.act is None] == []
        described = causes_of(connection, [trail.reference for trail in trails])
        # In a list and followed, an entry has the same cause.
        for trail in trails:
            assert {(x.kind, x.name) for x in trail.causes} <= {(x.kind, x.name) for x in described[trail.reference]}
        followed = [follow(connection, trail.reference) for trail in trails]
    assert {trail.written and trail.written.by for trail in followed} == {"amina"}
    # A year has no page of its own: whoever ended it, and why, stands beside its name.
    years = [cause for trail in followed for cause in trail.down if cause.kind == "fiscal_year"]
    assert {(year.name, year.written and (year.written.by, year.written.reason)) for year in years} == {
        ("2026", ("amina", "vérifié"))
    }
    # What the feed tells of it is of types that webhooks can be chosen by.
    with reading(story.engine) as connection:
        types = {told.type for told in events_after(connection, BEGINNING, 5_000)}
        subjects = set(connection.scalars(select(audit_change.c.subject)))
    assert [told for told in sorted(types) if not is_wanted_type(told)] == []
    # What changes can be asked for by.
    assert subjects <= set(SUBJECTS)


def test_an_invoice_leads_down_to_the_rate_and_up_to_payments_credit_notes_debts_and_reminders(story: Park) -> None:
    trail = followed(story, "FA-2026-000001")
    assert (trail.kind, trail.amount) == ("document", "3955.20")
    assert named(trail.down, "line") == ["FA-2026-000001 line 1", "FA-2026-000001 line 2"]
    assert named(trail.down, "usage_event") == ["U1", "U2"]
    rate = next(step for step in trail.down if step.kind == "rate")
    assert (rate.name, rate.written and rate.written.by) == ("CAS/OFFICE/any/2015-01-01", "amina")
    assert named(trail.down, "admission") == ["L1", "L1"]
    assert named(trail.up, "entry") == [
        "VTE/FA-2026-000001", "PER/2026-06/T1", "BQ/RG-000002", "OD/AF-2/annulation", "OD/AF-3",
        *(f"OD/CR-{act}" for act in (1, 2, 3, 4)), "BQ/CR-5", "OD/CR-6",
    ]  # fmt: skip
    assert named(trail.up, "receipt") == ["RG-000002"] * 3
    assert named(trail.up, "settlement") == ["AV-2026-000002", "recovered", "written_off"]
    assert named(trail.up, "credit_note") == ["AV-2026-000002"]
    assert named(trail.up, "debt_act") == [f"CR-{act}" for act in range(1, 7)]
    # Two calls for deposits were mailed before it.
    assert named(trail.up, "reminder") == ["ME-000003"]
    disputed = followed(story, "FA-2026-000004")
    assert named(disputed.up, "dispute") == ["SU-000001"]
    assert named(followed(story, "AV-2026-000002").up, "delivery") == ["AV-2026-000002"]


def test_a_brought_invoice_has_a_trail_too(story: Park) -> None:
    trail = followed(story, "F-26-8")
    assert "brought by the take-on" in trail.about
    assert named(trail.up, "entry")[0] == "AN/reprise/factures"
    assert "RG-000010" in named(trail.up, "receipt")


def test_a_receipt_leads_down_to_its_bank_line_and_up_to_what_it_settled(story: Park) -> None:
    of_the_bank = followed(story, "RG-000009")
    assert named(of_the_bank.down, "bank_line") == ["RE-000001/3"]
    of_cash = followed(story, "RG-000007")
    assert named(of_cash.down, "cash_receipt") == ["RC-2026-000001"]
    assert named(of_cash.up, "entry") == ["CA/RG-000007", "CA/RC-2026-000001", "OD/AF-10"]
    assert named(of_cash.up, "document") == ["F-26-8"]
    unknown_at_first = followed(story, "RG-000003")
    assert named(unknown_at_first.up, "entry")[:3] == ["BQ/RG-000003", "OD/PL-3", "OD/RP-1"]
    assert named(unknown_at_first.up, "refund") == ["RB-000001", "RB-000002"]
    bounced = followed(story, "RG-000005")
    assert [step.about for step in bounced.up if step.kind == "event"] == ["cleared", "bounced: sans provision"]
    assert named(followed(story, "RG-000010").down, "deposit") == ["DG-000002"]
    assert named(followed(story, "RG-000001").down, "take_on") == ["avoirs"]


def test_a_lease_leads_down_to_admission_and_acts_and_up_to_documents_and_deposit(story: Park) -> None:
    trail = followed(story, "L2")
    assert [step.about for step in trail.down if step.name == "leases L2"][1:] == [
        "area_m2 10 → 9", "ends_on - → 2026-07-31",
    ]  # fmt: skip
    assert named(trail.down, "admission") == ["T2"]
    assert named(trail.up, "document") == ["FA-2026-000002", "FA-2026-000005", "AV-2026-000001"]
    assert named(trail.up, "deposit_movement") == ["DG-000002/1", "DG-000002/2"]
    assert named(trail.up, "entry") == ["BQ/DG-000002/1", "BQ/DG-000002/2"]
    assert named(trail.up, "receipt") == ["RG-000010"]


def test_an_entry_leads_down_through_its_documents_lines_and_up_to_balances(story: Park) -> None:
    trail = followed(story, "PER/2026-07/T2")
    assert named(trail.down, "run") == ["2026-07"]
    assert named(trail.down, "document") == ["FA-2026-000005", "AV-2026-000001"]
    assert {step.level for step in trail.down if step.kind == "rate"} == {2}
    assert "9205 CAS" in named(trail.up, "balance")
    # By its number as by its reference.
    number = trail.about.split()[1].rstrip(":")
    assert followed(story, number) == trail
    with pytest.raises(Unknown, match="no lease is called"):
        followed(story, number, "lease")


def test_a_balance_leads_to_what_moved_it(story: Park, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(story.engine) as connection:
        trail = follow_balance(connection, Place("3421", "T2"))
        of_tenant = select(func.sum(posting.c.amount)).where(posting.c.account == "3421", posting.c.auxiliary == "T2")
        assert trail.amount == format_amount(int(connection.scalar(of_tenant) or 0))
        assert named(trail.down, "entry")[:2] == ["AN/reprise/factures", "VTE/FA-2026-000002"]
        assert {step.kind for step in trail.down} >= {"entry", "document", "receipt", "take_on"}
        with pytest.raises(Unknown, match="no account 9999"):
            follow_balance(connection, Place("9999"))
        monkeypatch.setattr("billing.audit.trail.following.ENTRIES_MAX", 3)
        with pytest.raises(TooLong, match="give a month"):
            follow_balance(connection, Place("3421", "T2"))


def test_command_and_api_give_the_same_trail(story: Park, caller_of: CallerOf) -> None:
    caller: Caller = caller_of(story.engine)
    url = story.engine.url.render_as_string(hide_password=False)

    def given(*arguments: str) -> str:
        result = CliRunner().invoke(main, ["trail", *arguments], env={"DATABASE_URL": url})
        assert result.exit_code == 0, result.output
        return result.output

    for name in ("FA-2026-000001", "RG-000007", "L2", "VTE/FA-2026-000001", "12"):
        whole = followed(story, name)
        assert decode(given(name, "--format", "json")) == decode(encode(whole))
        assert caller.get("/v1/trail", "auditor", query_string={"of": name}) == decode(encode(whole))
    balance = caller.get("/v1/ledger/accounts/3421/trail?auxiliary=T2&month=2026-07", "auditor")
    assert decode(given("--account", "3421", "--auxiliary", "T2", "--month", "2026-07", "--format", "json")) == balance
    assert caller("GET", "/v1/trail?of=nothing", "auditor").status_code == 404
    table = given("FA-2026-000001")
    assert "\nled to\n  entry  VTE/FA-2026-000001" in table
    assert "by amina, 2026-11-22T09:00:00Z (story, act 4): vérifié" in table
    assert CliRunner().invoke(main, ["trail"], env={"DATABASE_URL": url}).exit_code == 2


def test_a_trail_takes_as_many_statements_for_many_lines_and_settlements_as_for_one(
    engine: Engine, tmp_path: Path
) -> None:
    park = open_park(engine, tmp_path)
    tenants: list[Row] = [{"code": code, "kind": "large", "incorporated_on": "2000-01-01"} for code in ("T1", "T2")]
    leases: list[Row] = [
        {"code": f"L{n}", "tenant": "T2" if n else "T1", "site": "CAS", "area_m2": "10", "starts_on": "2024-01-01"}
        for n in range(9)
    ]
    park.opens(tenants=tenants, leases=leases)
    park.bills("2026-06")
    receives(park, order("100.00", tenant="T1"))
    for n in range(5):
        receives(park, order("100.00", tenant="T2", reference=f"W{n}"))
    for few, many in (("FA-2026-000001", "FA-2026-000002"), ("VTE/FA-2026-000001", "VTE/FA-2026-000002")):
        counts = {}
        for name in (few, many):
            with counted_statements(park.engine) as statements:
                trail = followed(park, name)
            counts[len(trail.down)] = len(statements)
        assert len(counts) == 2
        assert len(set(counts.values())) == 1, counts
