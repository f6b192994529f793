"""A lease entered by mistake is removed, with a reason, as long as nothing rests on it; the audit log keeps it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.frame.audit_log import REASON_LENGTH_MAX, record_change
from billing.frame.codes import DEPOSIT
from billing.frame.database import change_facts
from billing.frame.errors import Fault, Refused, Unknown
from billing.frame.tables import audit_change
from billing.receivables.tables.deposits import deposit, final_statement
from billing.receivables.tables.dunning import interest_clause
from billing.register.network_import import stored_record
from billing.register.tables import lease
from invoices.models import document, document_line

# The kind of thing in the audit log: why a lease was removed, beside the change of the lease itself.
SUBJECT = "lease_removals"
_END_IT = "end it instead (ends_on): the next run credits what was billed too much"


class Removed(NamedTuple):
    """A lease as it was when it was removed, by column, and why it was."""

    row: Mapping[str, str]
    reason: str


def remove_lease(connection: Connection, code: str, reason: str) -> Removed:
    """Remove a lease that was never billed; runs and imports wait meanwhile. Raises Unknown, Refused with every fault.

    Its row goes, so that nothing counts it any more: neither the tenant's window nor the unit. The audit log keeps it.
    """
    change_facts(connection)
    row = stored_record(connection, "leases", (code,))
    if row is None:
        raise Unknown(_unknown(connection, code))
    text = reason.strip()
    faults = list(_hindrances(connection, code))
    if not 0 < len(text) <= REASON_LENGTH_MAX or not text.isprintable():
        problem = f"must be 1 to {REASON_LENGTH_MAX} characters that can be printed"
        faults.append(Fault("leases", None, "reason", reason, problem, "say in a sentence why it is removed"))
    if faults:
        raise Refused(faults)
    connection.execute(lease.delete().where(lease.c.code == code))
    record_change(connection, "leases", code, row, None)
    record_change(connection, SUBJECT, code, None, {"reason": text})
    return Removed(row, text)


def _unknown(connection: Connection, code: str) -> str:
    c = audit_change.c
    removed = connection.scalar(select(c.key).where(c.subject == SUBJECT, c.key == code).limit(1))
    if removed is None:
        return f"there is no lease {code}"
    return f"there is no lease {code} any more: it was removed, and nothing is changed"


def _hindrances(connection: Connection, code: str) -> Iterator[Fault]:
    """What rests on a lease, and keeps it from being removed."""
    x = document_line.c
    billed = select(document.c.number).join(document_line, x.document_id == document.c.id).where(x.lease == code)
    number = connection.scalar(billed.order_by(document.c.id).limit(1))
    if number is not None:
        yield Fault("leases", None, "code", code, f"was billed by {number}", _END_IT)
    called = connection.scalar(select(deposit.c.id).where(deposit.c.lease == code))
    if called is not None:
        remedy = f"{DEPOSIT.format(called)} stands for it: end the lease instead (ends_on)"
        yield Fault("leases", None, "code", code, "has a deposit that was asked for", remedy)
    if connection.scalar(select(final_statement.c.id).where(final_statement.c.lease == code)) is not None:
        yield Fault("leases", None, "code", code, "was closed by a final statement", "it can't be removed any more")
    if connection.scalar(select(interest_clause.c.id).where(interest_clause.c.lease == code).limit(1)) is not None:
        remedy = "end the lease instead (ends_on)"
        yield Fault("leases", None, "code", code, "has a clause on interest for late payment", remedy)
