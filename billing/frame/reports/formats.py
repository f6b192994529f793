"""The formats in which what is a table, and a JSON shape of its own, is exported."""

from billing.frame.errors import Unknown
from ledger.exports.tables import MEDIA_TYPES


def require_format(file_format: str) -> None:
    """Raise Unknown unless the format is json, csv or xlsx."""
    if file_format not in MEDIA_TYPES:
        raise Unknown(f"there is no format {file_format} here: choose one of {', '.join(MEDIA_TYPES)}")
