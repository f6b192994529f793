"""Documents outside the run, and what becomes of all: credit notes by hand, delivery, messages, proofs."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    checks=("checks.series", "checks.tenants", "delivery.checks", "messages.checks"),
    resources=(
        "resources",
        "explanation.resources",
        "tenants.resources",
        "messages.resources",
        "delivery.resources",
        "credit_notes.resources",
        "one_off.resources",
    ),
    jobs=("delivery.jobs",),
    commands={
        "documents": "lookup.commands",
        "documents explain": "explanation.commands",
        "tenants": "tenants.commands",
        "deliver": "delivery.commands",
        "deliveries": "delivery.commands",
        "credit-notes": "credit_notes.commands",
        "documents issue": "one_off.commands",
        "export documents": "export_commands",
    },
)
