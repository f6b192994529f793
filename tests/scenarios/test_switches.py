"""The switch to the market price: who it meets, what the bills say before and after, and how it is announced."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from sqlalchemy import func, select

from billing.check import check
from billing.cross_subsidy.tier_changes.announcing import AnnounceReport, announce, announcement_of, due_announcements
from billing.cross_subsidy.tier_changes.files import pieces
from billing.cross_subsidy.tier_changes.finding import Bills, bills_of, tier_change_of, tier_changes, usage_before
from billing.cross_subsidy.tier_changes.listing import gains, tier_changes_ahead
from billing.cross_subsidy.tier_changes.shapes import TierChanges
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.cross_subsidy.tier_changes.wording import letter, mail_text
from billing.documents.delivery.delivering import deliver
from billing.documents.messages.queries import load_message
from billing.frame.added_rows import ROWS
from billing.frame.database import reading, writing
from billing.frame.errors import BadConfiguration, Refused, Unknown
from billing.frame.settings import MailTransport, load_settings
from billing.frame.tables import audit_change, audit_event
from billing.frame.terms import load_terms
from billing.register.catalogue import load_catalogue
from billing.run.quotes.quoting import Question, quote
from invoices.rendering.letter import Letter, render_letter
from pricing.money import format_amount
from pricing.period import format_month
from tests.oracle.service import NOW
from tests.support.networks import Row
from tests.support.pages import text_of
from tests.support.park import Park
from tests.support.spoiling import behind_its_back

# W1: the window of 22.5 m² in Tanger ends on 9 September 2026; W6: two offices, on 14 July 2026.
W1: Row = {"code": "T1", "incorporated_on": "2024-01-15"}
W6: Row = {"code": "T2", "legal_name": "Rif Énergie", "incorporated_on": "2024-05-01", "admitted_on": "2025-01-15"}
OLD: Row = {"code": "T3", "incorporated_on": "2010-01-01"}
LARGE: Row = {"code": "T4", "kind": "large"}
TENANTS = [W1, W6, OLD, LARGE]
LEASES: list[Row] = [
    {"code": "L1", "tenant": "T1", "unit": "TNG-101", "starts_on": "2025-03-10"},
    {"code": "L2", "tenant": "T2", "unit": "TNG-102", "area_m2": "20", "starts_on": "2025-01-15"},
    {"code": "L3", "tenant": "T2", "unit": "CAS-7", "site": "CAS", "area_m2": "25", "starts_on": "2025-11-01"},
    {"code": "L4", "tenant": "T3", "unit": "TNG-103", "starts_on": "2025-01-01"},
    {"code": "L5", "tenant": "T4", "unit": "TNG-104", "starts_on": "2025-01-01"},
]
# Twelve months of meals, 30 in 31 days; and a room.
USAGE: list[Row] = [
    *((f"M{n}", "T1", "TNG", "MEAL", "30", f"2026-{n:02d}-10") for n in range(1, 9)),
    ("R1", "T1", "TNG", "MEETING", "2.5", "2026-03-03"),
]


def announces(park: Park, on: str, terms: Any = None) -> list[str]:
    """Announce a day's switches; each as text."""
    return told(announced(park, on, terms))


def announced(park: Park, on: str, terms: Any = None) -> AnnounceReport:
    settings = load_settings({})
    with writing(park.engine) as connection:
        return announce(connection, terms or settings.terms, settings.operator, date.fromisoformat(on), recorded_at=NOW)


def told(report: AnnounceReport) -> list[str]:
    return [
        f"{one.message} {one.tenant} {one.switches_on} at {one.step}"
        + (f" corrects {one.corrects}" if one.corrects else "")
        for one in report.announced
    ]


def bills(park: Park, tenant: str, on: str = "2026-06-15") -> Bills:
    with reading(park.engine) as connection:
        found = tier_change_of(connection, tenant)
        return bills_of(found, load_catalogue(connection), usage_before(connection, date.fromisoformat(on)))


