"""The command of a year's cut-off."""

import click

from billing.frame.terminal.command import WritingCommand, clock, database, example
from billing.frame.terminal.exporting import format_option, output_option, require_no_output
from billing.frame.terminal.output import destination, grouped, require_showable, table, warn

_CALLED = {
    "to_invoice": "to be invoiced (3427)",
    "to_credit": "to be credited (4427)",
    "ahead": "invoiced ahead (4491)",
}


@click.command(
    "cut-off",
    cls=WritingCommand,
    epilog=example("technopark-billing periods cut-off 2026 --format xlsx -o coupure.xlsx"),
)
@click.argument("year", type=click.IntRange(1900, 2200), metavar="YYYY")
@click.option("--book", is_flag=True, help="Book what is left of it on 31 December, and take it back on 1 January.")
@format_option("table", "json", "csv", "xlsx", default="table")
@output_option
def cut_off_command(year: int, book: bool, format_name: str, output: str | None) -> None:
    """Show the cut-off of the year YYYY (régularisations): what of it is billed later, what it billed of the next.

    Usage of December and repairs, on documents of the next year and as its next run would bill them, lie on 3427,
    credits on 4427, rent billed ahead on 4491; by site and revenue account, without VAT. csv and xlsx have a row a
    document, service and month. Booked again it changes nothing, unless facts have changed: then the difference is
    booked.
    """
    from billing.books.cut_off.booking import book_cut_off
    from billing.books.cut_off.files import cut_off_file
    from billing.books.cut_off.proposing import propose
    from billing.books.cut_off.shapes import CutOff
    from billing.frame.civil_time import today
    from billing.frame.database import reading, writing
    from billing.frame.settings import load_settings

    is_table = format_name == "table"
    if is_table:
        require_no_output(output)
    require_showable(format_name, output)
    settings, now, number = load_settings(), clock(), None
    with database(settings) as engine, (writing if book else reading)(engine) as connection:
        if book:
            proposal, number = book_cut_off(connection, year, today=today(now), recorded_at=now)
        else:
            proposal = propose(connection, year)
    for tenant, problem in proposal.unpriced:
        warn(f"{tenant} is not in it: {problem}")
    if not is_table:
        with destination(output) as file:
            file.writelines(cut_off_file(proposal, format_name))
        return
    shown = CutOff.of(proposal)
    booked = {(x.kind, x.site, x.account): x.amount for x in shown.booked}
    left = {(x.kind, x.site, x.account): x.amount for x in shown.left}
    proposed = {(x.kind, x.site, x.account): x.amount for x in shown.proposed}
    rows = [
        (_CALLED[place[0]], *place[1:], *(grouped(sums.get(place, "0.00")) for sums in (proposed, booked, left)))
        for place in sorted({*proposed, *booked})
    ]
    if rows:
        table(f"Cut-off of {year}", ("what", "site", "account", "proposed", "booked before", "left"), rows)
    if number is not None:
        click.echo(f"booked on {year}-12-31 and taken back on {year + 1}-01-01: {number}")
    elif not left:
        click.echo(f"the cut-off of {year} is booked" if booked else f"nothing of {year} is to be cut off")
    else:
        click.echo(f"to be booked: technopark-billing periods cut-off {year} --book")
