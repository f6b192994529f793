"""Prove the announcements: each has its message, says what its message's key says, and corrects what was wrong."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from billing.cross_subsidy.tier_changes.announcing import KIND
from billing.cross_subsidy.tier_changes.tables import tier_change_announcement
from billing.cross_subsidy.tier_changes.wording import message_key
from billing.frame.checking import Proof, Step, streamed
from invoices.messages.message import number_of
from invoices.messages.tables import message


def tier_changes(connection: Connection, _step: Step) -> Iterator[str]:
    """Each announcement's message is of its kind, key, tenant and day; a correction gives the same tenant another day.

    Each such message has its announcement.
    """
    m, n = message.c, tier_change_announcement.c
    former = tier_change_announcement.alias("former")
    rows = streamed(
        connection,
        select(
            n.message_id, n.tenant, n.switches_on, n.step, n.announced_on, n.corrects, m.kind, m.key,
            m.tenant.label("addressee"), m.written_on, former.c.tenant.label("former_tenant"),
            former.c.switches_on.label("former_day"),
        )
        .outerjoin(message, m.id == n.message_id)
        .outerjoin(former, former.c.message_id == n.corrects)
        .order_by(n.message_id),
    )  # fmt: skip
    for row in rows:
        number = number_of(row.message_id)
        expected = KIND, message_key(row.tenant, row.switches_on, row.step, row.corrects), row.tenant, row.announced_on
        if expected != (row.kind, row.key, row.addressee, row.written_on):
            yield f"the announcement {number} is not what its message tells: {row.kind} {row.key}"
        if row.corrects is not None and (row.former_tenant != row.tenant or row.former_day == row.switches_on):
            yield f"the announcement {number} corrects {number_of(row.corrects)}, which told the same, or somebody else"
        if (row.corrects is None and row.step == 0) or row.announced_on >= row.switches_on:
            yield f"the announcement {number} of {row.announced_on} is of no step, or too late for {row.switches_on}"
    alone = (
        select(m.id)
        .outerjoin(tier_change_announcement, n.message_id == m.id)
        .where(m.kind == KIND, n.message_id.is_(None))
        .order_by(m.id)
    )
    for message_id in connection.scalars(alone):
        yield f"message {number_of(message_id)} announces a tier change, and no announcement is kept of it"


CHECKS: tuple[Proof, ...] = (tier_changes,)
