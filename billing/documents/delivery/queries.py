"""The mails that have not left, of documents and of all else, as one list."""

from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from billing.documents.delivery.mailings import MAILINGS
from billing.register.recipients import present_recipient


class UnsentMail(NamedTuple):
    """A mail that has not left, or of which nobody knows; `reason` is blank where nothing hindered it."""

    number: str
    tenant: str
    state: str
    attempts: int
    recipient: str
    reason: str


def unsent_mails(connection: Connection, state: str | None = None) -> list[UnsentMail]:
    """Return the mails that have not left, documents first, by number; those in a state where it is given.

    Those of unknown outcome have failed too.
    """
    mails = []
    for mailing in MAILINGS:
        queue, c = mailing.queue, mailing.queue.delivery.c
        shown = case((queue.in_doubt, "unknown"), else_=c.state).label("shown")
        query = (
            select(
                queue.number.label("number"), queue.papers.c.tenant, shown, c.attempts,
                present_recipient(queue), func.coalesce(c.last_error, "").label("reason"),
            )
            .join(queue.papers, queue.papers.c.id == queue.delivered)
            .where(queue.unsent)
            .order_by(queue.number)
        )  # fmt: skip
        if state is not None:
            query = query.where(queue.is_in(state))
        mails += [UnsentMail(queue.name(number), *rest) for number, *rest in connection.execute(query)]
    return mails
