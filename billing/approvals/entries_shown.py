"""The entries an order posts, as whoever approves is shown them: without the numbers they would get."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from ledger.models import entry, posting
from pricing.money import format_amount


def entries_shown(connection: Connection, references: Sequence[str]) -> list[dict[str, Any]]:
    """Return the entries of these references, in the order they were posted."""
    e, p = entry.c, posting.c
    entries = connection.execute(
        select(e.id, e.journal, e.effective_on, e.label).where(e.reference.in_(references)).order_by(e.id)
    ).all()
    shown: dict[int, dict[str, Any]] = {
        row.id: {"journal": row.journal, "day": row.effective_on.isoformat(), "label": row.label, "postings": []}
        for row in entries
    }
    of_entries = select(p.entry_id, p.account, p.auxiliary, p.site, p.amount).where(p.entry_id.in_(list(shown)))
    for row in connection.execute(of_entries.order_by(p.entry_id, p.line_no)):
        shown[row.entry_id]["postings"].append(
            {
                "account": row.account,
                "auxiliary": row.auxiliary,
                "site": row.site,
                "debit": format_amount(max(row.amount, 0)),
                "credit": format_amount(max(-row.amount, 0)),
            }
        )
    return list(shown.values())
