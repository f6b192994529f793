"""Cash taken: judged by the day's rules, then acknowledged by a numbered receipt with its stamp duty, all at once.

Recording receipts (`billing.receivables.receipts.receiving`) makes a `CashDesk` of the batch: it knows the cash that
each payer has paid before, counts what the batch adds, and gives the numbers, which have no gap within a year.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, func, not_, select

from billing.entries.cancelling import cancellation
from billing.entries.cash_desk import stamp_entry
from billing.entries.receivables import CASH_PAID, Settled
from billing.frame.database import among
from billing.frame.errors import Fault
from billing.frame.terms import Terms
from billing.receivables.cash_desk.rules import cash_rules, refusal
from billing.receivables.tables.cash_desk import cash_receipt
from billing.receivables.tables.receipts import receipt, receipt_booked_on, receipt_cancellation
from billing.register.parties import buyer_of
from billing.register.tables import site, tenant
from invoices.document import Party
from ledger.entry import Entry
from pricing.cash import CashRules, Taken
from pricing.money import format_amount
from pricing.period import first_of_month, next_month


class CashPayment(NamedTuple):
    """Cash about to be taken: from whom, when, how much (centimes), at which site's till."""

    payer: str
    taken_on: date
    amount: int
    site: str | None


def cash_number(year: int, serial: int) -> str:
    """Return the number of a receipt for cash: `RC-2026-000001`."""
    return f"RC-{year}-{serial:06d}"


class CashDesk:
    """The desk for one batch of receipts; the caller holds `change_receivables`, so that serials have no gap."""

    def __init__(
        self, connection: Connection, payments: Sequence[CashPayment], *, terms: Terms, seller: Party | None
    ) -> None:
        self._connection = connection
        self._terms = terms
        self._seller = seller
        self._taken = _taken_before(connection, payments) if payments else Counter()
        self._duty = _duty_before(connection, payments) if payments else Counter()
        self._payers = _parties(connection, {p.payer for p in payments})
        self._sites = _site_names(connection, {p.site for p in payments if p.site is not None})
        self._last: dict[int, int] = {}

    def fault(self, payment: CashPayment) -> Fault | None:
        """Say why this cash can't be taken; None if it can, and then it counts for the rest of the batch."""
        if self._seller is None:
            remedy = "record it at the cash desk: `technopark-billing payments receive`, or POST /v1/receipts"
            return Fault(
                "cash", None, "means", CASH_PAID, "can't be recorded here: cash needs a numbered receipt", remedy
            )
        rules = self._rules(payment)
        refused = refusal(rules, payment.amount, self._before(payment))
        if refused is None:
            self._duty[payment.payer, payment.taken_on] += rules.collected(payment.amount) - payment.amount
            self._taken[payment.payer, payment.taken_on, payment.taken_on] += payment.amount
            self._taken[payment.payer, *_month(payment.taken_on)] += payment.amount
        return refused

    def acknowledge(
        self, receipt_id: int, payment: CashPayment, reference: str, settled: Iterable[Settled], booked_on: date
    ) -> tuple[tuple[Any, ...], Entry | None]:
        """Return the receipt's row but for `recorded_at`, in the table's order, and its stamp duty's entry."""
        rules = self._rules(payment)
        year = payment.taken_on.year
        serial = self._next(year)
        duty = rules.stamp_duty(payment.amount)
        on_top = int(rules.stamp_on_top)
        content = self._content(payment, reference, settled, rules)
        row = (
            receipt_id, year, serial, payment.taken_on, payment.payer, payment.amount, duty, on_top,
            json.dumps(content, ensure_ascii=False),
        )  # fmt: skip
        if not duty:
            return row, None
        number = cash_number(year, serial)
        return row, stamp_entry(number, booked_on, payment.payer, payment.site, duty, on_top)

    def _rules(self, payment: CashPayment) -> CashRules:
        return cash_rules(self._terms, payment.taken_on)

    def _before(self, payment: CashPayment) -> Taken:
        day = self._taken[payment.payer, payment.taken_on, payment.taken_on]
        month = self._taken[payment.payer, *_month(payment.taken_on)]
        return Taken(day, month, self._duty[payment.payer, payment.taken_on])

    def _next(self, year: int) -> int:
        last = self._last.get(year)
        if last is None:
            highest = select(func.coalesce(func.max(cash_receipt.c.serial), 0)).where(cash_receipt.c.year == year)
            last = int(self._connection.scalar(highest) or 0)
        self._last[year] = last + 1
        return last + 1

    def _content(
        self, payment: CashPayment, reference: str, settled: Iterable[Settled], rules: CashRules
    ) -> dict[str, Any]:
        """Return what the printout says beside its sums. By now the desk has counted the payment itself."""
        counted = self._before(payment)
        before = Taken(counted.day - payment.amount, counted.month - payment.amount)
        return {
            "reference": reference,
            "site": None if payment.site is None else self._sites.get(payment.site, payment.site),
            "settles": [{"number": part.number, "amount": format_amount(part.amount)} for part in settled],
            "stamp_rate": rules.stamp_rate,
            "notices": [
                {"span": notice.span, "threshold": format_amount(notice.threshold)}
                for notice in rules.notices(payment.amount, before)
            ],
            "seller": None if self._seller is None else asdict(self._seller),
            "payer": asdict(self._payers[payment.payer]),
        }


