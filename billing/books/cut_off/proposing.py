"""Proposes a year's cut-off: from the documents of both years, and from what the next run would bill (R31).

A year's own, billed later: lines of its months on documents of the next year (usage of December, repairs), and on those
that the next run would issue, priced by the run itself. Billed ahead: lines of later months on documents of the year.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from billing.books.cut_off.tables import cut_off, cut_off_sum
from billing.entries.cut_off import AHEAD, TO_CREDIT, TO_INVOICE, CutOffSum
from billing.frame.errors import PeriodRefused
from billing.register.tables import billing_run
from billing.run.preview import bills_of_next_run
from invoices.document import CREDIT_NOTE
from invoices.models import document, document_line
from pricing.period import format_month

DECEMBER = 12


class CutOffLine(NamedTuple):
    """What one document has of a service and month, in centimes without VAT; `document` None: the next run's."""

    kind: str
    document: str | None
    tenant: str
    service: str
    site: str
    account: str
    month: date
    amount: int


class Proposal(NamedTuple):
    """A year's cut-off as facts stand, and what of it is booked; `unpriced` says who can't be billed, and why."""

    year: int
    lines: tuple[CutOffLine, ...]
    booked: tuple[CutOffSum, ...]
    unpriced: tuple[tuple[str, str], ...]

    @property
    def sums(self) -> list[CutOffSum]:
        """Return what is proposed by kind, site and account."""
        return _summed(CutOffSum(line.kind, line.site, line.account, line.amount) for line in self.lines)

    @property
    def left(self) -> list[CutOffSum]:
        """Return what is still to be booked: what is proposed, less what is booked."""
        return _summed((*self.sums, *(one._replace(amount=-one.amount) for one in self.booked)))


def propose(connection: Connection, year: int) -> Proposal:
    """Return a year's cut-off; raises PeriodRefused before its December was run, or while a run is under way."""
    _require_run(connection, year)
    after = date(year + 1, 1, 1)
    lines = list(_of_documents(connection, after))
    unpriced = []
    for bill in bills_of_next_run(connection):
        if bill.error is not None or bill.held is not None:
            unpriced.append((bill.tenant, bill.error or f"held from the run: {bill.held}"))
        lines += _of_drafts(bill, after)
    b, s = cut_off.c, cut_off_sum.c
    rows = connection.execute(
        select(s.kind, s.site, s.account, func.sum(s.amount))
        .join(cut_off, b.id == s.cut_off_id)
        .where(b.year == year)
        .group_by(s.kind, s.site, s.account)
    )
    booked = _summed(CutOffSum(kind, site, account, int(amount)) for kind, site, account, amount in rows)
    return Proposal(year, tuple(lines), tuple(booked), tuple(unpriced))


def _summed(sums: Any) -> list[CutOffSum]:
    """Add sums up by kind, site and account, those that come to nothing left out."""
    by_place: dict[tuple[str, str, str], int] = defaultdict(int)
    for kind, site, account, amount in sums:
        by_place[kind, site, account] += amount
    return [CutOffSum(*place, amount) for place, amount in sorted(by_place.items()) if amount]


def _require_run(connection: Connection, year: int) -> None:
    c = billing_run.c
    latest = connection.execute(select(c.period, c.status).order_by(c.period.desc()).limit(1)).one_or_none()
    if latest is None:
        return
    december, month = date(year, DECEMBER, 1), format_month(latest.period)
    if latest.status != "complete":
        raise PeriodRefused(
            f"the run of {month} was interrupted: finish it first with `technopark-billing run {month}`"
        )
    if latest.period < december:
        raise PeriodRefused(
            f"{format_month(december)} has not been run: the cut-off is what the run after it would still bill"
        )


def _of_documents(connection: Connection, after: date) -> Iterator[CutOffLine]:
    """Yield what documents hold of the other year, of the months before and from `after`, the first of January, on."""
    d, x = document.c, document_line.c
    of_lines: Select[Any] = (
        select(d.kind, d.number, d.tenant, x.service, x.site, x.revenue_account, x.month, func.sum(x.amount))
        .join(document_line, x.document_id == d.id)
        .group_by(d.id, d.kind, d.number, d.tenant, x.service, x.site, x.revenue_account, x.month)
        .order_by(d.id, x.month, x.service, x.site, x.revenue_account)
    )
    until = date(after.year, DECEMBER, 31)
    later = of_lines.where(d.issued_on.between(after, until), x.month < after)
    for kind, number, tenant, service, site, account, month, amount in connection.execute(later):
        what = TO_CREDIT if kind == CREDIT_NOTE else TO_INVOICE
        yield CutOffLine(what, number, tenant, service, site, account, month, int(amount))
    ahead = of_lines.where(d.issued_on < after, x.month >= after)
    for kind, number, tenant, service, site, account, month, amount in connection.execute(ahead):
        signed = -int(amount) if kind == CREDIT_NOTE else int(amount)
        yield CutOffLine(AHEAD, number, tenant, service, site, account, month, signed)


def _of_drafts(bill: Any, after: date) -> Iterator[CutOffLine]:
    """Yield what the documents of a bill to come hold of the months before `after`."""
    for draft in (bill.invoice, bill.credit_note):
        for line in () if draft is None else draft.lines:
            p = line.priced
            if p.month < after:
                kind = TO_CREDIT if draft.kind == CREDIT_NOTE else TO_INVOICE
                yield CutOffLine(kind, None, bill.tenant, p.service, p.site, line.revenue_account, p.month, p.amount)
