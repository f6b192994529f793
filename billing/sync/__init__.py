"""What other systems hand over: Salesforce is asked, a folder of dropped files is emptied, both by the import's rules.

Owns: how others are asked and told. Does not own: what is accepted (`billing.register.network_import`).
"""

from billing.frame.subject import Subject

SUBJECT = Subject(
    __name__,
    jobs=("jobs",),
    commands={"sync": "commands"},
)
