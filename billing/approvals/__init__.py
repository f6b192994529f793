"""Approvals: orders that wait until a second person approves what is shown (R23)."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks",),
    resources=("resources",),
    commands={"approvals": "commands"},
)
