"""The shapes of dunning: what is due, what was sent, disputes and promises, interest clauses."""

from datetime import date
from typing import Annotated, Any, Literal

from sqlalchemy import Row

from billing.frame.codes import DUNNING_BLOCK
from billing.frame.shapes import (
    Count,
    Day,
    DunningBlockNumber,
    InvoiceNumber,
    LeaseCode,
    MessageNumber,
    Money,
    Rate,
    Shape,
    TenantCode,
    Text,
    about,
)
from billing.receivables.dunning.blocks import BlockKind
from invoices.messages.message import Message
from pricing.dunning.ladder import Reminder as LadderReminder
from pricing.money import format_amount, format_rate


class DueInvoice(Shape, frozen=True):
    """An invoice and the step it has reached."""

    invoice: InvoiceNumber
    step: Annotated[Count, about("The step's place in the ladder, from 1")]
    days: Annotated[int, about("Days from the due date; negative before it")]
    due_on: Day
    open: Annotated[Money, about("What is open of it")]


class DueReminder(Shape, frozen=True):
    """The reminder due to one tenant."""

    tenant: TenantCode
    total: Annotated[Money, about("All that is asked for: what is overdue")]
    announced: Annotated[Money, about("What falls due on the day or later, and is only announced")]
    invoices: Annotated[list[DueInvoice], about("The invoices, the longest due first")]

    @classmethod
    def of(cls, reminder: LadderReminder) -> "DueReminder":
        """Return a reminder that is due."""
        return cls(
            tenant=reminder.tenant,
            total=format_amount(reminder.total),
            announced=format_amount(reminder.announced),
            invoices=[
                DueInvoice(
                    invoice=claimed.number,
                    step=step.number,
                    days=step.days,
                    due_on=claimed.due_on,
                    open=format_amount(claimed.open),
                )
                for claimed, step in reminder.reached
            ],
        )


class Due(Shape, frozen=True):
    """The reminders due on a day."""

    on: Annotated[Day, about("The day")]
    reminders: Annotated[list[DueReminder], about("The reminders, by tenant")]


class RemindedInvoice(DueInvoice, frozen=True):
    """An invoice of a reminder that was sent, with what late payment cost by then, as information."""

    fine: Annotated[Money, about("The fine of the law on payment terms, due to the Treasury")]
    interest: Annotated[Money, about("The interest of a clause, due to the operator")]

    @classmethod
    def of(cls, row: Row[Any]) -> "RemindedInvoice":
        """Return the invoice of a row of `dunning_step` with its number."""
        return cls(
            invoice=row.number,
            step=row.step_no,
            days=row.days,
            due_on=row.due_on,
            open=format_amount(row.amount),
            fine=format_amount(row.fine),
            interest=format_amount(row.interest),
        )


class Reminder(Shape, frozen=True):
    """A reminder that was sent, and what became of its mail."""

    message: MessageNumber
    tenant: TenantCode
    on: Annotated[Day, about("The day of the reminder")]
    total: Annotated[Money, about("All that was asked for: what was overdue")]
    announced: Annotated[Money, about("What was to fall due on the day or later, and was only announced")]
    invoices: Annotated[list[RemindedInvoice], about("The invoices, the longest due first")]
    state: Annotated[Literal["queued", "failed", "sent", "stopped"], about("The state of its mail")]
    recipient: Annotated[Text, about("The address that the mail goes to")]
    last_error: Annotated[Text | None, about("The last fault of sending it; null: none")]


class Preview(Shape, frozen=True):
    """The mail that a tenant would be sent."""

    tenant: TenantCode
    on: Annotated[Day, about("The day it would be sent on")]
    recipient: Annotated[Text, about("The address that the mail would go to")]
    language: Annotated[str, about("The language it is written in")]
    subject: Annotated[Text, about("The mail's subject")]
    paragraphs: Annotated[list[str], about("The mail's text, paragraph by paragraph")]
    facts: Annotated[dict[str, str], about("The mail's table: label and value")]
    papers: Annotated[list[str], about("The names of the PDFs it would carry, in order")]
    copies: Annotated[list[InvoiceNumber], about("The invoices of which it would carry a copy each")]

    @classmethod
    def of(cls, on: date, message: Message) -> "Preview":
        """Return the preview of a message."""
        text = message.text
        return cls(
            tenant=message.tenant,
            on=on,
            recipient=message.recipient,
            language=text.language,
            subject=text.subject,
            paragraphs=[*text.before, *text.after],
            facts=dict(text.facts),
            papers=[paper.file_name for paper in message.papers],
            copies=list(message.copies),
        )


class Queued(Shape, frozen=True):
    """The reminders queued now."""

    on: Annotated[Day, about("Today in Casablanca")]
    messages: Annotated[list[MessageNumber], about("The messages, which leave with the next delivery")]


class Hold(Shape, frozen=True):
    """A dispute or a promise."""

    number: DunningBlockNumber
    kind: BlockKind
    tenant: TenantCode
    invoice: Annotated[InvoiceNumber | None, about("The invoice; null: all of the tenant's")]
    since: Annotated[Day, about("The first day on which nothing is sent")]
    until: Annotated[Day | None, about("The last day of a promise; null: until it is ended")]
    reason: Annotated[Text, about("The reason")]
    recorded_by: Annotated[Text, about("The person who recorded it")]
    ended_on: Annotated[Day | None, about("The day from which reminders are sent again; null: not ended")]
    end_reason: Annotated[Text | None, about("The reason of its end; null: not ended")]
    ended_by: Annotated[Text | None, about("The person who ended it; null: not ended")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Hold":
        """Return the dispute or promise of a row of `blocks.blocks`."""
        return cls(
            number=DUNNING_BLOCK.format(row.id),
            kind=row.kind,
            tenant=row.tenant,
            invoice=row.number,
            since=row.since,
            until=row.until,
            reason=row.reason,
            recorded_by=row.recorded_by,
            ended_on=row.ended_on,
            end_reason=row.end_reason,
            ended_by=row.ended_by,
        )


class Clause(Shape, frozen=True):
    """The interest that a lease, or all that a tenant is invoiced, bears from a day on."""

    tenant: TenantCode
    lease: Annotated[LeaseCode | None, about("The lease; null: whatever the tenant is invoiced")]
    effective_from: Annotated[Day, about("The first day on which it counts")]
    rate: Annotated[Rate, about("The rate of a year; 0.00 ends the clause")]
    reason: Annotated[Text, about("The clause")]
    recorded_by: Annotated[Text, about("The person who recorded it")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Clause":
        """Return the clause of a row of `interest_clause`."""
        return cls(
            tenant=row.tenant,
            lease=row.lease,
            effective_from=row.effective_from,
            rate=format_rate(row.rate),
            reason=row.reason,
            recorded_by=row.recorded_by,
        )
