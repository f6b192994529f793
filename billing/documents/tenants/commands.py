"""The commands that look tenants up."""

from typing import Any

import click

from billing.documents.lookup.commands import FORMAT, snapshot
from billing.frame.terminal.command import Command, Group, clock, example
from billing.frame.terminal.exporting import output_option, require_no_output, write_export
from billing.frame.terminal.listing import listing_options
from billing.frame.terminal.output import grouped, table


@click.group("tenants", cls=Group)
def tenants_command() -> None:
    """Tenants: find them, show one with its leases, its window, what it owes and its last documents."""


@tenants_command.command("list", cls=Command, epilog=example("technopark-billing tenants list --search atlas"))
@listing_options("code, name, ICE or mail address", "code, legal_name or kind")
@click.option("--site", metavar="CODE", help="Those that rent at this site today.")
@click.option("--kind", type=click.Choice(("startup", "sme", "large", "subsidiary")), help="Those of this kind.")
@FORMAT
@output_option
def list_command(format_name: str, output: str | None, site: str | None, kind: str | None, **asked: Any) -> None:
    """List tenants, by code unless sorted otherwise, with the days at the subsidised price and what each owes."""
    from billing.documents.tenants.files import all_summaries, pieces
    from billing.frame.civil_time import today
    from billing.frame.listing import Asked

    wanted = Asked.of(asked), site, kind, today(clock())
    if format_name != "table":
        write_export(lambda connection: pieces(all_summaries(connection, *wanted), format_name), format_name, output)
        return
    require_no_output(output)
    with snapshot() as connection:
        tenants = all_summaries(connection, *wanted)
    if not tenants:
        click.echo("no tenant is like that")
        return
    rows = [
        (t.code, t.legal_name, t.kind, " ".join(t.sites), t.tier, "" if t.window is None else t.window.last_day,
         grouped(t.open), grouped(t.overdue), grouped(t.balance))
        for t in tenants
    ]  # fmt: skip
    names = ("code", "name", "kind", "sites", "tier", "subsidised until", "open", "overdue", "balance")
    table("", names, rows)


@tenants_command.command("show", cls=Command, epilog=example("technopark-billing tenants show T0042"))
@click.argument("code")
@click.option("--format", "format_name", type=click.Choice(("table", "json")), default="table", show_default=True)
@output_option
def show_command(code: str, format_name: str, output: str | None) -> None:
    """Show the tenant CODE: its row of the register, leases and window, what it owes, its last documents."""
    from billing.documents.tenants.queries import find_tenant
    from billing.frame.civil_time import today
    from billing.frame.shapes import indented

    day = today(clock())
    if format_name == "json":
        write_export(lambda connection: [indented(find_tenant(connection, code, day))], format_name, output)
        return
    require_no_output(output)
    with snapshot() as connection:
        shown: Any = find_tenant(connection, code, day)
    window = shown.window
    claim = "none" if window is None else f"{window.first_day} to {window.last_day}"
    facts = {
        "kind": shown.kind, "incorporated on": shown.incorporated_on, "admitted on": shown.admitted_on,
        "ICE": shown.ice, "tax id": shown.tax_id, "trade register": shown.trade_register,
        "address": ", ".join(filter(None, (shown.address, shown.city))), "mail": shown.email,
        "subsidised": f"{claim}; today {shown.tier}",
        "owes": f"open {grouped(shown.open)}, overdue {grouped(shown.overdue)}, credit {grouped(shown.credit)}, "
        f"balance {grouped(shown.balance)} DH",
    }  # fmt: skip
    click.echo(", ".join(filter(None, (shown.code, shown.legal_name, shown.legal_form))))
    for name, value in facts.items():
        click.echo(f"{name:<16}{value or 'not known'}")
    leases = [(x.code, x.site, x.unit, x.area_m2, x.starts_on, x.ends_on or "") for x in shown.leases]
    table("Leases", ("code", "site", "unit", "m2", "starts_on", "ends_on"), leases)
    rows = [
        (d.number, d.issued_on, d.due_on, grouped(d.gross), grouped(d.open), d.state.value) for d in shown.documents
    ]
    table("Last documents", ("number", "issued_on", "due_on", "gross", "open", "state"), rows)
