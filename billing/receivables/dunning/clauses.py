"""Contractual interest: only where a lease says so, from the day it says so; a rate of zero ends it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, func, select

from billing.frame.added_rows import note_rows
from billing.frame.audit_log import act_of, require_reason
from billing.frame.bounds import AGREED_DAYS_AHEAD_MAX, require_near
from billing.frame.civil_time import today
from billing.frame.database import change_facts
from billing.frame.errors import Fault, Refused, Unknown
from billing.receivables.tables.dunning import interest_clause
from billing.register.tables import lease, tenant
from invoices.models import document_line
from pricing.dunning.late_payment import contractual_interest
from pricing.money import RATE_SCALE, format_rate, settle

CLAUSE_KEY = (interest_clause.c.id,)


class Clause(NamedTuple):
    """The interest that a lease (None: whatever a tenant is invoiced) bears: a year's rate, in ten-thousandths."""

    tenant: str
    lease: str | None
    effective_from: date
    rate: int


class Clauses(NamedTuple):
    """The rates of interest by tenant and lease; and the amounts of each lease on each invoice, VAT left out."""

    rates: Mapping[tuple[str, str | None], Sequence[tuple[date, int]]]
    of_leases: Mapping[int, Mapping[str, int]]
    nets: Mapping[int, int]

    def interest(self, tenant_code: str, document_id: int, unpaid: int, due_on: date, day: date) -> int:
        """Return the interest on what is unpaid: a lease's share by its own clause, the rest by the tenant's."""
        net, rest, total = self.nets.get(document_id, 0), unpaid, 0
        for code, part in sorted(self.of_leases.get(document_id, {}).items()):
            if (tenant_code, code) in self.rates and net > 0:
                share = settle(unpaid * part, net)
                rest -= share
                total += contractual_interest(share, due_on, day, self.rates[tenant_code, code])
        return total + contractual_interest(rest, due_on, day, self.rates.get((tenant_code, None), ()))


def set_clause(connection: Connection, clause: Clause, *, recorded_at: datetime) -> Row[Any]:
    """Record a clause, by the actor, for the reason given; return its row. Raises Unknown, Refused."""
    reason = require_reason(connection, "an interest clause")
    change_facts(connection)
    if connection.scalar(select(tenant.c.code).where(tenant.c.code == clause.tenant)) is None:
        raise Unknown(f"no tenant has the code {clause.tenant}")
    if clause.lease is not None:
        lessee = connection.scalar(select(lease.c.tenant).where(lease.c.code == clause.lease))
        if lessee is None:
            raise Unknown(f"no lease has the code {clause.lease}")
        if lessee != clause.tenant:
            problem, remedy = f"is not a lease of {clause.tenant}", f"it is {lessee}'s"
            raise Refused([Fault("interest", None, "lease", clause.lease, problem, remedy)])
    require_near("interest", "effective_from", clause.effective_from, today(recorded_at), AGREED_DAYS_AHEAD_MAX)
    if not 0 <= clause.rate <= RATE_SCALE:
        remedy = "a year's rate, as 0.10 for 10 %; 0 ends the clause"
        raise Refused([Fault("interest", None, "rate", format_rate(clause.rate), "must be from 0 to 1", remedy)])
    made = connection.execute(
        interest_clause.insert()
        .values(**clause._asdict(), reason=reason, recorded_by=act_of(connection).person, recorded_at=recorded_at)
        .returning(interest_clause)
    ).one()
    note_rows(connection, interest_clause, [made.id])
    return made


def clauses(*, tenant_code: str | None = None) -> Select[Any]:
    """Return every clause ever recorded of a tenant (None: of all), in order."""
    selected = select(interest_clause).order_by(*CLAUSE_KEY)
    return selected if tenant_code is None else selected.where(interest_clause.c.tenant == tenant_code)


def load_clauses(connection: Connection, day: date, tenants: Iterable[str], documents: Iterable[int]) -> Clauses:
    """Return the clauses of tenants that count on a day, and the amounts of each lease on these invoices."""
    c = interest_clause.c
    recorded = connection.execute(
        select(interest_clause)
        .where(c.tenant.in_(list(tenants)), c.effective_from <= day)
        .order_by(c.effective_from, c.id)
    )
    rates: dict[tuple[str, str | None], dict[date, int]] = {}
    for row in recorded:
        # Of two clauses of one day, the later counts.
        rates.setdefault((row.tenant, row.lease), {})[row.effective_from] = row.rate
    by_document: dict[int, dict[str, int]] = {}
    nets: dict[int, int] = {}
    if any(code is not None for _, code in rates):
        x = document_line.c
        rows = connection.execute(
            select(x.document_id, x.lease, func.sum(x.amount).label("amount"))
            .where(x.document_id.in_(list(documents)))
            .group_by(x.document_id, x.lease)
        )
        for document_id, code, amount in rows:
            nets[document_id] = nets.get(document_id, 0) + int(amount)
            if code is not None:
                by_document.setdefault(document_id, {})[code] = int(amount)
    return Clauses({key: list(by_day.items()) for key, by_day in rates.items()}, by_document, nets)
