"""Personal data (loi 09-08): all that is held about a tenant's persons, and what is erased once its time is past."""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    resources=("resources",),
    commands={"privacy": "commands"},
)
