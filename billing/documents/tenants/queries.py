"""The queries of tenants at a glance: set-wise, so that a list takes the same statements for two and for all."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from msgspec.structs import asdict
from sqlalchemy import Connection, Row, Select, case, func, or_, select

from billing.documents.tenants.shapes import LEASES, TENANTS, LastDocument, TenantShown, TenantSummary, WindowShown
from billing.frame.database import among
from billing.frame.shapes import Shape
from billing.receivables.open_items.document_states import Settled, settled_of, state_of
from billing.receivables.open_items.open_items import credits, open_items_select  # noqa: A004
from billing.register.queries import find_row
from billing.register.shapes import stored_as
from billing.register.tables import lease, tenant
from invoices.document import INVOICE
from invoices.models import document
from pricing.eligibility import Tenancy, tenancy
from pricing.money import format_amount
from pricing.period import ONE_DAY

LAST_DOCUMENTS = 12


class Account(NamedTuple):
    """What a tenant owes, in centimes: open on invoices, overdue of that, what it has in credit."""

    open: int = 0
    overdue: int = 0
    credit: int = 0

    def shown(self) -> dict[str, str]:
        """Return it as answers show it, with the balance."""
        sums = {**self._asdict(), "balance": self.open - self.credit}
        return {name: format_amount(amount) for name, amount in sums.items()}


def find_tenants(site: str | None, kind: str | None, today: date) -> Select[Any]:
    """Select the tenants that rent at a site today; of a kind."""
    t, x = tenant.c, lease.c
    found = select(tenant)
    if site is not None:
        rents = x.starts_on <= today, or_(x.ends_on.is_(None), x.ends_on >= today)
        found = found.where(select(x.code).where(x.tenant == t.code, x.site == site, *rents).exists())
    return found if kind is None else found.where(t.kind == kind)


def tenant_summaries(connection: Connection, rows: Sequence[Row[Any]], today: date) -> list[TenantSummary]:
    """Return the tenants whose rows these are, in that order."""
    codes = [row.code for row in rows]
    leases, accounts = _leases(connection, codes), _accounts(connection, codes, today)
    return [_summary(row, leases[row.code], accounts.get(row.code, Account()), today) for row in rows]


def _summary(row: Row[Any], leases: Sequence[Row[Any]], account: Account, today: date) -> TenantSummary:
    terms = _terms(row, leases)
    rented = [x for x in leases if x.starts_on <= today and (x.ends_on is None or x.ends_on >= today)]
    return TenantSummary(
        code=row.code,
        legal_name=row.legal_name,
        kind=row.kind,
        sites=sorted({x.site for x in rented}),
        tier=terms.tier(today),  # type: ignore[arg-type]
        window=_window(terms),
        **account.shown(),
    )


def find_tenant(connection: Connection, code: str, today: date) -> Shape:
    """Return one tenant with its leases and window, what it owes and its last documents; raises Unknown."""
    row = find_row(connection, TENANTS, (code,))
    leases = _leases(connection, [code])[code]
    terms = _terms(row, leases)
    return TenantShown(
        **asdict(stored_as(TENANTS, row)),
        leases=[stored_as(LEASES, each) for each in leases],
        tier=terms.tier(today),
        window=_window(terms),
        **_accounts(connection, [code], today).get(code, Account()).shown(),
        documents=_last_documents(connection, code, today),
    )


def _terms(row: Row[Any], leases: Sequence[Row[Any]]) -> Tenancy:
    return tenancy(row.kind, row.incorporated_on, row.admitted_on, [x.starts_on for x in leases])


def _window(terms: Tenancy) -> WindowShown | None:
    return None if terms.window is None else WindowShown(terms.window.start, terms.window.end - ONE_DAY)


def _leases(connection: Connection, codes: Sequence[str]) -> Mapping[str, list[Row[Any]]]:
    leases: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(lease).where(among(connection, lease.c.tenant, codes)).order_by(lease.c.code)):
        leases[row.tenant].append(row)
    return leases


def _accounts(connection: Connection, codes: Sequence[str], today: date) -> dict[str, Account]:
    """Return what tenants owe now, of those that owe or are owed anything."""
    items = open_items_select().where(among(connection, document.c.tenant, codes)).subquery()
    x = items.c
    invoiced = case((x.kind == INVOICE, x.open), else_=0)
    late = case((x.due_on < today, invoiced), else_=0)
    rows = connection.execute(
        select(x.tenant, func.sum(invoiced), func.sum(late), func.sum(invoiced - x.open)).group_by(x.tenant)
    )
    accounts = {code: Account(*map(int, sums)) for code, *sums in rows}
    for left in credits(connection, tenants=codes, unplaced=False):
        code = str(left.tenant)
        account = accounts.get(code, Account())
        accounts[code] = account._replace(credit=account.credit + left.left)
    return accounts


def _last_documents(connection: Connection, code: str, today: date) -> list[LastDocument]:
    d = document.c
    heads = connection.execute(
        select(document).where(d.tenant == code).order_by(d.issued_on.desc(), d.id.desc()).limit(LAST_DOCUMENTS)
    ).all()
    settled = settled_of(connection, [head.id for head in heads])
    return [_last_document(head, settled.get(head.id, Settled()), today) for head in heads]


def _last_document(head: Row[Any], settled: Settled, today: date) -> LastDocument:
    return LastDocument(
        number=head.number,
        kind=head.kind,
        issued_on=head.issued_on,
        due_on=head.due_on,
        gross=format_amount(head.gross),
        open=format_amount(head.gross - settled.total),
        state=state_of(head, settled, today),
    )
