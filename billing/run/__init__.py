"""The monthly run (R9-R19): batches of tenants, each one transaction; final when complete."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks.funding", "usage_voids.checks", "holds.checks"),
    resources=(
        "resources",
        "holds.resources",
        "quotes.resources",
        "usage_voids.resources",
        "lease_removals.resources",
    ),
    import_files=("usage_voids.voids_file",),
    jobs=("jobs",),
    commands={
        "run": "commands",
        "holds": "holds.commands",
        "usage": "usage_voids.commands",
        "leases": "lease_removals.commands",
        "export cross-subsidy": "export_commands",
        "export funding-matrix": "export_commands",
    },
)
