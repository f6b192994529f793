"""A tenant is held from the run of a month, or the hold is taken back: facts that are added, each with a reason."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, func, select

from billing.frame.audit_log import REASON_LENGTH_MAX, record_change
from billing.frame.database import among, change_facts, insert_rows
from billing.frame.errors import Fault, Refused
from billing.register.tables import billing_run, tenant
from billing.run.plan import too_late
from billing.run.tables import run_hold, run_outcome
from pricing.period import format_month

# The kind of thing in the audit log; its key is the month and the tenant.
SUBJECT = "run_holds"


class HoldOrder(NamedTuple):
    """An order about tenants and the run of a month: to hold them from it, or (`release`) to bill them after all."""

    period: date
    tenants: tuple[str, ...]
    reason: str
    release: bool = False


def hold(connection: Connection, order: HoldOrder, *, today: date, recorded_at: datetime) -> list[str]:
    """Carry out an order, for all tenants or none; return the codes for which it changed anything, in order.

    Runs and imports wait meanwhile. Whom the run has billed is not held from it. Raises Refused with every fault.
    """
    change_facts(connection)
    codes = list(dict.fromkeys(order.tenants))
    stands = {row.code: row for row in _standings(connection, order.period, [c for c in codes if "\0" not in c])}
    faults = [*_faults_of_order(connection, order, today), *_faults_of_tenants(connection, order, codes, stands)]
    if faults:
        raise Refused(faults)
    # Odd acts hold, even ones release.
    news = [code for code in codes if (stands[code].act_no % 2 == 1) == order.release]
    reason = order.reason.strip()
    rows = [(order.period, code, stands[code].act_no + 1, reason, recorded_at) for code in news]
    insert_rows(connection, run_hold, ("period", "tenant", "act_no", "reason", "recorded_at"), rows)
    for code in news:
        after = {"held": not order.release, "reason": reason}
        record_change(connection, SUBJECT, f"{format_month(order.period)}/{code}", None, after)
    return news


def _standings(connection: Connection, period: date, codes: Sequence[str]) -> list[Row[Any]]:
    """Return the tenants with the number of their last act about that run, 0 for none, and its outcome for them."""
    h, o = run_hold.c, run_outcome.c
    last = select(h.tenant, func.max(h.act_no).label("act_no")).where(h.period == period).group_by(h.tenant).subquery()
    query: Select[Any] = (
        select(tenant.c.code, func.coalesce(last.c.act_no, 0).label("act_no"), o.status)
        .outerjoin(last, last.c.tenant == tenant.c.code)
        .outerjoin(run_outcome, and_(o.period == period, o.tenant == tenant.c.code))
        .where(among(connection, tenant.c.code, codes))
    )
    return list(connection.execute(query))


def _faults_of_order(connection: Connection, order: HoldOrder, today: date) -> Iterator[Fault]:
    month = format_month(order.period)
    latest = connection.scalar(select(func.max(billing_run.c.period)))
    late = too_late(order.period, today)
    if late is not None:
        yield _fault("period", month, *late)
    if latest is not None and order.period < latest:
        remedy = "hold it from a run that is still to come"
        yield _fault("period", month, f"comes before {format_month(latest)}, the latest run", remedy)
    if not 0 < len(order.reason.strip()) <= REASON_LENGTH_MAX or not order.reason.strip().isprintable():
        remedy = "say in a sentence why"
        yield _fault("reason", order.reason, f"must be 1 to {REASON_LENGTH_MAX} characters that can be printed", remedy)


def _faults_of_tenants(
    connection: Connection, order: HoldOrder, codes: Iterable[str], stands: dict[str, Row[Any]]
) -> Iterator[Fault]:
    month = format_month(order.period)
    b = billing_run.c
    is_final = connection.scalar(select(b.status).where(b.period == order.period)) == "complete"
    for code in codes:
        if code not in stands:
            yield _fault("tenant", code, "is no known tenant", "correct it: the code is the one of the register")
        elif stands[code].status == "held":
            yield _fault("tenant", code, f"was held from {month}, which has been run", "the next run bills it")
        elif stands[code].status not in (None, "error") or (is_final and stands[code].status is None):
            remedy = "correct the facts: the next run credits what was billed too much"
            yield _fault("tenant", code, f"has been through the run of {month}", remedy)
        elif order.release and stands[code].act_no == 0:
            yield _fault("tenant", code, f"is not held from {month}", "there is nothing to take back")


def _fault(column: str, value: str, problem: str, remedy: str) -> Fault:
    return Fault("holds", None, column, value, problem, remedy)
