"""The audit: the trail from a balance to a person, and a year's books in one bundle for an auditor."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    checks=("checks",),
    resources=("trail.resources", "bundle.resources"),
    commands={"trail": "trail.commands", "audit-bundle": "bundle.commands"},
)
