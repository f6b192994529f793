"""Proof that every record is as logged, the log follows the audit events, and its heads inside and outside hold."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice, zip_longest

import orjson
from sqlalchemy import Connection, select, text

from billing.frame.checking import Proof, Step, by_index, streamed
from billing.frame.civil_time import utc
from billing.frame.proof_errors import BrokenLog, NoTimestamp
from billing.proof import log
from billing.proof.checkpoints import (
    FOLDER,
    Checkpoint,
    as_checkpoint,
    checkpoints,
    known_keys,
    newest_checkpoint,
    newest_outside,
)
from billing.proof.forms import DOCUMENT, ENTRY, FORMS, USAGE
from billing.proof.log import LEVELS, WIDTH, Leaf, Name
from billing.proof.tables import proof_checkpoint, proof_leaf, proof_node, proof_timestamp
from billing.proof.timestamps import stated
from billing.proof.witnesses import COSIGNATURE_KEY, cosignatures
from ledger.errors import BadNote
from ledger.proof.merkle import Hash, leaf_hash, perfect_root
from ledger.proof.notes import TreeHead, cosignature_of, parse_note, parse_verifier_key, verify_note

_BLOCK = 1_000
# The smallest number that a position can be made.
_FIRST = -(2**63)
# Closings and files come into the log by an audit event that names them.
_UNATTRIBUTED = (
    "SELECT 'closing ' || p.id FROM period_act p WHERE NOT EXISTS "
    "(SELECT 1 FROM audit_change c WHERE c.subject = 'closings' AND c.key = CAST(p.id AS TEXT))",
    "SELECT 'the file of ' || d.number FROM document_file f JOIN document d ON d.id = f.document_id WHERE NOT EXISTS "
    "(SELECT 1 FROM audit_change c WHERE c.subject = 'files' AND c.key = d.number)",
)


def logged(connection: Connection, _step: Step) -> Iterator[str]:
    """Each leaf of the log is the hash of its record as it stands, and none is missing."""
    expected = 0
    with by_index(connection):
        for leaves in _blocks(connection):
            for leaf in leaves:
                if leaf.position != expected:
                    yield f"the log lacks its leaf at position {expected}: the next one is at {leaf.position}"
                expected = leaf.position + 1
            formless = [leaf for leaf in leaves if (leaf.name.kind, leaf.form) not in FORMS]
            for leaf in formless:
                yield f"{leaf.name} stands in the log at position {leaf.position} in a form {leaf.form} that is none"
            known = [leaf for leaf in leaves if leaf not in formless]
            for leaf, record in zip(known, log.forms_of(connection, known), strict=True):
                yield from _leaf_faults(leaf, record)


def _blocks(connection: Connection) -> Iterator[list[Leaf]]:
    """Yield all leaves by blocks, wherever they stand."""
    start = _FIRST
    while leaves := log.leaves(connection, start, _BLOCK):
        yield leaves
        start = leaves[-1].position + 1


def _leaf_faults(leaf: Leaf, record: bytes | None) -> Iterator[str]:
    if record is None:
        yield f"{leaf.name} stands in the log at position {leaf.position}, and no longer in the books"
    elif leaf_hash(record) != leaf.hash:
        yield (
            f"{_title(leaf.name, record)} is not what was logged at position {leaf.position}: it was changed, or "
            "something that belongs to it"
        )


def order(connection: Connection, _step: Step) -> Iterator[str]:
    """The log is in the order of audit events, and holds nothing that none of them has added."""
    names = log.sequence(connection)
    for leaves in _blocks(connection):
        try:
            expected = list(islice(names, len(leaves)))
        except BrokenLog as error:
            yield str(error)
            return
        for leaf, name in zip(leaves, expected, strict=False):
            if leaf.name != name:
                yield f"the log holds {leaf.name} at position {leaf.position}, {name} follows from the acts"
                return
        if len(expected) < len(leaves):
            yield f"the log holds {leaves[len(expected)].name} and what follows it, which no act has added"
            return


def unattributed_records(connection: Connection, _step: Step) -> Iterator[str]:
    """Every closing and file is named by an audit event, and so comes into the log."""
    for query in _UNATTRIBUTED:
        for record in connection.scalars(text(query)):
            yield f"{record} was recorded by no act: the log does not hold it"


def _title(name: Name, record: bytes) -> str:
    """Return a record's name with what people call it."""
    field = {DOCUMENT: "number", ENTRY: "reference", USAGE: "event_id"}.get(name.kind)
    return str(name) if field is None else f"{name} ({orjson.loads(record)[name.kind][field]})"


def nodes(connection: Connection, _step: Step) -> Iterator[str]:
    """The nodes of each level are those of the level below, and as many as it completes."""
    level, count = 0, log.size_of(connection)
    while count:
        computed = _computed(_hashes(connection, level))
        level, count = level + LEVELS, count // WIDTH
        for position, (wanted, stored) in enumerate(zip_longest(computed, _hashes(connection, level))):
            if wanted != stored:
                yield f"the log's node {position} of level {level} is not that of the leaves below it"
                return
    above = connection.scalar(select(proof_node.c.level).where(proof_node.c.level > level).limit(1))
    if above is not None:
        yield f"the log holds nodes of level {above}, which no leaves complete"


def _hashes(connection: Connection, level: int) -> Iterator[Hash]:
    """Yield the hashes of one level, in order."""
    x, n = proof_leaf.c, proof_node.c
    of_leaves = select(x.position, x.hash).order_by(x.position)
    of_nodes = select(n.position, n.hash).where(n.level == level).order_by(n.position)
    for position, row in enumerate(streamed(connection, of_nodes if level else of_leaves)):
        # One that is missing is as wrong as one that differs.
        yield bytes(row.hash) if row.position == position else b""


