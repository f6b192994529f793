"""Write a report's labels in French."""

from invoices import formats
from ledger.reports.rows import Label


def label_text(label: Label) -> str:
    """`Total septembre 2026`."""
    return "".join(part if isinstance(part, str) else formats.month(part) for part in label)
