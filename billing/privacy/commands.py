"""The commands about personal data, for administrators."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from billing.frame.terminal.command import Command, Group, WritingCommand, actor, clock, database, example, subjects
from billing.frame.terminal.exporting import output_option
from billing.frame.terminal.output import destination

if TYPE_CHECKING:
    from billing.privacy.erasing import Erased


@click.group("privacy", cls=Group)
def privacy_command() -> None:
    """Personal data (loi 09-08): hand out what is held about a tenant, erase what is past its time."""


@privacy_command.command(
    "export", cls=Command, epilog=example("technopark-billing privacy export T0042 --output T0042.json")
)
@click.argument("tenant")
@output_option
def export_command(tenant: str, output: str | None) -> None:
    """Write all that is held about TENANT and its persons, as JSON.

    Its row and leases with their history, documents with buyer and mails, receipts with what payers wrote, bank lines,
    messages, reminders, deposits, and the acts that changed them; other tenants' rows are left out.
    """
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented
    from billing.frame.subject import tables_of
    from billing.privacy.holding import personal_data
    from billing.users.administering import require_administrator

    tables = tables_of(subjects())
    with database(load_settings()) as engine, reading(engine) as connection:
        require_administrator(connection, actor())
        content = indented(personal_data(connection, tables, tenant, clock()))
    with destination(output) as file:
        file.write(content)


@privacy_command.command("erase", cls=WritingCommand, epilog=example("technopark-billing privacy erase --dry-run"))
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and change nothing.")
def erase_command(dry_run: bool) -> None:
    """Erase what is past its time: where tenants that left were reached, then who they were; applicants; users' mails.

    The years are dated settings (privacy.years_kept). What tax law keeps stays, and what the proof of the books covers:
    it is counted. Mend tenants.csv as well, or the next import brings the names back.
    """
    from billing.frame.database import reading, writing
    from billing.frame.settings import load_settings
    from billing.privacy.erasing import erase
    from billing.users.administering import require_administrator

    settings = load_settings()
    with database(settings) as engine, (reading if dry_run else writing)(engine) as connection:
        require_administrator(connection, actor())
        erased = erase(connection, settings.terms, now=clock(), dry_run=dry_run)
    click.echo("\n".join(_sentences(erased, dry_run=dry_run)))


def _sentences(erased: "Erased", *, dry_run: bool) -> Iterator[str]:
    done = "would lose" if dry_run else "lost"
    for each in erased.erasures:
        yield f"{each.subject} {each.name}, last seen {each.last_day}: {done} {', '.join(each.values)}"
    yield f"{len(erased.erasures)} {'row is' if len(erased.erasures) == 1 else 'rows are'} past their time"
    past = {name: count for name, count in erased.kept.items() if count}
    if past:
        counted = ", ".join(f"{name} {count}" for name, count in past.items())
        yield f"kept, since the proof of the books covers them, past their time: {counted} (docs/personal-data.md)"
