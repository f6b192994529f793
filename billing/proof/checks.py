"""Proof that every record is what was logged, that the log is as acts say, and its heads inside and outside hold."""

from base64 import b64encode
from collections.abc import Iterator
from itertools import islice, zip_longest

import orjson
from sqlalchemy import Connection, select, text

from billing.frame.checking import Proof, Step, by_index, streamed
from billing.frame.proof_errors import BadNote, BrokenLog
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
from billing.proof.forms import DOCUMENT, ENTRY
from billing.proof.log import LEVELS, WIDTH, Leaf, Name
from billing.proof.merkle import Hash, leaf_hash, perfect_root
from billing.proof.notes import TreeHead, parse_note, parse_verifier_key, verify_note
from billing.proof.tables import proof_checkpoint, proof_leaf, proof_node

_BLOCK = 1_000
# Closings and files come into the log by an act that names them.
_NAMELESS = (
    "SELECT 'closing ' || p.id FROM period_act p WHERE NOT EXISTS "
    "(SELECT 1 FROM audit_change c WHERE c.subject = 'closings' AND c.key = CAST(p.id AS TEXT))",
    "SELECT 'the file of ' || d.number FROM document_file f JOIN document d ON d.id = f.document_id WHERE NOT EXISTS "
    "(SELECT 1 FROM audit_change c WHERE c.subject = 'files' AND c.key = d.number)",
)


def logged(connection: Connection, _step: Step) -> Iterator[str]:
    """Each leaf of the log is the hash of its record as it stands."""
    size = log.size_of(connection)
    with by_index(connection):
        for start in range(0, size, _BLOCK):
            leaves = log.leaves(connection, start, start + _BLOCK)
            if [leaf.position for leaf in leaves] != list(range(start, min(start + _BLOCK, size))):
                yield f"leaves of the log are missing between positions {start} and {start + _BLOCK}"
            for leaf, record in zip(leaves, log.forms_of(connection, leaves), strict=True):
                yield from _leaf_faults(leaf, record)


def _leaf_faults(leaf: Leaf, record: bytes | None) -> Iterator[str]:
    if record is None:
        yield f"{leaf.name} stands in the log at position {leaf.position}, and no longer in the books"
    elif leaf_hash(record) != leaf.hash:
        yield (
            f"{_told(leaf.name, record)} is not what was logged at position {leaf.position}: it was changed, or "
            "something that belongs to it"
        )


def order(connection: Connection, _step: Step) -> Iterator[str]:
    """The log is in the order of acts, and holds nothing that no act has added."""
    names = log.sequence(connection)
    for start in range(0, log.size_of(connection), _BLOCK):
        leaves = log.leaves(connection, start, start + _BLOCK)
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


def nameless(connection: Connection, _step: Step) -> Iterator[str]:
    """Every closing and file is named by an act, and so comes into the log."""
    for query in _NAMELESS:
        for found in connection.scalars(text(query)):
            yield f"{found} was recorded by no act: the log does not hold it"


def _told(name: Name, record: bytes) -> str:
    """A record as people call it."""
    head = orjson.loads(record)[name.kind]
    called = {DOCUMENT: "number", ENTRY: "reference"}.get(name.kind)
    return str(name) if called is None else f"{name} ({head[called]})"


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


def _hashes(connection: Connection, level: int) -> Iterator[Hash]:
    """The hashes of one level, in order."""
    x, n = proof_leaf.c, proof_node.c
    of_leaves = select(x.position, x.hash).order_by(x.position)
    of_nodes = select(n.position, n.hash).where(n.level == level).order_by(n.position)
    for position, row in enumerate(streamed(connection, of_nodes if level else of_leaves)):
        # A missing one is as wrong as one that is another.
        yield bytes(row.hash) if row.position == position else b""


def _computed(hashes: Iterator[Hash]) -> Iterator[Hash]:
    while len(group := list(islice(hashes, WIDTH))) == WIDTH:
        yield perfect_root(group)


def signed(connection: Connection, _step: Step) -> Iterator[str]:
    """Each checkpoint is signed by the keys it names, and is a beginning of the log."""
    size = log.size_of(connection)
    found = connection.execute(checkpoints().order_by(proof_checkpoint.c.id)).yield_per(_BLOCK)
    for place, row in enumerate(map(as_checkpoint, found), 1):
        if row.id != place:
            yield f"checkpoint {row.id} stands where checkpoint {place} should: checkpoints are missing"
            return
        yield from _checkpoint_faults(connection, row, size)


def _checkpoint_faults(connection: Connection, found: Checkpoint, size: int) -> Iterator[str]:
    try:
        head = verify_note(found.note, [parse_verifier_key(key) for key in found.verifier_keys])
    except BadNote as error:
        yield f"checkpoint {found.id}: {error}"
        return
    if (head.size, _encoded(head.root)) != (found.size, found.root):
        yield f"checkpoint {found.id}: its note says other than its row"
    yield from _head_faults(connection, f"checkpoint {found.id}", head, size)


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


def outside(connection: Connection, _step: Step, documents_url: str) -> Iterator[str]:
    """The newest checkpoint kept outside the database is a beginning of the log, and none inside is newer."""
    inside, found = newest_checkpoint(connection), newest_outside(documents_url)
    if found is None:
        if inside is not None:
            yield (
                f"checkpoint {inside.id} is not kept outside the database: restore {FOLDER}/ from a backup, or sign a "
                "new one with `technopark-billing proof checkpoint`"
            )
        return
    path, note = found
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
    if inside is not None and inside.size > head.size:
        yield (
            f"checkpoint {inside.id}, over {inside.size} records, is not kept outside the database, where the newest, "
            f"{path}, is over {head.size}"
        )


def _encoded(root: bytes) -> str:
    return b64encode(root).decode()


CHECKS: tuple[Proof, ...] = (logged, order, nameless, nodes, signed)

FILE_CHECKS = (outside,)
