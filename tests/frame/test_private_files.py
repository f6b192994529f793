"""Files of the service are its owner's alone, however it is started; what others may read is named."""

import os
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import make_url

from billing.frame.database import open_engine, writing
from billing.frame.exposed_files import exposed_files
from billing.frame.settings import load_settings
from billing.frame.tokens import create_token
from tests.oracle.service import NOW
from tests.support.networks import write_network
from tests.support.served import serving

PROGRAM = (sys.executable, "-c", "from billing.cli import main; main()")
NUMBER = "FA-2026-000001"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may look into, as are those above it."""
    with TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder / 'billing.sqlite'}",
        "DOCUMENTS_URL": f"file:{folder / 'kept' / 'documents'}",
        "SMTP_URL": f"file:{folder / 'outbox'}",
        "RUN_DAY": "1",
        "RUN_HOUR": "0",
    }


@pytest.fixture
def billed(folder: Path, environment: dict[str, str], tmp_path: Path) -> Path:
    """A park billed for June by commands that were started with a mask that hides nothing."""
    network = write_network(
        tmp_path / "network",
        tenants=[{"code": "T1", "kind": "large", "incorporated_on": "2000-01-01"}],
        leases=[{"code": "L1", "tenant": "T1", "site": "CAS", "area_m2": "20", "starts_on": "2024-01-01"}],
    )
    for command in (
        ("migrate",),
        ("import", str(network)),
        ("run", "2026-06", "--issue-date", "2026-06-01"),
        ("deliver",),
        ("documents", "pdf", NUMBER, "--output", str(folder / "facture.pdf")),
        ("export", "journal", "--format", "fec", "--output", str(folder / "journal.txt")),
        ("proof", "new-key", str(folder / "proof.pem")),
    ):
        subprocess.run([*PROGRAM, *command], env={**os.environ, **environment}, check=True, umask=0, timeout=120)
    return folder


def open_to_others(folder: Path) -> list[str]:
    return [f"{path} {stat.filemode(path.stat().st_mode)}" for path in folder.rglob("*") if path.stat().st_mode & 0o077]


def test_what_commands_write_is_private(billed: Path) -> None:
    names = {path.suffix for path in billed.rglob("*") if path.is_file()}
    assert names >= {".sqlite", ".pdf", ".eml", ".txt", ".pem"}
    assert open_to_others(billed) == []


def test_what_the_server_keeps_is_private(billed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    command = ("run", "2026-07", "--issue-date", "2026-07-01", "--no-delivery")
    subprocess.run([*PROGRAM, *command], env={**os.environ, **environment}, check=True, timeout=120)
    engine = open_engine(make_url(environment["DATABASE_URL"]))
    with writing(engine) as connection:
        secret = create_token(connection, "reader", "finance", now=NOW)
    engine.dispose()
    environment["DOCUMENTS_URL"] = f"file:{billed / 'anew' / 'documents'}"
    # The helper starts it without the command, so that no mask protects what it writes.
    mask = os.umask(0)
    try:
        with serving(environment, tmp_path) as server:
            pdf = urllib.request.Request(
                f"{server.address}/v1/documents/FA-2026-000002/pdf", headers={"Authorization": f"Bearer {secret}"}
            )
            with urllib.request.urlopen(pdf, timeout=60) as answer:
                assert answer.read().startswith(b"%PDF")
    finally:
        os.umask(mask)
    assert list((billed / "anew").rglob("*.pdf"))
    assert open_to_others(billed) == []


def test_what_the_scheduler_writes_is_private(billed: Path, environment: dict[str, str]) -> None:
    command = ("run", "2026-07", "--issue-date", "2026-07-01")
    subprocess.run([*PROGRAM, *command], env={**os.environ, **environment}, check=True, timeout=120)
    before = {path.name for path in (billed / "outbox").iterdir()}
    scheduler = subprocess.Popen(
        [*PROGRAM, "scheduler"], env={**os.environ, **environment}, stderr=subprocess.DEVNULL, umask=0
    )
    try:
        ends = time.monotonic() + 120
        while not {path.name for path in (billed / "outbox").iterdir()} - before:
            assert scheduler.poll() is None
            assert time.monotonic() < ends, "no mail was written"
            time.sleep(0.2)
    finally:
        scheduler.terminate()
        scheduler.wait(60)
    assert open_to_others(billed) == []


def test_what_others_may_read_is_named_until_it_is_shut(billed: Path, environment: dict[str, str]) -> None:
    environment["PROOF_KEY_FILE"] = str(billed / "proof.pem")
    settings = load_settings(environment)
    assert exposed_files(settings) == []
    database, key, outbox = billed / "billing.sqlite", billed / "proof.pem", billed / "outbox"
    for path in (database, key, outbox):
        path.chmod(0o755)
    assert exposed_files(settings) == [
        f"the database {database} may be read by others on this host: chmod -R go= {database}",
        f"the folder of mails {outbox} may be read by others on this host: chmod -R go= {outbox}",
        f"the key that signs checkpoints {key} may be read by others on this host: chmod -R go= {key}",
    ]
    checked = subprocess.run(
        [*PROGRAM, "check", "--no-files"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert f"warning: the database {database} may be read by others" in checked.stderr
    # A folder above that lets nobody through keeps it all.
    billed.chmod(0o700)
    assert exposed_files(settings) == []
