"""A day's dunning: what is due read from what is open, written as acts, queued as mails; one transaction.

A second dunning of a day, on whichever replica, finds the acts and writes nothing: the ladder remembers by them, and
a message's key (tenant and day) counts once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, func, select

from billing.frame.added_rows import note_rows
from billing.frame.audit_log import record_change
from billing.frame.codes import MESSAGE
from billing.frame.counted import counted
from billing.frame.database import change_dunning, change_receivables, insert_rows
from billing.frame.errors import Conflict, Unknown
from billing.frame.messages import queue_messages
from billing.frame.settings import Settings
from billing.frame.terms import Terms
from billing.receivables.dunning.blocks import Blocked, blocked_on
from billing.receivables.dunning.clauses import Clauses, load_clauses
from billing.receivables.dunning.policy import Policy, fine_rates, policy_at
from billing.receivables.dunning.wording import Cost, Dunned, key_of, message_of
from billing.receivables.open_items.open_items import credits, open_items_select  # noqa: A004
from billing.receivables.open_items.stopping_reminders import stop_settled
from billing.receivables.reports.ages import Ages, aged
from billing.receivables.reports.statement import statements
from billing.receivables.reports.statement_files import parties
from billing.receivables.reports.statement_paper import statement_letter
from billing.receivables.tables.dunning import dunning_act, dunning_step
from billing.register.tables import tenant
from invoices.document import INVOICE
from invoices.messages.message import Message
from invoices.models import brought_invoice, document_line
from pricing.dunning.ladder import Claimed, Reminder, reminders
from pricing.dunning.late_payment import statutory_fine
from pricing.money import format_amount

KIND: Final = "dunning"
_TENANTS_AT_A_TIME = 200


@dataclass(slots=True)
class Account:
    """A tenant as dunning sees it: its invoices, its credit, the age of what is open."""

    claims: list[Claimed]
    credit: int
    ages: Ages
    open_since: date


class Sent(NamedTuple):
    """A reminder that was queued, with the message's number."""

    number: str
    reminder: Reminder


@dataclass(frozen=True, slots=True)
class DunningReport:
    """The result of a day's dunning."""

    on: date
    sent: tuple[Sent, ...]

    def lines(self) -> list[str]:
        """Return the result, one fact a line."""
        overdue = sum([len(sent.reminder.overdue) for sent in self.sent])
        to_come = sum([len(sent.reminder.to_come) for sent in self.sent])
        total = sum([sent.reminder.total for sent in self.sent])
        lines = [f"{counted(len(self.sent), 'reminder')} queued", counted(overdue, "overdue invoice")]
        lines.append(f"{format_amount(total)} DH asked for")
        return lines if not to_come else [*lines, f"{counted(to_come, 'invoice')} announced that will be due"]


def due_reminders(
    connection: Connection, terms: Terms, on: date, *, tenants: Sequence[str] | None = None
) -> list[Reminder]:
    """Return what is due to be sent on a day and was not, by tenant (None: of all); nothing is written."""
    return _due(connection, policy_at(terms, on), on, tenants)[0]


def preview_reminder(connection: Connection, settings: Settings, on: date, tenant_code: str) -> Message:
    """Return the mail with its letters that a tenant would be sent on a day; nothing is written.

    Raises Unknown for a tenant there is none of, Conflict where nothing is due to be sent.
    """
    if connection.scalar(select(tenant.c.code).where(tenant.c.code == tenant_code)) is None:
        raise Unknown(f"no tenant has the code {tenant_code}")
    due, accounts = _due(connection, policy_at(settings.terms, on), on, [tenant_code])
    if not due:
        raise Conflict(
            f"nothing is due to be sent to {tenant_code} on {on}: it owes too little, has reached no further step, is "
            "held back by a dispute or a promise, or was written to that day (dunning holds, dunning history)"
        )
    [dunned] = _dunned(connection, settings, on, due, accounts)
    return message_of(dunned)


def send_reminders(
    connection: Connection, settings: Settings, on: date, *, recorded_at: datetime, tenants: Sequence[str] | None = None
) -> DunningReport:
    """Queue what is due on a day with its acts: a tenant is reminded once a day, an invoice of a step once, ever."""
    change_dunning(connection)
    due, accounts = _due(connection, policy_at(settings.terms, on), on, tenants)
    sent: list[Sent] = []
    for start in range(0, len(due), _TENANTS_AT_A_TIME):
        part = due[start : start + _TENANTS_AT_A_TIME]
        made = list(_dunned(connection, settings, on, part, accounts))
        queued = queue_messages(connection, KIND, map(message_of, made), written_on=on, queued_at=recorded_at)
        sent += _record(connection, made, queued, recorded_at)
    # Settling an invoice stops its reminders, but could see none of these: those settled meanwhile are stopped now.
    change_receivables(connection)
    stop_settled(connection)
    return DunningReport(on, tuple(sent))


def _due(
    connection: Connection, policy: Policy, on: date, tenants: Sequence[str] | None
) -> tuple[list[Reminder], dict[str, Account]]:
    """Return what is due, and the accounts of its tenants; those written to on that day already are left out."""
    blocked = blocked_on(connection, on, tenants)
    written = set(connection.scalars(select(dunning_act.c.tenant).where(dunning_act.c.acted_on == on)))
    money: dict[str, int] = {}
    for credit in credits(connection, tenants=tenants, on=on, unplaced=False):
        if credit.tenant is not None:
            money[credit.tenant] = money.get(credit.tenant, 0) + credit.left
    due, accounts = [], {}
    for code, rows in groupby(_open(connection, on, tenants), key=lambda row: row.tenant):
        account = _account(rows, on, policy, blocked, money.get(code, 0))
        if code not in written:
            for reminder in reminders(account.claims, {code: account.credit}, on, policy.least):
                due.append(reminder)
                accounts[code] = account
    return due, accounts


