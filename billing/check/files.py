"""Proof that the PDF of every document is kept as it was first rendered."""

from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import Connection, select

from billing.check.proof import Step, streamed
from invoices.models import document, document_file


def files(connection: Connection, step: Step, documents_url: str) -> Iterator[str]:
    """Each stored file exists under `documents_url`, with the size and SHA-256 the database keeps."""
    from fsspec.core import url_to_fs

    storage, root = url_to_fs(documents_url)
    f = document_file.c
    kept = (
        select(document.c.number, f.path, f.sha256, f.size_bytes)
        .join(document, document.c.id == f.document_id)
        .order_by(f.document_id)
    )
    for number, path, digest, size in streamed(connection, kept):
        try:
            content = storage.cat_file(f"{root}/{path}")
        except OSError as error:
            yield f"{number}: its PDF {path} can't be read: {error}"
        else:
            if len(content) != size or sha256(content).hexdigest() != digest:
                yield f"{number}: its PDF {path} is not as it was first rendered"
        step(1)
