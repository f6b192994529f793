"""The command line: what each command does, says and gives as its exit status (contract, "Command")."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click import Context, Group
from click.testing import CliRunner, Result
from sqlalchemy import Engine, make_url, select, text
from sqlalchemy.engine import URL

from billing.check import check
from billing.cli import main
from billing.frame.database import open_engine, reading, writing
from billing.frame.tables import api_token
from billing.register.tables import billing_run
from billing.run.plan import BATCH_TENANTS
from billing.run.tables import run_batch, run_outcome
from invoices.models import delivery, document, number_series
from tests.support.networks import GROUND, write_network
from tests.support.spoiling import behind_its_back
from tests.support.tenants import change_tenant

PROGRAM = (sys.executable, "-c", "from billing.cli import main; main()")
NETWORK = Path(__file__).parents[2] / "billing" / "demo" / "network"

Invoke = Callable[..., Result]


@pytest.fixture
def environment(database_url: URL, tmp_path: Path) -> dict[str, str]:
    """Settings for a database of the test's own, not yet migrated, with an operator who is no demonstration."""
    operator = tmp_path / "operator.toml"
    operator.write_bytes((NETWORK / "operator.toml").read_bytes())
    return {
        "DATABASE_URL": database_url.render_as_string(hide_password=False),
        "DOCUMENTS_URL": f"file://{tmp_path / 'documents'}",
        "SMTP_URL": f"file:{tmp_path / 'outbox'}",
        "OPERATOR_FILE": str(operator),
        "EXECUTOR": "local",
    }


@pytest.fixture
def invoke(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs a command within this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, **settings: str | None) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], env={**environment, **settings})

    return run


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command as a process of its own."""

    def begin(*arguments: object, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            env={**os.environ, **environment, **settings},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


@pytest.fixture
def engine(database_url: URL) -> Iterator[Engine]:
    """The database the commands work on."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def ok(result: Result) -> str:
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(result: Result) -> str:
    """The reason, which stands on standard error; the status is 1."""
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True), result.output
    assert "Traceback" not in result.output
    return result.stderr


PARK: dict[str, Any] = {
    "tenants": [{"code": "T1"}, {"code": "T2", "kind": "large"}],
    "leases": [{"code": "L1", "tenant": "T1"}, {"code": "L2", "tenant": "T2", "area_m2": "40"}],
    "usage": [
        {"event_id": "U1", "tenant": "T1", "occurred_on": "2026-05-20"},
        {"event_id": "U2", "tenant": "T2", "occurred_on": "2026-06-20", "quantity": "3"},
    ],
    "grants": [{"code": "G1", "site": "TNG"}],
}


def enter(invoke: Invoke, folder: Path, **overrides: Any) -> str:
    return ok(invoke("import", write_network(folder, **{**PARK, **overrides})))


@pytest.fixture
def entered(invoke: Invoke, tmp_path: Path) -> Path:
    """A small park, migrated and imported; gives its folder."""
    ok(invoke("migrate"))
    enter(invoke, tmp_path / "network")
    return tmp_path / "network"


# What needs no database.


def test_help_of_every_command_says_what_it_does_with_an_example(tmp_path: Path) -> None:
    """`--help` reads no setting: these would stop any command that does."""
    bad = {"DATABASE_URL": "nonsense", "SMTP_URL": "nonsense"}
    commands = main.list_commands(Context(main))
    for command in commands:
        group = main.get_command(Context(main), command)
        nested = list(group.commands) if isinstance(group, Group) else []
        for words in [[command, sub] for sub in nested] or [[command]]:
            found = ok(CliRunner(env=bad).invoke(main, [*words, "--help"]))
            assert re.search(rf"Example:\n    .*technopark-billing {' '.join(words)}", found)
            assert "--debug" in found
    whole = ok(CliRunner(env=bad).invoke(main, ["--help"]))
    assert re.findall(r"^  ([a-z][a-z-]*)  +[A-Z]", whole, re.M) == commands