def _open(connection: Connection, on: date, tenants: Sequence[str] | None) -> Iterator[Row[Any]]:
    """Yield open documents with the highest step each was reminded of, and the site of its first line; by tenant."""
    items = open_items_select(on).subquery()
    s, x = dunning_step.c, document_line.c
    reminded = select(s.document_id, func.max(s.days).label("sent")).group_by(s.document_id).subquery()
    selected = (
        select(items, reminded.c.sent, x.site, brought_invoice.c.taken_on)
        .outerjoin(reminded, reminded.c.document_id == items.c.document_id)
        .outerjoin(document_line, (x.document_id == items.c.document_id) & (x.line_no == 1))
        .outerjoin(brought_invoice, brought_invoice.c.document_id == items.c.document_id)
        .order_by(items.c.tenant, items.c.due_on, items.c.document_id)
    )
    if tenants is not None:
        selected = selected.where(items.c.tenant.in_(list(tenants)))
    yield from connection.execute(selected.execution_options(yield_per=10_000))


def _account(rows: Iterable[Row[Any]], on: date, policy: Policy, blocked: Blocked, money: int) -> Account:
    account = Account([], money, Ages(), date.max)
    for row in rows:
        open_ = int(row.open)
        account.open_since = min(account.open_since, row.issued_on)
        if row.kind != INVOICE:
            account.credit -= open_
            continue
        account.ages = account.ages.plus(aged(open_, row.due_on, on))
        account.claims.append(
            Claimed(
                document_id=row.document_id,
                number=row.number,
                tenant=row.tenant,
                issued_on=row.issued_on,
                due_on=row.due_on,
                gross=row.gross,
                open=open_,
                ladder=policy.ladder(row.tenant, row.site),
                sent=row.sent,
                is_blocked=blocked.covers(row.tenant, row.document_id),
                is_printed=row.taken_on is None,
            )
        )
    return account


def _dunned(
    connection: Connection, settings: Settings, on: date, part: Sequence[Reminder], accounts: Mapping[str, Account]
) -> Iterator[Dunned]:
    """Yield reminders with all that their letters say."""
    codes = [reminder.tenant for reminder in part]
    buyers = parties(connection, codes)
    documents = [reached.claimed.document_id for reminder in part for reached in reminder.reached]
    clauses = load_clauses(connection, on, codes, documents)
    account_statements = statements(connection, {code: accounts[code].open_since for code in codes}, on)
    seller = settings.operator.party
    for reminder in part:
        code = reminder.tenant
        costs = tuple(cost_of(reached.claimed, on, settings.terms, clauses) for reached in reminder.reached)
        letter = statement_letter(account_statements[code], accounts[code].ages, seller, buyers[code])
        yield Dunned(reminder, on, seller, buyers[code], costs, letter)


def cost_of(claimed: Claimed, on: date, terms: Terms, clauses: Clauses) -> Cost:
    """Return the cost of late payment of an invoice by a day."""
    rates = fine_rates(terms, claimed.due_on, claimed.issued_on, claimed.gross)
    fine = 0 if rates is None else statutory_fine(claimed.open, claimed.due_on, on, rates)
    interest = clauses.interest(claimed.tenant, claimed.document_id, claimed.open, claimed.due_on, on)
    return Cost(fine, rates, interest)


def _record(
    connection: Connection, made: Sequence[Dunned], queued: Mapping[str, int], recorded_at: datetime
) -> Iterator[Sent]:
    """Record the acts of the messages that were queued now."""
    messages = [(dunned, queued[key_of(dunned.reminder.tenant, dunned.on)]) for dunned in made]
    rows = [
        {
            "message_id": message_id,
            "tenant": dunned.reminder.tenant,
            "acted_on": dunned.on,
            "total": dunned.reminder.total + dunned.reminder.announced,
            "recorded_at": recorded_at,
        }
        for dunned, message_id in messages
    ]
    added = connection.execute(dunning_act.insert().returning(dunning_act.c.message_id, dunning_act.c.id), rows)
    acts = {message_id: act_id for message_id, act_id in added}  # noqa: C416 (rows are no pairs to dict's type)
    note_rows(connection, dunning_act, acts.values())
    columns = ("document_id", "days", "act_id", "step_no", "ladder", "due_on", "amount", "fine", "interest")
    steps = [
        (
            reached.claimed.document_id, reached.step.days, acts[message_id], reached.step.number,
            " ".join(map(str, reached.claimed.ladder)), reached.claimed.due_on, reached.claimed.open, cost.fine,
            cost.interest,
        )
        for dunned, message_id in messages
        for reached, cost in zip(dunned.reminder.reached, dunned.costs, strict=True)
    ]  # fmt: skip
    insert_rows(connection, dunning_step, columns, steps)
    for (reminder, *_), message_id in messages:
        invoices = {reached.claimed.number: reached.step.days for reached in reminder.reached}
        after = {
            "tenant": reminder.tenant, "invoices": invoices, "total": format_amount(reminder.total),
            "announced": format_amount(reminder.announced),
        }  # fmt: skip
        record_change(connection, "dunning", MESSAGE.format(message_id), None, after)
        yield Sent(MESSAGE.format(message_id), reminder)
