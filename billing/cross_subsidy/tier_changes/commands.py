"""The commands of tier changes: the list for finance, a tenant's bills, announcements."""

from datetime import date

import click

from billing.frame.terminal.command import Command, Group, WritingCommand, clock, database, example
from billing.frame.terminal.exporting import format_option
from billing.frame.terminal.output import destination, grouped, report, require_showable, table
from billing.frame.terminal.parameters import DAY, MONTH

_TABLE = "table"


@click.group("tier-changes", cls=Group)
def tier_changes_command() -> None:
    """Tenants whose discount ends: the list, their bills before and after, and announcing it to them."""


@tier_changes_command.command(
    "list", cls=Command, epilog=example("technopark-billing tier-changes list --months 24 --format xlsx -o fins.xlsx")
)
@click.option("--from", "first", type=MONTH, metavar="YYYY-MM", help="Default: the present month.")
@click.option("--months", type=click.IntRange(1, 60), default=24, show_default=True)
@format_option(_TABLE, "json", "csv", "xlsx", default=_TABLE)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def list_command(first: date | None, months: int, format_name: str, output: str | None) -> None:
    """List tier changes by month, with what a whole month's income without VAT gains at each site."""
    from billing.cross_subsidy.tier_changes.files import pieces
    from billing.cross_subsidy.tier_changes.listing import gains, tier_changes_ahead
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from pricing.money import format_amount
    from pricing.period import first_of_month, format_month

    if format_name == _TABLE and output is not None:
        raise click.UsageError("a table is for the terminal: give --format json, csv or xlsx with --output")
    require_showable(format_name, output)
    with database(load_settings()) as engine, reading(engine) as connection:
        ahead = tier_changes_ahead(connection, first or first_of_month(today(clock())), months)
    if format_name != _TABLE:
        with destination(output) as file:
            for piece in pieces(ahead, format_name):
                file.write(piece)
        return
    sites = sorted({office.site for office in ahead.offices})
    rows = [
        (
            format_month(month),
            of_month[None].tenants,
            *(grouped(format_amount(of_month[site].difference)) if site in of_month else "" for site in (*sites, None)),
        )
        for month, of_month in sorted(gains(ahead).items())
    ]
    table("What a whole month's rents gain, in DH without VAT", ("month", "tenants", *sites, "network"), rows)
    for code, reason in ahead.unpriced:
        click.echo(f"not priced: {code}: {reason}", err=True)


@tier_changes_command.command("show", cls=Command, epilog=example("technopark-billing tier-changes show T0042"))
@click.argument("tenant")
def show_command(tenant: str) -> None:
    """Show TENANT's bills before its tier change, in its month, and after it; its usual usage; its announcements."""
    from billing.cross_subsidy.tier_changes.announcing import announcement_of
    from billing.cross_subsidy.tier_changes.queries import notices_by_tenant
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from invoices.messages.message import number_of
    from pricing.money import format_amount
    from pricing.period import format_month

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        announcement = announcement_of(connection, settings.operator, tenant, today(clock()))
        notices = notices_by_tenant(connection).get(tenant, ())
    change, months = announcement.change, announcement.bills.months
    click.echo(f"{tenant}: discount until {change.last_day}, full price from {change.switches_on}")
    rows = [
        (
            f"{office.lease.code} {office.unit}",
            *(
                grouped(format_amount(sum(line.amount for line in month.lines if line.lease == office.lease.code)))
                for month in months
            ),
        )
        for office in change.offices
    ]
    for name, amounts in (
        ("net", [month.net for month in months]),
        ("tax", [month.tax for month in months]),
        ("gross", [month.net + month.tax for month in months]),
    ):
        rows.append((name, *(grouped(format_amount(amount)) for amount in amounts)))
    table("Offices, in DH", ("office", *(format_month(month.month) for month in months)), rows)
    for habit in announcement.bills.habits:
        before, after = (grouped(format_amount(line.amount)) for line in habit)
        click.echo(f"usually {habit.before.service}, a month without VAT: {before}, then {after}")
    for notice in notices:
        step = f"{notice.step} days before" if notice.step else "as a correction"
        click.echo(f"told by {number_of(notice.message)}, {step}: full price from {notice.switches_on}")


@tier_changes_command.command(
    "letter", cls=Command, epilog=example("technopark-billing tier-changes letter T0042 --output lettre.pdf")
)
@click.argument("tenant")
@click.option("--output", metavar="FILE", required=True, help="Where the PDF is written.")
def letter_command(tenant: str, output: str) -> None:
    """Write the letter that would be sent to TENANT today; nothing is announced."""
    from billing.cross_subsidy.tier_changes.announcing import announcement_of
    from billing.cross_subsidy.tier_changes.wording import letter
    from billing.frame.civil_time import today
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from invoices.rendering.letter import render_letter

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        announcement = announcement_of(connection, settings.operator, tenant, today(clock()))
    with destination(output) as stream:
        stream.write(render_letter(letter(announcement)))


@tier_changes_command.command(
    "announce", cls=WritingCommand, epilog=example("technopark-billing tier-changes announce --dry-run")
)
@click.option("--on", "on", type=DAY, metavar="YYYY-MM-DD", help="The day the letters bear. Default: today.")
@click.option("--dry-run", is_flag=True, help="Show what would be announced; write nothing.")
def announce_command(on: date | None, dry_run: bool) -> None:
    """Announce the tier changes that are due: 90, 60 and 30 days before (TERMS_FILE), each step once, only the nearest.

    A mail in the tenant's language with a letter is queued for each, and delivered by `deliver` or the scheduler. Where
    the day announced has moved, it is corrected. Done again on the same day it does nothing.
    """
    from billing.cross_subsidy.tier_changes.announcing import AnnounceReport, announce, as_announced, due_announcements
    from billing.frame.civil_time import today
    from billing.frame.database import reading, writing
    from billing.frame.settings import load_settings

    settings, now = load_settings(), clock()
    day = on or today(now)
    with database(settings) as engine:
        if dry_run:
            with reading(engine) as connection:
                announcements, unpriced = due_announcements(connection, settings.terms, settings.operator, day)
            made = AnnounceReport(day, tuple(map(as_announced, announcements)), unpriced)
        else:
            with writing(engine) as connection:
                made = announce(connection, settings.terms, settings.operator, day, recorded_at=now)
    if made.announced and dry_run:
        rows = [(x.tenant, x.switches_on, x.step or "correction", x.corrects or "") for x in made.announced]
        table(f"To be announced on {day}", ("tenant", "full price from", "days before", "corrects"), rows)
    report([*(["dry run, nothing written"] if dry_run else []), *made.lines()])
    for code, reason in made.unpriced:
        click.echo(f"not priced: {code}: {reason}", err=True)