def stamp_taken_back(connection: Connection, receipt_id: int, on: date) -> Entry | None:
    """Return the entry that takes back the stamp duty of a receipt for cash; None for one without."""
    c, r = cash_receipt.c, receipt.c
    given = (
        select(cash_receipt, r.site, receipt_booked_on().label("booked_on"))
        .join(receipt, r.id == c.receipt_id)
        .where(c.receipt_id == receipt_id)
    )
    row = connection.execute(given).one_or_none()
    if row is None or not row.stamp_duty:
        return None
    number = cash_number(row.year, row.serial)
    stamp = stamp_entry(number, row.booked_on, row.tenant, row.site, row.stamp_duty, row.stamp_on_top)
    return cancellation(stamp, on)


def _month(day: date) -> tuple[date, date]:
    """Return a month as a key beside those of days: its first day and the next month's."""
    first = first_of_month(day)
    return first, next_month(first)


def _taken_before(connection: Connection, payments: Sequence[CashPayment]) -> Counter[tuple[str, date, date]]:
    """Return the cash that payers have paid, by day and by month, in the months of the payments."""
    c = receipt.c
    months = [first_of_month(payment.taken_on) for payment in payments]
    payers = {payment.payer for payment in payments}
    rows = connection.execute(
        select(c.tenant, c.value_date, func.sum(c.amount))
        .where(
            c.means == CASH_PAID,
            c.value_date >= min(months),
            c.value_date < next_month(max(months)),
            among(connection, c.tenant, sorted(payers)),
            not_(exists().where(receipt_cancellation.c.receipt_id == c.id)),
        )
        .group_by(c.tenant, c.value_date)
    )
    taken: Counter[tuple[str, date, date]] = Counter()
    for payer, day, amount in rows:
        taken[payer, day, day] += int(amount)
        taken[payer, *_month(day)] += int(amount)
    return taken


def _duty_before(connection: Connection, payments: Sequence[CashPayment]) -> Counter[tuple[str, date]]:
    """Return the stamp duty that payers have borne on the days of the payments."""
    c = cash_receipt.c
    rows = connection.execute(
        select(c.tenant, c.taken_on, func.sum(c.stamp_duty * c.stamp_on_top))
        .where(
            c.taken_on.in_(sorted({payment.taken_on for payment in payments})),
            among(connection, c.tenant, sorted({payment.payer for payment in payments})),
            not_(exists().where(receipt_cancellation.c.receipt_id == c.receipt_id)),
        )
        .group_by(c.tenant, c.taken_on)
    )
    return Counter({(payer, day): int(amount) for payer, day, amount in rows})


def _parties(connection: Connection, codes: set[str]) -> Mapping[str, Party]:
    if not codes:
        return {}
    rows = connection.execute(select(tenant).where(among(connection, tenant.c.code, sorted(codes))))
    return {row.code: buyer_of(row) for row in rows}


def _site_names(connection: Connection, codes: set[str]) -> Mapping[str, str]:
    if not codes:
        return {}
    rows = connection.execute(select(site.c.code, site.c.name).where(among(connection, site.c.code, sorted(codes))))
    return {row.code: row.name for row in rows}
