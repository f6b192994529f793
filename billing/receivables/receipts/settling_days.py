"""The day on which a settlement takes effect that is made later than its money came (R26)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from billing.frame.civil_time import today
from billing.frame.database import among
from billing.receivables.open_items.open_items import UnallocatedCredit, is_standing_refund
from billing.receivables.open_items.standing import OpenDocument
from billing.receivables.receipts.acting import refused
from billing.receivables.tables.receipts import (
    allocation,
    allocation_undoing,
    placement_withdrawal,
    refund,
    refund_booked_on,
    settlement,
)
from ledger.periods import limits

# The days on which something changed what is left, and by how much.
_Changes: TypeAlias = dict[date, int]


class SettlingDays:
    """The days of settlements that are made now, each as early as it can be.

    Money settles on the day it came (its value date, or the day its cheque was cleared), a credit note on the day of
    the later document; never before the document, the placement, or an undoing without which there would not have been
    enough open or left. A day that a person gives wins within these bounds. What falls into a closed month takes the
    first open day. It follows what is settled.
    """

    def __init__(self, connection: Connection, given: date | None, recorded_at: datetime) -> None:
        """Raise Refused for a given day that is still to come."""
        present = today(recorded_at)
        if given is not None and given > present:
            raise refused("on", str(given), "is still to come", f"give {present} or a day before")
        self._connection = connection
        self._given = given
        self.open_day = limits(connection).first_open
        self._of_documents: dict[int, _Changes] = {}
        self._of_placements: dict[int, _Changes] = {}

    def earliest(self, *bounds: date | None) -> date:
        """Return the first open day that no bound forbids; a given day is a bound, too."""
        return self.open_day(max(day for day in (self._given, *bounds) if day is not None))

    def look_at(self, documents: Iterable[OpenDocument], credits: Iterable[UnallocatedCredit]) -> None:  # noqa: A002
        """Read what an undoing has opened again of these documents, and made free of this money."""
        keys = [x.key for x in documents if x.reopened and x.key not in self._of_documents]
        self._of_documents |= self._reopened(keys)
        placements = [x.placement for x in credits if x.placement is not None]
        self._of_placements |= self._freed([key for key in placements if key not in self._of_placements])

    def of_money(self, credit: UnallocatedCredit, left: int, target: OpenDocument, amount: int) -> date:
        """Return the day on which so much of a credit, of which `left` is left, settles an invoice."""
        changes = self._of_placements.get(credit.placement or 0)
        free = None if changes is None else _rests_on(changes, left, amount)
        day = self.earliest(credit.money_on, credit.since, free, target.issued_on, self._open_since(target, amount))
        if changes is not None:
            changes[day] -= amount
        self._settle(target, day, amount)
        return day

    def of_receipt(self, value_date: date, target: OpenDocument, amount: int) -> date:
        """Return the day on which money that is recorded now settles so much of an invoice: its own if it can."""
        bounds = [day for day in (target.issued_on, self._open_since(target, amount)) if day is not None]
        day = value_date if max(bounds) <= value_date else self.open_day(max(bounds))
        self._settle(target, day, amount)
        return day

    def of_note(self, note: OpenDocument, target: OpenDocument, amount: int) -> date:
        """Return the day on which so much of a credit note settles an invoice."""
        since = self._open_since(note, amount), self._open_since(target, amount)
        day = self.earliest(note.issued_on, target.issued_on, *since)
        for document in (note, target):
            self._settle(document, day, amount)
        return day

    def _open_since(self, document: OpenDocument, amount: int) -> date | None:
        changes = self._of_documents.get(document.key)
        return None if changes is None else _rests_on(changes, document.open, amount)

    def _settle(self, document: OpenDocument, day: date, amount: int) -> None:
        if document.key in self._of_documents:
            self._of_documents[document.key][day] -= amount

    def _reopened(self, keys: list[int]) -> dict[int, _Changes]:
        changes: dict[int, _Changes] = {key: defaultdict(int) for key in keys}
        if keys:
            s = settlement.c
            rows = self._connection.execute(
                select(s.document_id, s.settled_on, func.sum(s.base + s.vat))
                .where(among(self._connection, s.document_id, sorted(keys)))
                .group_by(s.document_id, s.settled_on)
            )
            for key, day, settled in rows:
                changes[key][day] -= int(settled)
        return changes

    def _freed(self, keys: list[int]) -> dict[int, _Changes]:
        """Return the changes of the placements of which an allocation was undone."""
        if not keys:
            return {}
        a, u, w, r = allocation.c, allocation_undoing.c, placement_withdrawal.c, refund.c
        undone = (
            select(a.placement_id)
            .join(allocation_undoing, u.allocation_id == a.id)
            .where(among(self._connection, a.placement_id, sorted(set(keys))))
        )
        changes: dict[int, _Changes] = {key: defaultdict(int) for key in self._connection.scalars(undone)}
        if changes:
            freed = sorted(changes)
            for rows, sign in (
                (select(a.placement_id, a.allocated_on, a.amount).where(a.placement_id.in_(freed)), -1),
                (
                    select(a.placement_id, u.undone_on, a.amount)
                    .join(allocation_undoing, u.allocation_id == a.id)
                    .where(a.placement_id.in_(freed)),
                    1,
                ),
                (select(w.placement_id, w.withdrawn_on, w.amount).where(w.placement_id.in_(freed)), -1),
                (
                    select(r.placement_id, refund_booked_on(), r.amount).where(
                        r.placement_id.in_(freed), is_standing_refund()
                    ),
                    -1,
                ),
            ):
                for key, day, amount in self._connection.execute(rows):
                    changes[key][day] += sign * amount
        return changes


def _rests_on(changes: _Changes, left: int, amount: int) -> date | None:
    """Return the last day before which less than an amount was left; None: so much always was."""
    for day in sorted(changes, reverse=True):
        left -= changes[day]
        if left < amount:
            return day
    return None
