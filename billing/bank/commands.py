"""The commands for bank statements: import, list, look at lines, accept, ignore, undo, reconcile."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from billing.frame.terminal.command import Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import destination, require_showable, table
from billing.frame.terminal.parameters import AMOUNT, DAY

if TYPE_CHECKING:
    from billing.bank.deciding import LineKey
    from billing.receivables.receipts.orders import Part

_LINE = re.compile(r"RE-([0-9]{6,18})/([1-9][0-9]{0,8})", re.ASCII)
_RECEIPT = re.compile(r"RG-([0-9]{6,18})", re.ASCII)


class Line(click.ParamType["LineKey"]):
    """A line of a statement, `RE-000012/3`."""

    name = "line"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "LineKey":
        """The statement and the line's number; a usage error for anything else."""
        match = _LINE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.fail(f"{value!r} is no line of a statement such as RE-000012/3", param, ctx)
        return int(match[1]), int(match[2])


LINE = Line()


def _balance(text: str | None) -> int | None:
    from billing.bank.formats.statement import BadText, centimes

    try:
        return None if text is None else centimes(text)
    except BadText as error:
        raise click.BadParameter(f"{text!r} {error}: write it like -1234.56") from None


def _parts(texts: Sequence[str]) -> "tuple[Part, ...]":
    from billing.receivables.receipts.orders import Part

    found = []
    for text in texts:
        number, sign, amount = text.partition("=")
        if not sign:
            raise click.BadParameter(f"{text!r} must be INVOICE=AMOUNT, such as FA-2026-000012=1740.00")
        found.append(Part(number, AMOUNT.convert(amount, None, None)))
    return tuple(found)


def _receipts(texts: Sequence[str]) -> tuple[int, ...]:
    found = []
    for text in texts:
        match = _RECEIPT.fullmatch(text)
        if match is None:
            raise click.BadParameter(f"{text!r} is no receipt such as RG-000012")
        found.append(int(match[1]))
    return tuple(found)


@click.group("statements", cls=Group)
def statements_command() -> None:
    """Bank statements: camt.053, MT940 or CSV, matched with what is open, reconciled with account 5141."""


@statements_command.command(
    "import", cls=WritingCommand, epilog=example("technopark-billing statements import releve-2026-11-03.xml")
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "file_format", type=click.Choice(("camt.053", "mt940", "csv")), help="Default: as it looks.")
@click.option("--mapping", default="fr", show_default=True, help="Of a CSV: how your bank writes it (TERMS_FILE).")
@click.option("--opening", metavar="AMOUNT", help="Of a CSV without balances: the balance before its lines.")
@click.option("--closing", metavar="AMOUNT", help="Of a CSV without balances: the balance after its lines.")
def import_command(file: Path, file_format: str | None, mapping: str, opening: str | None, closing: str | None) -> None:
    """Import FILE, whole or not at all; lines that are certain book themselves, the others wait.

    Importing the same statement again, from this file or another, adds nothing. Each statement must begin with the
    balance the one before ended with.
    """
    from billing.bank.formats.statement import STATEMENT_BYTES_MAX
    from billing.bank.importing import FILE_LENGTH_MAX, name_of
    from billing.bank.taking import Taking, take_file
    from billing.frame.database import writing
    from billing.frame.errors import Fault, Refused
    from billing.frame.settings import load_settings

    settings = load_settings()
    if file.stat().st_size > STATEMENT_BYTES_MAX:
        problem = f"is larger than {STATEMENT_BYTES_MAX >> 20} MiB"
        raise Refused([Fault(str(file), None, None, None, problem, "import it in parts")])
    taking = Taking(
        settings.operator.party.rib, settings.terms, clock(), file_format, mapping, _balance(opening), _balance(closing)
    )
    with database(settings) as engine, writing(engine) as connection:
        taken = take_file(connection, file.read_bytes(), file.name[:FILE_LENGTH_MAX], taking)
    for one in taken.statements:
        if one.statement is None:
            click.echo(f"{one.name}: all {one.known} lines stand already")
        else:
            click.echo(f"{name_of(one.statement)} ({one.name}): {one.new} lines, {one.known} known before")
    click.echo(f"{taken.booked} booked, {taken.waiting} waiting")


