"""Proof that the PDF of every document, and of every paper a message carries, is kept as it was first rendered."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from billing.frame.checking import Proof, Step, streamed
from invoices.errors import FileDamaged, FileMissing
from invoices.messages.message import number_of
from invoices.messages.tables import message_file
from invoices.models import document, document_file
from invoices.storage import load


def files(connection: Connection, step: Step, documents_url: str) -> Iterator[str]:
    """Each stored file exists under `documents_url`, with the size and SHA-256 the database keeps."""
    f = document_file.c
    stored = (
        select(document.c.number, f.path, f.sha256, f.size_bytes)
        .join(document, document.c.id == f.document_id)
        .order_by(f.document_id)
    )
    for number, path, digest, size in streamed(connection, stored):
        yield from _kept(documents_url, number, path, digest, size)
        step(1)
    f = message_file.c
    papers = select(f.message_id, f.path, f.sha256, f.size_bytes).order_by(f.message_id, f.paper_no)
    for key, path, digest, size in streamed(connection, papers):
        yield from _kept(documents_url, number_of(key), path, digest, size)


def _kept(documents_url: str, number: str, path: str, digest: str, size: int) -> Iterator[str]:
    try:
        content = load(documents_url, path, digest)
    except (FileMissing, FileDamaged, OSError) as error:
        yield f"{number}: its PDF: {error}"
    else:
        if len(content) != size:
            yield f"{number}: its PDF {path} has {len(content)} bytes, {size} are recorded"


CHECKS: tuple[Proof, ...] = ()
FILE_CHECKS = (files,)
