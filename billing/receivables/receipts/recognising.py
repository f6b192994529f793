"""Receipts recognised: the same money ordered again is the receipt that stands, and what bears its name is told."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, select

from billing.entries.receivables import BILL, CASH_PAID, CHEQUE
from billing.frame.database import among
from billing.receivables.receipts.orders import ReceiptOrder, one_line
from billing.receivables.tables.receipts import receipt, receipt_cancellation, receipt_leg

# Means, reference, value date: the same money is one receipt.
_Identity: TypeAlias = tuple[str, str, date]
# The payer gives these their references: two tenants' cheques of one number and day are two.
_NAMED_BY_PAYERS = (CHEQUE, BILL, CASH_PAID)
_NAMES = {"payer_text": "payer's text", "asked": "allocation", "legs": "amount"}


class KnownReceipt(NamedTuple):
    """A receipt that was recorded under the reference of an order, as it was ordered; its key is 0 within the batch."""

    key: int
    value_date: date
    tenant: str | None
    site: str | None
    payer_text: str
    asked: str
    legs: tuple[tuple[str, int], ...]
    is_cancelled: bool = False

    @property
    def amount(self) -> int:
        """All that it settles, in centimes."""
        return sum(amount for _, amount in self.legs)


class KnownReceipts:
    """The receipts under the references of a batch; it follows what the batch records."""

    def __init__(self, connection: Connection, orders: Sequence[ReceiptOrder]) -> None:
        self._by_name: dict[tuple[str, str], list[KnownReceipt]] = {}
        self._counted: Counter[_Identity] = Counter()
        for means, reference, known in _recorded_before(connection, orders):
            self._by_name.setdefault((means, reference), []).append(known)
            self._counted[means, reference, known.value_date] += 1

    def find(self, order: ReceiptOrder) -> KnownReceipt | None:
        """Return the receipt that an order is; None for one that is to be recorded."""
        alike = self._alike(order)
        standing = [known for known in alike if not known.is_cancelled]
        if 0 < order.occurrence <= len(standing):
            return standing[order.occurrence - 1]
        if not order.anew:
            return next((known for known in alike if known.is_cancelled and not differing(known, order)), None)
        return None

    def missing_before(self, order: ReceiptOrder) -> int:
        """Return how many receipts like it must stand before one that says which it is, and don't."""
        return order.occurrence - 1 - sum(not known.is_cancelled for known in self._alike(order))

    def namesakes(self, order: ReceiptOrder) -> list[KnownReceipt]:
        """Return the receipts of other days that stand under the reference of an order, of its tenant or nobody's."""
        return [
            known
            for known in self._by_name.get((order.means, order.reference), ())
            if known.value_date != order.value_date
            and not known.is_cancelled
            and (None in (known.tenant, order.tenant) or known.tenant == order.tenant)
        ]

    def add(self, order: ReceiptOrder, key: int) -> int:
        """Add a receipt that is recorded now; return which one of its means, reference and value date it is."""
        self._by_name.setdefault((order.means, order.reference), []).append(_as_known(key, order))
        self._counted[order.means, order.reference, order.value_date] += 1
        return self._counted[order.means, order.reference, order.value_date]

    def _alike(self, order: ReceiptOrder) -> list[KnownReceipt]:
        """Return the receipts of the same means, reference and value date that may be the same money."""
        return [
            known
            for known in self._by_name.get((order.means, order.reference), ())
            if known.value_date == order.value_date
            and (
                order.means not in _NAMED_BY_PAYERS
                or None in (known.tenant, order.tenant)
                or known.tenant == order.tenant
            )
        ]


def differing(known: KnownReceipt, order: ReceiptOrder) -> list[str]:
    """Return the names of the fields in which an order differs from the receipt that stands."""
    ordered = _as_known(known.key, order, is_cancelled=known.is_cancelled)
    return [_NAMES.get(name, name) for name in known._fields if getattr(known, name) != getattr(ordered, name)]


def _as_known(key: int, order: ReceiptOrder, *, is_cancelled: bool = False) -> KnownReceipt:
    legs = tuple(sorted((str(leg.kind), leg.amount) for leg in order.legs))
    return KnownReceipt(
        key, order.value_date, order.tenant, order.site, one_line(order.payer_text), order.asked, legs, is_cancelled
    )


def _recorded_before(connection: Connection, orders: Sequence[ReceiptOrder]) -> list[tuple[str, str, KnownReceipt]]:
    c, x, leg = receipt.c, receipt_cancellation.c, receipt_leg.c
    rows = connection.execute(
        select(receipt, x.cancelled_on)
        .outerjoin(receipt_cancellation, x.receipt_id == c.id)
        .where(
            c.means.in_(sorted({str(order.means) for order in orders})),
            among(connection, c.reference, {order.reference for order in orders}),
        )
        .order_by(c.id)
    ).all()
    legs: dict[int, list[tuple[str, int]]] = {row.id: [] for row in rows}
    if rows:
        for part in connection.execute(select(receipt_leg).where(among(connection, leg.receipt_id, list(legs)))):
            legs[part.receipt_id].append((part.kind, part.amount))
    return [
        (
            row.means,
            row.reference,
            KnownReceipt(
                row.id, row.value_date, row.tenant, row.site, row.payer_text, row.asked, tuple(sorted(legs[row.id])),
                row.cancelled_on is not None,
            ),
        )
        for row in rows
    ]  # fmt: skip
