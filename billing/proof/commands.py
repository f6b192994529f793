"""The commands that prove the books: the log, its checkpoints, proofs, the export and its verifier."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from billing.frame.counted import counted
from billing.frame.terminal.command import Group, WritingCommand, clock, database, example
from billing.frame.terminal.output import destination

if TYPE_CHECKING:
    from billing.proof.checkpoints import Checkpoint

_KINDS = ("document", "entry", "usage", "closing", "file", "act")
_output = click.option(
    "--output", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Default: standard output."
)


@click.group("proof", cls=Group)
def proof_command() -> None:
    """Prove the books: a log of the hash of every entry, document and act, signed checkpoints, proofs, an export."""


@proof_command.command("new-key", epilog=example("technopark-billing proof new-key /etc/technopark/proof.pem"))
@click.argument("file", type=click.Path(dir_okay=False))
def new_key_command(file: str) -> None:
    """Make a key that signs checkpoints, write it to FILE, and show the key that verifies them.

    Set PROOF_KEY_FILE to FILE; keep a copy of it where the database's backups are not. FILE may hold several keys, as
    while one replaces another: each signs.
    """
    from billing.frame.settings import load_settings
    from ledger.proof.notes import new_key_file, signer

    settings = load_settings()
    click.echo(str(signer(new_key_file(Path(file)), settings.proof_origin).verifier))


@proof_command.command("append", epilog=example("technopark-billing proof append"))
def append_command() -> None:
    """Log what was committed since. The scheduler does so every minute; proofs and checkpoints do so by themselves."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.proof import log

    settings = load_settings()
    with database(settings) as engine:
        added = log.append(engine)
        with reading(engine) as connection:
            click.echo(f"{counted(added, 'record')} logged, {log.size_of(connection)} in all")


@proof_command.command("checkpoint", epilog=example("technopark-billing proof checkpoint -o checkpoint.txt"))
@click.option("--publish", "is_published", is_flag=True, help="Also publish it, to where PROOF_PUBLISH says.")
@_output
def checkpoint_command(output: str | None, is_published: bool) -> None:
    """Sign the log's head now, keep it in the database and under DOCUMENTS_URL, and write it (a C2SP signed note).

    Keep it: it shows later that nothing under it was changed or dropped. Published, it is a file, put at an address, or
    mailed, as the scheduler does with each; what fails is said, and the checkpoint stands.
    """
    from billing.frame.settings import load_settings
    from billing.proof.checkpoints import make_checkpoint
    from billing.proof.publishing import publish

    settings = load_settings()
    with database(settings) as engine:
        checkpoint = make_checkpoint(settings, engine, clock)
        _write(checkpoint, output)
        for sentence in publish(settings, engine, checkpoint, clock()) if is_published else ():
            click.echo(sentence, err=True)


def _write(checkpoint: "Checkpoint", output: str | None) -> None:
    with destination(output) as stream:
        stream.write(checkpoint.note.encode())


