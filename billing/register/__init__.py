"""The facts that are billed: sites, services, rates, VAT rates, tenants, leases, usage events, grants, applications."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks",),
    resources=("resources", "network_import.resources", "occupancy.resources", "applications.resources"),
    commands={
        "import": "commands",
        "network": "commands",
        "sites": "occupancy.commands",
        "applications": "applications.commands",
    },
)
