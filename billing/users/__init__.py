"""Who may do what: bearer tokens of the HTTP API."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    resources=("resources",),
    commands={"token": "commands"},
)
