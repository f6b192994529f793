"""The commands of dunning and of reports about receivables, run as people run them."""

import io
import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from billing.cli.program import main
from billing.frame.database import open_engine, reading
from billing.frame.settings import load_settings
from billing.run.month import run_month
from billing.schema.migrating import migrate
from invoices.messages.tables import message
from tests.oracle.service import NOW
from tests.support.dunning_park import JUNE_T1, LEASES, TENANTS
from tests.support.pages import text_of
from tests.support.park import Park
from tests.support.reminding import day
from tests.support.till import order, receives


@pytest.fixture
def park(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Park:
    """Two tenants who owe June 2026: what the commands find in their environment."""
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'billing.sqlite'}",
        "DOCUMENTS_URL": f"file:{tmp_path / 'documents'}",
        "SMTP_URL": f"file:{tmp_path / 'outbox'}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(environment)
    engine = open_engine(settings.database_url)
    migrate(engine)
    found = Park(engine, tmp_path / "network", settings)
    found.opens(tenants=TENANTS, leases=LEASES)
    run_month(settings, engine, day("2026-06-01"), clock=lambda: NOW, issued_on=day("2026-06-01"), deliver=False)
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def told(*arguments: str) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_what_is_due_is_listed_and_sent_once(park: Park, tmp_path: Path) -> None:
    listed = told("dunning", "due", "--on", "2026-08-03")
    assert "FA-2026-000001" in listed
    assert "+3" in listed
    assert told("dunning", "send") == "2 reminders queued; 2 overdue invoices; 5280.00 DH asked for\n"
    assert told("dunning", "send") == "0 reminders queued; 0 overdue invoices; 0.00 DH asked for\n"
    assert "ME-000001" in told("dunning", "history", "--tenant", "T1")
    assert JUNE_T1 in told("dunning", "history", "--invoice", JUNE_T1)
    assert told("deliver") == "2 sent, 2 rendered, 0 queued, 0 failed\n"
    assert sorted(path.name for path in (tmp_path / "outbox").iterdir()) == ["ME-000001.eml", "ME-000002.eml"]
    assert told("check") == "proved: books, documents, numbers, runs and triggers agree\n"


def test_the_letter_of_today_is_shown_and_nothing_is_written(park: Park, tmp_path: Path) -> None:
    file = tmp_path / "relance.pdf"
    shown = told("dunning", "letter", "T1", "--on", "2026-08-03", "--output", str(file))
    assert file.read_bytes().startswith(b"%PDF-1.7")
    assert JUNE_T1 in text_of(file.read_bytes())
    assert "to t1@tenants.example: Relance : facture échue – " in shown
    assert f"la facture {JUNE_T1}, établie au nom de" in shown
    assert f"attached: Relance-2026-08-03.pdf, Releve-de-compte-2026-08-03.pdf, {JUNE_T1}\n" in shown
    assert "Relevé de compte" in text_of(_letter(tmp_path, "2026-07-28"))
    with reading(park.engine) as connection:
        assert connection.execute(select(message)).all() == []
    nothing = run("dunning", "letter", "T1", "--on", "2026-07-01", "--output", str(file))
    assert nothing.exit_code == 1
    assert "nothing is due to be sent to T1 on 2026-07-01" in nothing.output
    assert "no tenant has the code T9" in run("dunning", "letter", "T9", "--output", str(file)).output


def _letter(folder: Path, on: str) -> bytes:
    file = folder / f"{on}.pdf"
    told("dunning", "letter", "T1", "--on", on, "--output", str(file))
    return file.read_bytes()


def test_a_reminder_carries_a_copy_of_each_invoice_it_names(park: Park, tmp_path: Path) -> None:
    told("dunning", "send", "--tenant", "T1")
    told("deliver")
    mail = message_from_bytes((tmp_path / "outbox" / "ME-000001.eml").read_bytes(), policy=default)
    attached = {str(part.get_filename()): part.get_content() for part in mail.iter_attachments()}
    names = list(attached)
    assert [name.partition("-20")[0] for name in names] == ["Relance", "Releve-de-compte", "Facture-FA"]
    assert "DUPLICATA" in text_of(attached[f"Facture-{JUNE_T1}.pdf"])
    assert told("check") == "proved: books, documents, numbers, runs and triggers agree\n"


def test_disputes_and_promises_hold_back_and_need_a_reason(park: Park) -> None:
    refused = run("dunning", "dispute", "--invoice", JUNE_T1)
    assert refused.exit_code == 1
    assert "needs a reason" in refused.output
    assert told("dunning", "dispute", "--invoice", JUNE_T1, "--reason", "Surface").startswith("SU-000001: dispute")
    told("dunning", "promise", "--tenant", "T2", "--until", "2099-12-31", "--reason", "Appel")
    assert "SU-000002" in told("dunning", "holds")
    assert told("dunning", "send").startswith("0 reminders")
    assert told("dunning", "end", "SU-000001", "--reason", "Avoir") == "SU-000001 ended\n"
    assert "SU-000001" not in told("dunning", "holds")
    assert "SU-000001" in told("dunning", "holds", "--all")
    assert told("dunning", "send", "--tenant", "T1").startswith("1 reminder queued; 1 overdue invoice; ")
    assert "there is no dispute or promise X" in run("dunning", "end", "X", "--reason", "r").output


def test_an_interest_clause_is_recorded(park: Park) -> None:
    assert "interest at 0.10 a year from 2026-01-01" in told(
        "dunning", "interest", "T1", "0.10", "--lease", "L1", "--from", "2026-01-01", "--reason", "Bail, article 14"
    )
    assert run("dunning", "interest", "T1", "dix", "--reason", "r").exit_code == 2
    assert "is not a lease of T1" in run("dunning", "interest", "T1", "0.10", "--lease", "L2", "--reason", "r").output


def test_reports_are_written_in_every_format(park: Park, tmp_path: Path) -> None:
    receives(park, order("500.00", tenant=None, reference="V3", on="2026-06-20", text="inconnu"))
    balance: Any = json.loads(told("report", "aged-balance", "--on", "2026-08-05"))
    assert [(one["tenant"], one["to_30"]) for one in balance["items"]] == [("T1", "3480.00"), ("T2", "1800.00")]
    assert "Balance âgée" in told("report", "aged-balance", "--format", "html")
    assert "RG-000001" in told("report", "unplaced-receipts", "--format", "csv")
    assert json.loads(told("report", "missing-certificates"))["items"] == []
    assert json.loads(told("report", "receipts", "--from", "2026-06-01", "--until", "2026-06-30"))["totals"][
        "money"
    ] == ("500.00")
    statement = tmp_path / "releve.pdf"
    told("report", "statement", "T1", "--format", "pdf", "-o", str(statement))
    assert statement.read_bytes().startswith(b"%PDF-1.7")
    table = tmp_path / "releve.xlsx"
    told("report", "statement", "T1", "--from", "2026-01-01", "--format", "xlsx", "-o", str(table))
    assert openpyxl.load_workbook(io.BytesIO(table.read_bytes())).worksheets[0]["G3"].value == 3480
    assert "no tenant has the code T9" in run("report", "statement", "T9").output
    assert run("report", "statement", "T1", "--from", "2026-09-02", "--until", "2026-09-01").exit_code == 2
