"""A day's dunning: what is due read from what is open, written as acts, queued as mails; one transaction.

Whoever comes second on a day, on whichever replica, finds the acts and writes nothing: they are the memory of the
ladder, and a message's key (tenant and day) is told once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, select

from billing.frame.audit_log import record_change
from billing.frame.database import change_dunning, change_receivables, insert_rows
from billing.frame.messages import queue_messages
from billing.frame.settings import Settings
from billing.frame.terms import Terms
from billing.receivables.dunning.clauses import Clauses, load_clauses
from billing.receivables.dunning.holding import Held, held_on
from billing.receivables.dunning.policy import Policy, fine_rates, policy_at
from billing.receivables.dunning.wording import Cost, Dunned, key_of, message_of
from billing.receivables.open_items.open_items import credits, open_items_select  # noqa: A004
from billing.receivables.open_items.stopping_reminders import stop_settled
from billing.receivables.reports.ages import Ages, aged
from billing.receivables.reports.statement import statements
from billing.receivables.reports.statement_files import parties
from billing.receivables.reports.statement_paper import statement_letter
from billing.receivables.tables.dunning import dunning_act, dunning_step
from invoices.document import INVOICE
from invoices.messages.message import number_of
from invoices.models import document_line
from pricing.dunning.ladder import Claimed, Reminder, reminders
from pricing.dunning.late_payment import statutory_fine
from pricing.money import format_amount

KIND = "dunning"
_TENANTS_AT_A_TIME = 200


@dataclass(slots=True)
class Account:
    """What dunning must know of a tenant: its invoices as the ladder sees them, its credit, the age of what is open."""

    claims: list[Claimed]
    credit: int
    ages: Ages
    open_since: date


class Sent(NamedTuple):
    """A reminder that was queued: the message's number, and what it says."""

    number: str
    reminder: Reminder


@dataclass(frozen=True, slots=True)
class DunningReport:
    """What a day's dunning came to."""

    on: date
    sent: tuple[Sent, ...]

    def lines(self) -> list[str]:
        """The result, one fact a line."""
        invoices = sum([len(one.reminder.reached) for one in self.sent])
        total = sum([one.reminder.total for one in self.sent])
        return [f"{len(self.sent)} reminders queued", f"{invoices} invoices", f"{format_amount(total)} DH asked for"]


def due_reminders(
    connection: Connection, terms: Terms, on: date, *, tenants: Sequence[str] | None = None
) -> list[Reminder]:
    """What is due to be sent on a day and was not, by tenant; nothing is written. `tenants` None: of everybody."""
    return _due(connection, policy_at(terms, on), on, tenants)[0]


def send_reminders(
    connection: Connection, settings: Settings, on: date, *, recorded_at: datetime, tenants: Sequence[str] | None = None
) -> DunningReport:
    """Queue what is due on a day with its acts: a tenant is reminded once a day, an invoice of a step once, ever."""
    change_dunning(connection)
    found, accounts = _due(connection, policy_at(settings.terms, on), on, tenants)
    sent: list[Sent] = []
    for start in range(0, len(found), _TENANTS_AT_A_TIME):
        part = found[start : start + _TENANTS_AT_A_TIME]
        made = list(_dunned(connection, settings, on, part, accounts))
        queued = queue_messages(
            connection, KIND, (message_of(one) for one in made), written_on=on, queued_at=recorded_at
        )
        sent += _record(connection, made, queued, recorded_at)
    # Who settles an invoice stops its reminders, but could see none of these: what was settled meanwhile is found now.
    change_receivables(connection)
    stop_settled(connection)
    return DunningReport(on, tuple(sent))


def _due(
    connection: Connection, policy: Policy, on: date, tenants: Sequence[str] | None
) -> tuple[list[Reminder], dict[str, Account]]:
    """What is due, and the accounts of those it is due to; tenants written to on that day already are left out."""
    held = held_on(connection, on, tenants)
    written = set(connection.scalars(select(dunning_act.c.tenant).where(dunning_act.c.acted_on == on)))
    money: dict[str, int] = {}
    for one in credits(connection, tenants=tenants, on=on, unplaced=False):
        if one.tenant is not None:
            money[one.tenant] = money.get(one.tenant, 0) + one.left
    found, accounts = [], {}
    for code, rows in groupby(_open(connection, on, tenants), key=lambda row: row.tenant):
        account = _account(rows, on, policy, held, money.get(code, 0))
        if code not in written:
            for reminder in reminders(account.claims, {code: account.credit}, on, policy.least):
                found.append(reminder)
                accounts[code] = account
    return found, accounts


