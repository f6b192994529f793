"""What PDFs are sealed with (`invoices.sealing` seals them), apart: settings hold it, and need no cryptography."""

from typing import NamedTuple


class Seal(NamedTuple):
    """What seals: files of the key and of its certificate with those above it (PEM); who says the time, if anybody."""

    key_file: str
    certificate_file: str
    tsa_url: str | None = None
    # The certificates (PEM) that its answers must lead to.
    tsa_ca_file: str | None = None
