"""The aged balance (*balance âgée*): what each tenant owes by how long it has been due, and what it is owed.

One statement over documents and settlements, however many: SQL sorts each open document into its column by its due
date. A tenant's balance is what the books keep of it in groups 342 and 442 on that day.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from billing.frame.reports.prepared import Fact
from billing.frame.reports.tabled import Listed, amount
from billing.receivables.open_items.open_items import credits  # noqa: A004
from billing.receivables.reports.ages import LABELS, Ages, limits
from billing.receivables.tables.receipts import settlement
from billing.register.tables import tenant
from invoices import formats
from invoices.brought import stands_by
from invoices.document import INVOICE
from invoices.models import document
from ledger.exports.columns import Kind
from ledger.reports.rows import Column

_COLUMNS = (
    Column("tenant", "Locataire", Kind.TEXT),
    Column("name", "Raison sociale", Kind.TEXT),
    *(amount(key, title, "Factures ouvertes") for key, title in zip(Ages._fields, LABELS, strict=True)),
    amount("open", "Total", "Factures ouvertes"),
    amount("credit", "Avoirs et avances"),
    amount("balance", "Solde"),
)


class AgedAccount(NamedTuple):
    """A tenant's debts by age, and its credit: unused credit notes, money not allocated; centimes."""

    tenant: str
    name: str
    ages: Ages
    credit: int

    @property
    def balance(self) -> int:
        """All that it owes; negative: what it is owed."""
        return self.ages.total - self.credit


def names_of(connection: Connection) -> dict[str, str]:
    """Return tenants' names by code."""
    rows = connection.execute(select(tenant.c.code, tenant.c.legal_name))
    return {code: name for code, name in rows}  # noqa: C416 (rows are no pairs to dict's type)


def ages_select(day: date) -> Select[Any]:
    """Select open invoices by tenant and age, and unused credit notes, at the end of a day.

    Columns: tenant, one an age, credit. Documents and settlements are read side by side in the order of their keys,
    once each, and grouped as they come.
    """
    d, s = document.c, settlement.c
    items = (
        select(
            d.tenant,
            (d.kind == INVOICE).label("is_invoice"),
            d.due_on,
            (d.gross - func.coalesce(func.sum(s.base + s.vat), 0)).label("open"),
        )
        .outerjoin(settlement, and_(s.document_id == d.id, s.settled_on <= day))
        .where(stands_by(day))
        .group_by(d.id)
        .subquery()
    )
    first, *others = limits(day)
    ages: list[ColumnElement[bool]] = [items.c.due_on >= first]
    newer = first
    for limit in others:
        ages.append(and_(items.c.due_on < newer, items.c.due_on >= limit))
        newer = limit
    ages.append(items.c.due_on < newer)
    columns = [
        func.sum(case((and_(items.c.is_invoice, age), items.c.open), else_=0)).label(name)
        for name, age in zip(Ages._fields, ages, strict=True)
    ]
    credit = func.sum(case((items.c.is_invoice, 0), else_=items.c.open)).label("credit")
    statement = select(items.c.tenant, *columns, credit).where(items.c.open != 0)
    return statement.group_by(items.c.tenant).order_by(items.c.tenant)


def aged_accounts(connection: Connection, day: date) -> Iterator[AgedAccount]:
    """Yield every tenant with anything open or in credit at the end of a day, by code."""
    names = names_of(connection)
    money: dict[str, int] = {}
    for unallocated in credits(connection, on=day, unplaced=False):
        if unallocated.tenant is not None:
            money[unallocated.tenant] = money.get(unallocated.tenant, 0) + unallocated.left
    documents = {
        row.tenant: (Ages(*(int(row._mapping[name]) for name in Ages._fields)), int(row.credit))
        for row in connection.execute(ages_select(day))
    }
    for code in sorted({*documents, *money}):
        ages, credit = documents.get(code, (Ages(), 0))
        yield AgedAccount(code, names.get(code, ""), ages, credit + money.get(code, 0))


def aged_balance(connection: Connection, day: date) -> Listed:
    """List the aged balance at the end of a day."""
    lines = (
        (account.tenant, account.name, *account.ages, account.ages.total, account.credit, account.balance)
        for account in aged_accounts(connection, day)
    )
    facts = (Fact("Au", formats.day(day)), Fact("Montants", "dirhams (DH), TTC"), Fact("Âge", "jours de retard"))
    return Listed(
        name="aged-balance",
        title="Balance âgée",
        part="Clients",
        columns=_COLUMNS,
        lines=lines,
        facts=facts,
        until=day,
        about={"on": day.isoformat()},
    )
