"""The commands that back everything up, and restore it: the operator's, at the host, without an address."""

from pathlib import Path

import click

from billing.frame.counted import counted
from billing.frame.terminal.command import Command, Failure, clock, database, example
from billing.frame.terminal.output import progress, report

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("backup", cls=Command, epilog=example("technopark-billing backup /srv/backup/2026-12-01"))
@click.argument("folder", type=_FOLDER)
def backup_command(folder: Path) -> None:
    """Back database, documents and settings' files up into a new FOLDER, while the service works.

    FOLDER gets a manifest: the SHA-256 of each part, the schema's version, the newest checkpoint, the rows of each
    table and the balance of each account, all of one instant. The keys of PROOF_KEY_FILE and SEAL_KEY_FILE
    are left out: keep copies apart. PostgreSQL needs its program pg_dump, of the server's version.
    """
    from billing.backup.taking import take_backup
    from billing.frame.settings import load_settings, settings_files

    settings = load_settings()
    with database(settings) as engine:
        manifest = take_backup(settings, engine, folder, files=settings_files(), now=clock(), progress=progress)
    size = sum(part.size_bytes for part in manifest.parts)
    named = {"PROOF_KEY_FILE": settings.proof_key_file, "SEAL_KEY_FILE": settings.seal}
    keys = [name for name, key in named.items() if key is not None]
    report(
        [
            f"backed up to {folder}: schema {manifest.facts.schema_version}, "
            f"{counted(len(manifest.parts), 'part')} of {size:,} bytes, {counted(manifest.documents, 'document')}",
            f"  the log has {counted(manifest.facts.log.size, 'record')}, root {manifest.facts.log.root}",
            *(f"  the key of {name} is not in it: keep a copy apart" for name in keys),
        ]
    )


@click.command("restore", cls=Command, epilog=example("technopark-billing restore /srv/backup/2026-12-01"))
@click.argument("folder", type=_FOLDER)
def restore_command(folder: Path) -> None:
    """Restore the backup in FOLDER into an empty database and an empty place of documents, and prove the copy.

    DATABASE_URL and DOCUMENTS_URL say where to; neither may hold anything. First every file of the backup is compared
    with its hash. The copy is proved by `check`, by the log and its newest checkpoint, by the rows of each table and
    the balance of each account: what differs is named on standard error, with status 1.
    """
    from billing.backup.restoring import restore_backup
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings, migrated=False) as engine:
        manifest, problems = restore_backup(settings, engine, folder, progress=progress)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise Failure(
            f"restored, and {counted(len(problems), 'problem')} found: do not use this copy before they are understood"
        )
    facts = manifest.facts
    report(
        [
            f"restored and proved: the backup of {manifest.taken_at:%Y-%m-%d %H:%M} UTC, "
            f"schema {facts.schema_version}, {counted(manifest.documents, 'document')}",
            f"  check finds nothing; the log's {counted(facts.log.size, 'record')}, the rows of "
            f"{counted(len(facts.rows), 'table')} and the balances of {counted(len(facts.balances), 'account')} are "
            "those of the backup",
        ]
    )