def test_the_bills_around_a_switch_are_what_the_runs_then_bill(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=LEASES)
    found = {tenant: bills(park, tenant) for tenant in ("T1", "T2")}
    assert [format_month(month.month) for month in found["T1"].months] == ["2026-08", "2026-09", "2026-10"]
    # W1: 1,125.00, then 337.50 + 2,362.50, then 3,375.00; VAT once on each.
    assert [(format_amount(m.net), format_amount(m.net + m.tax)) for m in found["T1"].months] == [
        ("1125.00", "1350.00"), ("2700.00", "3240.00"), ("3375.00", "4050.00"),
    ]  # fmt: skip
    for first in sorted({month.month for of in found.values() for month in of.months}):
        park.bills(f"{first:%Y-%m}")
    for tenant, of in found.items():
        for month in of.months:
            [document] = [d for d in park.documents(f"{month.month:%Y-%m}") if d.buyer.code == tenant]
            assert [line.priced for line in document.lines] == list(month.lines)
            assert (document.net, document.tax) == (month.net, month.tax)
    with reading(park.engine) as connection:
        for tenant, of in found.items():
            quoted = quote(connection, Question(starts_on=of.before.month, months=3, tenant=tenant))
            assert tuple(quoted.months) == of.months


def test_letters_bear_a_day_at_most_31_days_ahead(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=LEASES)
    # Today is 22 November 2026.
    with pytest.raises(Refused, match="tier-changes: on '2026-12-24' is more than 31 days after today, 2026-11-22"):
        announces(park, "2026-12-24")
    with pytest.raises(Refused, match="give 2026-12-23 or a day before"):
        announces(park, "2062-08-11")
    assert announces(park, "2026-12-23") == []


def test_on_the_first_of_a_month_there_is_no_month_between(park: Park) -> None:
    park.opens(
        tenants=[{"code": "T1", "incorporated_on": "2024-06-01"}],
        leases=[{"code": "L1", "tenant": "T1", "starts_on": "2025-03-01"}],
    )
    found = bills(park, "T1")
    assert found.between is None
    assert [(format_month(m.month), format_amount(m.net)) for m in found.months] == [
        ("2026-08", "1125.00"), ("2026-09", "3375.00"),
    ]  # fmt: skip


def test_usual_usage_is_told_apart_at_the_prices_before_and_after(park: Park) -> None:
    """240 meals in the 243 days from January to August: 29.6 in September's 30; 2.5 hours: 0.3."""
    park.opens(tenants=[W1], leases=LEASES[:1], usage=USAGE)
    meal, room = bills(park, "T1", "2026-09-01").habits
    assert [(x.service, x.quantity, x.unit_price, x.amount) for x in (*meal, *room)] == [
        ("MEAL", 29_600_000, 175_000, 51_800), ("MEAL", 29_600_000, 340_000, 100_640),
        ("MEETING", 300_000, 600_000, 1_800), ("MEETING", 300_000, 1_800_000, 5_400),
    ]  # fmt: skip
    assert all(line.lease is not None for month in bills(park, "T1").months for line in month.lines)


