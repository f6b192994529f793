"""The work of a process of the pool: render a document, keep its PDF, return where it lies.

Both functions are found by name and take values only, so that any executor can send them to any process
or machine. Rendering is most of a month's work and needs one process a core: threads don't help.
"""

import gc

from invoices.document import Document
from invoices.rendering.pdf import check_printing, render_pdf
from invoices.storage import StoredFile, store


def prepare() -> None:
    """Get a process ready to print, as a pool's initializer: fonts and stylesheet, before the first document."""
    check_printing()
    # All that is loaded by now lives as long as the process: the collector need not walk it again and again. Its
    # thresholds stay: higher ones saved nothing over 700 documents, and let memory grow.
    gc.collect()
    gc.freeze()


def render_and_store(document: Document, documents_url: str) -> StoredFile:
    """Render one document and keep its PDF below `documents_url`; doing it again gives the same file.

    Raises RenderingFailed, or whatever the storage raises.
    """
    return store(documents_url, document.number, render_pdf(document))
