"""What a backup's manifest says: the SHA-256 of each part, and what the database said of itself when it was copied.

| file | holds |
|---|---|
| `manifest.json` | the manifest; `manifest.sha256` its hash, as `sha256sum --check` reads it |
| `database.sqlite`, `database.dump` | the database |
| `documents/`, `documents.sha256` | the files of DOCUMENTS_URL, and their hashes |
| `settings/` | the files that settings name, but for keys |
"""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, func, select

from billing.frame.errors import BillingError
from billing.frame.proof_errors import BrokenLog
from billing.frame.schema_version import current_version
from billing.proof import log
from billing.proof.checkpoints import newest_checkpoint
from billing.schema.tables import all_tables
from invoices.private_files import private_file
from ledger.balances import trial_balance
from pricing.money import format_amount

FORM = 1
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
DOCUMENTS, DOCUMENTS_LIST, SETTINGS = "documents", "documents.sha256", "settings"

# Shows how far a work is, of how much; None where nobody looks. A progress begins a work of that name.
Show: TypeAlias = Callable[[int, int], None] | None
Progress: TypeAlias = Callable[[str], AbstractContextManager[Show]]


class BackupFault(BillingError):
    """A backup that can't be made, is not what its manifest says, or can't be restored here."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log of the books' hashes reaches: its records, and their root (base64)."""

    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database says of itself: two that say the same hold the same books."""

    schema_version: str
    log: Head
    checkpoint: Head | None
    rows: dict[str, int]
    balances: dict[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the backup."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; `database` is SQLAlchemy's name of its kind, `server` PostgreSQL's version (15)."""

    form: int
    taken_at: datetime
    database: str
    server: int | None
    parts: tuple[Part, ...]
    documents: int
    facts: Facts

    @property
    def database_file(self) -> str:
        """Return the name of the database's file."""
        return database_file(self.database)


def database_file(kind: str) -> str:
    """Return the name of the file that a database of this kind is kept in."""
    return "database.sqlite" if kind == "sqlite" else "database.dump"


def facts_of(connection: Connection) -> Facts:
    """Return what the database says of itself."""
    newest = newest_checkpoint(connection)
    return Facts(
        schema_version=str(current_version(connection)),
        log=_head(connection),
        checkpoint=None if newest is None else Head(newest.size, newest.root),
        rows={
            table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0) for table in all_tables()
        },
        balances={row.account: format_amount(row.balance) for row in trial_balance(connection)},
    )


def _head(connection: Connection) -> Head:
    size = log.size_of(connection)
    try:
        return Head(size, b64encode(log.root(connection, size)).decode())
    except BrokenLog:
        # What is damaged is worth a backup too; `check` names the damage, here and in the copy.
        return Head(size, "broken")


def differences(backup: Facts, restored: Facts) -> Iterator[str]:
    """Yield a sentence for each thing in which a restored database is not the one that was backed up."""
    if restored.log != backup.log:
        yield f"the log has {_said(restored.log)}; the backup says {_said(backup.log)}"
    if restored.checkpoint != backup.checkpoint:
        yield f"the newest checkpoint is {_said(restored.checkpoint)}; the backup says {_said(backup.checkpoint)}"
    for table in sorted({*backup.rows, *restored.rows}):
        now, then = restored.rows.get(table), backup.rows.get(table)
        if now != then:
            yield f"table {table}: {now} rows; the backup says {then}"
    for account in sorted({*backup.balances, *restored.balances}):
        balance, wanted = restored.balances.get(account), backup.balances.get(account)
        if balance != wanted:
            yield f"account {account}: {balance}; the backup says {wanted}"


def _said(head: Head | None) -> str:
    return "none" if head is None else f"{head.size} records with root {head.root}"


def part_of(folder: Path, path: str) -> Part:
    """Return a file of the backup as the manifest names it."""
    file = folder / path
    with file.open("rb") as content:
        return Part(path, file_digest(content, "sha256").hexdigest(), file.stat().st_size)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and its hash."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    for name, written in ((MANIFEST, content), (SEAL, f"{sha256(content).hexdigest()}  {MANIFEST}\n".encode())):
        with private_file(folder / name) as file:
            file.write(written)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a backup; raises BackupFault where there is none, or it is not as it was written."""
    try:
        content, seal = (folder / MANIFEST).read_bytes(), (folder / SEAL).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise BackupFault(f"{folder} is no backup: it must hold {MANIFEST} and {SEAL}") from None
    if seal.split()[:1] != [sha256(content).hexdigest().encode()]:
        raise BackupFault(f"{folder / MANIFEST} is not as it was written (see {SEAL}): take another copy of the backup")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupFault(f"{folder / MANIFEST} can't be read by this version: {error}") from None
    if manifest.form != FORM:
        raise BackupFault(f"{folder / MANIFEST} has form {manifest.form}, this version reads form {FORM}")
    return manifest


def listed_documents(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of each document of a backup; raises BackupFault for a path that leads out of it."""
    with (folder / DOCUMENTS_LIST).open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            digest, _, path = line.rstrip("\n").partition("  ")
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise BackupFault(f"{folder / DOCUMENTS_LIST} names {path}, which is not in the backup")
            yield path, digest
