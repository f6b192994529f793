"""The command that explains a document."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from billing.documents.lookup.commands import FORMAT, snapshot
from billing.frame.terminal.command import Command, example
from billing.frame.terminal.exporting import output_option, require_no_output, write_export

if TYPE_CHECKING:
    from billing.documents.explanation.shapes import DocumentExplanation


@click.command("explain", cls=Command, epilog=example("technopark-billing documents explain FA-2026-000012"))
@click.argument("number")
@FORMAT
@output_option
def explain_command(number: str, format_name: str, output: str | None) -> None:
    """Show why each line of the document NUMBER is what it is, and what settled or credited it.

    Lease or events, days, area, the rate's version with its source, the tier with its facts and window, VAT, its
    part in the cross-subsidy: as the register stood when the document was issued, whatever was changed since.
    """
    from billing.documents.explanation.explaining import explain
    from billing.documents.explanation.files import pieces
    from billing.frame.shapes import indented

    if format_name == "json":
        write_export(lambda connection: [indented(explain(connection, number))], format_name, output)
        return
    if format_name != "table":
        write_export(lambda connection: pieces(explain(connection, number), format_name), format_name, output)
        return
    require_no_output(output)
    with snapshot() as connection:
        explanation = explain(connection, number)
    click.echo("\n".join(_sentences(explanation)))


def _sentences(x: "DocumentExplanation") -> Iterator[str]:
    run = "made by hand" if x.period is None else f"run of {x.period}"
    yield f"{x.number}, {x.kind.replace('_', ' ')} of {x.tenant}, {run}, issued on {x.issued_on}"
    if x.reason is not None:
        yield f"by {x.issued_by}: {x.reason}"
    if x.issued is not None:
        yield f"ordered by {x.issued.by} at {x.issued.at} ({x.issued.operation}, act {x.issued.act})"
    for line in x.lines:
        yield f"\n{line.line}  {line.service} at {line.site}, {line.month}, {line.tier}: {line.amount}"
        yield from (f"   {sentence}" for sentence in line.why)
    if x.positions or x.counted_in:
        yield f"\nin the waterfall of {x.counted_in or x.period}"
    for position in x.positions:
        sums = f"contribution {position.contribution}, draw {position.draw}, advantage {position.advantage}"
        yield f"   {position.site}: {sums} (all of the tenant's lines of that run)"
    for part in x.funding:
        yield f"   {part.step.replace('_', ' ')}: received {part.received}, given {part.given}"
    if x.credited or x.settled:
        yield "\nwhat became of it"
    for credit in x.credited:
        again = "" if credit.withdrawn_by is None else f", billed again by {credit.withdrawn_by}"
        yield f"   {credit.issued_on} {credit.kind} {credit.credit_note}: {credit.amount} of line {credit.line}{again}"
    for act in x.settled:
        why = "" if act.reason is None else f": {act.reason}"
        by = "" if act.by is None else f" by {act.by}"
        yield f"   {act.on} {act.act.replace('_', ' ')} {act.amount}{by}, VAT due {act.vat_due}{why}"