def test_who_has_no_window_or_does_not_rent_when_it_ends_is_told_nothing(park: Park) -> None:
    leases: list[Row] = [
        # Ends on the last subsidised day; begins on the first market day; between the two nothing; moves that very day.
        {"code": "A", "tenant": "T1", "starts_on": "2025-03-10", "ends_on": "2026-09-09"},
        {"code": "B", "tenant": "T2", "starts_on": "2026-07-15"},
        {"code": "C1", "tenant": "T5", "unit": "C1", "starts_on": "2025-03-10", "ends_on": "2026-08-31"},
        {"code": "C2", "tenant": "T5", "unit": "C2", "starts_on": "2026-09-20"},
        {"code": "D1", "tenant": "T6", "unit": "D1", "starts_on": "2025-03-10", "ends_on": "2026-09-09"},
        {"code": "D2", "tenant": "T6", "unit": "D2", "starts_on": "2026-09-10"},
        *LEASES[3:],
    ]
    others: list[Row] = [{**W1, "code": code} for code in ("T5", "T6", "T7")]  # type: ignore[dict-item]
    park.opens(tenants=[*TENANTS, *others], leases=leases)
    with reading(park.engine) as connection:
        assert [one.party.code for one in tier_changes(connection, date(2026, 1, 1), None)] == ["T6"]
        for code in ("T1", "T2", "T3", "T4", "T5", "T7"):
            with pytest.raises(Unknown, match=f"{code} has no tier change"):
                tier_change_of(connection, code)
        with pytest.raises(Unknown, match="no tenant has the code T9"):
            tier_change_of(connection, "T9")
    assert announces(park, "2026-08-11") == ["ME-000001 T6 2026-09-10 at 30"]


def test_a_switch_is_announced_90_60_and_30_days_before_and_never_twice(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=LEASES)
    assert announces(park, "2026-03-01") == []
    # T2 turns on 15 July: 90 days before is 16 April.
    assert announces(park, "2026-04-15") == []
    assert announces(park, "2026-04-16") == ["ME-000001 T2 2026-07-15 at 90"]
    assert announces(park, "2026-04-16") == []
    assert announces(park, "2026-05-16") == ["ME-000002 T2 2026-07-15 at 60"]
    assert announces(park, "2026-06-12") == ["ME-000003 T1 2026-09-10 at 90"]
    # Down from June to the middle of August: one letter each, at the nearest step; T2's switch is over.
    assert announces(park, "2026-08-20") == ["ME-000004 T1 2026-09-10 at 30"]
    assert announces(park, "2026-08-21") == []
    assert announces(park, "2026-09-10") == []
    assert check(park.engine) == []


def test_a_window_that_moves_is_announced_again_with_a_correction(park: Park) -> None:
    park.opens(tenants=[W1], leases=LEASES[:1])
    assert announces(park, "2026-07-12") == ["ME-000001 T1 2026-09-10 at 60"]
    # It had come to the network half a year before.
    park.enters(tenants=[{**W1, "admitted_on": "2025-02-01"}])  # type: ignore[dict-item]
    assert announces(park, "2026-07-20") == ["ME-000002 T1 2026-08-01 at 30 corrects ME-000001"]
    assert announces(park, "2026-07-21") == []
    # It had not: what was told last is wrong again.
    park.enters(tenants=[{**W1, "admitted_on": None}])  # type: ignore[dict-item]
    assert announces(park, "2026-07-22") == ["ME-000003 T1 2026-09-10 at 60 corrects ME-000002"]
    assert announces(park, "2026-08-11") == ["ME-000004 T1 2026-09-10 at 30"]
    with reading(park.engine) as connection:
        second = load_message(connection, 2).message
    assert second.text.subject.startswith("Rectification : votre remise pépinière prend fin le 31 juillet 2026")
    assert "qui annonçait le plein tarif à compter du 10 septembre 2026" in second.text.before[1]
    [paper] = second.papers
    assert isinstance(paper.letter, Letter)
    assert "annule et remplace la précédente" in paper.letter.paragraphs[0]
    assert check(park.engine) == []


def test_a_window_moved_beyond_every_step_is_corrected_at_once_and_announced_again_in_time(park: Park) -> None:
    park.opens(tenants=[W1], leases=LEASES[:1])
    assert announces(park, "2026-07-12") == ["ME-000001 T1 2026-09-10 at 60"]
    # The lease was entered a year too early.
    park.enters(leases=[{**LEASES[0], "starts_on": "2025-09-10"}])  # type: ignore[dict-item]
    assert announces(park, "2026-07-13") == ["ME-000002 T1 2027-03-10 at 0 corrects ME-000001"]
    assert announces(park, "2026-12-01") == []
    assert announces(park, "2026-12-10") == ["ME-000003 T1 2027-03-10 at 90"]
    assert check(park.engine) == []