@proof_command.command(
    "inclusion", epilog=example("technopark-billing proof inclusion document FA-2026-000012 -o proof.json")
)
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("number")
@_output
def inclusion_command(kind: str, number: str, output: str | None) -> None:
    """Prove that a record is in the log: its canonical form, and the hashes from it to the signed root (JSON)."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented
    from billing.proof import log
    from billing.proof.proving import inclusion_shape, named, prove_inclusion

    settings = load_settings()
    with database(settings) as engine:
        log.append(engine)
        with reading(engine) as connection, destination(output) as stream:
            stream.write(indented(inclusion_shape(prove_inclusion(connection, named(connection, kind, number)))))


@proof_command.command("consistency", epilog=example("technopark-billing proof consistency 1200"))
@click.argument("older", type=click.IntRange(0))
@click.argument("size", type=click.IntRange(0), required=False)
@_output
def consistency_command(older: int, size: int | None, output: str | None) -> None:
    """Prove that the log of OLDER records begins that of SIZE (by default the newest checkpoint's), as JSON."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import indented
    from billing.proof.proving import prove_consistency

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection, destination(output) as stream:
        stream.write(indented(prove_consistency(connection, older, size)))


@proof_command.command("witness-request", epilog=example("technopark-billing proof witness-request -o request.txt"))
@click.argument("witness", required=False)
@click.option("--old", type=click.IntRange(0), metavar="N", help="How many records the witness says it remembers.")
@_output
def request_command(witness: str | None, old: int | None, output: str | None) -> None:
    """Write what WITNESS is asked to cosign: the newest checkpoint, proved to continue what it cosigned last.

    PROOF_WITNESSES holds the keys of witnesses. An auditor's side is `verify_books.py`: `witness-key` makes his key,
    `cosign` answers a request (C2SP tlog-witness).
    """
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.proof.proving import witness_request
    from billing.proof.witnesses import chosen_witness, witnesses_of

    settings = load_settings()
    key = chosen_witness(witnesses_of(settings), witness)
    with database(settings) as engine, reading(engine) as connection, destination(output) as stream:
        stream.write(witness_request(connection, key, old).encode())


@proof_command.command(
    "accept-cosigned", cls=WritingCommand, epilog=example("technopark-billing proof accept-cosigned cosigned.txt")
)
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
def accept_command(file: TextIO) -> None:
    """Take in a checkpoint that a witness has cosigned; its cosignature is verified, kept, and stands in exports."""
    from billing.frame.database import writing
    from billing.frame.settings import load_settings
    from billing.frame.shapes import instant
    from billing.proof.witnesses import take_in, witnesses_of

    settings = load_settings()
    with database(settings) as engine, writing(engine) as connection:
        taken = take_in(connection, witnesses_of(settings), file.read(), clock())
    for each in taken:
        size = counted(each.size, "record")
        click.echo(f"checkpoint {each.checkpoint_id}, {size}: cosigned by {each.name} at {instant(each.cosigned_at)}")


@proof_command.command("witnesses", epilog=example("technopark-billing proof witnesses"))
def witnesses_command() -> None:
    """List who cosigned which checkpoint and when, and where each witness stands."""
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.frame.shapes import instant
    from billing.frame.terminal.output import table
    from billing.proof.witnesses import COSIGNATURE_KEY, Cosigned, cosignatures, standings, witnesses_of

    settings = load_settings()
    with database(settings) as engine, reading(engine) as connection:
        found = [Cosigned(*row) for row in connection.execute(cosignatures().order_by(*COSIGNATURE_KEY))]
        told = standings(connection, witnesses_of(settings))
    if found:
        rows = [(str(x.checkpoint_id), str(x.size), x.name, instant(x.cosigned_at)) for x in found]
        table("Cosigned checkpoints", ("checkpoint", "records", "witness", "cosigned at"), rows)
    for standing in told:
        click.echo(str(standing))
    if not told:
        click.echo("no witness is set (PROOF_WITNESSES), and none has cosigned")


@proof_command.command("export", epilog=example("technopark-billing proof export --output books-proof.zip"))
@click.option("--output", "-o", metavar="FILE|DIR", required=True, help="A .zip file, or a folder that is made.")
def export_command(output: str) -> None:
    """Write every record under a checkpoint of now, the log, the checkpoints, the keys, and the verifier.

    Without a key of ours the newest checkpoint there is counts, or none: the export then says that it is unsigned.
    """
    from billing.frame.database import reading
    from billing.frame.settings import load_settings
    from billing.proof import log
    from billing.proof.checkpoints import make_checkpoint, newest_checkpoint
    from billing.proof.export import export_files, write_folder, write_zip
    from billing.proof.witnesses import witnesses_of

    settings = load_settings()
    witnesses = witnesses_of(settings)
    with database(settings) as engine:
        if settings.proof_key_file is None:
            log.append(engine)
        else:
            make_checkpoint(settings, engine, clock)
        with reading(engine) as connection:
            if output.endswith(".zip"):
                with destination(output) as stream:
                    write_zip(export_files(connection, witnesses), stream, clock())
            else:
                write_folder(export_files(connection, witnesses), Path(output))
            newest = newest_checkpoint(connection)
    signed = "unsigned" if newest is None else f"checkpoint {newest.id}, {counted(newest.size, 'record')}"
    click.echo(f"{output}: {signed}")


@proof_command.command(
    "verify", epilog=example("technopark-billing proof verify books-proof.zip --checkpoint checkpoint.txt")
)
@click.argument("export", type=click.Path(exists=True))
@click.option("--key", "keys", multiple=True, metavar="NAME+ID+KEY", help="A key that is trusted; may be repeated.")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="FILE",
    type=click.Path(),
    help="One you kept; may be repeated.",
)
@click.option("--witness", "witnesses", multiple=True, metavar="NAME+ID+KEY", help="One who must have cosigned.")
@click.option("--unsigned", is_flag=True, help="Check an export that no key has signed.")
def verify_command(
    export: str, keys: tuple[str, ...], checkpoints: tuple[str, ...], witnesses: tuple[str, ...], unsigned: bool
) -> None:
    """Check an export: the same as `python3 verify_books.py`, which comes with it and needs nothing of ours."""
    from billing.proof.verify_books import main

    arguments = [export, *(f"--key={key}" for key in keys), *(f"--checkpoint={path}" for path in checkpoints)]
    arguments += [f"--witness={key}" for key in witnesses]
    sys.exit(main(arguments + (["--unsigned"] if unsigned else [])))
