"""Take a backup while the service works: what was committed when it began is in it, and nothing half."""

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine

from billing.backup import postgresql, sqlite
from billing.backup.manifest import (
    DOCUMENTS,
    DOCUMENTS_LIST,
    FORM,
    SETTINGS,
    BackupFault,
    Facts,
    Manifest,
    Progress,
    Show,
    database_file,
    facts_of,
    part_of,
    write_manifest,
)
from billing.frame.database import reading
from billing.frame.settings import Settings
from billing.proof.checkpoints import FOLDER, Checkpoint, keep_outside, newest_checkpoint
from invoices.private_files import private_file, private_folder
from invoices.storage import keep_at, kept_names, kept_paths, read_kept


def take_backup(
    settings: Settings, engine: Engine, folder: Path, *, files: Mapping[str, Path], now: datetime, progress: Progress
) -> Manifest:
    """Back the database, the documents and the files that settings name up into a new folder, whole or not at all.

    `files` are those of the settings, by their names in the backup. Raises BackupFault.
    """
    if folder.exists():
        raise BackupFault(f"{folder} is there already: each backup has a folder of its own, such as {folder}-2")
    folder = folder.absolute()
    private_folder(folder.parent)
    draft = Path(mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        manifest = _fill(settings, engine, draft, files, now, progress)
        write_manifest(draft, manifest)
        os.sync()
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def _fill(
    settings: Settings, engine: Engine, folder: Path, files: Mapping[str, Path], now: datetime, progress: Progress
) -> Manifest:
    # A checkpoint is kept outside after it is in the database: what comes from here on may be of after the snapshot.
    earlier = frozenset(kept_names(settings.documents_url, FOLDER))
    facts, newest, server = _dump(engine, folder, progress)
    with progress("copying documents") as show:
        documents = _copy_documents(settings.documents_url, folder, earlier, newest, show)
    for name, file in files.items():
        private_folder(folder / SETTINGS)
        with private_file(folder / SETTINGS / name) as written:
            written.write(file.read_bytes())
    kind = engine.dialect.name
    names = [database_file(kind), DOCUMENTS_LIST, *(f"{SETTINGS}/{name}" for name in files)]
    parts = tuple(part_of(folder, name) for name in names)
    return Manifest(FORM, now, kind, server, parts, documents, facts)


def _dump(engine: Engine, folder: Path, progress: Progress) -> tuple[Facts, Checkpoint | None, int | None]:
    """Copy the database, and read off the same snapshot what it says of itself."""
    file = folder / database_file(engine.dialect.name)
    with reading(engine) as connection:
        facts, newest = facts_of(connection), newest_checkpoint(connection)
        with progress("copying the database") as show:
            if engine.dialect.name == "sqlite":
                sqlite.dump(connection, file, show)
            else:
                postgresql.dump(connection, file, show, len(facts.rows))
        return facts, newest, postgresql.server_version(connection)


def _copy_documents(
    documents_url: str, folder: Path, earlier: frozenset[str], newest: Checkpoint | None, show: Show
) -> int:
    """Copy the files under DOCUMENTS_URL, list their hashes, and count them.

    The database was copied first, so every file that it names is there by now. Checkpoints signed since then are
    left out: a copy of the books that lacks what was signed would look cut off.
    """
    copy_url = f"file://{folder / DOCUMENTS}"
    private_folder(folder / DOCUMENTS)
    if newest is not None:
        keep_outside(copy_url, newest)
    paths = [path for path in kept_paths(documents_url) if _is_of_before(path, earlier)]
    for done, path in enumerate(paths, 1):
        keep_at(copy_url, path, read_kept(documents_url, path))
        if show is not None:
            show(done, len(paths))
    copied = kept_paths(copy_url)
    with private_file(folder / DOCUMENTS_LIST) as written:
        written.writelines(_lines(copy_url, copied))
    return len(copied)


def _is_of_before(path: str, earlier: frozenset[str]) -> bool:
    folder, _, name = path.rpartition("/")
    return folder != FOLDER or name in earlier


def _lines(documents_url: str, paths: list[str]) -> Iterator[bytes]:
    for path in paths:
        yield f"{sha256(read_kept(documents_url, path)).hexdigest()}  {path}\n".encode()