@statements_command.command("list", epilog=example("technopark-billing statements list"))
def list_command() -> None:
    """List the statements in their order, with the lines that wait."""
    from sqlalchemy import func, select

    from billing.bank.importing import name_of
    from billing.bank.lines import waiting_lines
    from billing.bank.tables import bank_line, bank_statement
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from pricing.money import format_amount

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        found = connection.execute(
            select(bank_statement).order_by(bank_statement.c.account, bank_statement.c.place)
        ).all()
        of = (
            waiting_lines().with_only_columns(bank_line.c.statement_id, func.count()).group_by(bank_line.c.statement_id)
        )
        waiting: dict[int, int] = dict(connection.execute(of).all())
    if not found:
        click.echo("no statement was imported yet")
        return
    rows = [
        (
            name_of(x.id), x.reference, x.closed_on, format_amount(x.opening), format_amount(x.closing), x.line_count,
            waiting.get(x.id, 0),
        )
        for x in found
    ]  # fmt: skip
    table("", ("statement", "the bank's", "until", "opening", "closing", "lines", "waiting"), rows)


@statements_command.command(
    "waiting", epilog=example("technopark-billing statements waiting --format xlsx -o lignes-en-attente.xlsx")
)
@click.option("--format", "format_name", type=click.Choice(("csv", "xlsx")), default="csv", show_default=True)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def waiting_command(format_name: str, output: str | None) -> None:
    """Write the lines that wait for a person, each with the best proposal and its reason, as a table in French."""
    from billing.bank.lines import waiting_pieces
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        for piece in waiting_pieces(connection, settings.terms, format_name):
            file.write(piece)


@statements_command.command("lines", epilog=example("technopark-billing statements lines --waiting"))
@click.argument("statement", required=False)
@click.option("--waiting", is_flag=True, help="Only those that wait for a person.")
def lines_command(statement: str | None, waiting: bool) -> None:
    """List lines of STATEMENT (RE-000012) or of all, with what they were found to be, or what is proposed and why."""
    from billing.bank.lines import lines_json, lines_of
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    key = None
    if statement is not None:
        match = re.fullmatch(r"RE-([0-9]{6,18})", statement, re.ASCII)
        if match is None:
            raise click.BadParameter(f"{statement!r} is no statement such as RE-000012")
        key = int(match[1])
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        rows = connection.execute(lines_of(key, waiting=waiting or None)).all()
        found = lines_json(connection, rows, settings.terms)
    if not found:
        click.echo("no line waits" if waiting else "there is no line")
        return
    for line in found:
        decided = line["decisions"][-1] if line["decisions"] else None
        click.echo(f"{line['name']}  {line['booked_on']}  {line['amount']:>14}  {line['counterparty']} {line['text']}")
        if decided is not None:
            sure = "" if decided["confidence"] is None else f" ({decided['confidence']} %)"
            click.echo(f"    {decided['kind']}{sure}: {decided['why']}")
        for place, proposal in enumerate(line["proposals"], 1):
            what = ", ".join(f"{part['invoice']} {part['amount']}" for part in proposal["allocations"])
            what = what or proposal["account"] or proposal["entry"] or proposal["receipt"] or ""
            who = proposal["tenant"] or ""
            click.echo(
                f"    {place}. {proposal['confidence']:>3} %  {proposal['kind']} {who} {what}: {proposal['why']}"
            )


@statements_command.command(
    "accept",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing statements accept RE-000012/3\n"
        "  technopark-billing statements accept RE-000012/4 --tenant T0007 --invoice FA-2026-000012=1740.00"
    ),
)
@click.argument("line", type=LINE)
@click.option("--proposal", type=click.IntRange(1, 3), help="Which of the proposals. Default: the first.")
@click.option("--tenant", help="Whose it is, instead of a proposal; what is left over is its credit.")
@click.option("--invoice", "invoices", multiple=True, metavar="NUMBER=AMOUNT", help="What it pays; may be repeated.")
@click.option("--rent-withheld", type=AMOUNT, help="Tax on the rent that the payer kept back.")
@click.option("--vat-withheld", type=AMOUNT, help="VAT that the payer kept back.")
@click.option("--receipt", "receipts", multiple=True, metavar="RG-…", help="The cheques or bills it clears or returns.")
@click.option("--unplaced", is_flag=True, help="Money that nobody can place: it waits on 4497.")
def accept_command(
    line: "LineKey",
    proposal: int | None,
    tenant: str | None,
    invoices: tuple[str, ...],
    rent_withheld: int | None,
    vat_withheld: int | None,
    receipts: tuple[str, ...],
    unplaced: bool,
) -> None:
    """Accept what is proposed for LINE (RE-000012/3), or say what it is: whose money, which invoices, which cheques.

    With --tenant alone the tenant's oldest due invoices are paid. The reason (--reason) is kept with it.
    """
    from billing.bank.deciding import Choice

    said = [tenant, *invoices, *receipts]
    if (proposal is not None and any(said)) or (unplaced and (proposal is not None or any(said))):
        raise click.UsageError("give --proposal, or --unplaced, or what the line is: not both")
    choice = None
    if receipts:
        choice = Choice("cheques", receipts=_receipts(receipts))
    elif any(said) or unplaced:
        parts = _parts(invoices)
        choice = Choice(
            "received", tenant, parts, rent_withheld or 0,
            vat_withheld or 0, automatic=tenant is not None and not parts,
        )  # fmt: skip
    _decide(line, choice, proposal or 1)