def _open(connection: Connection, on: date, tenants: Sequence[str] | None) -> Iterator[Row[Any]]:
    """Open documents with the highest step each was reminded of, and the site of its first line; by tenant."""
    items = open_items_select(on).subquery()
    s, x = dunning_step.c, document_line.c
    reminded = select(s.document_id, func.max(s.days).label("sent")).group_by(s.document_id).subquery()
    found = (
        select(items, reminded.c.sent, x.site)
        .outerjoin(reminded, reminded.c.document_id == items.c.document_id)
        .outerjoin(document_line, (x.document_id == items.c.document_id) & (x.line_no == 1))
        .order_by(items.c.tenant, items.c.due_on, items.c.document_id)
    )
    if tenants is not None:
        found = found.where(items.c.tenant.in_(list(tenants)))
    yield from connection.execute(found.execution_options(yield_per=10_000))


def _account(rows: Iterable[Row[Any]], on: date, policy: Policy, held: Held, money: int) -> Account:
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
                is_held=held.holds(row.tenant, row.document_id),
            )
        )
    return account


def _dunned(
    connection: Connection, settings: Settings, on: date, part: Sequence[Reminder], accounts: Mapping[str, Account]
) -> Iterator[Dunned]:
    """Reminders with all that their papers say."""
    codes = [one.tenant for one in part]
    buyers = parties(connection, codes)
    documents = [one.claimed.document_id for reminder in part for one in reminder.reached]
    clauses = load_clauses(connection, on, codes, documents)
    told = statements(connection, {code: accounts[code].open_since for code in codes}, on)
    seller = settings.operator.party
    for reminder in part:
        code = reminder.tenant
        costs = tuple(cost_of(one.claimed, on, settings.terms, clauses) for one in reminder.reached)
        paper = statement_letter(told[code], accounts[code].ages, seller, buyers[code])
        yield Dunned(reminder, on, seller, buyers[code], costs, paper)


def cost_of(claimed: Claimed, on: date, terms: Terms, clauses: Clauses) -> Cost:
    """What late payment of an invoice costs by a day."""
    rates = fine_rates(terms, claimed.due_on, claimed.issued_on, claimed.gross)
    fine = 0 if rates is None else statutory_fine(claimed.open, claimed.due_on, on, rates)
    interest = clauses.interest(claimed.tenant, claimed.document_id, claimed.open, claimed.due_on, on)
    return Cost(fine, rates, interest)


def _record(
    connection: Connection, made: Sequence[Dunned], queued: Mapping[str, int], recorded_at: datetime
) -> Iterator[Sent]:
    """The acts of the messages that were queued now."""
    told = [(one, queued[key_of(one.reminder.tenant, one.on)]) for one in made]
    rows = [
        {
            "message_id": message_id,
            "tenant": one.reminder.tenant,
            "acted_on": one.on,
            "total": one.reminder.total,
            "recorded_at": recorded_at,
        }
        for one, message_id in told
    ]
    added = connection.execute(dunning_act.insert().returning(dunning_act.c.message_id, dunning_act.c.id), rows)
    acts = {message_id: act_id for message_id, act_id in added}  # noqa: C416 (rows are no pairs to dict's type)
    columns = ("document_id", "days", "act_id", "step_no", "ladder", "due_on", "amount", "fine", "interest")
    steps = [
        (
            reached.claimed.document_id, reached.step.days, acts[message_id], reached.step.number,
            " ".join(map(str, reached.claimed.ladder)), reached.claimed.due_on, reached.claimed.open, cost.fine,
            cost.interest,
        )
        for one, message_id in told
        for reached, cost in zip(one.reminder.reached, one.costs, strict=True)
    ]  # fmt: skip
    insert_rows(connection, dunning_step, columns, steps)
    for one, message_id in told:
        invoices = {reached.claimed.number: reached.step.days for reached in one.reminder.reached}
        after = {"tenant": one.reminder.tenant, "invoices": invoices, "total": format_amount(one.reminder.total)}
        record_change(connection, "dunning", number_of(message_id), None, after)
        yield Sent(number_of(message_id), one.reminder)
