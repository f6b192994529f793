"""Take-on: what a park brings from before this service, on one day (R29)."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks",),
    orders=("approving",),
    commands={"take-on": "commands"},
)
