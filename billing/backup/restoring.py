"""Restore a backup into an empty place, and prove that the copy is what was backed up."""

from pathlib import Path

from sqlalchemy import Engine, inspect

from billing.backup import postgresql, sqlite
from billing.backup.manifest import (
    DOCUMENTS,
    BackupFault,
    Manifest,
    Progress,
    Show,
    differences,
    facts_of,
    listed_documents,
    part_of,
    read_manifest,
)
from billing.check import check
from billing.frame.database import reading
from billing.frame.schema_version import newest_version
from billing.frame.settings import Settings
from billing.schema.migrating import migrate
from invoices.storage import keep_at, kept_paths, read_kept


def restore_backup(
    settings: Settings, engine: Engine, folder: Path, *, progress: Progress
) -> tuple[Manifest, list[str]]:
    """Restore a backup to where the settings say, and return its manifest with what is wrong with the copy.

    Before anything is written every file of the backup is read and its hash compared, and database and documents of
    the settings must be empty. Then the copy is proved: `check`, the log, the newest checkpoint, the rows of each
    table and the balance of each account. Raises BackupFault.
    """
    folder = folder.absolute()
    manifest = read_manifest(folder)
    _require_suitable(manifest, engine)
    _require_empty(settings, engine)
    _require_whole(folder, manifest, progress)
    file = folder / manifest.database_file
    with progress("restoring the database") as show:
        if manifest.database == "sqlite":
            sqlite.restore(engine, file, show)
        else:
            postgresql.restore(engine, file, show, len(manifest.facts.rows))
    if settings.service_role is not None:
        # A dump bears no rights.
        migrate(engine, settings.service_role)
    with progress("restoring documents") as show:
        _copy_documents(settings.documents_url, folder, manifest, show)
    with reading(engine) as connection:
        problems = list(differences(manifest.facts, facts_of(connection)))
    with progress("checking") as show:
        problems += check(engine, documents_url=settings.documents_url, progress=show)
    return manifest, problems


def _require_suitable(manifest: Manifest, engine: Engine) -> None:
    """Refuse a backup of another kind of database, or of another version."""
    kind = engine.dialect.name
    if manifest.database != kind:
        raise BackupFault(
            f"the backup is of {manifest.database}, DATABASE_URL names {kind}: name an empty {manifest.database} "
            "database to restore it"
        )
    if manifest.facts.schema_version != newest_version():
        raise BackupFault(
            f"the backup is of schema {manifest.facts.schema_version}, this version of the program has "
            f"{newest_version()}: restore it with the version that made it, then install this one and `migrate`"
        )


def _require_empty(settings: Settings, engine: Engine) -> None:
    """Refuse to restore over anything: what is there may be all that is left."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        file = Path(str(url.database))
        there = [path for path in (file, Path(f"{file}-wal")) if path.exists() and path.stat().st_size]
        if there:
            raise BackupFault(f"{there[0]} is there already: restore into a new file, and let DATABASE_URL name it")
    elif _tables(engine):
        raise BackupFault(
            f"the database {url.database} has tables already: restore into an empty one (CREATE DATABASE)"
        )
    if kept_paths(settings.documents_url):
        raise BackupFault("DOCUMENTS_URL names a place with files already: restore into an empty one")


def _tables(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return inspect(connection).get_table_names()


def _require_whole(folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Raise BackupFault unless each part and each document is there as it was written."""
    damaged = [part.path for part in manifest.parts if not _is_intact(folder, part.path, part.sha256)]
    if not damaged:
        with progress("reading the backup") as show:
            for done, (path, digest) in enumerate(listed_documents(folder), 1):
                if not _is_intact(folder, f"{DOCUMENTS}/{path}", digest):
                    damaged.append(f"{DOCUMENTS}/{path}")
                if show is not None:
                    show(done, manifest.documents)
    if damaged:
        raise BackupFault(
            f"the backup is damaged, nothing was restored: {', '.join(damaged)} missing or not as written; take "
            "another copy of it, or the backup before"
        )


def _is_intact(folder: Path, path: str, digest: str) -> bool:
    try:
        return part_of(folder, path).sha256 == digest
    except FileNotFoundError:
        return False


def _copy_documents(documents_url: str, folder: Path, manifest: Manifest, show: Show) -> None:
    copy_url = f"file://{folder / DOCUMENTS}"
    for done, (path, _digest) in enumerate(listed_documents(folder), 1):
        keep_at(documents_url, path, read_kept(copy_url, path))
        if show is not None:
            show(done, manifest.documents)
