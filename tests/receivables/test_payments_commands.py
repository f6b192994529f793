"""`technopark-billing payments`: money in by the command line; and payments.csv in a network folder."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.engine import URL

from billing.check import check
from billing.cli import main
from billing.frame.database import open_engine, reading
from ledger.models import entry
from tests.support.networks import write_network
from tests.support.pages import text_of

Invoke = Callable[..., Result]
TENANTS = [{"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}]
LEASES = [{"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}]
HEADER = (
    "reference,means,value_date,tenant,site,amount,currency,rent_withholding,vat_withholding,bank_charges,invoices,"
    "payer_text\n"
)


@pytest.fixture
def invoke(database_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs a command on a park with June 2026 billed: 3,480.00 are owed."""
    monkeypatch.chdir(tmp_path)
    settings = {
        "DATABASE_URL": database_url.render_as_string(hide_password=False),
        "DOCUMENTS_URL": f"file://{tmp_path / 'documents'}",
        "SMTP_URL": f"file:{tmp_path / 'outbox'}",
    }

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], env=settings)

    write_network(tmp_path / "network", tenants=TENANTS, leases=LEASES)
    for command in (("migrate",), ("import", tmp_path / "network"), ("run", "2026-06", "--issue-date", "2026-06-01")):
        done = run(*command)
        assert done.exit_code == 0, done.output
    return run


def said(done: Result) -> str:
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_a_cheque_is_received_placed_allocated_and_comes_back(invoke: Invoke, database_url: URL) -> None:
    received = ("payments", "receive", "4000.00", "--on", "2026-06-05", "--reference", "7001", "--means", "cheque")
    assert said(invoke(*received)) == "RG-000001: 4000.00 DH, settles nothing; 4000.00 DH nobody's yet"
    assert "7001" in said(invoke("payments", "list", "--unplaced"))
    assert said(invoke("payments", "place", "RG-000001", "T1", "--amount", "3900.00")).endswith(
        "3900.00 DH to the credit of T1; 100.00 DH nobody's yet"
    )
    assert "settles FA-2026-000001 1000.00" in said(
        invoke("payments", "allocate", "RG-000001", "--invoice", "FA-2026-000001=1000.00")
    )
    bare = invoke("payments", "undo", "1", "--reason", "erreur")
    assert bare.exit_code == 2
    assert "say `payments undo RG-000001 FA-2026-000001`" in " ".join(bare.output.split())
    other = invoke("payments", "undo", "RG-000001", "FA-2026-000009", "--reason", "erreur")
    assert (other.exit_code, "it settles FA-2026-000001" in other.output) == (1, True)
    undone = invoke("payments", "undo", "RG-000001", "FA-2026-000001", "--reason", "erreur")
    assert said(undone) == "1000.00 DH of FA-2026-000001 are open again"
    assert said(invoke("payments", "apply")) == "1 allocation made"
    assert said(invoke("payments", "clear", "RG-000001", "--on", "2026-06-08")).endswith("was cleared on 2026-06-08")
    bounce = ("payments", "bounce", "RG-000001", "--on", "2026-06-12")
    assert invoke(*bounce).exit_code == 1
    assert said(invoke(*bounce, "--reason", "sans provision")).startswith("RG-000001 came back unpaid: booked on ")
    assert '"state": "bounced"' in said(invoke("payments", "show", "RG-000001"))
    engine = open_engine(database_url)
    assert check(engine) == []
    engine.dispose()


def test_a_payment_is_acknowledged_once_it_is_somebodys(invoke: Invoke, tmp_path: Path) -> None:
    said(invoke("payments", "receive", "4000.00", "--on", "2026-06-05", "--reference", "7001", "--means", "cheque"))
    asked = ("payments", "acknowledge", "RG-000001", "--output", tmp_path / "accuse.pdf")
    refused = invoke(*asked)
    assert refused.exit_code == 1
    assert "receipt 'RG-000001' is nobody's yet (place it with one tenant first)" in refused.output
    said(invoke("payments", "place", "RG-000001", "T1"))
    said(invoke("payments", "allocate", "RG-000001", "--invoice", "FA-2026-000001=3480.00"))
    said(invoke(*asked))
    text = " ".join(text_of((tmp_path / "accuse.pdf").read_bytes()).split())
    for words in (
        "sous réserve de son encaissement", "Facture FA-2026-000001 3 480,00", "À valoir sur votre compte 520,00",
        "Montant réglé 4 000,00 DH", "Reçu la somme de : quatre mille dirhams.",
    ):  # fmt: skip
        assert words in text
    said(invoke("payments", "bounce", "RG-000001", "--on", "2026-06-20", "--reason", "sans provision"))
    said(invoke(*asked))
    text = " ".join(text_of((tmp_path / "accuse.pdf").read_bytes()).split())
    assert "Ce paiement est revenu impayé le 20 juin 2026 : il ne règle rien." in text
    assert "FA-2026-000001" not in text


