"""The commands of the accounting periods: list, close, reopen, close-year, undo-year."""

from datetime import date

import click

from billing.frame.terminal.command import Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import table
from billing.frame.terminal.parameters import MONTH


@click.group("periods", cls=Group)
def periods_command() -> None:
    """Close months, reopen the last, close a year's accounts.

    Until a first month is closed every day can be posted to. From then on at most OPEN_MONTHS_MAX months (2 unless
    set) are open at once.
    """


@periods_command.command("list", epilog=example("technopark-billing periods list"))
def list_command() -> None:
    """List every closing and reopening, and between which days may be posted now."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from ledger.periods import closings, limits
    from pricing.period import format_month

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        recorded, now = closings(connection), limits(connection)
    rows = [
        (
            str(c.number),
            format_month(c.month),
            c.action,
            f"{c.recorded_at:%Y-%m-%d %H:%M}",
            c.digest[:16],
            c.reason or "",
        )
        for c in recorded
    ]
    if rows:
        table("", ("no.", "month", "what", "at (UTC)", "digest", "reason"), rows)
    if now.open_through is None:
        days = "every day" if now.begun_on is None else f"every day from {now.begun_on}, the take-on's, on"
        click.echo(f"no month was closed yet: {days} can be posted to")
    else:
        since = "" if now.closed_through is None else f"closed through {now.closed_through}, "
        click.echo(f"{since}open through {now.open_through}")


@periods_command.command("close", cls=WritingCommand, epilog=example("technopark-billing periods close 2026-07"))
@click.argument("month", type=MONTH, metavar="YYYY-MM")
def close_command(month: date) -> None:
    """Close the month YYYY-MM, the oldest that is open: nothing is posted into it from then on.

    What is unfinished is listed first: waiting bank lines, cheques not cleared, missing certificates, tenants in
    error, documents not sent, orders that wait for approval. Bank lines of the month that wait hinder it, unless you
    give a --reason; they are then booked on the first open day. Where advances bear VAT on receipt (the setting
    vat.advances_on_receipt), that of the credit held at its end is booked first.

    Its trial balance is kept with its digest, from which `check` proves that nothing has moved since.
    """
    from billing.books.periods.checklist import checklist
    from billing.books.periods.closing import close_period
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        now = clock()
        limit = settings.open_months_max
        for unfinished in checklist(connection, month):
            click.echo(f"unfinished: {unfinished}")
        closing = close_period(
            connection, month, today=today(now), recorded_at=now, open_months_max=limit, terms=settings.terms
        )
    click.echo(f"{month:%Y-%m} is closed: trial balance {closing.digest}; open through {closing.open_through}")


@periods_command.command(
    "reopen",
    cls=WritingCommand,
    epilog=example('technopark-billing periods reopen 2026-07 --reason "bank charge forgotten"'),
)
@click.argument("month", type=MONTH, metavar="YYYY-MM")
def reopen_command(month: date) -> None:
    """Reopen the month YYYY-MM, the one closed last; --reason is required, and stays on record.

    Where the settings ask for a second person it waits for an approval (`approvals`).
    """
    from billing.approvals.ordering import Waiting, place
    from billing.books.periods.approving import REOPENING, Reopening
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        order = Reopening(month, require_reason(connection, f"reopening {month:%Y-%m}"))
        placed = place(connection, REOPENING, order, clock=clock, settings=settings)
    click.echo(f"{month:%Y-%m} {placed}" if isinstance(placed, Waiting) else f"{month:%Y-%m} is open again")


@periods_command.command("close-year", cls=WritingCommand, epilog=example("technopark-billing periods close-year 2026"))
@click.argument("year", type=click.IntRange(1900, 2200), metavar="YYYY")
def close_year_command(year: int) -> None:
    """Determine the result of the year YYYY and open the next: journals RES and AN.

    Classes 6 and 7 go by way of class 8 to 1191 or 1199; classes 1 to 5 are opened anew on 1 January, the
    result on 1181 or 1189. Done again it changes nothing, unless something was booked since. It must be done before
    December is closed. What is unfinished of December, and the cut-off that is not booked (`periods cut-off`), is
    listed first.
    """
    from billing.books.periods.checklist import year_checklist
    from billing.books.periods.closing import WHOLE_BOOKS, close_accounts_of
    from billing.frame.civil_time import today
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from ledger.year_end import last_day_of
    from pricing.money import format_amount

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        now = clock()
        for unfinished in year_checklist(connection, year):
            click.echo(f"unfinished: {unfinished}")
        ended = close_accounts_of(connection, year, today=today(now), recorded_at=now, terms=settings.terms)
    of = "" if settings.terms.at(WHOLE_BOOKS, last_day_of(year)) else " by these books, a subledger (books.whole),"
    click.echo(f"the result of {year}{of} is {format_amount(ended.result)}; {year + 1} is opened")


@periods_command.command(
    "undo-year", cls=WritingCommand, epilog=example('technopark-billing periods undo-year 2026 --reason "audit entry"')
)
@click.argument("year", type=click.IntRange(1900, 2200), metavar="YYYY")
def undo_year_command(year: int) -> None:
    """Take the result and the opening entries of the year YYYY back, until December is closed; --reason is required."""
    from billing.books.periods.closing import undo_accounts_of
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        undo_accounts_of(connection, year, recorded_at=clock())
    click.echo(f"the end of {year} is undone: classes 6 and 7 hold the year's income and charges again")
