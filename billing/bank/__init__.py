"""Bank statements: read, kept, matched with what is open, decided line by line, reconciled with the books."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks",),
    orders=("approving",),
    resources=("resources", "cancelling_resources"),
    commands={"statements": "commands", "payments cancel": "cancelling_commands"},
)
