"""The address a tenant's paper goes to: the present one until the mail has left."""

from sqlalchemy import ColumnElement, case, func, select

from billing.register.tables import tenant
from invoices.delivery import Queue


def present_recipient(queue: Queue) -> ColumnElement[str]:
    """Return where a paper of a queue goes, or went: to its tenant's present address unless a person chose another.

    The query around it selects from the papers and the deliveries of the queue.
    """
    c = queue.delivery.c
    present = select(tenant.c.email).where(tenant.c.code == queue.papers.c.tenant).scalar_subquery()
    is_present = queue.unsent & c.chosen_recipient.is_(None)
    return case((is_present, func.coalesce(present, c.recipient)), else_=c.recipient).label("goes_to")
