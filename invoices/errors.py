"""The ways a document, its PDF or its mail can be wrong.

InvoicingError
├── IllFormedDocument   its parts contradict each other
├── IssueDateGoesBack   a document of the series bears a later date (R15)
├── UnknownDocument     no document bears that number
│   └── NotPrintedHere       it was issued before this service began: there is no paper of it
├── RenderingFailed     its PDF could not be made
│   └── PrintingUnavailable  no PDF can be made on this machine
│       ├── SealUnusable          the key of the seal, or its certificate, can't be used
│       └── SealingFailed         nobody says at which time it is sealed
├── BadLogo             the operator's logo can't stand on papers
├── FileMissing         its PDF is not where it was kept
│   └── StorageMissing       the whole folder it was kept in is not there
├── FileDamaged         its PDF is no longer what was kept
└── NotDelivered        its mail did not go out; the message is the reason that is recorded
    ├── UnusableAddress     no mail can be sent there
    ├── MessageRefused      the server refuses it for good
    ├── MessageDeferred     the server refuses it for now
    ├── ServerUnavailable   no mail at all can be sent now
    ├── OutcomeUnknown      the connection broke before the server said whether it has it
    └── ClaimLost           another process has taken the delivery over
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


class NotPrintedHere(UnknownDocument):
    """A brought invoice was issued, and printed, before this service began (R29)."""

    def __init__(self, number: str) -> None:
        InvoicingError.__init__(
            self,
            f"{number} was issued before this service began, and is never printed by it: look in the files of then",
        )


class BadLogo(InvoicingError):
    """The operator's logo holds what papers can't."""


class RenderingFailed(InvoicingError):
    """A document could not be rendered."""


class PrintingUnavailable(RenderingFailed):
    """The machine lacks what printing needs: no document can be rendered on it."""


class SealUnusable(PrintingUnavailable):
    """PDFs are to be sealed, and can't be with what was given."""


class SealingFailed(PrintingUnavailable):
    """The authority that says the time of a seal does not answer: no document can be sealed now."""


class FileMissing(InvoicingError):
    """The PDF of a document is not where it was kept."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is missing from the documents: restore it from a backup, or render it again")


class StorageMissing(FileMissing):
    """The folder in which the PDF of a document was kept is not there: the storage is not mounted, or lost."""


class FileDamaged(InvoicingError):
    """The PDF of a document no longer hashes to what was recorded."""

    def __init__(self, path: str, recorded: str, digest_now: str) -> None:
        super().__init__(
            f"{path} is not the file that was kept (SHA-256 {recorded}, now {digest_now}): restore it from a backup"
        )


class NotDelivered(InvoicingError):
    """A mail did not go out; the message is the reason that is recorded."""


class UnusableAddress(NotDelivered):
    """No mail can be sent to that address until a person mends it."""


class MessageRefused(NotDelivered):
    """The server refuses this message for good (5xx)."""


class MessageDeferred(NotDelivered):
    """The server refuses this message for now (4xx)."""


class ServerUnavailable(NotDelivered):
    """The server can't be reached, or refuses us: nothing can be sent now, this message has not been."""


class OutcomeUnknown(NotDelivered):
    """The server has the whole message, but the connection broke before it said whether it accepts it."""


class ClaimLost(NotDelivered):
    """Another process has taken this delivery over; this one must send nothing."""