def test_help_is_there_at_once() -> None:
    """What is heavy is imported by the command that uses it."""
    heavy = "{'sqlalchemy', 'weasyprint', 'pyarrow', 'flask', 'rich', 'alembic', 'fsspec'}"
    code = (
        "import sys; from click.testing import CliRunner; from billing.cli import main; "
        "found = CliRunner().invoke(main, ['--help']); assert found.exit_code == 0; "
        f"print(*({heavy} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "2026-13"), "'2026-13' is not a month such as 2026-09"),
        (("run", "2026-6"), "'2026-6' is not a month"),
        (("run", "2026-06-01"), "'2026-06-01' is not a month"),
        (("run",), "Missing argument 'YYYY-MM'"),
        (("run", "2026-06", "--issue-date", "2026-02-30"), "'2026-02-30' is not a day such as 2026-09-01"),
        (("run", "2026-06", "--issue-date", "20260601"), "'20260601' is not a day"),
        (("run", "2026-06", "--workers", "0"), "0 is not in the range"),
        (("export", "documents"), "give --period, or both --from and --until"),
        (("export", "documents", "--period", "2026-06", "--format", "pdf"), "'pdf' is not one of"),
        (("export", "journal", "--from", "2026-07-01", "--until", "2026-06-30"), "comes after"),
        (("export", "journal", "--output", "/"), "is a directory"),
        (("token", "create", "x", "--scope", "root"), "'root' is not one of"),
        (("serve", "--port", "70000"), "70000 is not in the range"),
        (("import",), "Missing argument 'FOLDER'"),
        (("bill",), "No such command 'bill'"),
    ],
)
def test_wrong_usage_is_status_2(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner(env={"DATABASE_URL": "nonsense"}).invoke(main, arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DATABASE_URL", "mysql://root@here/books"),
        ("DATABASE_URL", "nonsense"),
        ("DOCUMENTS_URL", "carrier-pigeon://here"),
        ("SMTP_URL", "smtp://host:port"),
        ("OPERATOR_FILE", "/no/such/file.toml"),
        ("EXECUTOR", "cluster"),
        ("RUN_DAY", "31"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_malformed_setting_stops_every_command_with_a_sentence_that_names_it(setting: str, value: str) -> None:
    for command in (
        ("migrate",),
        ("check",),
        ("run", "2026-06"),
        ("deliver",),
        ("export", "trial-balance"),
        ("serve",),
    ):
        reason = refused(CliRunner(env={setting: value}).invoke(main, command))
        assert reason.startswith(f"technopark-billing: {setting}")


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    env = {"DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/books"}
    reason = refused(CliRunner(env=env).invoke(main, ["check"]))
    assert reason.startswith("technopark-billing: the database cannot be reached: ")
    assert "secret" not in reason


def test_an_sqlite_file_that_is_not_there_is_not_made_by_accident(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    reason = refused(CliRunner(env={"DATABASE_URL": f"sqlite:///{path}"}).invoke(main, ["check"]))
    assert "technopark-billing migrate" in reason
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "said"), [(b"not a database at all, but long enough to be looked at" * 40, "is no SQLite database")]
)
def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "books.sqlite"
    path.write_bytes(content)
    for command in ("check", "migrate"):
        assert said in refused(CliRunner(env={"DATABASE_URL": f"sqlite:///{path}"}).invoke(main, [command]))


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none' / 'books.sqlite'}"
    reason = refused(CliRunner(env={"DATABASE_URL": url}).invoke(main, ["migrate"]))
    assert "cannot be opened: check that its folder exists" in reason


def test_a_fault_of_the_program_is_a_sentence_and_with_debug_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("billing.frame.settings.load_settings", broken)
    reason = refused(CliRunner().invoke(main, ["migrate"]))
    assert "unexpected ZeroDivisionError: by nought" in reason
    assert "--debug" in reason
    for arguments in (["migrate", "--debug"], ["--debug", "migrate"]):
        assert isinstance(CliRunner().invoke(main, arguments).exception, ZeroDivisionError)


def test_a_command_interrupted_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("billing.frame.settings.load_settings", interrupted)
    assert "what was committed stays" in refused(CliRunner().invoke(main, ["migrate"]))


# migrate


def test_migrate_repeated_changes_nothing(invoke: Invoke) -> None:
    assert ok(invoke("migrate")).startswith("the schema is now at version ")
    assert "already: nothing changed" in ok(invoke("migrate"))


@pytest.mark.parametrize(
    "command",
    [
        ("import", "x"),
        ("run", "2026-06"),
        ("deliver",),
        ("export", "trial-balance"),
        ("check",),
        ("serve",),
        ("scheduler",),
        ("token", "list"),
    ],
)
def test_a_database_that_is_not_migrated_is_a_sentence(invoke: Invoke, command: tuple[str, ...]) -> None:
    assert "technopark-billing migrate" in refused(invoke(*command))


def test_a_database_of_another_version_is_a_sentence(invoke: Invoke, engine: Engine) -> None:
    ok(invoke("migrate"))
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "is at version 9999" in refused(invoke("check"))


# import


def test_import_prints_what_is_new_changed_unchanged(invoke: Invoke, tmp_path: Path) -> None:
    ok(invoke("migrate"))
    folder = write_network(tmp_path / "network", **PARK)
    dry = ok(invoke("import", folder, "--dry-run"))
    assert "tenants.csv: 2 new, 0 changed, 0 unchanged" in dry
    assert dry.splitlines()[-1].startswith("dry run, nothing written: ")
    assert "tenants.csv: 2 new, 0 changed, 0 unchanged" in ok(invoke("import", folder))
    write_network(folder, **{**PARK, "tenants": [{"code": "T1", "city": "Fès"}, PARK["tenants"][1]]})
    changed = ok(invoke("import", folder))
    assert "tenants.csv: 0 new, 1 changed, 1 unchanged" in changed
    assert "T1 city: Tanger → Fès" in changed


def test_import_refuses_whole_and_names_every_fault(invoke: Invoke, engine: Engine, tmp_path: Path) -> None:
    ok(invoke("migrate"))
    folder = write_network(
        tmp_path / "network",
        tenants=[{"code": "T1", "ice": "12"}],
        leases=[{"code": "L1", "tenant": "T9"}, {"code": "L2", "tenant": "T1", "area_m2": "0"}],
    )
    reason = refused(invoke("import", folder))
    assert "refused, nothing was written; 3 faults:" in reason
    for fault in ("tenants.csv:2: ice '12'", "leases.csv:2: tenant 'T9'", "leases.csv:3: area_m2 '0'"):
        assert fault in reason
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM site")) == 0


def test_warnings_of_an_import_go_to_standard_error(invoke: Invoke, tmp_path: Path) -> None:
    ok(invoke("migrate"))
    found = invoke("import", write_network(tmp_path / "network", tenants=[{"code": "T1", "ice": "001561191000067"}]))
    assert "warning:" not in ok(found)
    assert "warning: tenants.csv:2: ice '001561191000067'" in found.stderr


def test_a_network_folder_that_is_not_there_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    ok(invoke("migrate"))
    assert "nowhere" in refused(invoke("import", tmp_path / "nowhere"))


# run


def test_a_run_bills_the_month_and_says_so_in_one_line(invoke: Invoke, entered: Path, engine: Engine) -> None:
    said = ok(invoke("run", "2026-06", "--issue-date", "2026-06-01"))
    assert said.count("\n") == 1
    # Office 22.5 m² and one meal; office 40 m².
    assert "2 invoices, 3 lines: net 7142.50 MAD, tax 1426.75 MAD, gross 8569.25 MAD" in said
    with reading(engine) as connection:
        assert connection.execute(select(delivery.c.state)).scalars().all() == ["queued", "queued"]
        assert [str(day) for day in connection.scalars(select(document.c.issued_on))] == ["2026-06-01"] * 2
    assert "is final since 2026-06-01: nothing more to issue" in ok(invoke("run", "2026-06"))
    assert check(engine) == []


def test_a_dry_run_writes_nothing_and_prints_the_same_totals(invoke: Invoke, entered: Path, engine: Engine) -> None:
    dry = ok(invoke("run", "2026-06", "--issue-date", "2026-06-01", "--dry-run"))
    with reading(engine) as connection:
        for table in (billing_run, document, number_series):
            assert connection.execute(select(table)).all() == []
    real = ok(invoke("run", "2026-06", "--issue-date", "2026-06-01"))
    assert dry.partition(";")[0] == "2026-06, dry run, nothing written"
    assert dry.partition(";")[2] == real.partition(";")[2]


def test_a_run_without_delivery_queues_nothing(invoke: Invoke, entered: Path, engine: Engine) -> None:
    ok(invoke("run", "2026-06", "--no-delivery"))
    with reading(engine) as connection:
        assert connection.execute(select(delivery)).all() == []
        assert len(connection.execute(select(document)).all()) == 2


def test_a_tenant_that_cannot_be_billed_is_named_and_all_others_are(
    invoke: Invoke, tmp_path: Path, engine: Engine
) -> None:
    """R6, R14: status 1; once its data is mended the month is run again, for it alone."""
    ok(invoke("migrate"))
    rates = [rate for rate in GROUND["rates"] if rate[:2] != ("CAS", "OFFICE")]  # type: ignore[index]
    leases = [*PARK["leases"], {"code": "L3", "tenant": "T3", "site": "CAS"}]
    tenants = [*PARK["tenants"], {"code": "T3"}]
    enter(invoke, tmp_path / "network", rates=rates, leases=leases, tenants=tenants)
    for arguments in (("run", "2026-06", "--issue-date", "2026-06-01", "--dry-run"), ("run", "2026-06")):
        found = invoke(*arguments)
        reason = refused(found)
        assert "T3: no rate for OFFICE at CAS for tenants of kind startup on 2026-06-01" in reason
        assert "1 tenant could not be billed; all others are" in reason
        assert "2 invoices, 3 lines" in found.stdout
    enter(invoke, tmp_path / "network", leases=leases, tenants=tenants)
    again = ok(invoke("run", "2026-06"))
    assert "1 invoice, 1 line" in again
    assert "beside 2 documents that this month's run had issued before" in again
    with reading(engine) as connection:
        assert set(connection.scalars(select(run_outcome.c.status))) == {"issued"}
    assert check(engine) == []


def test_a_month_before_the_latest_run_is_refused(invoke: Invoke, entered: Path) -> None:
    ok(invoke("run", "2026-06"))
    assert "2026-05 comes before 2026-06" in refused(invoke("run", "2026-05"))


def test_an_issue_date_that_goes_back_is_refused_with_the_day_to_give(invoke: Invoke, entered: Path) -> None:
    ok(invoke("run", "2026-06", "--issue-date", "2026-06-10"))
    reason = refused(invoke("run", "2026-07", "--issue-date", "2026-06-09"))
    assert "give --issue-date 2026-06-10 or later" in reason


def test_documents_of_the_made_up_operator_are_warned_of(invoke: Invoke, entered: Path) -> None:
    assert "made-up operator" not in invoke("run", "2026-06", "--dry-run").stderr
    found = invoke("run", "2026-06", "--dry-run", OPERATOR_FILE=None)
    assert "warning: OPERATOR_FILE is not set: documents bear the made-up operator" in found.stderr
    assert found.exit_code == 0


# deliver


def test_deliver_sends_what_is_queued(invoke: Invoke, entered: Path, tmp_path: Path) -> None:
    ok(invoke("run", "2026-06"))
    assert ok(invoke("deliver")) == "2 sent, 2 rendered, 0 queued, 0 failed\n"
    assert len(list((tmp_path / "outbox").rglob("*.eml"))) == 2
    assert len(list((tmp_path / "documents").rglob("*.pdf"))) == 2
    assert ok(invoke("deliver")).startswith("0 sent, ")
    ok(invoke("check"))


def test_what_fails_is_named_stays_queued_and_can_be_tried_again(invoke: Invoke, entered: Path, tmp_path: Path) -> None:
    ok(invoke("run", "2026-06"))
    (tmp_path / "outbox").write_text("a file where the folder should be")
    found = invoke("deliver")
    assert refused(found)
    (tmp_path / "outbox").unlink()
    assert ok(invoke("deliver")).startswith("2 sent, ")


def test_a_mail_server_that_is_not_there_is_a_sentence_and_all_stays_queued(
    invoke: Invoke, entered: Path, engine: Engine
) -> None:
    ok(invoke("run", "2026-06"))
    reason = refused(invoke("deliver", SMTP_URL="smtp://127.0.0.1:1?security=none"))
    assert "delivery was stopped, the rest stays queued" in reason
    with reading(engine) as connection:
        assert set(connection.scalars(select(delivery.c.state))) == {"queued"}
    assert ok(invoke("deliver")).startswith("2 sent, ")


def test_a_mended_address_gets_what_failed_before(
    invoke: Invoke, entered: Path, tmp_path: Path, engine: Engine
) -> None:
    change_tenant(engine, "T1", email="")
    ok(invoke("run", "2026-06"))
    assert "T1" in refused(invoke("deliver"))
    change_tenant(engine, "T1", email="mended@example.ma")
    assert ok(invoke("deliver")).startswith("1 sent, ")
    assert any("To: " in text and "mended@example.ma" in text for text in map(Path.read_text, tmp_path.rglob("*.eml")))


# export


def test_documents_are_exported_in_the_contracts_shape(invoke: Invoke, entered: Path) -> None:
    ok(invoke("run", "2026-06", "--issue-date", "2026-06-01"))
    first, second = json.loads(ok(invoke("export", "documents", "--period", "2026-06", "--format", "json")))
    assert (first["number"], first["tenant"], first["gross"]) == ("FA-2026-000001", "T1", "1369.25")
    assert second["lines"][0]["amount"] == "6000.00"


def test_the_waterfall_is_exported_in_the_contracts_shape(invoke: Invoke, entered: Path) -> None:
    ok(invoke("run", "2026-06"))
    found = json.loads(ok(invoke("export", "cross-subsidy", "--period", "2026-06", "--format", "json")))
    assert found["sites"]["TNG"]["contributions"] == "640.00"
    assert found["grants_left"].keys() == {"G1"}


def test_the_trial_balance_is_exported_up_to_a_day(invoke: Invoke, entered: Path) -> None:
    ok(invoke("run", "2026-06", "--issue-date", "2026-06-01"))
    ok(invoke("run", "2026-07", "--issue-date", "2026-07-01"))
    june = json.loads(ok(invoke("export", "trial-balance", "--until", "2026-06-30", "--format", "json")))
    assert june["until"] == "2026-06-30"
    clients = {row["account"]: row for row in june["accounts"]}["3421"]
    assert (clients["debit"], clients["credit"], clients["balance"]) == ("8569.25", "0.00", "8569.25")


def test_tables_are_written_as_a_french_spreadsheet_opens_them(invoke: Invoke, entered: Path) -> None:
    run = invoke("export", "trial-balance", "--dialect", "fr", "--format", "csv")
    titles, *rows = ok(run).removeprefix("\ufeff").splitlines()
    assert titles == "account;label;debit;credit;balance"
    assert rows
    assert all(re.fullmatch(r"[0-9]+;.+(;-?[0-9]+,[0-9]{2}){3}", row) for row in rows)
    wrong = invoke("export", "trial-balance", "--dialect", "fr")
    assert wrong.exit_code == 2
    assert "--dialect fr is a way of writing csv: give --format csv" in wrong.stderr


@pytest.mark.parametrize("format_name", ["csv", "xlsx", "parquet", "fec", "fec-analytic", "hledger", "beancount"])
def test_the_journal_is_exported_the_same_to_a_file_and_to_standard_output(
    invoke: Invoke, entered: Path, tmp_path: Path, format_name: str
) -> None:
    ok(invoke("run", "2026-06"))
    shown = invoke("export", "journal", "--format", format_name)
    assert shown.exit_code == 0
    ok(invoke("export", "journal", "--format", format_name, "--output", tmp_path / "journal"))
    assert (tmp_path / "journal").read_bytes() == shown.stdout_bytes
    assert shown.stdout_bytes


@pytest.mark.parametrize("what", ["documents", "cross-subsidy"])
def test_a_month_that_was_not_run_is_refused(invoke: Invoke, entered: Path, what: str, tmp_path: Path) -> None:
    assert "2026-06" in refused(invoke("export", what, "--period", "2026-06", "--output", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_an_export_that_fails_leaves_the_former_file_as_it_was(
    invoke: Invoke, entered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "exports" / "journal.csv"
    target.parent.mkdir()
    target.write_text("what was there")

    def fills_the_disk(_connection: object, _format: str, destination: Any, **_: object) -> None:
        destination.write(b"half of i")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ledger.exports.write_journal", fills_the_disk)
    assert "the disk is full" in refused(invoke("export", "journal", "--output", target))
    assert target.read_text() == "what was there"
    assert list(target.parent.iterdir()) == [target]
    found = invoke("export", "journal")
    assert "the disk is full" in refused(found)
    assert found.stdout == ""


def test_an_export_to_a_full_device_or_a_missing_folder_is_a_sentence(invoke: Invoke, entered: Path) -> None:
    assert "the disk is full" in refused(invoke("export", "journal", "--output", "/dev/full"))
    assert refused(invoke("export", "journal", "--output", "/no/such/folder/journal.csv")) == (
        "technopark-billing: /no/such/folder/journal.csv: no such file or directory\n"
    )


# check


def test_check_proves_or_names_each_problem(invoke: Invoke, entered: Path, engine: Engine) -> None:
    ok(invoke("run", "2026-06"))
    assert ok(invoke("check")) == "proved: books, documents, numbers, runs and triggers agree\n"
    behind_its_back(engine, "UPDATE subsidy_grant SET amount = amount + 1")
    reason = refused(invoke("check"))
    assert "grant G1 of 1000.01 is booked as 1000.00\n" in reason
    assert "grant G1: amount is '1000.01', act 1 left it '1000.00'\n" in reason
    assert reason.endswith("technopark-billing: 2 problems found\n")


def test_check_reads_the_stored_files_unless_told_otherwise(invoke: Invoke, entered: Path, tmp_path: Path) -> None:
    ok(invoke("run", "2026-06"))
    ok(invoke("deliver"))
    next((tmp_path / "documents").rglob("*.pdf")).unlink()
    assert "is missing from the documents" in refused(invoke("check"))
    ok(invoke("check", "--no-files"))


# token


def test_a_token_is_made_listed_and_revoked(invoke: Invoke, engine: Engine) -> None:
    ok(invoke("migrate"))
    assert ok(invoke("token", "list")) == "no token was made yet\n"
    secret = ok(invoke("token", "create", "erp", "--scope", "finance", "--expires", "2099-12-31")).strip()
    with reading(engine) as connection:
        assert secret not in str(connection.execute(select(api_token)).all())
    assert re.search(r"erp +finance +valid", ok(invoke("token", "list")))
    assert "another name" in refused(invoke("token", "create", "erp", "--scope", "finance"))
    ok(invoke("token", "revoke", "erp"))
    assert re.search(r"erp +finance +revoked", ok(invoke("token", "list")))
    assert "no token is named erb" in refused(invoke("token", "revoke", "erb"))
    assert "has passed" in refused(invoke("token", "create", "old", "--scope", "admin", "--expires", "2020-01-01"))


# As real processes: exit status, killed runs, several at once.

Start = Callable[..., "subprocess.Popen[str]"]


def finished(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_status_and_streams_of_real_processes(start: Start) -> None:
    status, out, err = finished(start("run", "2026-13"))
    assert (status, out) == (2, "")
    assert "is not a month" in err
    status, out, err = finished(start("check"))
    assert (status, out) == (1, "")
    assert "technopark-billing migrate" in err
    assert finished(start("migrate"))[0] == 0
    assert finished(start("import", NETWORK))[0] == 0
    status, out, err = finished(start("check"))
    assert (status, out) == (0, "proved: books, documents, numbers, runs and triggers agree\n")
    # The tests' own role on PostgreSQL is a superuser.
    assert err == "" or "owns the tables, or is a superuser" in err


def test_output_whose_reader_has_gone_is_no_traceback(start: Start) -> None:
    assert finished(start("migrate"))[0] == 0
    assert finished(start("import", NETWORK))[0] == 0
    process = start("export", "journal")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.wait(timeout=60)


def wide_park(folder: Path, tenants: int) -> Path:
    """Enough tenants for several batches, so that a run can be killed between them."""
    return write_network(
        folder,
        tenants=[{"code": f"T{n:05}", "kind": "large" if n % 3 else "startup"} for n in range(tenants)],
        leases=[{"code": f"L{n:05}", "tenant": f"T{n:05}", "area_m2": 10 + n % 50} for n in range(tenants)],
        usage=[
            {"event_id": f"U{n:05}", "tenant": f"T{n:05}", "occurred_on": "2026-05-20", "quantity": 1 + n % 7}
            for n in range(tenants)
        ],
        grants=PARK["grants"],
    )


def shape_of(engine: Engine) -> list[tuple[object, ...]]:
    """The documents with their amounts, by tenant, and the outcome of the run."""
    d = document.c
    with reading(engine) as connection:
        found = connection.execute(select(d.tenant, d.kind, d.period, d.net, d.tax, d.gross).order_by(d.tenant, d.kind))
        outcome = connection.execute(select(billing_run.c.status, billing_run.c.cross_subsidy))
        return [*map(tuple, found), *map(tuple, outcome)]


# Several batches: each is a point between two commits where a run can die.
TENANTS = 2 * BATCH_TENANTS + 10


def batches_done(engine: Engine) -> int:
    """How far the run has come: -1 before it has begun."""
    with reading(engine) as connection:
        found = connection.execute(select(run_batch.c.status)).scalars().all()
    return found.count("done") if found else -1


def killed_when(engine: Engine, process: "subprocess.Popen[str]", done: int, delay_s: float) -> bool:
    """Kill the run once that many batches are done, and a moment more; False if it has ended by itself."""
    while batches_done(engine) < done:
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    time.sleep(delay_s)
    if process.poll() is not None:
        return False
    process.kill()
    process.communicate()
    return True


def test_a_run_killed_at_any_point_and_run_again_ends_in_the_same_documents(
    start: Start, invoke: Invoke, engine: Engine, tmp_path: Path
) -> None:
    """R14, R15: kill -9 before, within and after each batch; R22 holds at the end, and each document is there once."""
    ok(invoke("migrate"))
    ok(invoke("import", wide_park(tmp_path / "network", TENANTS)))
    moments = Random(1)
    kills = 0
    for done in range(-1, 5):
        process = start("run", "2026-06", "--issue-date", "2026-06-01")
        if not killed_when(engine, process, done, moments.uniform(0, 0.05)):
            break
        kills += 1
    assert kills >= 3
    status, out, err = finished(start("run", "2026-06", "--issue-date", "2026-06-01"))
    assert status == 0, err
    assert f"{TENANTS} invoices" in out
    assert_billed_once(engine)
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path / 'undisturbed.sqlite'}"}
    for arguments in (("migrate",), ("import", tmp_path / "network"), ("run", "2026-06", "--issue-date", "2026-06-01")):
        ok(invoke(*arguments, **settings))
    undisturbed = open_engine(make_url(settings["DATABASE_URL"]))
    assert shape_of(engine) == shape_of(undisturbed)
    undisturbed.dispose()


def assert_billed_once(engine: Engine) -> None:
    """One invoice a tenant, one entry an invoice, numbers 1 … n, and R22."""
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM document")) == TENANTS
        assert connection.scalar(select(number_series.c.last).where(number_series.c.series == "FA")) == TENANTS
        assert connection.scalar(text("SELECT count(*) FROM entry WHERE reference LIKE 'VTE/%'")) == TENANTS
    assert check(engine) == []


def test_runs_started_at_once_bill_each_tenant_once(
    start: Start, invoke: Invoke, engine: Engine, tmp_path: Path
) -> None:
    """R14, R15: all end well, whoever comes second finds the work done."""
    ok(invoke("migrate"))
    ok(invoke("import", wide_park(tmp_path / "network", TENANTS)))
    processes = [start("run", "2026-06", "--issue-date", "2026-06-01") for _ in range(3)]
    for process in processes:
        status, out, err = finished(process)
        assert status == 0, err
        assert f"{TENANTS} invoices" in out
    assert_billed_once(engine)


# demo


def test_demo_leaves_a_folder_alone_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert "holds files that are no demonstration" in refused(CliRunner().invoke(main, ["demo", str(tmp_path)]))
    assert "is a file" in refused(CliRunner().invoke(main, ["demo", str(tmp_path / "letter.txt")]))
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


# Takes half a minute: six months of 450 tenants and the PDFs of one, as `make demo` does.
def test_demo_replaces_a_former_one_and_shows_six_months(tmp_path: Path) -> None:
    """Whatever the environment says; the books are accepted by hledger."""
    folder = tmp_path / "demo out"
    (folder / "outbox").mkdir(parents=True)
    (folder / "outbox" / "old.eml").write_text("of the former one")
    (folder / "billing.sqlite").write_text("of the former one")
    (folder / ".technopark-billing-demo").touch()
    (folder / "notes.txt").write_text("mine")
    environment = {**os.environ, "DATABASE_URL": "nonsense", "SMTP_URL": "nonsense"}
    found = subprocess.run(
        [*PROGRAM, "demo", str(folder)], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert (folder / "notes.txt").read_text() == "mine"
    assert "2026-11        428              0   2\u00a0611\u00a0656.46" in found.stdout
    # The last month's: a reminder carries copies of those of earlier months, and copies are not kept.
    with closing(sqlite3.connect(folder / "billing.sqlite")) as books:
        assert books.execute("SELECT count(*) FROM dunning_step").fetchone()[0] > 0
    assert len(list((folder / "documents").rglob("FA-*.pdf"))) == 428
    # The letter and the statement of one tenant that is reminded, in its mail and beside it.
    assert sorted(path.name.rsplit("-", 5)[0] for path in (folder / "reminders").iterdir()) == [
        "Relance", "Releve-de-compte",
    ]  # fmt: skip
    assert len(list((folder / "outbox").glob("FA-*.eml"))) == 428
    assert [path.name for path in (folder / "outbox").glob("ME-*.eml")] == ["ME-000001.eml"]
    assert not (folder / "outbox" / "old.eml").exists()
    places = re.findall(rf"({re.escape(str(folder))}[^ ]*)  \(", found.stdout)
    assert len(places) == 12
    # What people take back: nothing of the months billed is other for it.
    with (folder / "review" / "revue-2026-12.json").open(encoding="utf-8") as file:
        review = json.load(file)
    assert review["held"] == ["T0146"]
    notes = [x for x in review["documents"] if x["kind"] == "credit_note"]
    assert [(x["tenant"], x["reasons"], x["flags"]) for x in notes] == [("T0001", ["usage", "repair"], ["credit_note"])]
    assert (folder / "review" / "revue-2026-12.pdf").read_bytes().startswith(b"%PDF")
    with (folder / "bank" / "lignes-en-attente.csv").open(encoding="utf-8") as file:
        [contradiction] = [line for line in file if "VC0001" in line]
    assert "mais le payeur est T0004" in contradiction
    assert "usage event E0000029 is void: the review credits its line; receipt RG-000161 is cancelled" in found.stdout
    assert all(Path(place).exists() for place in places)
    for months in range(6, 12):
        assert json.loads((folder / "books" / f"cross-subsidy-2026-{months:02}.json").read_text())["sites"]
    subprocess.run(["hledger", "--file", folder / "books" / "journal.hledger", "check"], check=True)
    engine = open_engine(make_url(f"sqlite:///{folder / 'billing.sqlite'}"))
    assert check(engine, documents_url=f"file://{folder / 'documents'}") == []
    engine.dispose()