def test_what_is_told_is_the_bill_in_the_tenants_language_with_a_letter_of_one_page(park: Park) -> None:
    park.opens(tenants=[W1, {**W6, "language": "ar"}], leases=LEASES[:3], usage=USAGE)  # type: ignore[dict-item]
    settings = load_settings({})
    with reading(park.engine) as connection:
        found, unpriced = due_announcements(connection, settings.terms, settings.operator, date(2026, 7, 12))
    assert unpriced == ()
    first, second = found
    text = mail_text(first)
    assert text.subject.startswith("Votre remise pépinière prend fin le 9 septembre 2026 – Société de Gestion")
    assert dict(text.facts)["Bureaux, septembre 2026"] == "3\u202f240,00\u00a0DH"
    assert mail_text(second).language == "ar"
    assert dict(mail_text(second).facts)["المكاتب، غشت 2026"].endswith("درهم")
    english = replace(first, change=first.change._replace(party=replace(first.change.party, language="en")))
    assert dict(mail_text(english).facts)["Offices, October 2026"] == "4,050.00\u00a0MAD"
    page = text_of(render_letter(letter(first))).replace("\n", " ")
    for words in (
        "Fin de votre remise pépinière", "TNG-101, Technopark Tanger, 22,5 m²", "1 125,00 2 700,00 3 375,00",
        "Total TTC 1 350,00 3 240,00 4 050,00", "Du 1er au 9 septembre 2026 : avec remise, 9 jours sur 30",
        "Du 10 au 30 septembre 2026 : plein tarif, 21 jours sur 30", "Vos consommations habituelles", "1/1",
    ):  # fmt: skip
        assert words in page, (words, page)
    assert render_letter(letter(first)) == render_letter(letter(first))
    both = letter(second)
    assert (both.title, both.language) == ("نهاية تخفيض الحضانة الخاص بكم", "ar")
    assert [row[0] for row in both.rows[:2]] == [
        "\u2068TNG-102, Technopark Tanger\u2069، 20\u00a0م²", "\u2068CAS-7, Technopark Casablanca\u2069، 25\u00a0م²",
    ]  # fmt: skip
    assert "TNG-102" in text_of(render_letter(both))


def test_seven_offices_and_every_service_still_stand_on_one_page(park: Park) -> None:
    leases: list[Row] = [{**LEASES[0], "code": f"L{n}", "unit": f"TNG-1{n:02d}"} for n in range(7)]  # type: ignore[dict-item]
    park.opens(tenants=[W1], leases=leases, usage=USAGE)
    settings = load_settings({})
    with reading(park.engine) as connection:
        one = announcement_of(connection, settings.operator, "T1", date(2026, 9, 1))
    assert "1/1" in text_of(render_letter(letter(one)))


def test_what_was_announced_is_queued_delivered_and_kept_as_it_was(park: Park, tmp_path: Path) -> None:
    park.opens(tenants=[W1], leases=LEASES[:1])
    assert announces(park, "2026-08-11") == ["ME-000001 T1 2026-09-10 at 30"]
    # What becomes of the prices later changes nothing that was told.
    park.enters(rates=[("TNG", "OFFICE", None, "2026-09-20", "160.00", "60.00", "134.00", "test")])
    settings = replace(
        load_settings({}),
        database_url=park.engine.url,
        documents_url=f"file://{tmp_path / 'documents'}",
        mail=MailTransport(folder=tmp_path / "outbox"),
    )
    assert deliver(settings, park.engine, clock=lambda: datetime(2026, 8, 11, 9, tzinfo=UTC)).sent == 1
    [file] = (tmp_path / "outbox").glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=default)
    assert mail["To"].addresses[0].addr_spec == "compta@atlas.example"
    [attached] = list(mail.iter_attachments())
    assert attached.get_filename() == "Fin-de-remise-2026-09-10.pdf"
    assert "3 375,00" in text_of(attached.get_content())
    assert check(park.engine, documents_url=settings.documents_url) == []


