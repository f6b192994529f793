"""The users: people, their roles and passwords, their bearer tokens; and the log of what was imported."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    checks=("checks",),
    resources=("resources",),
    commands={"users": "user_commands", "token": "commands"},
)
