"""The whole log with its records as files, for those who prove the books without us (`verify_books.py`).

| file | holds |
|---|---|
| `records.jsonl` | the canonical form of every record under the checkpoint, one a line, in the log's order |
| `leaves.txt` | a line each: the hash the log holds, in hexadecimal, and the record's kind and number |
| `checkpoint.txt` | the newest checkpoint, a signed note; not there while none was signed |
| `checkpoints.jsonl` | every checkpoint up to it, oldest first, with its number and instant |
| `cosigned/N.txt` | checkpoint N with the cosignatures of witnesses under it (C2SP tlog-cosignature) |
| `witnesses.txt` | the keys of witnesses, where there are any; those who have cosigned nothing too |
| `timestamps/N.tsr` | the answer of a time-stamping authority about checkpoint N (RFC 3161) |
| `keys.txt` | the keys that verify them, newest first |
| `verify_books.py` | the program that checks all this, by itself |
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson
from sqlalchemy import Connection, select

from billing.proof import log
from billing.proof.checkpoints import checkpoints, known_keys, newest_checkpoint
from billing.proof.tables import proof_checkpoint, proof_timestamp
from billing.proof.witnesses import cosigned_notes, newest_cosigned
from ledger.proof.notes import VerifierKey

VERIFIER = "verify_books.py"
_BLOCK = 1_000


class ExportedFile(NamedTuple):
    """A file of the export: its path, and its content in pieces."""

    path: str
    pieces: Iterator[bytes]


def export_files(connection: Connection, witnesses: Iterable[VerifierKey] = ()) -> Iterator[ExportedFile]:
    """Yield the files of the export, up to the newest checkpoint, or, while there is none, of the whole log.

    `witnesses` are named in it besides those who have cosigned. The connection's transaction must stay open until the
    last piece is taken. Memory does not grow with the books.
    """
    newest = newest_checkpoint(connection)
    size = log.size_of(connection) if newest is None else newest.size
    yield ExportedFile("records.jsonl", _records(connection, size))
    yield ExportedFile("leaves.txt", _leaves(connection, size))
    if newest is not None:
        yield ExportedFile("checkpoint.txt", iter([newest.note.encode()]))
        yield ExportedFile("checkpoints.jsonl", _checkpoints(connection))
    yield ExportedFile("keys.txt", iter(f"{key}\n".encode() for key in known_keys(connection)))
    if cosigning := list(dict.fromkeys([*map(str, witnesses), *newest_cosigned(connection)])):
        yield ExportedFile("witnesses.txt", iter(f"{key}\n".encode() for key in cosigning))
    for number, note in cosigned_notes(connection):
        yield ExportedFile(f"cosigned/{number}.txt", iter([note.encode()]))
    for number in connection.scalars(
        select(proof_timestamp.c.checkpoint_id).order_by(proof_timestamp.c.checkpoint_id)
    ).all():
        yield ExportedFile(f"timestamps/{number}.tsr", _timestamp(connection, number))
    yield ExportedFile(VERIFIER, iter([verifier_source()]))


def write_folder(exported: Iterable[ExportedFile], folder: Path) -> None:
    """Write the files into a folder that does not exist yet; raises FileExistsError."""
    folder.mkdir(parents=True)
    for path, pieces in exported:
        (folder / path).parent.mkdir(exist_ok=True)
        with (folder / path).open("xb") as file:
            file.writelines(pieces)


def write_zip(exported: Iterable[ExportedFile], stream: BinaryIO, now: datetime) -> None:
    """Write the files as a ZIP archive, in constant memory."""
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for path, pieces in exported:
            member = ZipInfo(path, now.timetuple()[:6])
            member.compress_type = ZIP_DEFLATED
            # The size of a member is known when it is written only: room for any.
            with archive.open(member, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)


def verifier_source() -> bytes:
    """Return the stand-alone verifier, as shipped."""
    return (files("billing") / "proof" / VERIFIER).read_bytes()


def _blocks(connection: Connection, size: int) -> Iterator[list[log.Leaf]]:
    for start in range(0, size, _BLOCK):
        yield log.leaves(connection, start, min(_BLOCK, size - start))


def _records(connection: Connection, size: int) -> Iterator[bytes]:
    for leaves in _blocks(connection, size):
        # A record that was lost leaves its line empty: the verifier names it.
        yield b"".join((record or b"null") + b"\n" for record in log.forms_of(connection, leaves))


def _leaves(connection: Connection, size: int) -> Iterator[bytes]:
    for leaves in _blocks(connection, size):
        yield "".join(f"{leaf.hash.hex()} {leaf.name}\n" for leaf in leaves).encode()


def _checkpoints(connection: Connection) -> Iterator[bytes]:
    for row in connection.execute(checkpoints().order_by(proof_checkpoint.c.id)):
        signed_at = row.signed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        yield orjson.dumps({"number": row.id, "signed_at": signed_at, "note": row.note}) + b"\n"


def _timestamp(connection: Connection, number: int) -> Iterator[bytes]:
    t = proof_timestamp.c
    yield bytes(connection.execute(select(t.response).where(t.checkpoint_id == number)).scalar_one())
