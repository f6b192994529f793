"""The subjects of the service, in the order of the work; a new one is a folder, and a line here."""

from billing import (
    approvals,
    audit,
    bank,
    books,
    cross_subsidy,
    documents,
    privacy,
    proof,
    receivables,
    register,
    run,
    sync,
    take_on,
    users,
    verification,
)

SUBJECTS = (
    register.SUBJECT,
    run.SUBJECT,
    documents.SUBJECT,
    receivables.SUBJECT,
    take_on.SUBJECT,
    bank.SUBJECT,
    cross_subsidy.SUBJECT,
    books.SUBJECT,
    proof.SUBJECT,
    audit.SUBJECT,
    approvals.SUBJECT,
    users.SUBJECT,
    privacy.SUBJECT,
    verification.SUBJECT,
    sync.SUBJECT,
)
