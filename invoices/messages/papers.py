"""The papers of messages: printed, stored and recorded; and the mail that carries them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from invoices.mail import Attached, Envelope, Mail, compose_mail, document_file_name
from invoices.messages.message import Paper, StoredMessage
from invoices.messages.tables import message_file
from invoices.rendering.figures import KeptPage, print_figures
from invoices.rendering.letter import render_letter
from invoices.storage import StoredFile, keep


def print_paper(paper: Paper) -> bytes:
    """Print a paper as PDF: the same bytes every time. Raises RenderingFailed."""
    if isinstance(paper.letter, KeptPage):
        return print_figures(paper.letter)
    return render_letter(paper.letter)


def print_papers(message: StoredMessage, documents_url: str) -> tuple[StoredFile, ...]:
    """Print and keep the papers of a message, in order; doing it again gives the same files. Raises RenderingFailed."""
    folder = str(message.written_on.year)
    return tuple(
        keep(documents_url, folder, f"{message.number}-{paper_no}", print_paper(paper))
        for paper_no, paper in enumerate(message.message.papers, 1)
    )


def recorded_papers(connection: Connection, messages: Mapping[int, StoredMessage]) -> dict[int, tuple[StoredFile, ...]]:
    """Return the papers of messages as recorded, in order, of those that have them all."""
    recorded = _papers_of(connection, messages)
    return {key: files for key, files in recorded.items() if len(files) == len(messages[key].message.papers)}


def record_papers(
    connection: Connection,
    _messages: Mapping[int, StoredMessage],
    printed: Mapping[int, Sequence[StoredFile]],
    rendered_at: datetime,
) -> dict[int, tuple[StoredFile, ...]]:
    """Record which files are the papers of messages, unless some stand already; return those that count."""
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    rows = [
        {"message_id": key, "paper_no": paper_no, "rendered_at": rendered_at, **asdict(file)}
        for key, files in printed.items()
        for paper_no, file in enumerate(files, 1)
    ]
    if rows:
        connection.execute(insert(message_file).on_conflict_do_nothing(), rows)
    return _papers_of(connection, printed)


def _papers_of(connection: Connection, keys: Collection[int]) -> dict[int, tuple[StoredFile, ...]]:
    """Return the files of each message as recorded, in order; some messages have none."""
    files: dict[int, list[StoredFile]] = {key: [] for key in keys}
    f = message_file.c
    rows = connection.execute(
        select(f.message_id, f.path, f.sha256, f.size_bytes)
        .where(f.message_id.in_(list(keys)))
        .order_by(f.message_id, f.paper_no)
    )
    for key, *file in rows:
        files[key].append(StoredFile(*file))
    return {key: tuple(files_of_message) for key, files_of_message in files.items()}


def compose(stored: StoredMessage, pdfs: Sequence[bytes], envelope: Envelope) -> Mail:
    """Compose the mail of a message with its papers and copies of documents attached."""
    names = [
        *(paper.file_name for paper in stored.message.papers),
        *(document_file_name(number, stored.message.text.language) for number in stored.message.copies),
    ]
    attached = [Attached(name, pdf) for name, pdf in zip(names, pdfs, strict=True)]
    return compose_mail(stored.number, stored.message.text, attached, envelope)
