"""A few papers rendered together, by one task: all a worker needs, and what it gives back."""

from typing import NamedTuple, TypeAlias

import fsspec

from invoices.document import Document
from invoices.errors import InvoicingError, PrintingUnavailable, StorageMissing
from invoices.messages.message import StoredMessage
from invoices.messages.papers import print_papers
from invoices.rendering.workers import render_and_store
from invoices.seal import Seal
from invoices.storage import StoredFile

# Faults of the machine or its storage, which would hinder every paper: no disk space, no rights, no Pango.
HOST_FAULTS = (OSError, PrintingUnavailable, StorageMissing)
Sendable: TypeAlias = Document | StoredMessage
Files: TypeAlias = tuple[StoredFile, ...]


class RenderBatch(NamedTuple):
    """A few papers of one kind to be rendered by one task: all a worker needs."""

    documents_url: str
    papers: tuple[tuple[int, Sendable], ...]
    # What documents are sealed with, if they are.
    seal: Seal | None = None


class RenderResult(NamedTuple):
    """The outcome for one paper of a batch: the files that are kept, or why there are none."""

    key: int
    files: Files | None
    reason: str
    # Whether the machine or its storage is at fault, not the paper.
    is_of_host: bool = False


def host_fault(error: Exception) -> str:
    """Return the sentence about a fault of the machine or its storage."""
    return f"PDFs can't be made or kept on this machine: {error}"


def render_batch(batch: RenderBatch) -> list[RenderResult]:
    """Render and keep a few papers, in a worker; one that fails doesn't concern the others."""
    results = []
    for key, paper in batch.papers:
        try:
            results.append(RenderResult(key, _render(paper, batch), ""))
        except HOST_FAULTS as error:
            results.append(RenderResult(key, None, host_fault(error), is_of_host=True))
        except InvoicingError as error:
            results.append(RenderResult(key, None, f"its PDF could not be made: {error}"))
    return results


def _render(paper: Sendable, batch: RenderBatch) -> Files:
    if isinstance(paper, Document):
        return (render_and_store(paper, batch.documents_url, batch.seal),)
    return print_papers(paper, batch.documents_url)


def everywhere(documents_url: str) -> str:
    """Return the address in a form that means the same in a worker, whose working folder may be another."""
    filesystem, root = fsspec.core.url_to_fs(documents_url)
    return f"file://{root}" if "file" in filesystem.protocol else documents_url
