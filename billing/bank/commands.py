"""The commands for bank statements: import, list, look at lines, accept, ignore, undo, reconcile."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from billing.frame.codes import BANK_STATEMENT, RECEIPT
from billing.frame.counted import counted
from billing.frame.errors import Unknown
from billing.frame.terminal.command import Group, WritingCommand, clock, database, example
from billing.frame.terminal.exporting import format_option
from billing.frame.terminal.output import destination, require_showable, table
from billing.frame.terminal.parameters import AMOUNT, DAY

if TYPE_CHECKING:
    from billing.bank.choices import Choice
    from billing.bank.naming import LineKey
    from billing.bank.shapes import AcceptedLine, Proposal, StatementLine
    from billing.receivables.receipts.orders import Part


class Line(click.ParamType["LineKey"]):
    """A line of a statement, `RE-000012/3`."""

    name = "line"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "LineKey":
        """Return the statement and the line's number; a usage error for anything else."""
        from billing.bank.naming import parse_line_name

        try:
            return parse_line_name(str(value))
        except Unknown:
            self.fail(f"{value!r} is no line of a statement such as RE-000012/3", param, ctx)


LINE = Line()


def _balance(text: str | None) -> int | None:
    from billing.bank.formats.statement import centimes
    from billing.frame.spelling import typed

    try:
        return None if text is None else centimes(typed(text))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}: write it like -1234.56") from None


def _parts(texts: Sequence[str]) -> "tuple[Part, ...]":
    from billing.receivables.receipts.orders import Part

    parts = []
    for text in texts:
        number, sign, amount = text.partition("=")
        if not sign:
            raise click.BadParameter(f"{text!r} must be INVOICE=AMOUNT, such as FA-2026-000012=1740.00")
        parts.append(Part(number, AMOUNT.convert(amount, None, None)))
    return tuple(parts)


