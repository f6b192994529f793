"""The PDF of a document: rendered once, kept, recorded; rendered again only where the file has vanished."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from billing.documents.delivery.rendering import Files
from billing.frame.audit_log import record_change
from billing.frame.civil_time import Clock
from billing.frame.database import reading, writing
from invoices.document import Document
from invoices.errors import FileMissing, NotPrintedHere
from invoices.reading import load_documents
from invoices.rendering.pdf import render_pdf
from invoices.rendering.workers import render_and_store
from invoices.seal import Seal
from invoices.sealing import seal_pdf
from invoices.storage import files_of, load, record_files


def ensure_pdf(
    engine: Engine, documents_url: str, document_id: int, *, clock: Clock, seal: Seal | None = None
) -> bytes:
    """Return the PDF of an issued document: the one that is kept, or else rendered now, kept and recorded.

    A kept file that has vanished is rendered again, and must then be the same bytes; so one that was sealed, which
    holds the instant of that, can only come from a backup. Safe for any number of processes at once.
    Raises UnknownDocument, NotPrintedHere, RenderingFailed, FileDamaged, FileMissing.
    """
    with reading(engine) as connection:
        stored = files_of(connection, [document_id]).get(document_id)
        ((_, document),) = load_documents(connection, [document_id])
    if document.is_brought:
        raise NotPrintedHere(document.number)
    try:
        if stored is not None:
            return load(documents_url, stored.path, stored.sha256)
    except FileMissing:
        if render_and_store(document, documents_url) != stored:
            raise
        return load(documents_url, stored.path, stored.sha256)
    made = render_and_store(document, documents_url, seal)
    with writing(engine) as connection:
        ((stored,),) = record_documents(connection, {document_id: document}, {document_id: (made,)}, clock()).values()
    return load(documents_url, stored.path, stored.sha256)


def duplicate_pdf(engine: Engine, document_id: int, *, seal: Seal | None = None) -> bytes:
    """Return a copy of an issued document that says DUPLICATA; the original is kept as it is.

    Raises UnknownDocument, NotPrintedHere, RenderingFailed.
    """
    with reading(engine) as connection:
        ((_, document),) = load_documents(connection, [document_id])
    if document.is_brought:
        raise NotPrintedHere(document.number)
    pdf = render_pdf(replace(document, is_duplicate=True))
    return pdf if seal is None else seal_pdf(pdf, seal)


def kept_documents(connection: Connection, documents: Mapping[int, Document]) -> dict[int, Files]:
    """Return the files of those documents that have one."""
    return {key: (file,) for key, file in files_of(connection, list(documents)).items()}


def record_documents(
    connection: Connection, documents: Mapping[int, Document], made: Mapping[int, Files], now: datetime
) -> dict[int, Files]:
    """Record files as the documents', with this transaction's act, unless some stand already: the files that count."""
    added = record_files(connection, {key: file for key, (file,) in made.items()}, now)
    for key in added:
        record_change(connection, "files", documents[key].number, None, {"sha256": made[key][0].sha256})
    if len(added) == len(made):
        return dict(made)
    return {key: (file,) for key, file in files_of(connection, list(made)).items()}
