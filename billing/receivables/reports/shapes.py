"""The shape of a tenant's account statement."""

from typing import Annotated

from msgspec import field

from billing.frame.shapes import Day, Money, Shape, TenantCode, Text, about
from billing.receivables.reports.statement import Statement, StatementLine
from pricing.money import format_amount


class AccountStatementLine(Shape, frozen=True):
    """A movement of a tenant's account."""

    on: Day
    piece: Annotated[Text, about("The number of the document or receipt")]
    label: Annotated[Text, about("What it was, in French")]
    due_on: Annotated[Day | None, about("The due date of an invoice")]
    debit: Annotated[Money, about("What was charged")]
    credit: Annotated[Money, about("What was paid or credited")]
    balance: Annotated[Money, about("What the tenant owes after it; negative: what it is owed")]

    @classmethod
    def of(cls, line: StatementLine) -> "AccountStatementLine":
        """Write a movement."""
        return cls(
            on=line.on,
            piece=line.piece,
            label=line.label,
            due_on=line.due_on,
            debit=format_amount(max(line.amount, 0)),
            credit=format_amount(max(-line.amount, 0)),
            balance=format_amount(line.balance),
        )


class AccountStatement(Shape, frozen=True):
    """A tenant's account over days, both included (relevé de compte)."""

    tenant: TenantCode
    start: Annotated[Day | None, about("The first day; null: from the beginning")] = field(name="from")
    until: Day
    opening: Annotated[Money, about("What the tenant owed before")]
    lines: Annotated[list[AccountStatementLine], about("The movements, day by day")]
    debit: Annotated[Money, about("All that was charged")]
    credit: Annotated[Money, about("All that was paid or credited")]
    closing: Annotated[Money, about("What the tenant owes at the end; negative: what it is owed")]

    @classmethod
    def of(cls, statement: Statement) -> "AccountStatement":
        """Write a statement."""
        return cls(
            tenant=statement.tenant,
            start=statement.start,
            until=statement.until,
            opening=format_amount(statement.opening),
            lines=[AccountStatementLine.of(line) for line in statement.lines],
            debit=format_amount(statement.debit),
            credit=format_amount(statement.credit),
            closing=format_amount(statement.closing),
        )
