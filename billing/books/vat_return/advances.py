"""VAT on tenants' credit that settles nothing yet, where a dated setting taxes it on receipt (law.md section 3).

What is held at the end of a month bears VAT, receipt by receipt; a month declares and books what is held more than at
the end of the month before, or less. Whatever became of the credit meanwhile, all that was ever declared of it is what
its invoices made due (R26) and what is still held bears. Deposits are no credit, and nobody's money (4497) is none yet.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, func, select

from billing.books.vat_return.tables import advance_vat
from billing.entries.advances import advance_entry
from billing.frame.database import among, change_receivables, insert_rows
from billing.frame.terms import Terms
from billing.receivables.open_items.open_items import UnallocatedCredit
from billing.receivables.open_items.open_items import credits as unallocated_credits
from billing.register.catalogue import load_vat_book
from billing.register.tables import service
from invoices.document import INVOICE
from invoices.models import document, document_line
from ledger.journal import post
from ledger.periods import last_day, limits
from pricing.money import vat_included

ON_RECEIPT = "vat.advances_on_receipt"


class Advance(NamedTuple):
    """Credit of a tenant that a receipt holds, and the rate it bears in ten-thousandths."""

    receipt: int
    tenant: str
    rate: int


class Change(NamedTuple):
    """What is held of an advance more than before, or less (below zero): centimes, VAT included; and its VAT."""

    advance: Advance
    amount: int
    vat: int


# What is held of each advance, VAT included, and its VAT; centimes.
Held: TypeAlias = Mapping[Advance, tuple[int, int]]


class ExpectedRates:
    """The VAT rates that money bears of which nobody can say yet what it will pay.

    A tenant's is the highest, on the day the money came, of the services it was billed by then; where none was, and
    for nobody's money, of all services: what the money settles takes back what was too much.
    """

    def __init__(self, connection: Connection, on: date, tenants: set[str]) -> None:
        """Read the VAT versions, and what these tenants were billed up to a day."""
        self._vat = load_vat_book(connection)
        self._all = list(connection.scalars(select(service.c.code)))
        d, x = document.c, document_line.c
        billed = (
            select(d.tenant, x.service)
            .join(document_line, x.document_id == d.id)
            .where(among(connection, d.tenant, sorted(tenants)), d.kind == INVOICE, d.issued_on <= on)
            .distinct()
        )
        self._billed: dict[str, list[str]] = {}
        for tenant, code in connection.execute(billed):
            self._billed.setdefault(tenant, []).append(code)

    def of(self, tenant: str | None, day: date) -> int:
        """Return the rate that a tenant's money of a day bears; 0 where no rate is in force."""
        own = self._in_force(self._billed.get(tenant or "", ()), day)
        return max(own or self._in_force(self._all, day), default=0)

    def _in_force(self, services: Iterable[str], day: date) -> list[int]:
        after = day + timedelta(days=1)
        return [version.rate for code in services for version in self._vat.in_force_during(code, day, after)]


def _is_taxed(credit: UnallocatedCredit, terms: Terms) -> bool:
    """Return whether money that settles nothing bears VAT: a tenant's, that came when the setting said so."""
    first = terms.versions[ON_RECEIPT][0].effective_from
    on = credit.money_on
    return credit.is_money and credit.tenant is not None and on >= first and bool(terms.at(ON_RECEIPT, on))


def advances_held(connection: Connection, on: date, terms: Terms) -> Held:
    """Return the advances that bear VAT at the end of a day, as facts stand."""
    if not any(term.value for term in terms.versions[ON_RECEIPT]):
        return {}
    taxed = [c for c in unallocated_credits(connection, on=on, unplaced=False) if _is_taxed(c, terms)]
    rates = ExpectedRates(connection, on, {str(credit.tenant) for credit in taxed})
    held: Counter[Advance] = Counter()
    for credit in taxed:
        if rate := rates.of(credit.tenant, credit.money_on):
            held[Advance(credit.receipt, str(credit.tenant), rate)] += credit.left
    return {advance: (amount, vat_included(amount, advance.rate)) for advance, amount in held.items()}


def advances_booked(connection: Connection, through: date) -> Held:
    """Return the advances whose VAT the closings of months booked, up to a day's month."""
    a = advance_vat.c
    of_advance = a.receipt_id, a.tenant, a.rate
    sums = select(*of_advance, func.sum(a.amount), func.sum(a.vat)).where(a.month <= through).group_by(*of_advance)
    return {Advance(*advance): (int(amount), int(vat)) for *advance, amount, vat in connection.execute(sums)}


def advance_changes(connection: Connection, month: date, terms: Terms) -> list[Change]:
    """Return what a month declares of advances: of closed months what they booked, of open ones as facts stand."""
    closed = limits(connection).closed_through

    def at_end(day: date) -> Held:
        is_closed = closed is not None and day <= closed
        return advances_booked(connection, day) if is_closed else advances_held(connection, day, terms)

    return list(_changes(at_end(month - timedelta(days=1)), at_end(last_day(month))))


def vat_booked(connection: Connection, month: date) -> int:
    """Return the VAT on advances that closing a month booked, in centimes."""
    a = advance_vat.c
    return int(connection.scalar(select(func.coalesce(func.sum(a.vat), 0)).where(a.month == month)) or 0)


def book_advances(connection: Connection, month: date, *, recorded_at: datetime, terms: Terms) -> None:
    """Book the VAT of what is held at the end of a month, less what is booked of it; a closed month keeps its own."""
    # Nothing is settled between what is read and what is booked.
    change_receivables(connection)
    end, closed = last_day(month), limits(connection).closed_through
    if closed is not None and end <= closed:
        return
    changes = list(_changes(advances_booked(connection, end), advances_held(connection, end, terms)))
    if not changes:
        return
    first = int(connection.scalar(select(func.coalesce(func.max(advance_vat.c.id), 0))) or 0) + 1
    rows = [(key, month, *c.advance, c.amount, c.vat, recorded_at) for key, c in enumerate(changes, first)]
    insert_rows(connection, advance_vat, tuple(advance_vat.c.keys()), rows)
    entries = [
        advance_entry(key, end, c.advance.receipt, c.advance.tenant, c.vat) for key, c in enumerate(changes, first)
    ]
    moving = [entry for entry in entries if entry is not None]
    if moving:
        post(connection, moving, recorded_at=recorded_at, insert=insert_rows)


def _changes(before: Held, after: Held) -> Iterator[Change]:
    """Yield what differs between two days, in order."""
    for advance in sorted({*before, *after}):
        was, now = before.get(advance, (0, 0)), after.get(advance, (0, 0))
        if was != now:
            yield Change(advance, now[0] - was[0], now[1] - was[1])
