"""The shapes of accounting periods: how a month or a year stands, and each closing and reopening."""

from typing import Annotated, Any, Literal

from sqlalchemy import Row

from billing.books.periods import checklist
from billing.books.periods.closing import WHOLE_BOOKS
from billing.frame.shapes import Count, Day, Digest, Instant, Money, Month, Serial, Shape, Text, about, instant
from billing.frame.terms import Terms
from ledger.year_end import YearEnd, last_day_of
from pricing.money import format_amount
from pricing.period import format_month


class Closing(Shape, frozen=True):
    """A month that was closed, or reopened."""

    number: Serial
    period: Month
    action: Annotated[Literal["close", "reopen"], about("What was done")]
    recorded_at: Annotated[Instant, about("When it was done")]
    reason: Annotated[Text | None, about("Why it was reopened; null where it was closed")]
    digest: Annotated[Digest, about("SHA-256 of the month's trial balance")]
    closed_through: Annotated[Day | None, about("Nothing is posted up to this day; null: any day can be posted to")]
    open_through: Annotated[Day, about("Nor after this one")]

    @classmethod
    def of(cls, row: Row[Any]) -> "Closing":
        """Return the closing whose row of `period_act` is given."""
        return cls(
            number=row.id,
            period=format_month(row.month),
            action=row.action,
            recorded_at=instant(row.recorded_at),
            reason=row.reason,
            digest=row.digest,
            closed_through=row.closed_through,
            open_through=row.open_through,
        )


class Period(Shape, frozen=True):
    """A month: whether it is open, and its closings and reopenings."""

    period: Month
    state: Annotated[Literal["open", "closed"], about("Whether it is posted to")]
    digest: Annotated[Digest | None, about("SHA-256 of its trial balance, as its closing found it; null: it is open")]
    history: Annotated[list[Closing], about("Its closings and reopenings, oldest first")]


class Unfinished(Shape, frozen=True):
    """Things of a kind to be finished before a month is closed."""

    kind: Annotated[
        checklist.UnfinishedKind,
        about(
            "`bank_lines` that wait, `cheques` not cleared, missing `certificates`, `tenants` in error, `documents` "
            "not sent, `approvals` that wait; of a year `cut_off` that is not booked"
        ),
    ]
    count: Annotated[Count, about("How many there are")]
    named: Annotated[list[Text], about("The first of them")]

    @classmethod
    def of(cls, unfinished: checklist.Unfinished) -> "Unfinished":
        """Return the things of a kind as the checklist counts and names them."""
        return cls(kind=unfinished.kind, count=unfinished.number, named=list(unfinished.named))


class Checklist(Shape, frozen=True):
    """What is unfinished of a month."""

    period: Month
    unfinished: Annotated[list[Unfinished], about("By kind; those of which nothing is are left out")]


class YearChecklist(Shape, frozen=True):
    """What is unfinished of a year."""

    year: Annotated[int, about("The calendar year")]
    unfinished: Annotated[list[Unfinished], about("Of its December, and its cut-off; what is nothing is left out")]


class ClosedPeriod(Period, frozen=True):
    """A month that was closed now, and what was unfinished of it."""

    unfinished: Annotated[list[Unfinished], about("What was unfinished, by kind")]


class Year(Shape, frozen=True):
    """The end of a year: its result, and whether its closing entries stand."""

    year: Annotated[int, about("The calendar year")]
    result: Annotated[Money, about("A profit is positive")]
    determined: Annotated[bool, about("Classes 6 and 7 are carried to 1191 or 1199")]
    opened: Annotated[bool, about("The next year's opening entries stand")]
    whole_books: Annotated[
        bool, about("The books are the operator's whole accounting; false: the result is that of a subledger")
    ]

    @classmethod
    def of(cls, ended: YearEnd, terms: Terms) -> "Year":
        """Return the end of a year, as the ledger finds it."""
        return cls(
            year=ended.year,
            result=format_amount(ended.result),
            determined=ended.is_determined,
            opened=ended.is_opened,
            whole_books=terms.at(WHOLE_BOOKS, last_day_of(ended.year)),
        )


class ClosedYear(Year, frozen=True):
    """A year whose accounts were closed now, and what was unfinished of it."""

    unfinished: Annotated[list[Unfinished], about("What was unfinished, by kind")]
