"""Backups on both databases: whole while others write, restored into an empty place, proved, and refused if damaged."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import pytest
from sqlalchemy import Engine, make_url

from billing.backup import postgresql
from billing.backup.manifest import BackupFault, Manifest, read_manifest
from billing.backup.restoring import restore_backup
from billing.backup.taking import take_backup
from billing.check import check
from billing.frame.database import reading
from billing.frame.settings import Settings, settings_files
from billing.proof.checkpoints import make_checkpoint
from tests.conftest import opened, postgres_database
from tests.support.park import Park
from tests.support.proofs import Proved
from tests.support.proved_park import NOW
from tests.support.spoiling import behind_its_back

Restore = Callable[..., tuple[Manifest, list[str]]]


def quiet(_work: str) -> nullcontext[None]:
    """Show nobody how far it is."""
    return nullcontext()


OPERATOR = "legal_name = 'Parc'\nlogo = 'marque.svg'\n"


@pytest.fixture
def backup(proved: Proved, tmp_path: Path) -> Callable[[], Path]:
    """Takes a backup of the park."""

    def take() -> Path:
        folder = tmp_path / "backups" / uuid4().hex
        operator, certificate = tmp_path / "operator.toml", tmp_path / "seal.crt"
        operator.write_text(OPERATOR)
        for file in (tmp_path / "marque.svg", certificate):
            file.write_text(f"in {file.name}")
        files = settings_files({"OPERATOR_FILE": str(operator), "SEAL_CERTIFICATE_FILE": str(certificate)})
        take_backup(proved.settings, proved.engine, folder, files=files, now=NOW, progress=quiet)
        return folder

    return take


@pytest.fixture
def elsewhere(proved: Proved, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Settings, Engine]]:
    """An empty database on another host, and a place of documents in another storage."""
    with ExitStack() as stack:
        if proved.engine.dialect.name == "sqlite":
            url = make_url(f"sqlite:///{tmp_path / 'other-host' / 'books.sqlite'}")
        else:
            url = stack.enter_context(postgres_database(request.getfixturevalue("postgres"), "template0"))
        engine = stack.enter_context(opened(url))
        yield replace(proved.settings, database_url=url, documents_url=f"memory://{uuid4().hex}"), engine


@pytest.fixture
def restore(elsewhere: tuple[Settings, Engine]) -> Restore:
    """Restores a backup elsewhere; gives its manifest and what is wrong with the copy."""
    return lambda folder: restore_backup(*elsewhere, folder, progress=quiet)


def flip(file: Path, at: int = 100) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def test_a_restored_backup_is_proved_by_check_checkpoint_and_balances(
    proved: Proved, backup: Callable[[], Path], restore: Restore, elsewhere: tuple[Settings, Engine]
) -> None:
    folder = backup()
    manifest, problems = restore(folder)
    assert problems == []
    checkpoint = manifest.facts.checkpoint
    assert checkpoint is not None
    assert checkpoint == manifest.facts.log
    assert manifest.facts.rows["document"] == 4
    assert len(manifest.facts.balances) > 5
    kept = {file.name: file.read_text() for file in (folder / "settings").iterdir()}
    assert kept == {
        "OPERATOR_FILE.toml": OPERATOR, "marque.svg": "in marque.svg", "SEAL_CERTIFICATE_FILE.crt": "in seal.crt",
    }  # fmt: skip
    # The copy goes on: it signs, and is proved again.
    settings, engine = elsewhere
    Park(engine, proved.folder / "network").bills("2026-08")
    assert make_checkpoint(settings, engine, lambda: NOW).size > checkpoint.size
    assert check(engine, documents_url=settings.documents_url) == []


def test_a_backup_is_private(backup: Callable[[], Path]) -> None:
    mask = os.umask(0)
    try:
        folder = backup()
    finally:
        os.umask(mask)
    assert not [path for path in (folder, *folder.rglob("*")) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert not list(folder.rglob("*.pem"))


def test_a_backup_taken_while_others_write_is_whole(
    proved: Proved, backup: Callable[[], Path], restore: Restore
) -> None:
    begun, stop = Event(), Event()

    def write() -> None:
        park = Park(proved.engine, proved.folder / "network")
        number = 0
        while not stop.is_set():
            number += 1
            park.enters(usage=[(f"W{number}", "T1", "CAS", "MEAL", "1", "2026-08-03")])
            make_checkpoint(proved.settings, proved.engine, lambda: NOW)
            begun.set()

    writer = Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        folder = backup()
    finally:
        stop.set()
        writer.join()
    manifest, problems = restore(folder)
    assert problems == []
    with reading(proved.engine) as connection:
        events = connection.exec_driver_sql("SELECT count(*) FROM usage_event").scalar()
    assert 2 <= manifest.facts.rows["usage_event"] <= int(events or 0)


def test_a_flipped_byte_is_found_before_anything_is_restored(backup: Callable[[], Path], restore: Restore) -> None:
    folder = backup()
    parts = (
        "manifest.json",
        "database.*",
        "documents.sha256",
        "settings/*",
        "documents/2026/*",
        "documents/checkpoints/*",
    )
    for damaged in [file for part in parts for file in sorted(folder.glob(part))[:1]]:
        flip(damaged, at=10)
        with pytest.raises(BackupFault, match=damaged.name):
            restore(folder)
        flip(damaged, at=10)
    missing = next(folder.glob("documents/2026/*"))
    missing.rename(folder / "kept")
    with pytest.raises(BackupFault, match=missing.name):
        restore(folder)
    (folder / "kept").rename(missing)
    # Nothing was written: the same place takes it now.
    assert restore(folder)[1] == []


def test_nothing_is_restored_over_what_is_there(
    proved: Proved, backup: Callable[[], Path], elsewhere: tuple[Settings, Engine]
) -> None:
    folder, (settings, engine) = backup(), elsewhere
    with pytest.raises(BackupFault, match=r"is there already: restore|has tables already"):
        restore_backup(settings, proved.engine, folder, progress=quiet)
    with pytest.raises(BackupFault, match="DOCUMENTS_URL names a place with files"):
        restore_backup(replace(settings, documents_url=proved.settings.documents_url), engine, folder, progress=quiet)
    with pytest.raises(BackupFault, match="each backup has a folder of its own"):
        take_backup(proved.settings, proved.engine, folder, files={}, now=NOW, progress=quiet)


def test_what_is_wrong_with_a_copy_is_named(proved: Proved, backup: Callable[[], Path], restore: Restore) -> None:
    behind_its_back(proved.engine, "UPDATE entry SET label = 'x' WHERE id = 1")
    folder = backup()
    manifest = folder / "manifest.json"
    changed = manifest.read_bytes().replace(b'"document": 4', b'"document": 5')
    manifest.write_bytes(changed)
    (folder / "manifest.sha256").write_text(f"{sha256(changed).hexdigest()}  manifest.json\n")
    assert read_manifest(folder).facts.rows["document"] == 5
    problems = restore(folder)[1]
    assert problems[0] == "table document: 4 rows; the backup says 5"
    assert any("was changed" in problem for problem in problems[1:])


def test_a_backup_of_another_kind_of_database_or_schema_is_refused(
    backup: Callable[[], Path], restore: Restore, proved: Proved
) -> None:
    folder = backup()
    manifest = folder / "manifest.json"
    kind = proved.engine.dialect.name.encode()
    other = b"postgresql" if kind == b"sqlite" else b"sqlite"
    whole = manifest.read_bytes()
    for changed, said in (
        (whole.replace(b'"database": "' + kind, b'"database": "' + other), "the backup is of"),
        (whole.replace(b'"schema_version": "0', b'"schema_version": "9'), "restore it with the version that made it"),
        (whole.replace(b'"form": 1', b'"form": 2'), "has form 2"),
    ):
        manifest.write_bytes(changed)
        (folder / "manifest.sha256").write_text(f"{sha256(changed).hexdigest()}  manifest.json\n")
        with pytest.raises(BackupFault, match=said):
            restore(folder)


def test_postgresqls_programs_get_no_password_as_an_argument(
    proved: Proved, backup: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if proved.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no passwords")
    with reading(proved.engine) as connection:
        version = postgresql.server_version(connection)
    recorder = tmp_path / str(version) / "bin" / "pg_dump"
    recorder.parent.mkdir(parents=True)
    recorder.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path / "arguments"}\nexec {postgresql._DEBIAN}/{version}/bin/pg_dump "$@"\n'
    )
    recorder.chmod(0o755)
    monkeypatch.setattr(postgresql, "_DEBIAN", str(tmp_path))
    backup()
    arguments = (tmp_path / "arguments").read_text()
    assert "--snapshot=" in arguments
    assert str(proved.engine.url.password) not in arguments.replace(f"user={proved.engine.url.username}", "")


def test_a_program_of_another_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackupFault, match="sudo apt-get install postgresql-client-99"):
        postgresql._program("pg_dump", 99)
