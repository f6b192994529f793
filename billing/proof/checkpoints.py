"""Checkpoints: the log's head, signed, kept in the database and outside of it, so that neither can lose its end.

Signing a checkpoint is no audit event: it is about these events, and would otherwise never come to an end.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, func, select

from billing.frame.database import append_log, maintenance_transaction, reading
from billing.frame.proof_errors import BrokenLog, NoProofKey
from billing.frame.settings import Settings
from billing.proof import log
from billing.proof.tables import proof_checkpoint
from invoices.storage import keep_at, kept_names, read_kept
from ledger.errors import BadNote
from ledger.proof.notes import (
    SignerKey,
    TreeHead,
    VerifierKey,
    load_signers,
    parse_note,
    parse_verifier_key,
    signed_note,
    verify_note,
)

FOLDER = "checkpoints"
CHECKPOINT_KEY = (proof_checkpoint.c.id,)
# Journal formats whose comments begin with a semicolon.
_WITH_COMMENTS = frozenset({"hledger", "beancount"})
# Sizes are written with so many digits, so that files sort by them.
_DIGITS = 12


class Checkpoint(NamedTuple):
    """A signed head of the log; `signed_at` is a UTC instant."""

    id: int
    size: int
    root: str
    note: str
    verifier_keys: tuple[str, ...]
    signed_at: datetime


class OutsideHead(NamedTuple):
    """The head of the log as it is kept outside the database, and the file it was read from."""

    path: str
    head: TreeHead
    note: str


def checkpoints() -> Select[Any]:
    """Select all checkpoints; to be narrowed and put in order."""
    return select(proof_checkpoint)


def as_checkpoint(row: Row[Any]) -> Checkpoint:
    """Return the checkpoint whose row is given."""
    return Checkpoint(
        id=row.id,
        size=row.size,
        root=row.root,
        note=row.note,
        verifier_keys=tuple(row.verifier_keys.split("\n")),
        signed_at=row.signed_at,
    )


def newest_checkpoint(connection: Connection) -> Checkpoint | None:
    """Return the checkpoint signed last; None before the first."""
    row = connection.execute(checkpoints().order_by(proof_checkpoint.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else as_checkpoint(row)


def checkpoint_line(connection: Connection) -> str | None:
    """Write the checkpoint the books stood at, for the foot of a report or an export, in a line; None before one.

    A reader who keeps the paper holds the log's head: nothing before it can be changed without being noticed.
    """
    newest = newest_checkpoint(connection)
    return None if newest is None else f"{newest.note.partition(chr(10))[0]} {newest.size} {newest.root}"


def with_checkpoint(connection: Connection, file_format: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a journal's pieces, and after them, where the format has comments, the checkpoint the books stood at."""
    yield from pieces
    line = checkpoint_line(connection) if file_format in _WITH_COMMENTS else None
    if line is not None:
        yield f"\n; checkpoint: {line}\n".encode()


def known_keys(connection: Connection) -> list[VerifierKey]:
    """Return every key that has ever signed a checkpoint, the newest ones first."""
    c = proof_checkpoint.c
    rows = connection.scalars(select(c.verifier_keys).group_by(c.verifier_keys).order_by(func.max(c.id).desc()))
    texts = dict.fromkeys(text for row in rows for text in row.split("\n"))
    return [parse_verifier_key(text) for text in texts]


def signers_of(settings: Settings) -> tuple[SignerKey, ...]:
    """Load the keys that sign checkpoints; raises NoProofKey, BadProofKey."""
    if settings.proof_key_file is None:
        raise NoProofKey(
            "checkpoints need a key: `technopark-billing proof new-key FILE` makes one, PROOF_KEY_FILE names it"
        )
    return load_signers(settings.proof_key_file, settings.proof_origin)


