"""Files that others drop into a folder are taken once, each by itself, wherever fsspec reaches."""

import logging
from datetime import date
from pathlib import Path
from threading import Event
from uuid import uuid4

import fsspec
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select

from billing.cli import main
from billing.frame.database import reading
from billing.frame.jobs import JobContext, say_for
from billing.frame.settings import load_settings
from billing.register.tables import import_log, usage_event
from billing.run.usage_voids.voids_file import IMPORT_FILE
from billing.subjects import SUBJECTS
from billing.sync.dropped import Taken, take_dropped
from billing.sync.jobs import JOBS
from tests.oracle.service import NOW
from tests.support.networks import COLUMNS, DEFAULTS
from tests.support.park import Park
from tests.support.queued import environment
from tests.support.spreadsheets import write_workbook

HEADER = "event_id,tenant,site,service,quantity,occurred_on\n"
GOOD = HEADER + "M1,T1,TNG,MEAL,3,2026-05-04\n"
BAD = HEADER + "M2,T1,TNG,MEAL,3,2026-05-04\nM3,T9,TNG,MEAL,3,2026-05-32\n"


@pytest.fixture
def park(engine: Engine, tmp_path: Path) -> Park:
    park = Park(engine, tmp_path / "network")
    park.opens(tenants=[{"code": "T1"}], leases=[{"code": "L1", "tenant": "T1"}])
    return park


def events(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [*connection.scalars(select(usage_event.c.event_id).order_by(usage_event.c.event_id))]


def test_each_file_is_taken_once_and_a_bad_one_hinders_no_other(park: Park) -> None:
    url = f"memory://{uuid4().hex}"
    filesystem, root = fsspec.core.url_to_fs(url)

    def takes() -> list[Taken]:
        return [*take_dropped(park.engine, url, now=NOW, settings=load_settings({}), further=[IMPORT_FILE])]

    for name, text in (
        ("usage-cantine-1.csv", BAD), ("Usage-cantine-2.csv", GOOD), ("readme.txt", "x"), ("usage.csv.part", GOOD),
        ("usage_voids-2.csv", "event_id,reason\nM1,saisi deux fois\n"), ("tenants-new.csv", "code\n"),
    ):  # fmt: skip
        filesystem.pipe_file(f"{root}/{name}", text.encode())
    taken = takes()
    assert [(each.name, each.report is not None) for each in taken] == [
        ("tenants-new.csv", False), ("Usage-cantine-2.csv", True), ("usage-cantine-1.csv", False),
        ("usage_voids-2.csv", True),
    ]  # fmt: skip
    assert "usage.csv:3: tenant 'T9'" in taken[2].refusal
    assert "usage.csv:3: occurred_on '2026-05-32'" in taken[2].refusal
    assert taken[1].report is not None
    assert taken[1].report.warnings == ()
    assert events(park.engine) == ["M1"]
    # What was taken is not taken again, by whatever name; what was refused is, once it is mended.
    filesystem.pipe_file(f"{root}/usage-copie.csv", GOOD.encode())
    filesystem.pipe_file(f"{root}/usage-cantine-1.csv", BAD.replace("T9", "T1").replace("32", "31").encode())
    assert [each.name for each in takes()] == ["tenants-new.csv", "usage-cantine-1.csv"]
    assert events(park.engine) == ["M1", "M2", "M3"]
    with reading(park.engine) as connection:
        source = connection.scalars(select(import_log.c.source).order_by(import_log.c.id.desc())).first()
    assert str(source).startswith(f"{url} usage-cantine-1.csv sha256:")


def test_a_workbook_of_several_tables_is_taken_whole(park: Park, tmp_path: Path) -> None:
    firm = {"code": "T7", **DEFAULTS["tenants"]}
    sheets = {
        "tenants": [COLUMNS["tenants"], [firm.get(name) for name in COLUMNS["tenants"]]],
        "usage": [COLUMNS["usage"], ["M7", "T7", "TNG", "MEAL", 2, date(2026, 5, 4)]],
    }
    write_workbook(tmp_path / "drop" / "network-rabat.xlsx", sheets)
    url = f"file://{tmp_path / 'drop'}"
    taken = [*take_dropped(park.engine, url, now=NOW, settings=load_settings({}))]
    assert [(each.name, each.refusal) for each in taken] == [("network-rabat.xlsx", "")]
    assert events(park.engine) == ["M7"]


def test_the_command_says_what_came_of_each_file(park: Park, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "usage-1.csv").write_text(GOOD)
    (drop / "usage-2.csv").write_text(BAD)
    variables = {**environment(park.engine, tmp_path), "SYNC_FOLDER": f"file://{drop}"}
    tried = CliRunner().invoke(main, ["sync", "folder", "--dry-run"], env=variables)
    assert "usage-1.csv: dry run, nothing written: 1 new" in tried.stdout
    assert events(park.engine) == []
    done = CliRunner().invoke(main, ["sync", "folder", str(drop)], env=variables)
    assert done.exit_code == 1
    assert "usage-1.csv: imported: 1 new, 0 changed, 0 unchanged" in done.stdout
    assert "usage-2.csv: refused" in done.stderr
    assert "1 file refused; they are tried again next time" in done.stderr
    (drop / "usage-2.csv").unlink()
    (drop / "usage_voids-1.csv").write_text("event_id,reason\nM1,saisi deux fois\n")
    context = JobContext(load_settings(variables), park.engine, lambda: NOW, Event(), say_for("folder"), SUBJECTS)
    with caplog.at_level(logging.INFO, "billing.scheduler"):
        JOBS[1].work(context)
    assert [(record.__dict__["outcome"], record.__dict__["file"]) for record in caplog.records] == [
        ("file taken", "usage_voids-1.csv")
    ]
    assert CliRunner().invoke(main, ["sync", "folder"], env=variables).stdout == "no new file\n"
