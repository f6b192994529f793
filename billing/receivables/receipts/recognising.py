"""Receipts recognised: the same money ordered again is the receipt that stands, and what bears its name is told."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, or_, select

from billing.entries.receivables import BILL, CASH_PAID, CHEQUE, DEPOSIT
from billing.frame.database import among
from billing.receivables.receipts.orders import ReceiptOrder, one_line
from billing.receivables.tables.receipts import receipt, receipt_cancellation, receipt_leg

# Means, reference, value date: the same money is one receipt.
_Identity: TypeAlias = tuple[str, str, date]
# The payer gives these their references: two tenants' cheques of one number and day are two.
_NAMED_BY_PAYERS = (CHEQUE, BILL, CASH_PAID)
# References of these means do not name the money: "ESPECES" is said every day.
UNNAMED = (CASH_PAID, DEPOSIT)
# The same money entered with another day may be one with another amount within so many days.
_AROUND = timedelta(days=31)
_NAMESAKES_MAX = 3
# The key of receipts whoever paid them.
_ANYBODY = ""
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
    """The receipts under the references of a batch; it follows what the batch records.

    Each is kept under its payer, and for those who name none under anybody: a till's thousand receipts of one name are
    looked up as fast as one.
    """

    def __init__(self, connection: Connection, orders: Sequence[ReceiptOrder]) -> None:
        self._of_day: dict[tuple[_Identity, str | None], list[KnownReceipt]] = {}
        self._of_name: dict[tuple[str, str, str | None], list[KnownReceipt]] = {}
        self._counted: dict[_Identity, int] = {}
        for means, reference, known in _recorded_before(connection, orders):
            self._add(means, reference, known)

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
        if order.occurrence == 1:
            return 0
        return order.occurrence - 1 - sum(not known.is_cancelled for known in self._alike(order))

    def namesakes(self, order: ReceiptOrder) -> list[KnownReceipt]:
        """Return the last receipts of other days that stand under the reference of an order and may be its money.

        They are of its tenant or nobody's, and of its amount or of days around its own; a few are enough.
        """
        names = [(order.means, order.reference, payer) for payer in _payers(order.tenant)]
        named = [self._of_name[name] for name in names if name in self._of_name]
        if not named:
            return []
        alike = (
            known
            for listed in named
            for known in reversed(listed)
            if known.value_date != order.value_date
            and not known.is_cancelled
            and (abs(known.value_date - order.value_date) <= _AROUND or known.amount == order.amount)
        )
        return sorted(islice(alike, _NAMESAKES_MAX), key=lambda known: known.key)

    def add(self, order: ReceiptOrder, known: KnownReceipt) -> int:
        """Add the receipt that an order becomes; return which one of its means, reference and value date it is."""
        return self._add(order.means, order.reference, known)

    def _add(self, means: str, reference: str, known: KnownReceipt) -> int:
        identity = (means, reference, known.value_date)
        for payer in (_ANYBODY, known.tenant):
            self._of_day.setdefault((identity, payer), []).append(known)
            if means not in UNNAMED:
                self._of_name.setdefault((means, reference, payer), []).append(known)
        self._counted[identity] = counted = self._counted.get(identity, 0) + 1
        return counted

    def _alike(self, order: ReceiptOrder) -> list[KnownReceipt]:
        """Return the receipts of the same means, reference and value date that may be the same money, in order."""
        identity = (order.means, order.reference, order.value_date)
        payers = _payers(order.tenant) if order.means in _NAMED_BY_PAYERS else (_ANYBODY,)
        alike = [known for payer in payers for known in self._of_day.get((identity, payer), ())]
        return sorted(alike, key=lambda known: known.key) if len(alike) > 1 else alike


def _payers(tenant: str | None) -> tuple[str | None, ...]:
    """Return the payers that a receipt may be of: its tenant or nobody known; anybody where it names none."""
    return (_ANYBODY,) if tenant is None else (tenant, None)


def differing(known: KnownReceipt, order: ReceiptOrder) -> list[str]:
    """Return the names of the fields in which an order differs from the receipt that stands."""
    ordered = as_known(known.key, order, is_cancelled=known.is_cancelled)
    return [_NAMES.get(name, name) for name in known._fields if getattr(known, name) != getattr(ordered, name)]


def as_known(key: int, order: ReceiptOrder, *, is_cancelled: bool = False) -> KnownReceipt:
    """Return the receipt that an order becomes."""
    legs = tuple(sorted([(str(kind), amount) for kind, amount in order.legs]))
    return KnownReceipt(
        key, order.value_date, order.tenant, order.site, one_line(order.payer_text), order.asked, legs, is_cancelled
    )


def _recorded_before(connection: Connection, orders: Sequence[ReceiptOrder]) -> list[tuple[str, str, KnownReceipt]]:
    """Return the receipts under the references of orders: of their days, or of days and amounts like theirs."""
    c, x, leg = receipt.c, receipt_cancellation.c, receipt_leg.c
    heads: list[Row[Any]] = []
    for alike, names_money in (
        ([order for order in orders if order.means in UNNAMED], False),
        ([order for order in orders if order.means not in UNNAMED], True),
    ):
        if alike:
            of_amounts = among(connection, c.amount, {order.amount for order in alike})
            is_near = or_(_of_days(alike, _AROUND), of_amounts) if names_money else _of_days(alike, timedelta(0))
            standing = (
                select(receipt, x.cancelled_on)
                .outerjoin(receipt_cancellation, x.receipt_id == c.id)
                .where(
                    c.means.in_(sorted({str(order.means) for order in alike})),
                    among(connection, c.reference, {order.reference for order in alike}),
                    is_near,
                )
            )
            heads += connection.execute(standing)
    # Put in order here: asked for in order, all of a name might be read by their keys.
    heads.sort(key=lambda row: row.id)
    legs: dict[int, list[tuple[str, int]]] = {row.id: [] for row in heads}
    if heads:
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
        for row in heads
    ]  # fmt: skip


def _of_days(orders: Sequence[ReceiptOrder], around: timedelta) -> ColumnElement[bool]:
    """Return the condition that a receipt is of a day between those of orders, or around them."""
    days = [order.value_date for order in orders]
    return receipt.c.value_date.between(min(days) - around, max(days) + around)
