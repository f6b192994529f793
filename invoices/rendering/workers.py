"""The work of a process of the pool: render a document, keep its PDF, return where it lies.

Both functions are found by name and take values only, so that any executor can send them to any process
or machine. Rendering is most of a month's work and needs one process a core: threads don't help.
"""

import gc

from invoices.document import Document
from invoices.rendering.pdf import check_printing, render_pdf
from invoices.seal import Seal
from invoices.sealing import seal_pdf
from invoices.storage import StoredFile, store


def prepare() -> None:
    """Get a process ready to print, as a pool's initializer: fonts and stylesheet, before the first document."""
    check_printing()
    # All that is loaded by now lives as long as the process: the collector need not walk it again and again. Its
    # thresholds stay: higher ones saved nothing over 700 documents, and let memory grow.
    gc.collect()
    gc.freeze()


def render_and_store(document: Document, documents_url: str, seal: Seal | None = None) -> StoredFile:
    """Render one document, seal it if it is to be, and keep its PDF below `documents_url`.

    Doing it again gives the same file; sealed, another one. Raises RenderingFailed, or whatever the storage raises.
    """
    pdf = render_pdf(document)
    return store(documents_url, document.number, pdf if seal is None else seal_pdf(pdf, seal))