def test_taxes_withheld_wait_for_their_certificates_and_credit_is_paid_back(invoke: Invoke) -> None:
    receive = ("payments", "receive", "3500.00", "--on", "2026-07-03", "--reference", "V1", "--tenant", "T1")
    assert said(invoke(*receive, "--rent-withholding", "145.00")) == (
        "RG-000001: 3645.00 DH, settles FA-2026-000001 3480.00; 165.00 DH to the credit of T1"
    )
    assert "145.00" in said(invoke("payments", "certificates"))
    given = ("payments", "certificate", "RG-000001", "rent_withholding", "--number", "A-1", "--on", "2026-08-01")
    assert said(invoke(*given)) == "RG-000001: certificate A-1 of 2026-08-01"
    assert said(invoke("payments", "certificates")) == "no certificate is missing"
    refund = (
        "payments",
        "refund",
        "--receipt",
        "RG-000001",
        "--tenant",
        "T1",
        "--on",
        "2026-08-02",
        "--reference",
        "R1",
    )
    assert said(invoke(*refund, "--reason", "trop-perçu")) == "RB-000001: 165.00 DH paid back"
    refused = invoke(*refund[:-1], "R2", "--reason", "encore")
    assert (refused.exit_code, "0.00 of RG-000001 is left" in refused.output) == (1, True)


def test_payments_come_with_a_folder_once_and_settle(invoke: Invoke, tmp_path: Path, database_url: URL) -> None:
    network = write_network(tmp_path / "network", tenants=TENANTS, leases=LEASES)
    rows = (
        "VIR-1,transfer,2026-06-05,T1,,1000.00,,50.00,,,FA-2026-000001=1050.00,\n"
        "VIR-2,transfer,2026-06-06,,,500.00,MAD,,,,,loyer FA-2026-000001\n"
        "VIR-3,transfer,2026-06-06,T1,,100.00,,,,,none,\n"
    )
    (network / "payments.csv").write_text(HEADER + rows, encoding="utf-8")
    refused = invoke("import", network)
    assert refused.exit_code == 1
    assert "payments.csv:2: rent_withholding '50.00' is more than the 0.00 that can be withheld" in refused.output
    assert "payments.csv: 3 new" in said(invoke("import", network, "--reason", "attestation vue"))
    assert "payments.csv: 0 new, 0 changed, 3 unchanged" in said(invoke("import", network))
    shown = said(invoke("payments", "list", "--tenant", "T1"))
    assert all(f"VIR-{n}" in shown for n in (1, 2, 3))
    engine = open_engine(database_url)
    assert check(engine) == []
    engine.dispose()


