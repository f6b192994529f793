"""Bank statements at the command line."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy.engine import URL

from billing.cli import main
from invoices.structured_reference import rf_of
from tests.support.bank_files import camt, entry
from tests.support.networks import write_network

DAY = date(2026, 9, 1)
NETWORK = Path(__file__).parents[2] / "billing" / "demo" / "network"


@pytest.fixture
def run(database_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    """One firm billed for September, 3,480.00 due; and a statement that pays it, with three lines more."""
    monkeypatch.chdir(tmp_path)
    operator = tmp_path / "operator.toml"
    operator.write_bytes((NETWORK / "operator.toml").read_bytes())
    command = Run(
        {
            "DATABASE_URL": database_url.render_as_string(hide_password=False),
            "DOCUMENTS_URL": f"file://{tmp_path / 'documents'}",
            "SMTP_URL": f"file:{tmp_path / 'outbox'}",
            "OPERATOR_FILE": str(operator),
        }
    )
    network = write_network(
        tmp_path / "network",
        tenants=[{"code": "T1", "kind": "large", "incorporated_on": "2000-01-01", "legal_name": "Noor Santé"}],
        leases=[("L1", "T1", "CAS", "CAS-1", "20", "2024-01-01", None)],
    )
    lines = [
        entry(348_000, DAY, structured=rf_of("FA-2026-000001"), reference="VR1"),
        entry(7_700, DAY, debtor="NOOR SANTE SARL"),
        entry(-1_065, DAY, text="COMMISSION"),
        entry(-2_000, DAY, text="DIVERS"),
    ]
    (tmp_path / "releve.xml").write_bytes(camt(lines, opening=0, closing=352_635, on=DAY))
    command("migrate")
    command("import", network)
    command("run", "2026-09", "--issue-date", "2026-09-01", "--no-delivery")
    return command


class Run:
    """Runs a command that must succeed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *arguments: object) -> str:
        found = self.tried(*arguments)
        assert found.exit_code == 0, found.output
        return found.output

    def tried(self, *arguments: object) -> Result:
        """Whatever comes of it."""
        return CliRunner().invoke(main, [str(a) for a in arguments], env=self.environment)


def test_a_statement_from_its_import_to_its_reconciliation(run: Run, tmp_path: Path) -> None:
    assert run("statements", "list") == "no statement was imported yet\n"
    told = run("statements", "import", "releve.xml")
    assert told == "RE-000001 (releve.xml REL-1): 4 lines, 0 known before\n1 booked, 3 waiting\n"
    assert "all 4 lines stand already" in run("statements", "import", "releve.xml")
    waiting = run("statements", "lines", "--waiting")
    assert "60 %  received T1" in waiting
    assert "80 %  booked  6147: Mouvement propre à la banque : d’après le mot COMMISSION" in waiting
    assert "Mouvement propre à la banque : d’après le mot COMMISSION" in run("statements", "waiting", "--format", "csv")
    assert run("statements", "accept", "RE-000001/2") == "RE-000001/2: received\n"
    assert run("statements", "accept", "RE-000001/3", "--proposal", "1") == "RE-000001/3: booked\n"
    refused = run.tried("statements", "ignore", "RE-000001/4", "--account", "6147")
    assert (refused.exit_code, "needs a reason" in refused.output) == (1, True)
    run("statements", "ignore", "RE-000001/4", "--account", "6147", "--reason", "Timbre")
    run("statements", "undo", "RE-000001/2", "--reason", "Inconnu")
    run("statements", "accept", "RE-000001/2", "--unplaced")
    assert "difference 0.00, unexplained 0.00" in run("statements", "reconcile")
    run("statements", "reconcile", "--format", "xlsx", "-o", "rapprochement.xlsx")
    run("statements", "waiting", "--format", "xlsx", "-o", "attente.xlsx")
    assert {path.name for path in tmp_path.glob("*.xlsx")} == {"rapprochement.xlsx", "attente.xlsx"}
    assert "received (100 %)" in run("statements", "lines", "RE-000001")
    assert "REL-1" in run("statements", "list")
    assert "proved" in run("check", "--no-files")


