"""What a process of the pool does: render a document, keep its PDF, tell where it lies.

Both functions are found by name and take values only, so that any executor can send them to any process
or machine. Rendering is most of a month's work and needs one process a core: threads don't help.
"""

import gc
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor

from invoices.document import Document
from invoices.rendering.pdf import check_printing, render_pdf
from invoices.storage import StoredFile, store


def prepare() -> None:
    """Get a process ready to print, as a pool's initializer: fonts and stylesheet, before the first document."""
    check_printing()
    # What is loaded by now lives as long as the process: the collector need not walk it again and again. Its
    # thresholds stay: higher ones saved nothing over 700 documents, and let memory grow.
    gc.collect()
    gc.freeze()


def render_and_store(document: Document, documents_url: str) -> StoredFile:
    """Render one document and keep its PDF below `documents_url`; doing it again gives the same file.

    Raises RenderingFailed, or whatever the storage raises.
    """
    return store(documents_url, document.number, render_pdf(document))


def render_many(documents: Iterable[Document], documents_url: str, executor: Executor) -> Iterator[StoredFile]:
    """Render documents on an executor and keep their PDFs; the files come in the order of the documents."""
    futures = [executor.submit(render_and_store, document, documents_url) for document in documents]
    return (future.result() for future in futures)