@statements_command.command(
    "ignore",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing statements ignore RE-000012/5 --account 6147 --reason 'Frais de tenue de compte'"
    ),
)
@click.argument("line", type=LINE)
@click.option("--account", help="The bank's own movement: the account it is booked to, such as 6147 or 5115.")
@click.option("--entry", help="The books have it already: the reference of the entry.")
def ignore_command(line: "LineKey", account: str | None, entry: str | None) -> None:
    """Say that LINE is no tenant's: the bank's own (--account), or booked already (--entry). A reason is required."""
    from billing.bank.deciding import Choice

    if (account is None) == (entry is None):
        raise click.UsageError("give --account or --entry: no line is left without an entry that books it")
    if account is not None:
        _decide(line, Choice("booked", account=account), None)
    else:
        _decide(line, Choice("recorded", entry=entry), None)


def _decide(line: "LineKey", choice: Any, proposal: int | None) -> None:
    """Decide a line by a proposal, or by what a person says, for the reason given."""
    from billing.bank.deciding import accept_proposal, decide, require_line
    from billing.bank.importing import line_name
    from billing.frame.audit_log import act_of, require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        if choice is None:
            kind = accept_proposal(connection, line, proposal or 1, recorded_at=clock(), terms=settings.terms)
        else:
            if choice.kind == "cheques":
                came_in = require_line(connection, line).line.amount > 0
                choice = choice._replace(kind="cleared" if came_in else "bounced")
            if choice.kind in ("booked", "recorded", "bounced"):
                why = require_reason(connection, "a line that is no tenant's payment")
            else:
                why = act_of(connection).reason or "décidé à la main"
            decide(connection, line, choice, why=why, recorded_at=clock(), terms=settings.terms)
            kind = choice.kind
    click.echo(f"{line_name(*line)}: {kind}")


@statements_command.command(
    "undo",
    cls=WritingCommand,
    epilog=example("technopark-billing statements undo RE-000012/3 --reason 'Mauvais locataire'"),
)
@click.argument("line", type=LINE)
def undo_command(line: "LineKey") -> None:
    """Take back what LINE was found to be; it waits again, and both acts stay on record. A reason is required."""
    from billing.bank.deciding import undo_decision
    from billing.bank.importing import line_name
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "undoing what a line was found to be")
        undo_decision(connection, line, reason=reason, recorded_at=clock())
    click.echo(f"{line_name(*line)}: waits again")


@statements_command.command(
    "reconcile",
    epilog=example("technopark-billing statements reconcile --on 2026-11-30 --format xlsx -o rapprochement.xlsx"),
)
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", help="By the latest statement up to that day. Default: of all.")
@click.option(
    "--format", "format_name", type=click.Choice(("text", "json", "csv", "xlsx")), default="text", show_default=True
)
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def reconcile_command(on: date | None, format_name: str, output: str | None) -> None:
    """Compare the bank's closing balance with account 5141, and name every line and entry that parts them."""
    from billing.bank.formats.statement import account
    from billing.bank.reconciling import LABELS, pieces, reconcile
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from pricing.money import format_amount

    settings = load_settings()
    own = account(settings.operator.party.rib)
    if format_name != "text":
        require_showable(format_name, output)
        with database(settings) as engine, reading(engine) as connection, destination(output) as file:
            for piece in pieces(connection, own, on, format_name):
                file.write(piece)
        return
    with database(settings) as engine, reading(engine) as connection:
        found = reconcile(connection, own, on)
    click.echo(f"{found.statement}, {found.on}: bank {format_amount(found.bank)}, 5141 {format_amount(found.books)}")
    for one in found.partings:
        click.echo(f"  {format_amount(one.amount):>14}  {LABELS[one.kind]}  {one.reference} {one.on} {one.text}")
    click.echo(f"difference {format_amount(found.difference)}, unexplained {format_amount(found.unexplained)}")
