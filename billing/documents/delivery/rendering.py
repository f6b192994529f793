"""A few papers rendered together, by one task: all a worker needs, and what it gives back."""

from typing import NamedTuple, TypeAlias

import fsspec

from invoices.document import Document
from invoices.errors import InvoicingError
from invoices.messages.message import StoredMessage
from invoices.messages.papers import print_papers
from invoices.rendering.workers import render_and_store
from invoices.storage import StoredFile

Sendable: TypeAlias = Document | StoredMessage
Files: TypeAlias = tuple[StoredFile, ...]


class RenderBatch(NamedTuple):
    """A few papers of one kind to be rendered by one task: all a worker needs."""

    documents_url: str
    papers: tuple[tuple[int, Sendable], ...]


class RenderResult(NamedTuple):
    """The outcome for one paper of a batch: the files that are kept, or why there are none."""

    key: int
    files: Files | None
    reason: str


def render_batch(batch: RenderBatch) -> list[RenderResult]:
    """Render and keep a few papers, in a worker; one that fails doesn't concern the others."""
    results = []
    for key, paper in batch.papers:
        try:
            results.append(RenderResult(key, _render(paper, batch.documents_url), ""))
        except (InvoicingError, OSError) as error:
            results.append(RenderResult(key, None, f"its PDF could not be made: {error}"))
    return results


def _render(paper: Sendable, documents_url: str) -> Files:
    if isinstance(paper, Document):
        return (render_and_store(paper, documents_url),)
    return print_papers(paper, documents_url)


def everywhere(documents_url: str) -> str:
    """Return the address in a form that means the same in a worker, whose working folder may be another."""
    filesystem, root = fsspec.core.url_to_fs(documents_url)
    return f"file://{root}" if "file" in filesystem.protocol else documents_url