def _computed(hashes: Iterator[Hash]) -> Iterator[Hash]:
    while len(group := list(islice(hashes, WIDTH))) == WIDTH:
        yield perfect_root(group)


def signed(connection: Connection, _step: Step) -> Iterator[str]:
    """Each checkpoint is signed by the keys it names, and is a beginning of the log."""
    size = log.size_of(connection)
    rows = connection.execute(checkpoints().order_by(proof_checkpoint.c.id)).yield_per(_BLOCK)
    before: Checkpoint | None = None
    for place, checkpoint in enumerate(map(as_checkpoint, rows), 1):
        if checkpoint.id != place:
            yield f"checkpoint {checkpoint.id} stands where checkpoint {place} should: checkpoints are missing"
            return
        if before is not None and (before.note == checkpoint.note or before.signed_at > checkpoint.signed_at):
            yield f"checkpoint {checkpoint.id} repeats checkpoint {before.id}, or was signed before it"
        before = checkpoint
        yield from _checkpoint_faults(connection, checkpoint, size)


def stamped(connection: Connection, _step: Step) -> Iterator[str]:
    """Each time stamp is of its checkpoint's note, and of the instant kept; who signed it, the auditor verifies."""
    t, c = proof_timestamp.c, proof_checkpoint.c
    rows = select(t.checkpoint_id, t.response, t.stamped_at, c.note).outerjoin(
        proof_checkpoint, c.id == t.checkpoint_id
    )
    for row in connection.execute(rows.order_by(t.checkpoint_id)):
        what = f"the time stamp of checkpoint {row.checkpoint_id}"
        try:
            digest, stated_at = stated(bytes(row.response))
        except NoTimestamp as error:
            yield f"{what} can't be read: {error}"
            continue
        if digest != sha256((row.note or "").encode()).digest():
            yield f"{what} is of something else than its note"
        if stated_at != utc(row.stamped_at):
            yield f"{what} states {stated_at}, {row.stamped_at} is kept"


def _checkpoint_faults(connection: Connection, checkpoint: Checkpoint, size: int) -> Iterator[str]:
    try:
        head = verify_note(checkpoint.note, [parse_verifier_key(key) for key in checkpoint.verifier_keys])
    except BadNote as error:
        yield f"checkpoint {checkpoint.id}: {error}"
        return
    if (head.size, _encoded(head.root)) != (checkpoint.size, checkpoint.root):
        yield f"checkpoint {checkpoint.id}: its note says other than its row"
    yield from _head_faults(connection, f"checkpoint {checkpoint.id}", head, size)


def _head_faults(connection: Connection, what: str, head: TreeHead, size: int) -> Iterator[str]:
    """A signed head is a beginning of the log."""
    if head.size > size:
        dropped = head.size - size
        yield f"{what} was signed over {head.size} records, the log has {size}: the last {dropped} were dropped"
        return
    try:
        root = log.root(connection, head.size)
    except BrokenLog as error:
        yield f"{what}: {error}"
        return
    if root != head.root:
        yield f"{what}, over {head.size} records, is not of this log: records before its end were changed or replaced"


def cosigned(connection: Connection, _step: Step) -> Iterator[str]:
    """Each cosignature is the witness's of its checkpoint, and its row says what it states."""
    rows = cosignatures().add_columns(proof_checkpoint.c.note).order_by(*COSIGNATURE_KEY)
    for row in connection.execute(rows).yield_per(_BLOCK):
        what = f"the cosignature of checkpoint {row.checkpoint_id} by {row.witness}"
        try:
            made = cosignature_of(row.note + row.line, parse_verifier_key(row.witness, is_witness=True))
        except BadNote as error:
            yield f"{what}: {error}"
            continue
        if (made.line, made.at) != (row.line, utc(row.cosigned_at)):
            yield f"{what} states another time than its row, or another line"


def outside(connection: Connection, _step: Step, documents_url: str) -> Iterator[str]:
    """The newest checkpoint kept outside the database is a beginning of the log, and none inside is newer."""
    inside, kept_outside = newest_checkpoint(connection), newest_outside(documents_url)
    if kept_outside is None:
        if inside is not None:
            yield (
                f"checkpoint {inside.id} is not kept outside the database: restore {FOLDER}/ from a backup, or sign a "
                "new one with `technopark-billing proof checkpoint`"
            )
        return
    path, note = kept_outside
    try:
        head, _ = parse_note(note)
    except BadNote as error:
        yield f"{path}, kept outside the database: {error}"
        return
    try:
        verify_note(note, known_keys(connection))
    except BadNote as error:
        yield f"{path}, kept outside the database: {error}"
    yield from _head_faults(connection, f"{path}, kept outside the database,", head, log.size_of(connection))
    if inside is None or inside.size < head.size:
        yield f"{path}, kept outside the database, is newer than any checkpoint in it: those were removed"
    elif inside.size > head.size:
        yield (
            f"checkpoint {inside.id}, over {inside.size} records, is not kept outside the database, where the newest, "
            f"{path}, is over {head.size}"
        )


def _encoded(root: bytes) -> str:
    return b64encode(root).decode()


# What they find is named before whatever follows from it (`billing.check`).
CAUSES: tuple[Proof, ...] = (logged, unattributed_records)

CHECKS: tuple[Proof, ...] = (logged, order, unattributed_records, nodes, signed, cosigned, stamped)

FILE_CHECKS = (outside,)