def test_an_announcement_is_a_fact_with_its_act(park: Park) -> None:
    park.opens(tenants=[W1], leases=LEASES[:1])
    announces(park, "2026-08-11")
    with reading(park.engine) as connection:
        c, newest = audit_change.c, select(func.max(audit_event.c.id)).scalar_subquery()
        changes = connection.execute(select(c.subject, c.key).where(c.act_id == newest).order_by(c.seq)).all()
    told = [tuple(change) for change in changes]
    assert [change for change in told if change[0] != ROWS] == [("messages", "ME-000001"), ("switch-notices", "T1")]
    assert [change for change in told if change[0] == ROWS] == [(ROWS, "message"), (ROWS, "tier_change_announcement")]


def test_eight_processes_that_announce_at_once_announce_once(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=LEASES)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: announced(park, "2026-06-12"), range(8)))
    assert sorted(one.tenant for report in reports for one in report.announced) == ["T1", "T2"]
    assert check(park.engine) == []


def test_who_can_not_be_priced_is_named_and_everybody_else_is_told(park: Park) -> None:
    sites: list[Row] = [
        ("CAS", "Technopark Casablanca", "Casablanca", 200, "2001-10-01"),
        ("RAB", "Rabat", "Rabat", 1, None),
        ("TNG", "Technopark Tanger", "Tanger", 80, "2015-09-01"),
    ]
    other: Row = {**W1, "code": "T8"}  # type: ignore[dict-item]
    lease: Row = {"code": "L8", "tenant": "T8", "site": "RAB", "starts_on": "2025-03-10"}
    park.opens(sites=sites, tenants=[W1, other], leases=[LEASES[0], lease])
    report = announced(park, "2026-08-11")
    assert told(report) == ["ME-000001 T1 2026-09-10 at 30"]
    [(code, reason)] = report.unpriced
    assert (code, "no rate for OFFICE at RAB" in reason) == ("T8", True)


def test_the_steps_are_a_dated_setting(park: Park, tmp_path: Path) -> None:
    park.opens(tenants=[W1], leases=LEASES[:1])
    file = tmp_path / "terms.toml"

    def terms(steps: str) -> Any:
        file.write_text(
            f'[[switches.announced_days_before]]\neffective_from = 2000-01-01\nvalue = {steps}\nsource = "test"\n',
            encoding="utf-8",
        )
        return load_terms(file)

    assert announces(park, "2026-08-11", terms("[]")) == []
    assert announces(park, "2026-08-11", terms("[7]")) == []
    assert announces(park, "2026-09-03", terms("[7]")) == ["ME-000001 T1 2026-09-10 at 7"]
    for wrong in ('["a"]', "[0]", "[-1]", "[true]", "[1000]"):
        with pytest.raises(BadConfiguration, match="whole numbers of days"):
            announces(park, "2026-09-04", terms(wrong))


