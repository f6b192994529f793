"""The users of the HTTP API: their bearer tokens, and the log of what they imported."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    resources=("resources",),
    commands={"token": "commands"},
)
