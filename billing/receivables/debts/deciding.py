"""Decisions about debts: taken within what the debt allows, for a reason; a second person approves a write-off."""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, case, func, select

from billing.entries.debts import (
    DOUBTFUL,
    PROVISIONED,
    RECOVERED,
    REINSTATED,
    RELEASED,
    WRITTEN_OFF,
    DebtActKind,
    Decision,
    decision_entry,
)
from billing.frame.added_rows import note_rows
from billing.frame.audit_log import REASON_LENGTH_MAX
from billing.frame.bounds import PAST_DAYS_AHEAD_MAX, too_far_ahead
from billing.frame.civil_time import today
from billing.frame.database import change_facts, insert_rows
from billing.frame.errors import Conflict, Fault, Refused
from billing.receivables.debts import shapes
from billing.receivables.debts.state import Debt, debt_after
from billing.receivables.open_items.standing import documents_keyed, standing_allocations
from billing.receivables.open_items.stopping_reminders import stop_settled
from billing.receivables.receipts.applying_credits import apply_credits
from billing.receivables.receipts.orders import REFERENCE_LENGTH_MAX
from billing.receivables.tables.debts import debt_act, debt_cancellation
from billing.receivables.tables.receipts import DECIDED, SettlementAct, allocation, settlement
from invoices.document import INVOICE
from invoices.errors import UnknownDocument
from invoices.models import document
from ledger.journal import post
from ledger.periods import first_open_day
from pricing.money import format_amount
from pricing.running_shares import ZERO, Exact, RunningShares
from pricing.vat_shares import Share

ACT_KEY = (debt_act.c.id,)
_REMEDIES = {
    "amount": "provisions are without VAT, everything else VAT included",
    "reason": "say in a sentence why",
}
# What a decision needs to have been decided before it.
_RESTS_ON = {RECOVERED: WRITTEN_OFF, REINSTATED: DOUBTFUL, PROVISIONED: DOUBTFUL, RELEASED: PROVISIONED}


class Order(NamedTuple):
    """A decision to be taken about an invoice; no amount: all that is possible. Centimes.

    `reference` is the bank's own, of what was recovered: with the invoice and the day it counts once.
    """

    invoice: str
    kind: str
    decided_on: date
    amount: int | None
    reason: str
    asked_by: str
    approved_by: str | None = None
    reference: str | None = None


def decide(connection: Connection, order: Order, *, recorded_at: datetime) -> Debt:
    """Record a decision about a debt and book it; gives where the debt stands after it.

    A write-off releases the provision for what is no longer doubtful. What was recovered under the same reference on
    the same day stands already. In a closed month a decision keeps its day and is booked on the first open one. Raises
    UnknownDocument, Refused with every fault, Conflict, PeriodNotYetOpen.
    """
    change_facts(connection)
    head = _invoice(connection, order.invoice)
    # The tenant's credit pays first: nothing is lost that it covers.
    apply_credits(connection, recorded_at=recorded_at, tenants=[head.tenant])
    debt = debt_of(connection, head)
    if _stands(connection, head, order):
        return debt
    amount = debt.most(order.kind) if order.amount is None else order.amount
    booked_on = first_open_day(connection, order.decided_on)
    faults = [*_faults(order, debt, amount, today(recorded_at)), *_before_its_cause(connection, head, order)]
    if faults:
        raise Refused(faults)
    made = debt.decision(order.kind, booked_on, amount, order.reference)
    debt = _record(connection, head, order, debt, made, recorded_at)
    excess = debt.provision - (debt.doubtful - debt.vat_of(debt.doubtful))
    if order.kind == WRITTEN_OFF and excess > 0:
        released = debt.decision(RELEASED, booked_on, excess)
        debt = _record(connection, head, order, debt, released, recorded_at)
    return debt


def _record(
    connection: Connection, head: Row[Any], order: Order, debt: Debt, made: Decision, recorded_at: datetime
) -> Debt:
    key = connection.scalar(
        debt_act.insert()
        .values(
            document_id=head.id, tenant=head.tenant, reason=order.reason.strip(), asked_by=order.asked_by.strip(),
            approved_by=order.approved_by, recorded_at=recorded_at, kind=made.kind, decided_on=order.decided_on,
            amount=made.amount, vat=made.vat, from_doubtful=made.from_doubtful, reference=made.reference,
            booked_on=None if made.booked_on == order.decided_on else made.booked_on,
        )
        .returning(debt_act.c.id)
    )  # fmt: skip
    note_rows(connection, debt_act, [key])
    _record_by_rate(connection, head.id, int(key or 0), made, debt)
    stop_settled(connection, [head.id])
    entry = decision_entry(int(key or 0), head.number, head.tenant, made)
    post(connection, [entry], recorded_at=recorded_at, insert=insert_rows)
    return debt.after(made)