def test_every_fault_of_payments_is_listed_with_those_of_the_other_files(invoke: Invoke, tmp_path: Path) -> None:
    network = write_network(tmp_path / "network", tenants=[*TENANTS, {"code": "T2", "kind": "giant"}], leases=LEASES)
    rows = (
        "VIR-1,barter,2026-06-05,T1,,-1.00,EUR,,,,FA-1,\n"
        "VIR-2,transfer,2026-06-05,T9,,10.00,,,,,FA-2026-000009=10.00,\n"
        "VIR-3,transfer,2026-06-05,T1,,10.00,,,,,FA-2026-000001=11.00,\n"
        "VIR-4,transfer,2999-06-05,T1,,10.00,,,,,,\n"
    )
    (network / "payments.csv").write_text(HEADER + rows, encoding="utf-8")
    refused = invoke("import", network)
    assert refused.exit_code == 1
    for fault in (
        "tenants.csv:3: kind 'giant'",
        "payments.csv:2: means 'barter' is not known",
        "payments.csv:2: amount '-1.00' is below zero",
        "payments.csv:2: currency 'EUR' is not known",
        "payments.csv:2: invoices 'FA-1' holds 'FA-1'",
        "payments.csv:3: tenant 'T9' is unknown",
        "payments.csv:4: amount '11.00' is more than there is",
        "payments.csv:5: value_date '2999-06-05' is",
    ):
        assert fault in refused.output, refused.output
    write_network(tmp_path / "network", tenants=TENANTS, leases=LEASES)
    (network / "payments.csv").write_text(HEADER + "VIR-1,transfer,2026-06-05,T1,,10.00,,,,,,\n", encoding="utf-8")
    assert "payments.csv: 1 new" in said(invoke("import", network))
    (network / "payments.csv").write_text(HEADER + "VIR-1,transfer,2026-06-05,T1,,10.01,,,,,,\n", encoding="utf-8")
    changed = invoke("import", network)
    assert "payments.csv:2: reference 'VIR-1' stands already as RG-000001 with another amount" in changed.output


def test_a_debt_is_decided_listed_and_shown(invoke: Invoke) -> None:
    assert said(invoke("debts", "list")) == "nothing was decided about debts yet"
    decided = ("debts", "decide", "FA-2026-000001", "doubtful", "--on", "2026-06-20")
    assert "doubtful 3480.00" in said(invoke(*decided, "--reason", "Saisie"))
    listed = said(invoke("debts", "list")).splitlines()[-1].split()
    assert listed[:6] == ["FA-2026-000001", "T1", "doubtful", "2026-06-20", "3480.00", "0.00"]
    shown = [line.split() for line in said(invoke("debts", "show", "FA-2026-000001")).splitlines()]
    assert ["doubtful", "3480.00"] in shown
    # What may be decided now.
    assert ["reinstated", "3480.00"] in shown
    assert ["released", "0.00"] in shown
    lost = ("debts", "decide", "FA-2026-000001", "written_off", "--on", "2026-06-21", "--reason", "Liquidation")
    assert "written off 3480.00" in said(invoke(*lost))
    recovered = ("debts", "decide", "FA-2026-000001", "recovered", "--on", "2026-06-22", "--reason", "Syndic")
    told = invoke(*recovered, "--amount", "120.00")
    assert "warning: recovered without --reference" in told.stderr
    assert "recovered 240.00" in said(invoke(*recovered, "--amount", "120.00", "--reference", "VIR 7"))
    assert {"CR-4", "VIR", "7"} <= set(said(invoke("debts", "list")).splitlines()[-1].split())
    cancelled = invoke("payments", "cancel", "CR-4", "--reason", "jamais reçu")
    assert said(cancelled) == "CR-4 is cancelled on 2026-06-22"
    assert invoke("payments", "cancel", "DG-000001", "--reason", "x").exit_code == 2


def test_a_receipt_is_cancelled_by_its_number_and_a_reason(invoke: Invoke, database_url: URL) -> None:
    received = ("payments", "receive", "1000.00", "--on", "2026-06-05", "--reference", "V1", "--tenant", "T1")
    assert said(invoke(*received)) == "RG-000001: 1000.00 DH, settles FA-2026-000001 1000.00"
    missing = invoke("payments", "cancel", "RG-000001")
    assert (missing.exit_code, "cancelling a receipt needs a reason" in missing.stderr) == (1, True)
    assert invoke("payments", "cancel", "FA-2026-000001", "--reason", "x").exit_code == 2
    cancelled = invoke("payments", "cancel", "RG-000001", "--reason", "saisi deux fois")
    assert said(cancelled) == "RG-000001 is cancelled on 2026-06-05"
    assert "cancelled" in said(invoke("payments", "list", "--state", "cancelled"))
    assert said(invoke("payments", "list", "--state", "cashed")) == "there is no such receipt"
    again = invoke("payments", "cancel", "RG-000001", "--reason", "saisi deux fois")
    assert (again.exit_code, "was cancelled on 2026-06-05" in again.stderr) == (1, True)
    assert said(invoke(*received)) == "RG-000002: 1000.00 DH, settles FA-2026-000001 1000.00"
    engine = open_engine(database_url)
    assert check(engine) == []
    engine.dispose()


