"""The books: periods, journal, reports, exports, VAT return."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    checks=("journal.checks", "periods.checks"),
    resources=(
        "journal.resources",
        "reports.resources",
        "vat_return.resources",
        "periods.resources",
        "periods.fiscal_year_resources",
    ),
    orders=("periods.approving",),
    commands={
        "export": "export_commands",
        "report": "reports.commands",
        "report vat-return": "vat_return.commands",
        "periods": "periods.commands",
    },
)
