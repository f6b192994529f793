"""The books: periods, cut-off, journal, manual entries, reports, exports, VAT return."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("manual_entries.tables", "cut_off.tables", "vat_return.tables"),
    checks=("journal.checks", "periods.checks", "manual_entries.checks", "cut_off.checks", "vat_return.checks"),
    resources=(
        "journal.resources",
        "reports.resources",
        "vat_return.resources",
        "periods.resources",
        "periods.fiscal_year_resources",
        "manual_entries.resources",
        "cut_off.resources",
    ),
    orders=("periods.approving", "manual_entries.approving"),
    commands={
        "export": "export_commands",
        "report": "reports.commands",
        "report vat-return": "vat_return.commands",
        "periods": "periods.commands",
        "periods cut-off": "cut_off.commands",
        "entries": "manual_entries.commands",
    },
)
