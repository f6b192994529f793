"""The command that brings the schema up to date."""

import click

from billing.frame.terminal.command import Command, database, example


@click.command("migrate", cls=Command, epilog=example("technopark-billing migrate"))
@click.option(
    "--service-role",
    metavar="ROLE",
    help="PostgreSQL: the role the service connects as; it is given what it needs, and nothing else. "
    "Default: SERVICE_ROLE.",
)
def migrate_command(service_role: str | None) -> None:
    """Create the database's schema, or bring it up to date.

    Repeating it changes nothing. It must be done once before everything else, and after each upgrade
    of the program. On PostgreSQL do it as the owner of the schema, and run the service as another role.
    """
    from billing.frame.settings import load_settings
    from billing.schema.migrating import migrate

    settings = load_settings()
    with database(settings, migrated=False) as engine:
        before, after = migrate(engine, service_role or settings.service_role)
    if before == after:
        click.echo(f"the schema is at version {after} already: nothing changed")
    else:
        click.echo(f"the schema is now at version {after}" + (f", from {before}" if before else ""))
