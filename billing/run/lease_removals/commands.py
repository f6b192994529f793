"""The command that removes a lease entered by mistake."""

import click

from billing.frame.terminal.command import Group, WritingCommand, database, example


@click.group("leases", cls=Group)
def leases_command() -> None:
    """Remove leases entered by mistake."""


@leases_command.command(
    "remove", cls=WritingCommand, epilog=example('technopark-billing leases remove L00458 --reason "Saisi en double"')
)
@click.argument("lease")
def remove_command(lease: str) -> None:
    """Remove LEASE, which was entered by mistake and never billed; the reason is required.

    It counts no longer: neither for the unit nor for the tenant's window. The audit log keeps it. A lease that was
    billed is ended instead, by its last day. Take it out of leases.csv too, or the next import enters it again.
    """
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.run.lease_removals.removing import remove_lease

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        row, _ = remove_lease(connection, lease, require_reason(connection, "removing a lease"))
    until = f"to {row['ends_on']}" if row["ends_on"] else "without end"
    click.echo(
        f"{lease} is removed: {row['tenant']}, unit {row['unit']} at {row['site']}, {row['area_m2']} m², "
        f"from {row['starts_on']} {until}"
    )
