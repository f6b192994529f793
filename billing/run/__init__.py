"""The monthly run (R9-R19): batches of tenants, each one transaction; final when complete."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks.funding",),
    resources=("resources", "quotes.resources"),
    jobs=("jobs",),
    commands={
        "run": "commands",
        "export cross-subsidy": "export_commands",
        "export funding-matrix": "export_commands",
    },
)