def make_checkpoint(settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> Checkpoint:
    """Log what was committed, sign the log's head, and keep it in the database and outside of it.

    Where the log has not grown and the keys are the same, the newest checkpoint stands. Raises NoProofKey,
    BadProofKey; BrokenLog where an earlier head, inside or outside, is not a beginning of the log: such a log is
    never signed.
    """
    signers = signers_of(settings)
    outside = outside_head(settings.documents_url, [key.verifier for key in signers], engine)
    log.append(engine)
    with reading(engine) as connection:
        size = log.size_of(connection)
        before = newest_checkpoint(connection)
        if before is not None:
            _require_beginning(connection, "checkpoint", before.size, before.root, size)
        if outside is not None:
            _require_beginning(connection, outside.path, outside.head.size, _encoded(outside.head.root), size)
        head = TreeHead(settings.proof_origin, size, log.root(connection, size))
    note = signed_note(head, signers)
    keys = "\n".join(str(key.verifier) for key in signers)
    with maintenance_transaction(engine) as connection:
        append_log(connection)
        checkpoint = newest_checkpoint(connection)
        if checkpoint is None or _is_due(checkpoint, size, keys):
            number = 1 if checkpoint is None else checkpoint.id + 1
            checkpoint = Checkpoint(
                id=number,
                size=size,
                root=_encoded(head.root),
                note=note,
                verifier_keys=tuple(keys.split("\n")),
                signed_at=clock(),
            )
            connection.execute(proof_checkpoint.insert().values(checkpoint._asdict() | {"verifier_keys": keys}))
    keep_outside(settings.documents_url, checkpoint)
    return checkpoint


def bundle_signers(settings: Settings) -> tuple[SignerKey, ...]:
    """Load the keys that sign audit bundles: those of checkpoints, none where no key is set; raises BadProofKey."""
    return () if settings.proof_key_file is None else signers_of(settings)


def seal(checkpoint: Checkpoint, keys: Iterable[SignerKey], name: str, content: bytes) -> str:
    """Sign what a file holds together with the log's head.

    The note is the checkpoint's with a line of extension (C2SP tlog-checkpoint): `NAME sha256 HEX`.
    """
    head, _ = parse_note(checkpoint.note)
    return signed_note(head, keys, f"{name} sha256 {sha256(content).hexdigest()}\n")


def _is_due(newest: Checkpoint, size: int, keys: str) -> bool:
    """Return whether the log has grown since the newest checkpoint, or the keys are others."""
    return newest.size < size or (newest.size == size and "\n".join(newest.verifier_keys) != keys)


def _encoded(root: bytes) -> str:
    return b64encode(root).decode()


def _require_beginning(connection: Connection, what: str, size: int, root: str, now: int) -> None:
    if size > now:
        raise BrokenLog(f"{what} is of {size} records, the log has {now}: its end was dropped; see `check`")
    if _encoded(log.root(connection, size)) != root:
        raise BrokenLog(f"{what}, of {size} records, is no beginning of the log: it was changed; see `check`")


def keep_outside(documents_url: str, checkpoint: Checkpoint) -> str:
    """Keep a checkpoint outside the database, and return the path of its file; repeating it changes nothing."""
    note = checkpoint.note.encode()
    name = f"{checkpoint.size:0{_DIGITS}d}-{sha256(note).hexdigest()[:8]}.txt"
    keep_at(documents_url, f"{FOLDER}/{name}", note)
    return f"{FOLDER}/{name}"


def newest_outside(documents_url: str) -> tuple[str, str] | None:
    """Read the newest checkpoint kept outside: its path and its note, not yet verified; None where none is."""
    names = [name for name in kept_names(documents_url, FOLDER) if name.endswith(".txt")]
    if not names:
        return None
    path = f"{FOLDER}/{names[-1]}"
    return path, read_kept(documents_url, path).decode("utf-8", "replace")


def outside_head(documents_url: str, keys: list[VerifierKey], database: Engine | Connection) -> OutsideHead | None:
    """Return the newest checkpoint kept outside, which a key of ours must have signed; None where none is kept.

    `keys` are trusted besides those that have signed before. Raises BadNote where the newest file is no checkpoint of
    ours: then nobody can say what the newest one was.
    """
    newest = newest_outside(documents_url)
    if newest is None:
        return None
    path, note = newest
    if isinstance(database, Engine):
        with reading(database) as connection:
            known = known_keys(connection)
    else:
        known = known_keys(database)
    try:
        head = verify_note(note, [*keys, *known])
    except BadNote as error:
        raise BadNote(f"{path}, kept outside the database as the newest checkpoint, is none of ours: {error}") from None
    return OutsideHead(path, head, note)
