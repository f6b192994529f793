"""Receivables: what tenants owe, what they paid, and the difference."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables.receipts", "tables.cash_desk", "tables.debts", "tables.deposits", "tables.dunning"),
    checks=(
        "deposits.checks",
        "debts.checks",
        "cash_desk.checks",
        "receipts.checks.receipts",
        "open_items.checks",
        "dunning.checks",
    ),
    resources=(
        "receipts.resources",
        "cash_desk.resources",
        "debts.resources",
        "deposits.resources",
        "dunning.resources",
        "reports.resources",
    ),
    import_files=("receipts.payments_file",),
    jobs=("dunning.jobs", "open_items.jobs"),
    orders=("debts.approving", "receipts.approving"),
    commands={
        "payments": "receipts.commands",
        "deposits": "deposits.commands",
        "cash": "cash_desk.commands",
        "debts": "debts.commands",
        "dunning": "dunning.commands",
        "report statement": "reports.commands",
        "report aged-balance": "reports.commands",
        "report open-items": "reports.commands",
        "report vat-not-due": "reports.commands",
        "report receipts": "reports.commands",
        "report unplaced-receipts": "reports.commands",
        "report missing-certificates": "reports.commands",
    },
)
