"""The e-invoice of an issued document, for commands and addresses alike."""

from sqlalchemy import Connection

from invoices.document import Document
from invoices.einvoice.cii import cii_xml
from invoices.einvoice.ubl import ubl_xml
from invoices.errors import NotPrintedHere
from invoices.reading import document_id, load_documents

# The syntaxes of EN 16931; the first is the one that is embedded in PDFs.
SYNTAXES = {"cii": cii_xml, "ubl": ubl_xml}


def einvoice(connection: Connection, number: str, syntax: str) -> bytes:
    """Return the XML of a document in one of SYNTAXES. Raises UnknownDocument, NotPrintedHere."""
    document: Document
    [(_, document)] = load_documents(connection, [document_id(connection, number)])
    if document.is_brought:
        raise NotPrintedHere(number)
    return SYNTAXES[syntax](document)