def _record_by_rate(connection: Connection, document_id: int, key: int, made: Decision, debt: Debt) -> None:
    """Record by VAT rate what was written off, which settles the invoice, or recovered, which falls due."""
    rows: list[tuple[Any, ...]] = []
    values: tuple[Any, ...]
    for rate, base, vat, _, _, exact, _ in made.shares:
        if made.kind == WRITTEN_OFF:
            values = (base, vat, 0 if debt.due_at_issue else vat, 0, 0, None, None)
        else:
            falls_due = None if exact is None or debt.due_at_issue else str(exact)
            values = (0, 0, 0, base, 0 if debt.due_at_issue else vat, None, falls_due)
        rows.append((document_id, made.kind, key, rate, made.booked_on, *values))
    if rows:
        insert_rows(connection, settlement, settlement.columns.keys(), rows)


def _stands(connection: Connection, head: Row[Any], order: Order) -> bool:
    """Return whether so much was recovered under that reference before; raises Conflict where it was another amount."""
    if order.kind != RECOVERED or order.reference is None:
        return False
    c = debt_act.c
    same = (c.kind == RECOVERED, c.reference == order.reference, c.decided_on == order.decided_on)
    standing = connection.execute(acts(document_id=head.id).where(*same)).all()
    amounts = [row.amount for row in standing if row.cancelled_on is None]
    if amounts and order.amount not in (None, *amounts):
        raise Conflict(
            f"{order.reference} of {order.decided_on} stands for another amount that was recovered of {order.invoice}: "
            "use its own reference"
        )
    return bool(amounts)


def _faults(order: Order, debt: Debt, amount: int, present_day: date) -> list[Fault]:
    def fault(column: str, value: str | None, problem: str, remedy: str | None = None) -> Fault:
        return Fault("debt", None, column, value, problem, remedy or _REMEDIES[column])

    faults = []
    wrong = too_far_ahead(order.decided_on, present_day, PAST_DAYS_AHEAD_MAX)
    if wrong is not None:
        faults.append(fault("decided_on", str(order.decided_on), *wrong))
    most = debt.most(order.kind)
    if not 0 < amount <= most:
        problem = (
            f"is not possible: from 0.01 to {format_amount(most)} of {order.invoice} can be {_participle(order.kind)}"
        )
        if most <= 0:
            problem = f"is not possible: nothing of {order.invoice} can be {_participle(order.kind)}"
        faults.append(fault("amount", format_amount(amount), problem))
    reference = order.reference
    if reference is not None and order.kind != RECOVERED:
        faults.append(fault("reference", reference, "names money that came", "leave it out: only recoveries have one"))
    elif reference is not None and not (0 < len(reference) <= REFERENCE_LENGTH_MAX and reference.isprintable()):
        problem = f"must be 1 to {REFERENCE_LENGTH_MAX} characters that can be printed"
        faults.append(fault("reference", reference, problem, "give the bank's own reference"))
    reason = order.reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX or not reason.isprintable():
        faults.append(fault("reason", None, f"must be 1 to {REASON_LENGTH_MAX} characters that can be printed"))
    return faults


def _before_its_cause(connection: Connection, head: Row[Any], order: Order) -> list[Fault]:
    """Return the fault of a decision dated before the invoice was issued, or before what it rests on was decided."""
    earliest, cause = head.issued_on, f"{head.number} was issued"
    base = _RESTS_ON.get(order.kind)
    made = connection.execute(acts(document_id=head.id)).all() if base is not None else []
    days = [row.decided_on for row in made if row.kind == base and row.cancelled_on is None]
    if base is not None and days:
        earliest, cause = min(days), f"{head.number} was {_participle(base)}"
    if order.decided_on >= earliest:
        return []
    problem = f"comes before {earliest}, when {cause}"
    return [Fault("debt", None, "decided_on", str(order.decided_on), problem, f"give {earliest} or a day after")]


def _participle(kind: str) -> str:
    return {"doubtful": "set apart as doubtful", "provisioned": "provided for"}.get(kind, kind.replace("_", " "))


def _invoice(connection: Connection, number: str) -> Row[Any]:
    head = connection.execute(select(document).where(document.c.number == number)).one_or_none()
    if head is None:
        raise UnknownDocument(number)
    if head.kind != INVOICE:
        raise Refused([Fault("debt", None, "invoice", number, "is no invoice", "name the invoice that is unpaid")])
    return head


