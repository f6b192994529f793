"""The command that hands a year's books to an auditor."""

import click

from billing.audit.bundle.bundled import SAMPLE_MAX, SEED, SEED_MAX
from billing.frame.counted import counted
from billing.frame.terminal.command import Command, Failure, database, example
from billing.frame.terminal.output import destination


@click.command(
    "audit-bundle",
    cls=Command,
    epilog=example("technopark-billing audit-bundle --year 2026 --second-engine --output audit-2026.zip"),
)
@click.option("--year", type=click.IntRange(1900, 2199), required=True, help="The financial year (the calendar's).")
@click.option("--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), required=True, help="A ZIP archive.")
@click.option(
    "--second-engine", is_flag=True, help="Also let hledger and bean-check recompute; they must be installed."
)
@click.option(
    "--sample",
    type=click.IntRange(1, SAMPLE_MAX),
    metavar="N",
    help="Also draw N times among the invoices, by monetary units; each drawn comes with its trail.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, SEED_MAX),
    show_default=str(SEED),
    help="Of the sample: the same seed draws the same.",
)
def audit_bundle_command(year: int, output: str, second_engine: bool, sample: int | None, seed: int | None) -> None:
    """One archive with a year's books, registers and proofs, and what shows that they agree.

    Every file is read back while it is written and compared with the database, account by account and month by
    month: the last line is "difference = 0", here and in the archive; anything else ends with status 1. The archive's
    first file, LISEZ-MOI.md, says in French what each file is and how it is verified.
    """
    from billing.audit.bundle.sample import sample_asked
    from billing.audit.bundle.second_engine import recompute, require_engines
    from billing.audit.bundle.writing import audit_bundle
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.undisturbed import undisturbed
    from billing.proof.checkpoints import bundle_signers
    from billing.proof.witnesses import witnesses_of

    asked = sample_asked(sample, seed)
    if second_engine:
        require_engines()
    settings = load_settings()
    signers, witnesses = bundle_signers(settings), witnesses_of(settings)
    with database(settings) as engine, reading(engine) as connection, destination(output) as file:
        bundle = audit_bundle(connection, year, settings.operator.party, settings.terms, signers, asked, witnesses)
        with undisturbed():
            file.writelines(bundle.pieces)
    files = counted(len(bundle.files), "file")
    click.echo(f"{output}: {files} of {year}, {len(bundle.control.compared)} of them read back")
    if second_engine:
        for sentence in recompute(output):
            click.echo(sentence)
    click.echo(bundle.control.verdict)
    if not bundle.control.is_proved:
        raise Failure(f"the files of {output} don't agree with the books: see controle/controle.txt in it")
