"""The bounds of taxes withheld at source: what the rates of the dated settings make of what a receipt settles.

A payer rounds up to the dirham; more than that is refused unless somebody says why (law.md section 3).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, and_, exists, func, not_, select

from billing.entries.receivables import WITHHOLDINGS, LegKind
from billing.frame.database import among
from billing.frame.terms import Terms
from billing.receivables.receipts.judging import OrderFault
from billing.receivables.receipts.orders import ReceiptOrder
from billing.receivables.tables.receipts import (
    EventKind,
    allocation,
    allocation_undoing,
    placement,
    receipt,
    receipt_cancellation,
    receipt_event,
    receipt_leg,
)
from billing.register.tables import vat_rate
from invoices.models import document, document_line
from pricing.money import RATE_DECIMALS, RATE_SCALE, format_amount, format_rate, parse_decimal

_DIRHAM = 100
# What a receipt settles: invoices by key, with amounts; and how much of it settles none yet.
Parts: TypeAlias = Sequence[tuple[int, int]]
_TAXES: Mapping[str, str] = {LegKind.RENT_WITHHOLDING: "rent without VAT", LegKind.VAT_WITHHOLDING: "VAT"}


class _Base(NamedTuple):
    """The bases of both taxes on an invoice, in centimes: the rent of its offices without VAT, and its VAT."""

    rent: int
    vat: int


class WithholdingBounds:
    """The most that may be withheld of the receipts of a batch; it follows what the batch withholds.

    Of an invoice no more than its whole tax, whatever was withheld of it before counted in. Of money that settles
    nothing yet, no more than if all of it were rent, and bore the highest rate of VAT.
    """

    def __init__(self, connection: Connection, terms: Terms, documents: Collection[int]) -> None:
        self._terms = terms
        keys = sorted(documents)
        self._bases = _bases(connection, keys)
        self._withheld = _withheld_before(connection, keys)
        self._highest_rate = int(connection.scalar(select(func.max(vat_rate.c.rate))) or 0)

    def faults(self, order: ReceiptOrder, parts: Parts, rest: int) -> list[OrderFault]:
        """Return a fault for each tax that an order withholds more of than the rates of its day allow."""
        faults: list[OrderFault] = []
        for kind, amount in order.legs:
            if kind in WITHHOLDINGS:
                rate = self._rate(kind, order.value_date)
                most = self._most(kind, rate, parts, rest)
                if amount > most:
                    problem = (
                        f"is more than the {format_amount(most)} that can be withheld: {format_rate(rate)} of the "
                        f"{_TAXES[kind]}, by the rates of {order.value_date}"
                    )
                    remedy = "compare it with the payer's certificate; if it is right, give the reason"
                    faults.append((str(kind), format_amount(amount), problem, remedy))
        return faults

    def count(self, order: ReceiptOrder, parts: Parts) -> None:
        """Count what an order withholds, for the orders after it."""
        for kind, amount in order.legs:
            if kind in WITHHOLDINGS:
                for key, part in parts:
                    self._withheld[kind, key] += amount * part // order.amount

    def _rate(self, kind: str, on: date) -> int:
        if kind == LegKind.RENT_WITHHOLDING:
            return parse_decimal(str(self._terms.at("statements.rent_withholding", on)), RATE_DECIMALS)
        rates = self._terms.at("statements.vat_withholdings", on)
        return max((parse_decimal(str(rate), RATE_DECIMALS) for rate in rates), default=0)

    def _most(self, kind: str, rate: int, parts: Parts, rest: int) -> int:
        most = 0
        for key, _ in parts:
            base = self._bases.get(key, _Base(0, 0))
            tax = _rounded_up((base.rent if kind == LegKind.RENT_WITHHOLDING else base.vat) * rate, RATE_SCALE)
            most += max(tax - self._withheld[kind, key], 0)
        if kind == LegKind.RENT_WITHHOLDING:
            return most + _rounded_up(rest * rate, RATE_SCALE)
        return most + _rounded_up(rest * self._highest_rate * rate, (RATE_SCALE + self._highest_rate) * RATE_SCALE)


def _rounded_up(numerator: int, denominator: int) -> int:
    """Return a quotient of centimes, rounded up to the dirham."""
    return -(-numerator // (denominator * _DIRHAM)) * _DIRHAM


def _bases(connection: Connection, keys: Sequence[int]) -> dict[int, _Base]:
    d, x = document.c, document_line.c
    rows = connection.execute(
        select(d.id, func.coalesce(func.sum(x.amount), 0), d.tax)
        .outerjoin(document_line, and_(x.document_id == d.id, x.lease.is_not(None)))
        .where(among(connection, d.id, keys))
        .group_by(d.id, d.tax)
    )
    return {key: _Base(int(rent), int(vat)) for key, rent, vat in rows}


def _withheld_before(connection: Connection, keys: Sequence[int]) -> Counter[tuple[str, int]]:
    """Return what standing receipts have withheld of invoices: of each its share, by what it settles of them."""
    a, u, leg, e = allocation.c, allocation_undoing.c, receipt_leg.c, receipt_event.c
    bounced = exists().where(e.receipt_id == receipt.c.id, e.kind == EventKind.BOUNCED)
    cancelled = exists().where(receipt_cancellation.c.receipt_id == receipt.c.id)
    rows = connection.execute(
        select(leg.kind, a.document_id, leg.amount, a.amount.label("part"), receipt.c.amount.label("whole"))
        .join(placement, placement.c.id == a.placement_id)
        .join(receipt, receipt.c.id == placement.c.receipt_id)
        .join(receipt_leg, leg.receipt_id == receipt.c.id)
        .outerjoin(allocation_undoing, u.allocation_id == a.id)
        .where(
            among(connection, a.document_id, keys), u.allocation_id.is_(None), leg.kind.in_(WITHHOLDINGS),
            not_(bounced), not_(cancelled),
        )
    )  # fmt: skip
    withheld: Counter[tuple[str, int]] = Counter()
    for kind, key, amount, part, whole in rows:
        withheld[kind, key] += int(amount) * int(part) // int(whole)
    return withheld
