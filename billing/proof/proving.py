"""Proofs on demand: that a record is in the log under a checkpoint, and that one checkpoint begins another."""

import re
from base64 import b64encode
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.frame.errors import Unknown
from billing.frame.proof_errors import BrokenLog, NotYetProved
from billing.proof import log, shapes
from billing.proof.checkpoints import Checkpoint, newest_checkpoint
from billing.proof.forms import ACT, CLOSING, DOCUMENT, ENTRY, FILE, USAGE
from billing.proof.witnesses import newest_cosigned
from billing.register.tables import usage_event
from invoices.models import document
from ledger.proof.merkle import leaf_hash
from ledger.proof.notes import VerifierKey

KINDS = (DOCUMENT, ENTRY, USAGE, CLOSING, FILE, ACT)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Inclusion(NamedTuple):
    """A record with the hashes that lead from it to the root over `size` records; all of these in base64.

    `checkpoint` has signed that root; None while nothing was signed.
    """

    name: log.Name
    position: int
    record: bytes
    leaf: str
    size: int
    root: str
    path: tuple[str, ...]
    checkpoint: Checkpoint | None


def named(connection: Connection, kind: str, key: str) -> log.Name:
    """Name a record by its kind and what people call it: documents and files by number, usage by its event's id.

    Raises Unknown.
    """
    if kind in (DOCUMENT, FILE):
        document_id = connection.scalar(select(document.c.id).where(document.c.number == key))
        if document_id is None:
            raise Unknown(f"no document bears the number {key}")
        return log.Name(kind, int(document_id))
    if kind == USAGE:
        usage_id = connection.scalar(select(usage_event.c.id).where(usage_event.c.event_id == key))
        if usage_id is None:
            raise Unknown(f"there is no usage event {key}")
        return log.Name(kind, int(usage_id))
    if kind not in KINDS or _NUMBER.fullmatch(key) is None:
        raise Unknown(f"there is no {kind} {key}: give one of {', '.join(KINDS)}, and its number")
    return log.Name(kind, int(key))


def prove_inclusion(connection: Connection, name: log.Name) -> Inclusion:
    """Prove that a record is in the log, under the newest checkpoint, or while there is none under its present root.

    Raises NotYetProved while it lies under none, BrokenLog where it is no longer what was logged.
    """
    leaf = log.leaf_of(connection, name)
    newest = newest_checkpoint(connection)
    size = log.size_of(connection) if newest is None else newest.size
    if leaf is None or leaf.position >= size:
        raise NotYetProved(
            f"{name} lies under no checkpoint yet, or does not exist: `technopark-billing proof checkpoint` makes one"
        )
    [record] = log.forms_of(connection, [leaf])
    if record is None or leaf_hash(record) != leaf.hash:
        raise BrokenLog(f"{name} is not what was logged at position {leaf.position}: see `check`")
    return Inclusion(
        name=name,
        position=leaf.position,
        record=record,
        leaf=_encoded(leaf.hash),
        size=size,
        root=_encoded(log.root(connection, size)) if newest is None else newest.root,
        path=tuple(map(_encoded, log.inclusion(connection, leaf.position, size))),
        checkpoint=newest,
    )


def prove_consistency(connection: Connection, older: int, size: int | None = None) -> shapes.Consistency:
    """Prove that the log of `older` records begins that of `size`: by default the newest checkpoint's, or all of it.

    Raises Unknown for sizes the log never had.
    """
    newest = newest_checkpoint(connection)
    largest = log.size_of(connection)
    if size is None:
        size = largest if newest is None else newest.size
    if not 0 <= older <= size <= largest:
        raise Unknown(f"the log has {largest} records: give sizes from 0 to {largest}, the older one first")
    return shapes.Consistency(
        older=older,
        older_root=_encoded(log.root(connection, older)),
        size=size,
        root=_encoded(log.root(connection, size)),
        path=list(map(_encoded, log.consistency(connection, older, size))),
    )


def witness_request(connection: Connection, witness: VerifierKey, older: int | None = None) -> str:
    """Write what a witness is asked to cosign: the newest checkpoint, proved to continue what it cosigned last.

    `older` is the size the witness remembers, where that is not what it cosigned here last. Raises Unknown.
    """
    newest = newest_checkpoint(connection)
    if newest is None:
        raise Unknown("nothing is signed yet: `technopark-billing proof checkpoint` signs a checkpoint")
    if older is None:
        last = newest_cosigned(connection).get(str(witness))
        older = 0 if last is None else last.size
    path = prove_consistency(connection, older, newest.size).path
    return "".join(f"{line}\n" for line in (f"old {older}", *path, "")) + newest.note


def inclusion_shape(inclusion: Inclusion) -> shapes.Inclusion:
    """Return an inclusion proof as it is answered: the record as the text that was hashed, and all that proves it."""
    return shapes.Inclusion(
        kind=inclusion.name.kind,  # type: ignore[arg-type]
        number=inclusion.name.key,
        position=inclusion.position,
        record=inclusion.record.decode(),
        leaf=inclusion.leaf,
        size=inclusion.size,
        root=inclusion.root,
        path=list(inclusion.path),
        checkpoint=None if inclusion.checkpoint is None else inclusion.checkpoint.note,
    )


def _encoded(digest: bytes) -> str:
    return b64encode(digest).decode()
