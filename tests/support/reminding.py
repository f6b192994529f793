"""Dunning told day by day: what was sent to whom about which invoices; disputes and promises."""

from datetime import UTC, date, datetime, time, timedelta

from billing.frame.audit_log import CLI, Act, on_behalf
from billing.frame.database import writing
from billing.receivables.dunning.blocks import BlockKind, BlockOrder, block_dunning, end_block
from billing.receivables.dunning.sending import DunningReport, send_reminders
from pricing.dunning.ladder import Reminder
from pricing.money import format_amount
from tests.support.park import Park


def day(text: str) -> date:
    return date.fromisoformat(text)


def morning(on: date) -> datetime:
    return datetime.combine(on, time(8), UTC)


def reminds(park: Park, on: str) -> DunningReport:
    """Do a day's dunning."""
    with writing(park.engine) as connection:
        return send_reminders(connection, park.settings, day(on), recorded_at=morning(day(on)))


def told(on: date, reminder: Reminder) -> str:
    invoices = ", ".join(f"{one.claimed.number} {one.step.days:+d}" for one in reminder.reached)
    announced = f" and {format_amount(reminder.announced)} to come" if reminder.announced else ""
    return f"{on} {reminder.tenant}: {invoices}; {format_amount(reminder.total)}{announced}"


def reminds_daily(park: Park, first: str, last: str) -> list[str]:
    """Do every day's dunning from one day to another: a line a reminder."""
    lines, on = [], day(first)
    while on <= day(last):
        lines += [told(on, sent.reminder) for sent in reminds(park, on.isoformat()).sent]
        on += timedelta(1)
    return lines


def holds(
    park: Park,
    kind: str,
    *,
    invoice: str | None = None,
    tenant: str | None = None,
    since: str,
    until: str | None = None,
) -> int:
    act = Act("mme.alaoui", CLI, f"dunning {kind}", "r1", "à voir avec le locataire")
    order = BlockOrder(BlockKind(kind), tenant, invoice, day(since), None if until is None else day(until))
    with writing(on_behalf(park.engine, act, lambda: morning(day(since)))) as connection:
        return block_dunning(connection, order, recorded_at=morning(day(since)))


def ends(park: Park, key: int, on: str) -> None:
    act = Act("mme.alaoui", CLI, "dunning end", "r2", "accord trouvé")
    with writing(on_behalf(park.engine, act, lambda: morning(day(on)))) as connection:
        end_block(connection, key, day(on), recorded_at=morning(day(on)))
