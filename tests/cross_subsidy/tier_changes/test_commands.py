"""The commands for switches: the list, a tenant's bills, the letter, announcing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from billing.cli import main
from tests.support.networks import write_network

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs a command on a park where T1's window ends on 9 September 2026."""
    monkeypatch.chdir(tmp_path)
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path / 'books.sqlite'}", "DOCUMENTS_URL": f"file://{tmp_path}"}

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], env=environment)

    folder = write_network(
        tmp_path / "network",
        tenants=[{"code": "T1", "incorporated_on": "2024-01-15"}, {"code": "T2", "kind": "large"}],
        leases=[("L1", "T1", "TNG", "TNG-1", "22.5", "2025-03-10", None)],
        usage=[("E1", "T1", "TNG", "MEAL", "30", "2026-05-04")],
    )
    assert run("migrate").exit_code == 0
    assert run("import", folder).exit_code == 0
    return run


def test_the_list_is_a_table_by_month_and_site_or_a_file(invoke: Invoke, tmp_path: Path) -> None:
    shown = invoke("tier-changes", "list", "--from", "2026-07")
    assert shown.exit_code == 0, shown.output
    assert "2026-09" in shown.output
    assert "2\u00a0250.00" in shown.output
    assert invoke("tier-changes", "list", "--from", "2026-07", "--format", "xlsx", "-o", "s.xlsx").exit_code == 0
    assert (tmp_path / "s.xlsx").read_bytes().startswith(b"PK")
    found = json.loads(invoke("tier-changes", "list", "--from", "2026-10", "--format", "json").output)
    assert found["switches"] == []
    assert invoke("tier-changes", "list", "-o", "x").exit_code == 2


def test_a_tenants_bills_and_letter_are_shown_and_announcing_is_tried_first(invoke: Invoke, tmp_path: Path) -> None:
    shown = invoke("tier-changes", "show", "T1").output
    assert "T1: discount until 2026-09-09, full price from 2026-09-10" in shown
    assert "1\u00a0350.00" in shown
    assert "usually MEAL, a month without VAT" in shown
    assert invoke("tier-changes", "letter", "T1", "--output", "letter.pdf").exit_code == 0
    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF")
    tried = invoke("tier-changes", "announce", "--on", "2026-08-11", "--dry-run")
    assert "To be announced on 2026-08-11" in tried.output
    assert "dry run, nothing written; 1 tier change announced; 0 of them corrections" in tried.output
    assert "told by" not in invoke("tier-changes", "show", "T1").output
    done = invoke("tier-changes", "announce", "--on", "2026-08-11", "--reason", "essai")
    assert done.output.splitlines()[-1] == "1 tier change announced; 0 of them corrections"
    assert (
        "told by ME-000001, 30 days before: full price from 2026-09-10" in invoke("tier-changes", "show", "T1").output
    )
    assert invoke("tier-changes", "announce", "--on", "2026-08-12").output.startswith("0 tier changes announced")


def test_who_has_no_switch_is_told_so(invoke: Invoke) -> None:
    refused = invoke("tier-changes", "show", "T2")
    assert (refused.exit_code, "T2 has no tier change" in refused.stderr) == (1, True)
    assert invoke("tier-changes", "letter", "T9", "--output", "x.pdf").exit_code == 1
