"""What can be wrong with a document.

InvoicingError
├── IllFormedDocument   its parts contradict each other
├── IssueDateGoesBack   a document of the series bears a later date (R15)
├── UnknownDocument     no document bears that number
└── RenderingFailed     its PDF could not be made
"""

from datetime import date


class InvoicingError(Exception):
    """Base class; the message says what to do next."""


class IllFormedDocument(InvoicingError):
    """Totals, VAT or references of a document contradict its lines."""


class IssueDateGoesBack(InvoicingError):
    """Issue dates never go back within a series (R15)."""

    def __init__(self, asked: date, latest: date) -> None:
        super().__init__(
            f"documents dated {latest} have been issued: the issue date {asked} would go back; "
            f"give --issue-date {latest} or later"
        )


class UnknownDocument(InvoicingError):
    """No document bears that number."""

    def __init__(self, number: str) -> None:
        super().__init__(f"no document bears the number {number}")


class RenderingFailed(InvoicingError):
    """A document could not be rendered."""
