"""Accounts of the péréquation go out when the settings say so, once, with what they said that day."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from billing.check import check
from billing.cross_subsidy.accounts.account import account_of
from billing.cross_subsidy.accounts.account_paper import account_pdf, addressee_of
from billing.cross_subsidy.accounts.sending import due_accounts, queue_accounts
from billing.documents.delivery.delivering import deliver
from billing.frame.database import reading, writing
from billing.frame.errors import BadConfiguration
from billing.frame.settings import Settings, load_settings
from invoices.messages.papers import print_paper
from invoices.messages.queueing import load_messages
from invoices.messages.tables import message
from tests.oracle.service import NOW
from tests.support.park import Park

NEWCOMER = {"kind": "startup", "incorporated_on": "2025-01-01"}
DAY = date(2026, 8, 2)


def sends(folder: Path, occasions: str) -> Settings:
    """The settings with accounts sent on these occasions."""
    terms = folder / "terms.toml"
    terms.write_text(
        f'[[cross_subsidy.account_sent]]\neffective_from = 2000-01-01\nvalue = {occasions}\nsource = "conseil"\n',
        encoding="utf-8",
    )
    environment = {
        "TERMS_FILE": str(terms),
        "SMTP_URL": f"file:{folder / 'outbox'}",
        "DOCUMENTS_URL": f"file:{folder / 'documents'}",
    }
    return load_settings(environment)


@pytest.fixture
def small_park(park: Park) -> Park:
    """N1's window is open, N2's ends on 14 August 2026; OLD is a large firm; IDLE has no lease."""
    park.opens(
        tenants=[
            {**NEWCOMER, "code": "N1", "language": "en"},
            {**NEWCOMER, "code": "N2"},
            {"code": "OLD", "kind": "large", "incorporated_on": "1990-01-01", "language": "ar"},
            {"code": "IDLE"},
        ],
        leases=[
            {"code": "L1", "tenant": "N1", "site": "TNG", "area_m2": "10", "starts_on": "2026-01-01"},
            {"code": "L2", "tenant": "N2", "site": "CAS", "area_m2": "10", "starts_on": "2025-02-15"},
            {"code": "L3", "tenant": "OLD", "site": "TNG", "area_m2": "30", "starts_on": "2020-01-01"},
        ],
    )
    return park


def due(park: Park, settings: Settings, on: date = DAY) -> list[tuple[str, str]]:
    with reading(park.engine) as connection:
        return [(one.tenant, one.occasion) for one in due_accounts(connection, settings.terms, on)]


def send(park: Park, settings: Settings, on: date = DAY) -> list[str]:
    with writing(park.engine) as connection:
        found = due_accounts(connection, settings.terms, on)
        return [x.tenant for x in queue_accounts(connection, found, settings.terms, settings.operator, on, NOW)]


def test_nothing_is_sent_unless_the_settings_say_so(small_park: Park) -> None:
    small_park.bills("2026-08")
    assert due(small_park, load_settings({})) == []


def test_an_account_is_sent_when_the_window_has_ended_and_only_then(small_park: Park, tmp_path: Path) -> None:
    settings = sends(tmp_path, '["window_end"]')
    assert due(small_park, settings) == []
    small_park.bills("2026-07")
    assert due(small_park, settings) == []
    small_park.bills("2026-08")
    assert due(small_park, settings) == [("N2", "window_end")]
    assert send(small_park, settings) == ["N2"]
    assert due(small_park, settings) == []
    assert send(small_park, settings) == []
    small_park.bills("2026-09")
    assert due(small_park, settings) == []


def test_with_invoices_everybody_who_gave_or_received_has_one_each_month(small_park: Park, tmp_path: Path) -> None:
    settings = sends(tmp_path, '["invoice", "window_end"]')
    small_park.bills("2026-08")
    assert due(small_park, settings) == [("N1", "invoice"), ("N2", "window_end"), ("OLD", "invoice")]
    assert send(small_park, settings) == ["N1", "N2", "OLD"]
    small_park.bills("2026-09")
    assert [code for code, _ in due(small_park, settings)] == ["N1", "N2", "OLD"]


def test_the_years_account_is_sent_after_december(small_park: Park, tmp_path: Path) -> None:
    settings = sends(tmp_path, '["year"]')
    for month in ("2026-11", "2026-12"):
        assert due(small_park, settings) == []
        small_park.bills(month)
    assert [code for code, _ in due(small_park, settings)] == ["N1", "N2", "OLD"]
    assert send(small_park, settings) == ["N1", "N2", "OLD"]


def test_another_word_in_the_settings_is_refused(small_park: Park, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"cross_subsidy\.account_sent may hold window_end, year, invoice"):
        due(small_park, sends(tmp_path, '["weekly"]'))


def test_what_is_sent_is_the_account_of_that_day_in_the_tenants_language(small_park: Park, tmp_path: Path) -> None:
    settings = sends(tmp_path, '["invoice"]')
    small_park.bills("2026-08")
    with reading(small_park.engine) as connection:
        expected = account_pdf(
            account_of(connection, "N1", None, settings.terms), settings.operator.party, addressee_of(connection, "N1")
        )
    send(small_park, settings)
    # What changes afterwards changes no paper.
    small_park.enters(tenants=[{**NEWCOMER, "code": "N1", "language": "en", "legal_name": "Other Name"}])
    with reading(small_park.engine) as connection:
        rows = connection.execute(select(message.c.id, message.c.tenant)).all()
        told = {row.tenant: load_messages(connection, [row.id])[0][1] for row in rows}
    [paper] = told["N1"].message.papers
    assert (paper.file_name, print_paper(paper)) == ("Compte-de-perequation-2026-08.pdf", expected)
    assert told["N1"].message.text.subject.startswith("Your cross-subsidy account, August 2026")
    assert told["N2"].message.text.subject.startswith("Votre compte de péréquation, août 2026")
    assert told["OLD"].message.text.language == "ar"
    assert told["N1"].message.text.facts == (
        ("Received from the network", "840.00\u00a0MAD"), ("Brought to the network", "0.00\u00a0MAD"),
    )  # fmt: skip
    assert "2026" in told["OLD"].message.text.subject
    report = deliver(settings, small_park.engine, clock=lambda: NOW)
    assert (report.sent, report.failures) == (3, ())
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 3
    assert check(small_park.engine, documents_url=settings.documents_url) == []
