"""Usage is under proof from the day it is entered, billed or not; what older versions kept, from their upgrade on."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy.engine import URL

from billing.check import check
from billing.frame.database import maintenance_transaction, reading
from billing.frame.schema_version import alembic_config
from billing.migrations.script import execute_script
from billing.proof import log
from billing.proof.export import export_files, write_folder
from billing.proof.forms import ACT, USAGE
from billing.proof.log import Name
from billing.proof.verify_books import main
from billing.register.tables import application, survey, unit
from billing.schema.migrating import migrate
from tests.conftest import opened
from tests.support.billed_park import bill_park
from tests.support.proofs import Proved
from tests.support.spoiling import behind_its_back

_VERSIONS = Path(__file__).parents[2] / "billing" / "migrations" / "versions"
_LATER = [str(_VERSIONS / name) for name in ("0034_vat_treatments.py", "0038_cosignatures.py", "0046_in_kind.py")]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE usage_event SET quantity = quantity + 1 WHERE event_id = 'U1'", "usage 1 (U1) is not what was logged"),
        ("UPDATE usage_event SET tenant = 'T9' WHERE event_id = 'U1'", "usage 1 (U1) is not what was logged"),
        ("DELETE FROM usage_event", "usage 1 stands in the log at position"),
    ],
)
def test_unbilled_usage_changed_behind_its_back_is_named(proved: Proved, statement: str, named: str) -> None:
    behind_its_back(proved.engine, statement)
    problems = check(proved.engine)
    assert any(problem.startswith(named) for problem in problems), problems


def test_usage_follows_its_act(proved: Proved) -> None:
    with reading(proved.engine) as connection:
        names = [leaf.name for leaf in log.leaves(connection, 0, log.size_of(connection))]
    place = names.index(Name(USAGE, 1))
    assert names[place + 1].kind == ACT


def test_a_process_that_has_imported_nothing_else_writes_the_same_record(proved: Proved) -> None:
    """`proof checkpoint` logged quantities as whole numbers, which nobody could verify."""
    program = (
        "import sys; from sqlalchemy import make_url; from billing.proof import log;"
        "from billing.frame.database import open_engine, reading\n"
        "with reading(open_engine(make_url(sys.argv[1]))) as connection:\n"
        "    [record] = log.forms_of(connection, [log.Leaf(0, log.Name('usage', 1), 1, b'')])\n"
        "    print(record.decode())"
    )
    url = proved.engine.url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)
    assert '"quantity":"3.000000"' in done.stdout


def test_usage_of_an_older_version_comes_under_proof_by_the_upgrade(
    database_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log that knew no usage goes on behind it: nothing that was logged moves, and the verifier follows."""
    with opened(database_url) as engine:
        with maintenance_transaction(engine) as connection:
            command.upgrade(alembic_config(connection), "0031")
            # The park is billed and exported by today's program, which needs the columns and the tables of later.
            for script in _LATER:
                execute_script(connection, script)
            unit.create(connection)
            survey.create(connection)
            application.create(connection)
        with monkeypatch.context() as patch:
            # As the log was: every act is older than the upgrade.
            never = "SELECT 1000000 AS id, 0 AS last_usage_event WHERE :after >= 0 AND :operation <> ''"
            patch.setattr(log, "_UPGRADED", never)
            bill_park(engine, tmp_path / "park")
            before = log.append(engine)
            assert _proved(engine, tmp_path / "before", capsys) == 0
        with maintenance_transaction(engine) as connection:
            connection.exec_driver_sql("DROP TABLE proof_cosignature")
            unit.drop(connection)
            survey.drop(connection)
            application.drop(connection)
            connection.exec_driver_sql("ALTER TABLE rate DROP COLUMN in_kind")
            command.upgrade(alembic_config(connection), "0033")
            command.stamp(alembic_config(connection), "0034")
        migrate(engine)
        added = log.append(engine)
        with reading(engine) as connection:
            leaves = log.leaves(connection, before, added)
        # Another act names the rows of other tables that stood.
        assert [leaf.name.kind for leaf in leaves] == [USAGE] * 9 + [ACT, ACT]
        assert check(engine) == []
        assert _proved(engine, tmp_path / "after", capsys) == 0
        assert "9 usage events" in capsys.readouterr().out
        behind_its_back(engine, "UPDATE usage_event SET quantity = quantity + 1 WHERE event_id = 'U8'")
        assert any(problem.startswith("usage ") and "(U8)" in problem for problem in check(engine))


def _proved(engine: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> int:
    with reading(engine) as connection:
        write_folder(export_files(connection), folder)
    capsys.readouterr()
    return main([str(folder), "--unsigned"])