def all_of(done: Result) -> str:
    """All that was said, warnings too."""
    assert done.exit_code == 0, done.output
    return done.output


def test_what_is_unlikely_or_late_is_told(invoke: Invoke, tmp_path: Path, database_url: URL) -> None:
    receive = ("payments", "receive", "10.00", "--reference", "V1", "--tenant", "T1", "--on")
    assert "warning: its value date 2025-11-20 lies in another financial year" in all_of(invoke(*receive, "2025-11-20"))
    all_of(invoke("payments", "cancel", "RG-000001", "--reason", "mauvaise année"))
    assert "warning" not in all_of(invoke(*receive, "2026-06-20"))
    assert "warning: RG-000002 of 2026-06-20 (10.00) bears the same reference" in all_of(invoke(*receive, "2026-06-21"))
    all_of(invoke("periods", "close", "2026-06"))
    late = all_of(invoke("payments", "receive", "10.00", "--reference", "V2", "--tenant", "T1", "--on", "2026-06-22"))
    assert "warning: booked on 2026-07-01, since 2026-06 is closed; its own day 2026-06-22 is kept" in late
    undone = all_of(
        invoke("payments", "undo", "RG-000004", "FA-2026-000001", "--on", "2026-06-23", "--reason", "erreur")
    )
    assert "warning: booked on 2026-07-01" in undone
    network = write_network(tmp_path / "network", tenants=TENANTS, leases=LEASES)
    row = "V3,transfer,2025-06-05,T1,,10.00,,,,,none,\n"
    (network / "payments.csv").write_text(HEADER + row, encoding="utf-8")
    assert "warning: payments.csv:2: 'RG-000005' its value date 2025-06-05 lies in another" in all_of(
        invoke("import", network)
    )
    all_of(invoke("payments", "cancel", "RG-000005", "--reason", "mauvaise année"))
    again = all_of(invoke("import", network))
    assert "payments.csv: 0 new, 0 changed, 1 unchanged" in again
    assert "'RG-000005' RG-000005, which says the same, was cancelled: it is not entered anew" in again
    engine = open_engine(database_url)
    assert check(engine) == []
    engine.dispose()


def test_the_day_that_is_named_is_the_day_that_is_booked(invoke: Invoke, database_url: URL) -> None:
    all_of(invoke("payments", "receive", "10.00", "--reference", "V1", "--tenant", "T1", "--on", "2026-07-10"))
    undo = ("payments", "undo", "RG-000001", "FA-2026-000001", "--reason", "erreur", "--on")
    # It was allocated on 10 July: before that day it can't be undone, though June is open.
    early = all_of(invoke(*undo, "2026-06-23"))
    assert "warning: booked on 2026-07-10: what it goes with is of that day, not of 2026-06-23" in early
    allocated = all_of(invoke("payments", "allocate", "RG-000001", "--invoice", "FA-2026-000001=10.00"))
    assert "warning" not in allocated
    all_of(invoke("periods", "close", "2026-06"))
    late = all_of(invoke(*undo, "2026-06-23"))
    assert "warning: booked on 2026-07-10, since 2026-06 is closed" in late
    assert "warning" not in all_of(
        invoke("payments", "withdraw", "RG-000001", "T1", "--reason", "autre locataire", "--on", "2026-07-10")
    )
    engine = open_engine(database_url)
    with reading(engine) as connection:
        days = connection.scalars(select(entry.c.effective_on).where(entry.c.reference.like("OD/AF-%/annulation")))
        assert [str(day) for day in days] == ["2026-07-10", "2026-07-10"]
    engine.dispose()


def test_two_equal_sums_of_cash_are_two_if_told_so(invoke: Invoke) -> None:
    cash = ("payments", "receive", "50.00", "--on", "2026-06-05", "--reference", "ESPECES", "--tenant", "T1",
            "--means", "cash")  # fmt: skip
    assert said(invoke(*cash)).startswith("RG-000001:")
    assert said(invoke(*cash)).startswith("RG-000001:")
    assert said(invoke(*cash, "--occurrence", "2")).startswith("RG-000002:")
    assert said(invoke(*cash, "--occurrence", "2")).startswith("RG-000002:")