def debt_of(connection: Connection, head: Row[Any]) -> Debt:
    """Return where an invoice's debt stands; `head` is its row of `document`."""
    open_document = documents_keyed(connection, [head.id])[head.id]
    c = allocation.c
    settled = standing_allocations().where(c.document_id == head.id).subquery()
    by_note = settled.c.credit_note_id.is_not(None)
    credited, paid, doubtful = connection.execute(
        select(
            func.coalesce(func.sum(case((by_note, settled.c.amount), else_=0)), 0),
            func.coalesce(func.sum(case((by_note, 0), else_=settled.c.amount)), 0),
            func.coalesce(func.sum(settled.c.doubtful), 0),
        )
    ).one()
    made = connection.execute(acts(document_id=head.id))
    begun = Debt(
        gross=head.gross,
        tax=head.tax,
        credited=int(credited),
        paid=int(paid) + _paid_before(connection, head.id),
        shares=tuple(open_document.shares),
        lost=_lost(connection, head.id),
        lost_ahead=_lost_ahead(connection, head.id),
        due_at_issue=open_document.due_at_issue,
        doubtful=-int(doubtful),
    )
    return debt_after(begun, made)


def _paid_before(connection: Connection, document_id: int) -> int:
    """Return what of an invoice was paid before it was taken on (R29)."""
    s = settlement.c
    brought = select(func.sum(s.base + s.vat)).where(s.document_id == document_id, s.act == SettlementAct.BROUGHT)
    return int(connection.scalar(brought) or 0)


def _lost(connection: Connection, document_id: int) -> tuple[Share, ...]:
    """Return what was written off of an invoice and not recovered, by VAT rate."""
    s = settlement.c
    rows = connection.execute(
        select(s.rate, func.sum(s.base - s.base_due), func.sum(s.vat - s.vat_due))
        .where(s.document_id == document_id, s.act.in_(DECIDED))
        .group_by(s.rate)
        .order_by(s.rate)
    )
    return tuple(Share(rate, int(base), int(vat)) for rate, base, vat in rows)


def _lost_ahead(connection: Connection, document_id: int) -> tuple[Exact, ...] | None:
    """Return what the exact sums of what was recovered exceed the rounded ones by, by VAT rate; None: nowhere."""
    s = settlement.c
    rows = connection.execute(
        select(s.rate, s.base_due, s.vat_due, s.exact_due)
        .where(s.document_id == document_id, s.act.in_(DECIDED))
        .order_by(s.rate)
    ).all()
    ahead = {row.rate: ZERO for row in rows}
    for row in rows:
        if row.exact_due is not None:
            share = Exact.parse(row.exact_due).plus(Exact.of(-row.base_due, -row.vat_due))
            ahead[row.rate] = ahead[row.rate].plus(share)
    return tuple(ahead.values()) if any(share != ZERO for share in ahead.values()) else None


def lost_of(connection: Connection, document_id: int) -> RunningShares:
    """Return what was written off of an invoice and not recovered; what was recovered is its `waiting`."""
    s = settlement.c
    recovered = {
        rate: (int(base), int(vat))
        for rate, base, vat in connection.execute(
            select(s.rate, func.sum(s.base_due), func.sum(s.vat_due))
            .where(s.document_id == document_id, s.act.in_(DECIDED))
            .group_by(s.rate)
        )
    }
    lost, ahead = _lost(connection, document_id), _lost_ahead(connection, document_id)
    waiting = [Share(share.rate, *recovered[share.rate]) for share in lost]
    return RunningShares(list(lost), waiting, ahead=None if ahead is None else list(ahead))


def acts(*, tenant_code: str | None = None, document_id: int | None = None) -> Select[Any]:
    """Return the decisions about a tenant's debts or an invoice's (None: all), in order.

    Each with the invoice's number, and how it was cancelled.
    """
    x = debt_cancellation.c
    selected = (
        select(
            debt_act, document.c.number, x.cancelled_on, x.reason.label("cancelled_for"), x.vat.label("cancelled_vat")
        )
        .join(document, document.c.id == debt_act.c.document_id)
        .outerjoin(debt_cancellation, x.debt_act_id == debt_act.c.id)
        .order_by(*ACT_KEY)
    )
    if tenant_code is not None:
        selected = selected.where(debt_act.c.tenant == tenant_code)
    return selected if document_id is None else selected.where(debt_act.c.document_id == document_id)


def acts_listed(connection: Connection) -> list[shapes.DebtAct]:
    """Return all decisions, in order."""
    return [shapes.DebtAct.of(row) for row in connection.execute(acts())]


def debt_standing(connection: Connection, number: str) -> shapes.Debt:
    """Return where an invoice's debt stands, with the decisions that led there. Raises UnknownDocument, Refused."""
    head = _invoice(connection, number)
    debt = debt_of(connection, head)
    made = connection.execute(acts(document_id=head.id))
    return shapes.Debt(
        invoice=number,
        tenant=head.tenant,
        gross=format_amount(debt.gross),
        credited=format_amount(debt.credited),
        paid=format_amount(debt.paid),
        unpaid=format_amount(debt.unpaid),
        doubtful=format_amount(debt.doubtful),
        provision=format_amount(debt.provision),
        written_off=format_amount(debt.written_off),
        recovered=format_amount(debt.recovered),
        possible={kind: format_amount(max(debt.most(kind), 0)) for kind in DebtActKind},
        acts=[shapes.DebtAct.of(row) for row in made],
    )
