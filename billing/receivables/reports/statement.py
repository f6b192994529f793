"""The statement of a tenant's account (*relevé de compte*): what was invoiced, paid and credited, day by day, with the
running balance; read from the books, so that it is what they say.

The account is everything the books keep of the tenant in groups 342 and 442 (clients; their advances and credits). A
move within it (an advance allocated, a debt set apart) is not the tenant's affair and is left out.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select

from billing.entries.accounts import CLIENTS_GROUP, CLIENTS_IN_CREDIT_GROUP
from billing.frame.errors import Unknown
from billing.register.tables import tenant
from invoices import formats
from invoices.document import CREDIT_NOTE
from invoices.models import document
from ledger.entry import SALES
from ledger.models import entry, posting
from ledger.openings import opens_a_year

ACCOUNT_GROUPS = (CLIENTS_GROUP, CLIENTS_IN_CREDIT_GROUP)
_TENANTS_AT_A_TIME = 500


class StatementLine(NamedTuple):
    """A movement: centimes, what the tenant owes positive; `balance` is what it owes after it."""

    on: date
    piece: str
    label: str
    due_on: date | None
    amount: int
    balance: int
    # The month that a document is of, as its label says in French.
    month: date | None = None


class Statement(NamedTuple):
    """A tenant's account over days, both included: what it owed before (`start` None: nothing), then line by line."""

    tenant: str
    start: date | None
    until: date
    opening: int
    lines: tuple[StatementLine, ...]

    @property
    def closing(self) -> int:
        """The tenant's debt at the end, in centimes; negative: what it is owed."""
        return self.lines[-1].balance if self.lines else self.opening

    @property
    def debit(self) -> int:
        """All that was charged in these days."""
        return sum([line.amount for line in self.lines if line.amount > 0])

    @property
    def credit(self) -> int:
        """All that was paid or credited in these days."""
        return sum([-line.amount for line in self.lines if line.amount < 0])


def of_account() -> ColumnElement[bool]:
    """Select the postings of tenants' accounts."""
    return or_(*(and_(posting.c.account >= group, posting.c.account < _after(group)) for group in ACCOUNT_GROUPS))


def _after(group: str) -> str:
    return group[:-1] + chr(ord(group[-1]) + 1)


def statement(connection: Connection, tenant_code: str, start: date | None, until: date) -> Statement:
    """Return one tenant's statement. Raises Unknown."""
    if connection.scalar(select(tenant.c.code).where(tenant.c.code == tenant_code)) is None:
        raise Unknown(f"no tenant has the code {tenant_code}")
    return statements(connection, {tenant_code: start}, until)[tenant_code]


def statements(connection: Connection, starts: dict[str, date | None], until: date) -> dict[str, Statement]:
    """Return the statements of tenants, each from a day of its own (None: from the beginning), up to a day."""
    made: dict[str, Statement] = {}
    codes = sorted(starts)
    for first in range(0, len(codes), _TENANTS_AT_A_TIME):
        part = codes[first : first + _TENANTS_AT_A_TIME]
        moved: dict[str, list[Any]] = {code: [] for code in part}
        for row in _movements(connection, part, until):
            moved[row.auxiliary].append(row)
        for code in part:
            made[code] = _statement(code, starts[code], until, moved[code])
    return made


def _movements(connection: Connection, codes: Iterable[str], until: date) -> Iterable[Any]:
    moved = (
        select(
            posting.c.auxiliary,
            posting.c.entry_id,
            posting.c.effective_on,
            func.sum(posting.c.amount).label("amount"),
        )
        .where(posting.c.auxiliary.in_(list(codes)), of_account(), posting.c.effective_on <= until)
        .group_by(posting.c.auxiliary, posting.c.entry_id, posting.c.effective_on)
        .having(func.sum(posting.c.amount) != 0)
        .subquery()
    )
    return connection.execute(
        select(
            moved.c.auxiliary, moved.c.effective_on, moved.c.amount, entry.c.journal, entry.c.piece, entry.c.label,
            document.c.kind, document.c.due_on, document.c.period, document.c.issued_on,
        )
        .join(entry, entry.c.id == moved.c.entry_id)
        .outerjoin(document, and_(entry.c.journal == SALES, document.c.number == entry.c.piece))
        # A year opens with what the one before closed with: together they move nothing.
        .where(not_(opens_a_year()))
        .order_by(moved.c.auxiliary, moved.c.effective_on, moved.c.entry_id)
    )  # fmt: skip


def _statement(code: str, start: date | None, until: date, rows: list[Any]) -> Statement:
    opening = sum([int(row.amount) for row in rows if start is not None and row.effective_on < start])
    balance, lines = opening, []
    for row in rows:
        if start is not None and row.effective_on < start:
            continue
        balance += int(row.amount)
        due_on = None if row.kind in (None, CREDIT_NOTE) else row.due_on
        month = None if row.kind is None else row.period or row.issued_on
        label, amount = _label(code, row), int(row.amount)
        lines.append(StatementLine(row.effective_on, row.piece, label, due_on, amount, balance, month))
    return Statement(code, start, until, opening, tuple(lines))


def _label(code: str, row: Any) -> str:
    if row.kind is not None:
        kind = "Avoir" if row.kind == CREDIT_NOTE else "Facture" if row.period else "Facture ponctuelle"
        return f"{kind}, {formats.month(row.period or row.issued_on)}"
    # A tenant's own statement need not name the tenant in each line.
    label: str = row.label
    return label.replace(f" - {code}", "", 1)
