"""Keeps PDFs in any place that fsspec reaches, named by DOCUMENTS_URL, each file with its SHA-256.

A file that is kept is never overwritten. The database, not the folder, says which file is the document's:
a file left behind by a killed process is found again, or ignored.
"""

import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from invoices.errors import FileDamaged, FileMissing, IllFormedDocument, StorageMissing
from invoices.models import document_file
from invoices.private_files import private_folder, replacing

_NUMBER = re.compile(r"[A-Z]{2}-([0-9]{4})-[0-9]{6,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A PDF that is kept: its path below DOCUMENTS_URL, its SHA-256 (hexadecimal), its size in bytes."""

    path: str
    sha256: str
    size_bytes: int


def store(documents_url: str, number: str, pdf: bytes) -> StoredFile:
    """Keep a document's PDF, whole or not at all; keeping the same bytes again changes nothing.

    The path is `2026/FA-2026-000012.pdf`. Where other bytes lie there already, they are left alone and
    the hash joins the name: only the database decides which of two files counts.
    """
    match = _NUMBER.fullmatch(number)
    if match is None:
        raise IllFormedDocument(f"{number!r} is not the number of a document: no file can be named by it")
    return keep(documents_url, match[1], number, pdf)


def keep(documents_url: str, folder: str, name: str, pdf: bytes) -> StoredFile:
    """Keep a PDF as `folder/name.pdf`, whole or not at all; see `store`."""
    digest = sha256(pdf).hexdigest()
    filesystem, root = _place(documents_url)
    path = f"{folder}/{name}.pdf"
    content = _read(filesystem, f"{root}/{path}")
    if content is not None and content != pdf:
        path = f"{folder}/{name}.{digest[:16]}.pdf"
        content = _read(filesystem, f"{root}/{path}")
    if content != pdf:
        _write(filesystem, f"{root}/{path}", pdf)
    return StoredFile(path, digest, len(pdf))


def load(documents_url: str, path: str, digest: str) -> bytes:
    """Return the bytes kept at `path`, if they still are those that were kept.

    Raises FileMissing (StorageMissing if its folder is not there either), or FileDamaged when they no longer hash to
    `digest`.
    """
    filesystem, root = _place(documents_url)
    pdf = _read(filesystem, f"{root}/{path}")
    if pdf is None:
        folder = f"{root}/{path}".rpartition("/")[0]
        raise FileMissing(path) if filesystem.exists(folder) else StorageMissing(path)
    digest_now = sha256(pdf).hexdigest()
    if digest_now != digest:
        raise FileDamaged(path, digest, digest_now)
    return pdf


def keep_at(documents_url: str, path: str, content: bytes) -> None:
    """Keep bytes at a path of the caller's, whole or not at all; raises FileDamaged where others lie already."""
    filesystem, root = _place(documents_url)
    content_now = _read(filesystem, f"{root}/{path}")
    if content_now is None:
        _write(filesystem, f"{root}/{path}", content)
    elif content_now != content:
        raise FileDamaged(path, sha256(content).hexdigest(), sha256(content_now).hexdigest())


def kept_names(documents_url: str, folder: str) -> list[str]:
    """Return the names of the files kept in a folder, in order; none where there is no such folder."""
    filesystem, root = _place(documents_url)
    try:
        paths = filesystem.ls(f"{root}/{folder}", detail=False)
    except FileNotFoundError:
        return []
    return sorted(str(path).rpartition("/")[2] for path in paths)


def kept_paths(documents_url: str) -> list[str]:
    """Return the paths of all files kept, in order; files that are being written, and other hidden ones, left out."""
    filesystem, root = _place(documents_url)
    # A file system of objects remembers what it has listed.
    filesystem.invalidate_cache()
    base = f"{root.rstrip('/')}/"
    try:
        paths = [str(path).removeprefix(base) for path in filesystem.find(root)]
    except FileNotFoundError:
        return []
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.split("/")))


def read_kept(documents_url: str, path: str) -> bytes:
    """Return the bytes kept at a path; raises FileMissing."""
    filesystem, root = _place(documents_url)
    content = _read(filesystem, f"{root}/{path}")
    if content is None:
        raise FileMissing(path)
    return content


def _place(documents_url: str) -> tuple[Any, str]:
    """Return the file system of an address, and the root there."""
    return _opened(documents_url, os.getpid())


@cache
def _opened(documents_url: str, _process: int) -> tuple[Any, str]:
    # Looking an address up costs as much as writing a file; a forked child must not share its parent's connections.
    filesystem, root = fsspec.core.url_to_fs(documents_url)
    return filesystem, root


def _read(filesystem: Any, path: str) -> bytes | None:
    try:
        content: bytes = filesystem.cat_file(path)
    except FileNotFoundError:
        return None
    return content


def _write(filesystem: Any, path: str, content: bytes) -> None:
    """Write a file that is there whole or not at all, whatever is killed or unplugged."""
    if "file" not in filesystem.protocol:
        # An object store shows an object once it has all of it.
        with suppress(NotImplementedError):
            filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        filesystem.pipe_file(path, content)
        return
    target = Path(path)
    private_folder(target.parent)
    with replacing(target) as file:
        file.write(content)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def record_files(connection: Connection, stored: Mapping[int, StoredFile], rendered_at: datetime) -> list[int]:
    """Record which files are the PDFs of documents, by id; return the documents that had none recorded, in order.

    A recorded file stays: two processes may print the same at once, and the first to record its file decides.
    """
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    rows = [{"document_id": key, "rendered_at": rendered_at, **asdict(file)} for key, file in sorted(stored.items())]
    # Rows as parameters: a statement of its own for each number of rows would be prepared anew each time.
    added = connection.scalars(
        insert(document_file)
        .on_conflict_do_nothing(index_elements=["document_id"])
        .returning(document_file.c.document_id),
        rows,
    )
    return sorted(added)


def files_of(connection: Connection, document_ids: Collection[int]) -> dict[int, StoredFile]:
    """Return the PDFs of those documents as recorded; none for one that has not been printed."""
    f = document_file.c
    rows = connection.execute(
        select(f.document_id, f.path, f.sha256, f.size_bytes).where(f.document_id.in_(document_ids))
    )
    return {key: StoredFile(*file) for key, *file in rows}
