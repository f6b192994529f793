"""Take-on: what a park brings from before this service, on one day (R29)."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks",),
    resources=("resources",),
    orders=("approving",),
    commands={"take-on": "commands"},
)
