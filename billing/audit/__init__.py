"""The whole service proved and handed over: the check, the audit bundle, the trail from a balance to a person."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    checks=("checks",),
    resources=("trail.resources", "bundle.resources"),
    commands={"audit-bundle": "bundle.commands"},
)