def test_a_statement_imported_wrongly_is_withdrawn(run: Run) -> None:
    run("statements", "import", "releve.xml")
    refused = run.tried("statements", "withdraw", "RE-000001")
    assert (refused.exit_code, "needs a reason" in refused.output) == (1, True)
    withdrawn = run("statements", "withdraw", "RE-000001", "--reason", "Mauvais solde de départ")
    assert withdrawn == "RE-000001: withdrawn with its 4 lines\n"
    assert "withdrawn" in run("statements", "list")
    assert run("statements", "lines", "--waiting") == "no line waits\n"
    assert "RE-000002 (releve.xml REL-1): 4 lines, 0 known before" in run("statements", "import", "releve.xml")
    assert "proved" in run("check", "--no-files")


def test_proposals_are_listed_then_accepted_from_a_certainty_on(run: Run) -> None:
    run("statements", "import", "releve.xml")
    listed = run("statements", "accept", "--certain-from", "80", "--dry-run")
    assert listed.splitlines() == [
        "RE-000001/3  2026-09-01          -10.65  COMMISSION",
        "     80 %  booked  6147: Mouvement propre à la banque : d’après le mot COMMISSION",
        "1 lines would be accepted",
    ]
    assert "RE-000001/3" in run("statements", "lines", "--waiting")
    assert run("statements", "accept", "--certain-from", "60").endswith("2 lines accepted\n")
    assert "RE-000001/3" not in run("statements", "lines", "--waiting")


def test_a_line_is_what_several_receipts_have_booked(run: Run) -> None:
    for n, amount in enumerate(("70.00", "7.00"), 1):
        run("payments", "receive", amount, "--on", "2026-09-01", "--reference", f"V{n}", "--tenant", "T1")
    run("statements", "import", "releve.xml")
    waiting = run("statements", "lines", "--waiting")
    assert " 85 %  recorded  BQ/RG-000001, BQ/RG-000002: Déjà comptabilisé : BQ/RG-000001, BQ/RG-000002" in waiting
    linked = run("statements", "accept", "RE-000001/2", "--receipt", "RG-000001", "--receipt", "RG-000002")
    assert linked == "RE-000001/2: recorded\n"
    assert "proved" in run("check", "--no-files")


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("import", "operator.toml"), 1, "has no line of titles with"),
        (("import", "releve.xml", "--mapping", "bmce"), 1, "is no mapping of a CSV file"),
        (("import", "releve.xml", "--opening", "ten"), 2, "is not an amount"),
        (("accept", "RE-1"), 2, "is no line of a statement such as RE-000012/3"),
        (("accept", "RE-000001/1"), 1, "there is no line RE-000001/1"),
        (("accept", "RE-000001/1", "--proposal", "1", "--tenant", "T1"), 2, "not both"),
        (("accept", "RE-000001/1", "--invoice", "FA-2026-000001"), 2, "must be INVOICE=AMOUNT"),
        (("accept", "RE-000001/1", "--receipt", "7"), 2, "is no receipt such as RG-000012"),
        (("accept",), 2, "give LINE, such as RE-000012/3, or --certain-from"),
        (("accept", "RE-000001/1", "--certain-from", "80"), 2, "give --certain-from alone"),
        (("accept", "RE-000001/1", "--dry-run"), 2, "give LINE"),
        (("ignore", "RE-000001/1"), 2, "give --account or --entry"),
        (("lines", "FA-1"), 2, "is no statement such as RE-000012"),
        (("withdraw", "FA-1", "--reason", "x"), 2, "is no statement such as RE-000012"),
        (("reconcile",), 1, "import one first"),
    ],
)  # fmt: skip
def test_wrong_usage_and_refusals_say_what_to_do(
    run: Run, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    found = run.tried("statements", *arguments)
    assert (found.exit_code, sentence in " ".join(found.output.split())) == (status, True), found.output