def _receipt(number: str) -> int:
    try:
        return RECEIPT.parse(number)
    except Unknown:
        raise click.BadParameter(f"{number!r} is no receipt such as RG-000012") from None


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
    balance the one before ended with. Of a file with several accounts ours alone is taken; it is said what is left out.
    """
    from billing.bank.formats.statement import STATEMENT_BYTES_MAX
    from billing.bank.importing import FILE_LENGTH_MAX, ImportOrder, import_file
    from billing.bank.naming import statement_name
    from billing.frame.database import writing
    from billing.frame.errors import Fault, Refused
    from billing.frame.settings import load_settings

    settings = load_settings()
    if file.stat().st_size > STATEMENT_BYTES_MAX:
        problem = f"is larger than {STATEMENT_BYTES_MAX >> 20} MiB"
        raise Refused([Fault(str(file), None, None, None, problem, "import it in parts")])
    order = ImportOrder(
        own_account=settings.operator.party.rib,
        terms=settings.terms,
        recorded_at=clock(),
        file_format=file_format,
        mapping=mapping,
        opening=_balance(opening),
        closing=_balance(closing),
    )
    with database(settings) as engine, writing(engine) as connection:
        imported = import_file(connection, file.read_bytes(), file.name[:FILE_LENGTH_MAX], order)
    for statement in imported.statements:
        if statement.statement is None:
            known = "its line stands" if statement.known == 1 else f"all {statement.known} lines stand"
            click.echo(f"{statement.name}: {known} already")
        else:
            name = f"{statement_name(statement.statement)} ({statement.name})"
            click.echo(f"{name}: {counted(statement.new, 'line')}, {statement.known} known before")
    for left in imported.left_out:
        name = " ".join(part for part in (left.account, left.currency, left.reference) if part)
        click.echo(f"left out, no statement of our account in dirhams: {name}, {counted(left.lines, 'line')}")
    click.echo(f"{imported.booked} booked, {imported.waiting} waiting")


@statements_command.command("list", epilog=example("technopark-billing statements list"))
def list_command() -> None:
    """List the statements in their order, with the lines that wait."""
    from billing.bank.queries import statements_with_waiting
    from billing.bank.shapes import Statement
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        statements = [(Statement.of(row), waiting) for row, waiting in statements_with_waiting(connection)]
    if not statements:
        click.echo("no statement was imported yet")
        return
    rows = [
        (
            shape.name, shape.reference, shape.closed_on, shape.opening, shape.closing, shape.lines,
            "withdrawn" if shape.withdrawn else waiting,
        )
        for shape, waiting in statements
    ]  # fmt: skip
    table("", ("statement", "the bank's", "until", "opening", "closing", "lines", "waiting"), rows)


@statements_command.command(
    "waiting", epilog=example("technopark-billing statements waiting --format xlsx -o lignes-en-attente.xlsx")
)
@format_option("csv", "xlsx", default="csv")
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def waiting_command(format_name: str, output: str | None) -> None:
    """Write the lines that wait for a person, each with the best proposal and its reason, as a table in French."""
    from billing.bank.files import waiting_file
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    require_showable(format_name, output)
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        for piece in waiting_file(connection, settings.terms, format_name):
            file.write(piece)


@statements_command.command("lines", epilog=example("technopark-billing statements lines --waiting"))
@click.argument("statement", required=False)
@click.option("--waiting", is_flag=True, help="Only those that wait for a person.")
def lines_command(statement: str | None, waiting: bool) -> None:
    """List lines of STATEMENT (RE-000012) or of all, with what they were found to be, or what is proposed and why."""
    from billing.bank.lines import lines_listed
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    try:
        key = None if statement is None else BANK_STATEMENT.parse(statement)
    except Unknown:
        raise click.BadParameter(f"{statement!r} is no statement such as RE-000012") from None
    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        lines = lines_listed(connection, settings.terms, statement=key, waiting=waiting or None)
    if not lines:
        click.echo("no line waits" if waiting else "there is no line")
        return
    for line in lines:
        click.echo(f"{line.name}  {line.booked_on}  {line.amount:>14}  {_said(line)}")
        for decision in line.decisions[-1:]:
            certainty = "" if decision.confidence is None else f" ({decision.confidence} %)"
            click.echo(f"    {decision.kind}{certainty}: {decision.why}")
        for number, proposal in enumerate(line.proposals, 1):
            click.echo(f"    {number}. {_described(proposal)}")


def _said(line: "StatementLine | AcceptedLine") -> str:
    return " ".join(filter(None, (line.counterparty, line.text)))


def _described(proposal: "Proposal") -> str:
    invoices = ", ".join(f"{part.invoice} {part.amount}" for part in proposal.allocations)
    settled = invoices or proposal.account or ", ".join(proposal.entries) or proposal.receipt or ""
    kind = f"{proposal.kind} {proposal.tenant or ''} {settled}"
    return f"{proposal.confidence:>3} %  {kind}: {proposal.why}"


@statements_command.command(
    "accept",
    cls=WritingCommand,
    epilog=example(
        "technopark-billing statements accept RE-000012/3\n"
        "  technopark-billing statements accept RE-000012/4 --tenant T0007 --invoice FA-2026-000012=1740.00\n"
        "  technopark-billing statements accept RE-000012/5 --receipt RG-000004 --receipt RG-000005\n"
        "  technopark-billing statements accept --certain-from 85 --dry-run"
    ),
)
@click.argument("line", type=LINE, required=False)
@click.option("--proposal", type=click.IntRange(1, 3), help="Which of the proposals. Default: the first.")
@click.option("--tenant", help="Whose it is, instead of a proposal; what is left over is its credit.")
@click.option("--invoice", "invoices", multiple=True, metavar="NUMBER=AMOUNT", help="What it pays; may be repeated.")
@click.option("--rent-withheld", type=AMOUNT, help="Tax on the rent that the payer kept back.")
@click.option("--vat-withheld", type=AMOUNT, help="VAT that the payer kept back.")
@click.option(
    "--receipt", "receipts", multiple=True, metavar="RG-…", help="The receipts it already is, clears or returns."
)
@click.option("--unplaced", is_flag=True, help="Money that nobody can place: it waits on 4497.")
@click.option(
    "--certain-from",
    type=click.IntRange(1, 100),
    metavar="PERCENT",
    help="Accept the first proposal of every waiting line that is at least so certain.",
)
@click.option("--dry-run", is_flag=True, help="Of --certain-from: list them, accept nothing.")
def accept_command(  # noqa: PLR0913 - click hands over each option
    line: "LineKey | None",
    proposal: int | None,
    tenant: str | None,
    invoices: tuple[str, ...],
    rent_withheld: int | None,
    vat_withheld: int | None,
    receipts: tuple[str, ...],
    unplaced: bool,
    certain_from: int | None,
    dry_run: bool,
) -> None:
    """Accept what is proposed for LINE (RE-000012/3), or say what it is: whose money, which invoices, which receipts.

    With --tenant alone the tenant's oldest due invoices are paid. With --receipt the line is what these receipts have
    booked already, together its amount; or it clears cheques, or returns what it takes back. The reason (--reason) is
    kept with it. Without LINE, --certain-from accepts the first proposals of all waiting lines.
    """
    from billing.bank.choices import Choice
    from billing.bank.matching.values import LineKind

    said = [tenant, *invoices, *receipts]
    if certain_from is not None:
        if line is not None or proposal is not None or any(said) or unplaced:
            raise click.UsageError("give --certain-from alone, or LINE and what it is")
        _accept_certain(certain_from, dry_run=dry_run)
        return
    if line is None or dry_run:
        raise click.UsageError("give LINE, such as RE-000012/3, or --certain-from PERCENT [--dry-run]")
    if (proposal is not None and any(said)) or (unplaced and (proposal is not None or any(said))):
        raise click.UsageError("give --proposal, or --unplaced, or what the line is: not both")
    choice = None
    if receipts:
        # What it is of them is told by the line and by what stands of them.
        choice = Choice(LineKind.RECORDED, receipts=tuple(map(_receipt, receipts)))
    elif any(said) or unplaced:
        parts = _parts(invoices)
        choice = Choice(
            LineKind.RECEIVED, tenant, parts, rent_withheld or 0, vat_withheld or 0,
            automatic=tenant is not None and not parts,
        )  # fmt: skip
    _decide(line, choice, proposal or 1)


def _accept_certain(least: int, *, dry_run: bool) -> None:
    """Accept the first proposals of all waiting lines that are so certain, or list them."""
    from billing.bank.accepting import accept_certain
    from billing.bank.shapes import AcceptedLine
    from billing.frame.database import reading, writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    begins = reading if dry_run else writing
    with database(settings) as engine, begins(engine) as connection:
        accepted = accept_certain(connection, least, recorded_at=clock(), terms=settings.terms, dry_run=dry_run)
    for shape in (AcceptedLine.of(*line) for line in accepted):
        click.echo(f"{shape.name}  {shape.booked_on}  {shape.amount:>14}  {_said(shape)}")
        click.echo(f"    {_described(shape.proposal)}")
    click.echo(f"{len(accepted)} lines {'would be ' if dry_run else ''}accepted")


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
    from billing.bank.choices import Choice
    from billing.bank.matching.values import LineKind

    if (account is None) == (entry is None):
        raise click.UsageError("give --account or --entry: no line is left without an entry that books it")
    kind = LineKind.BOOKED if account is not None else LineKind.RECORDED
    _decide(line, Choice(kind, account=account, entries=() if entry is None else (entry,)), None)


def _decide(line: "LineKey", choice: "Choice | None", proposal: int | None) -> None:
    """Decide a line by a proposal, or by what a person says, for the reason given."""
    from billing.bank.choices import BY_HAND
    from billing.bank.deciding import accept_proposal, decide
    from billing.bank.linking import choice_of_receipts
    from billing.bank.matching.values import LineKind
    from billing.bank.naming import line_name
    from billing.bank.queries import require_line
    from billing.frame.audit_log import act_of, require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.receivables.receipts.noticing import Booking

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        booking = Booking(connection, require_line(connection, line).line.booked_on)
        if choice is None:
            kind = accept_proposal(connection, line, proposal or 1, recorded_at=clock(), terms=settings.terms)
        else:
            is_of_receipts = bool(choice.receipts)
            if is_of_receipts:
                choice = choice_of_receipts(connection, require_line(connection, line), choice.receipts)
            kind = choice.kind
            if kind == LineKind.BOUNCED or not (is_of_receipts or kind == LineKind.RECEIVED):
                why = require_reason(connection, "a line that is no tenant's payment")
            else:
                why = act_of(connection).reason or BY_HAND
            decide(connection, line, choice, why=why, recorded_at=clock(), terms=settings.terms)
        late = booking.late()
    click.echo(f"{line_name(*line)}: {kind}{'' if late is None else f', {late}'}")


@statements_command.command(
    "undo",
    cls=WritingCommand,
    epilog=example("technopark-billing statements undo RE-000012/3 --reason 'Mauvais locataire'"),
)
@click.argument("line", type=LINE)
def undo_command(line: "LineKey") -> None:
    """Take back what LINE was found to be; it waits again, and both acts stay on record. A reason is required."""
    from billing.bank.naming import line_name
    from billing.bank.undoing import undo_decision
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "undoing what a line was found to be")
        undo_decision(connection, line, reason=reason, recorded_at=clock())
    click.echo(f"{line_name(*line)}: waits again")


@statements_command.command(
    "withdraw",
    cls=WritingCommand,
    epilog=example("technopark-billing statements withdraw RE-000002 --reason 'Mauvais solde de départ'"),
)
@click.argument("statement")
def withdraw_command(statement: str) -> None:
    """Withdraw STATEMENT (RE-000012), the account's last one: its lines count no more. A reason is required.

    Receipts of its lines are cancelled, own movements reversed; what stood in the books before waits for its line
    again. Cheques that were cleared or came back stay so.
    """
    from billing.bank.withdrawing import withdraw_statement
    from billing.frame.audit_log import require_reason
    from billing.frame.database import writing
    from billing.frame.settings import load_settings

    try:
        key = BANK_STATEMENT.parse(statement)
    except Unknown:
        raise click.BadParameter(f"{statement!r} is no statement such as RE-000012") from None
    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        reason = require_reason(connection, "withdrawing a statement")
        withdrawn = withdraw_statement(connection, key, reason=reason, recorded_at=clock())
    click.echo(f"{statement}: withdrawn with its {withdrawn.lines} lines")
    if withdrawn.kept:
        click.echo(
            f"cheques and returns of {', '.join(withdrawn.kept)} stay as they are: their entries wait for a line"
        )


@statements_command.command(
    "reconcile",
    epilog=example("technopark-billing statements reconcile --on 2026-11-30 --format xlsx -o rapprochement.xlsx"),
)
@click.option("--on", type=DAY, metavar="YYYY-MM-DD", help="By the latest statement up to that day. Default: of all.")
@format_option("text", "json", "csv", "xlsx", default="text")
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output.")
def reconcile_command(on: date | None, format_name: str, output: str | None) -> None:
    """Compare the bank's closing balance with account 5141, and name every line and entry that parts them."""
    from billing.bank.files import reconciliation_file
    from billing.bank.formats.statement import account
    from billing.bank.reconciling import LABELS, reconcile
    from billing.bank.shapes import Reconciliation
    from billing.frame.database import reading
    from billing.frame.settings import load_settings

    settings = load_settings()
    own = account(settings.operator.party.rib)
    if format_name != "text":
        require_showable(format_name, output)
        with database(settings) as engine, reading(engine) as connection, destination(output) as file:
            for piece in reconciliation_file(connection, own, on, format_name):
                file.write(piece)
        return
    with database(settings) as engine, reading(engine) as connection:
        shape = Reconciliation.of(reconcile(connection, own, on))
    click.echo(f"{shape.statement}, {shape.on}: bank {shape.bank}, 5141 {shape.books}")
    for parting in shape.partings:
        subject = f"{LABELS[parting.kind]}  {parting.reference} {parting.on} {parting.text or ''}".rstrip()
        click.echo(f"  {parting.amount:>14}  {subject}")
    click.echo(f"difference {shape.difference}, unexplained {shape.unexplained}")