def test_finance_sees_the_switches_of_24_months_and_what_a_months_income_gains(park: Park) -> None:
    park.opens(tenants=TENANTS, leases=[LEASES[0], LEASES[1], {**LEASES[2], "ends_on": "2026-12-31"}, *LEASES[3:]])  # type: ignore[dict-item]
    announces(park, "2026-06-12")
    with reading(park.engine) as connection:
        found = tier_changes_ahead(connection, date(2026, 7, 1), 24)
        assert tier_changes_ahead(connection, date(2026, 7, 1), 2).offices == found.offices[:2]
        assert tier_changes_ahead(connection, date(2026, 8, 1), 1).offices == ()
    shape = to_builtins(TierChanges.of(found))
    names = ("lease", "switches_on", "before", "after", "ends_on", "announced")
    assert [tuple(switch[name] for name in names) for switch in shape["switches"]] == [
        ("L3", "2026-07-15", "1208.25", "3625.00", "2026-12-31", [60]),
        ("L2", "2026-07-15", "1000.00", "3000.00", None, [60]),
        ("L1", "2026-09-10", "1125.00", "3375.00", None, [90]),
    ]  # fmt: skip
    july, september = shape["by_month"]
    assert july == {
        "month": "2026-07",
        "sites": {
            "CAS": {"tenants": 1, "before": "1208.25", "after": "3625.00", "difference": "2416.75"},
            "TNG": {"tenants": 1, "before": "1000.00", "after": "3000.00", "difference": "2000.00"},
        },
        # One tenant with two offices.
        "network": {"tenants": 1, "before": "2208.25", "after": "6625.00", "difference": "4416.75"},
    }
    assert september["network"]["difference"] == "2250.00"
    assert sum(gain[None].after - gain[None].before for gain in gains(found).values()) == 441_675 + 225_000
    lines = b"".join(pieces(found, "csv")).decode().splitlines()
    assert lines[2] == "2026-07,2026-07-15,T2,Rif Énergie,TNG,L2,TNG-102,20,1000.00,3000.00,2000.00,,60"
    assert b"".join(pieces(found, "xlsx")).startswith(b"PK")


@pytest.fixture
def spoilt(park: Park) -> Park:
    park.opens(tenants=[W1], leases=LEASES[:1])
    announces(park, "2026-07-12")
    park.enters(tenants=[{**W1, "admitted_on": "2025-02-01"}])  # type: ignore[dict-item]
    announces(park, "2026-07-20")
    assert check(park.engine) == []
    return park


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE tier_change_announcement SET step = 90 WHERE message_id = 1",
            "ME-000001 is not what its message tells",
        ),
        ("UPDATE tier_change_announcement SET tenant = 'T9'", "ME-000001 is not what its message tells"),
        (
            "UPDATE tier_change_announcement SET switches_on = '2026-09-11' WHERE message_id = 1",
            "ME-000001 is not what",
        ),
        (
            "UPDATE tier_change_announcement SET announced_on = '2026-07-11' WHERE message_id = 1",
            "ME-000001 is not what",
        ),
        (
            "UPDATE tier_change_announcement SET switches_on = '2026-08-01' WHERE message_id = 1",
            "ME-000002 corrects ME-000001",
        ),
        (
            "UPDATE tier_change_announcement SET corrects = NULL WHERE message_id = 2",
            "ME-000002 is not what its message tells",
        ),
        (
            "DELETE FROM tier_change_announcement WHERE message_id = 2",
            "ME-000002 announces a tier change, and no announcement is kept",
        ),
    ],
)
def test_what_is_spoilt_is_named(spoilt: Park, statement: str, named: str) -> None:
    behind_its_back(spoilt.engine, statement)
    assert any(named in problem for problem in check(spoilt.engine)), check(spoilt.engine)


def test_r22_the_database_refuses_to_change_what_was_announced(spoilt: Park) -> None:
    for statement in (tier_change_announcement.update().values(step=1), tier_change_announcement.delete()):
        with pytest.raises(Exception, match="R22"), writing(spoilt.engine) as connection:
            connection.execute(statement)
    twice = {
        "message_id": 1, "tenant": "T1", "switches_on": date(2026, 9, 10), "step": 60,
        "announced_on": date(2026, 7, 12), "corrects": None,
    }  # fmt: skip
    for change in ({"announced_on": date(2026, 9, 10)}, {"step": 0}, {"message_id": 99}):
        with pytest.raises(Exception, match=r"(?i)constraint"), writing(spoilt.engine) as connection:
            connection.execute(tier_change_announcement.insert().values(twice | {"message_id": 3} | change))
