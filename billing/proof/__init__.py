"""The proof of the books: a canonical form and hash of every record, a Merkle log over them, signed checkpoints."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    tables=("tables",),
    checks=("checks",),
    resources=("resources",),
    jobs=("jobs",),
    commands={"proof": "commands"},
)
