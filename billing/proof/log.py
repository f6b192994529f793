"""The log: every record's hash in the order of audit events, appended after they were committed; and proofs from it.

The order is a function of the books. Audit events (`act` in the log) are counted without gap in the order of commits;
each stands for the documents it added, then the entries, then the usage events, then the closings and files its
changes name, then itself. Usage older than version 0032 of the schema stands behind the act of that upgrade. So
a process that appends knows from the log's end what comes next, and the same books always give the same log.

Appending reads and hashes in a snapshot, and writes in a short transaction that first looks whether the log still
ends where the snapshot saw it: of several who append at once one adds a leaf, and nobody who posts waits for hashes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select, text

from billing.frame.database import append_log, insert_rows, maintenance_transaction, reading
from billing.frame.proof_errors import BrokenLog
from billing.frame.undisturbed import undisturbed
from billing.proof.forms import ACT, CLOSING, DOCUMENT, ENTRY, FILE, FORMS, NEWEST, USAGE
from billing.proof.records import records
from billing.proof.tables import proof_leaf, proof_node
from ledger.proof.merkle import (
    Hash,
    Span,
    Subtree,
    consistency_spans,
    inclusion_spans,
    leaf_hashes,
    perfect_root,
    perfect_roots,
    root_of,
    subtrees,
)

# One level in so many is stored: a proof reads a few groups of sixteen.
LEVELS = 4
WIDTH = 1 << LEVELS
# Leaves hashed, and written, at a time.
BLOCK = 5_000
_LEAF_COLUMNS = ("position", "kind", "key", "form", "hash")
_NODE_COLUMNS = ("level", "position", "hash")
# The subjects of changes that name a record of their own, and its kind.
NAMED = {"closings": CLOSING, "files": FILE}


class Name(NamedTuple):
    """A record: its kind and number."""

    kind: str
    key: int

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Leaf(NamedTuple):
    """A leaf of the log."""

    position: int
    name: Name
    form: int
    hash: Hash


class Run(NamedTuple):
    """Records of one kind that follow each other, by number."""

    kind: str
    keys: range


# The operation of the act by which an upgrade put the usage that stood already under proof.
UPGRADE = "put usage under proof"
_ACTS = (
    "SELECT id, first_document, last_document, first_entry, last_entry, first_usage_event, last_usage_event "
    "FROM audit_event WHERE id > :after ORDER BY id LIMIT :count"
)
_UPGRADED = (
    "SELECT a.id, (SELECT max(b.last_usage_event) FROM audit_event b WHERE b.id < a.id) AS last_usage_event "
    "FROM audit_event a WHERE a.id > :after AND a.operation = :operation ORDER BY a.id LIMIT 1"
)
_NAMED_BY_ACTS = (
    "SELECT c.act_id, c.subject, CASE c.subject WHEN 'closings' THEN "
    "(SELECT p.id FROM period_act p WHERE CAST(p.id AS TEXT) = c.key) ELSE "
    "(SELECT d.id FROM document d WHERE d.number = c.key) END AS number, c.key FROM audit_change c "
    "WHERE c.act_id > :after AND c.act_id <= :until AND c.subject IN ('closings', 'files') ORDER BY c.act_id, c.seq"
)
# Acts read at a time.
_ACTS_AT_ONCE = 1_000


def sequence(connection: Connection, after: int = 0) -> Iterator[Name]:
    """Yield the records that the log holds, or will hold, from the audit event after `after` on, in order."""
    for run in _runs(connection, after):
        yield from map(Name, repeat(run.kind), run.keys)


def _runs(connection: Connection, after: int) -> Iterator[Run]:
    """Yield the same by runs."""
    upgrade = connection.execute(text(_UPGRADED), {"after": after, "operation": UPGRADE}).one_or_none()
    upgraded = 0 if upgrade is None else upgrade.id
    while rows := connection.execute(text(_ACTS), {"after": after, "count": _ACTS_AT_ONCE}).all():
        for expected, row in enumerate(rows, after + 1):
            if row.id != expected:
                raise BrokenLog(f"act {expected} is missing: see `check`")
        named: dict[int, list[Run]] = {}
        for act_id, subject, number, key in connection.execute(
            text(_NAMED_BY_ACTS), {"after": after, "until": rows[-1].id}
        ):
            if number is None:
                raise BrokenLog(f"act {act_id} names {subject} {key}, which do not exist: see `check`")
            named.setdefault(act_id, []).append(Run(NAMED[subject], range(number, number + 1)))
        for act_id, first_document, last_document, first_entry, last_entry, first_usage, last_usage in rows:
            if first_document is not None and last_document is not None:
                yield Run(DOCUMENT, range(first_document, last_document + 1))
            if first_entry is not None and last_entry is not None:
                yield Run(ENTRY, range(first_entry, last_entry + 1))
            if upgrade is not None and act_id == upgraded:
                yield Run(USAGE, range(1, (upgrade.last_usage_event or 0) + 1))
            elif act_id > upgraded and first_usage is not None and last_usage is not None:
                yield Run(USAGE, range(first_usage, last_usage + 1))
            yield from named.get(act_id, ())
            yield Run(ACT, range(act_id, act_id + 1))
        after = rows[-1].id


def _block(runs: Iterable[Run], begun: int) -> Iterator[Run]:
    """Yield a block of leaves, after the first `begun`."""
    wanted = BLOCK
    for kind, keys in runs:
        rest = keys[begun:]
        begun -= len(keys) - len(rest)
        if rest:
            taken = rest[:wanted]
            yield Run(kind, taken)
            wanted -= len(taken)
            if not wanted:
                return


def size_of(connection: Connection) -> int:
    """Count the leaves of the log."""
    return int(connection.scalar(select(func.coalesce(func.max(proof_leaf.c.position) + 1, 0))) or 0)


def forms_of(connection: Connection, leaves: Sequence[Leaf]) -> list[bytes | None]:
    """Return the canonical forms of the leaves' records as they stand, in the versions logged; None for a lost one."""
    keys: dict[tuple[str, int], list[int]] = {}
    for leaf in leaves:
        keys.setdefault((leaf.name.kind, leaf.form), []).append(leaf.name.key)
    by_form = {of_form: records(connection, FORMS[of_form], of_kind) for of_form, of_kind in keys.items()}
    return [by_form[leaf.name.kind, leaf.form].get(leaf.name.key) for leaf in leaves]


def append(engine: Engine) -> int:
    """Log what was committed since the log was last appended to; return how many leaves this call has added.

    Any number of processes may do so at once. Raises BrokenLog.
    """
    added = 0
    while True:
        with reading(engine) as connection, undisturbed():
            first = size_of(connection)
            leaves = _pending(connection, first)
            nodes = list(_nodes(connection, first, [digest for *_, digest in leaves]))
        if not leaves:
            return added
        with maintenance_transaction(engine) as connection:
            append_log(connection)
            if size_of(connection) != first:
                # Another process was faster: what this call has hashed stands already.
                continue
            insert_rows(connection, proof_leaf, _LEAF_COLUMNS, leaves)
            insert_rows(connection, proof_node, _NODE_COLUMNS, nodes)
        added += len(leaves)


def _pending(connection: Connection, first: int) -> list[tuple[int, str, int, int, Hash]]:
    """Return the rows of the leaves that come next in a log of `first`, at most a block of them."""
    x = proof_leaf.c
    # An audit event ends the leaves it stands for; after the last one some of the next one's may stand already.
    ended = connection.execute(
        select(x.key, x.position).where(x.kind == ACT).order_by(x.key.desc()).limit(1)
    ).one_or_none()
    after, begun = (0, first) if ended is None else (ended.key, first - ended.position - 1)
    runs = list(_block(_runs(connection, after), begun))
    of_kinds: dict[str, list[int]] = {}
    for kind, keys in runs:
        of_kinds.setdefault(kind, []).extend(keys)
    hashes = {kind: _leaf_hashes(connection, kind, keys) for kind, keys in of_kinds.items()}
    rows: list[tuple[int, str, int, int, Hash]] = []
    for kind, keys in runs:
        positions = range(first + len(rows), first + len(rows) + len(keys))
        of_run = map(hashes[kind].__getitem__, keys)
        rows += zip(positions, repeat(kind), keys, repeat(NEWEST[kind].version), of_run)
    return rows


def _leaf_hashes(connection: Connection, kind: str, keys: Sequence[int]) -> dict[int, Hash]:
    """Hash records of one kind, by number; raises BrokenLog where one does not exist."""
    forms = records(connection, NEWEST[kind], keys)
    missing = next((key for key in keys if key not in forms), None)
    if missing is not None:
        raise BrokenLog(f"{kind} {missing} does not exist, though an act names it: see `check`")
    return dict(zip(forms, leaf_hashes(forms.values()), strict=True))


def _nodes(connection: Connection, first: int, hashes: list[Hash]) -> Iterator[tuple[int, int, Hash]]:
    """Yield the nodes that these leaves complete, level by level."""
    level = 0
    while hashes:
        begun = first % WIDTH
        before = _hashes(connection, [(level, first - begun, first)]) if begun else {}
        hashes = [before[Subtree(level, position)] for position in range(first - begun, first)] + hashes
        first //= WIDTH
        level += LEVELS
        hashes = list(perfect_roots(hashes[: len(hashes) // WIDTH * WIDTH], WIDTH))
        yield from zip(repeat(level), range(first, first + len(hashes)), hashes)


def _hashes(connection: Connection, ranges: Iterable[tuple[int, int, int]]) -> dict[Subtree, Hash]:
    """Read stored hashes by (level, first position, position after the last), in one statement."""
    queries = [
        f"SELECT {level} AS level, position, hash FROM proof_leaf WHERE position BETWEEN {start} AND {end - 1}"  # noqa: S608 - whole numbers we counted
        if level == 0
        else "SELECT level, position, hash FROM proof_node "  # noqa: S608 - whole numbers we counted
        f"WHERE level = {level} AND position BETWEEN {start} AND {end - 1}"
        for level, start, end in ranges
    ]
    if not queries:
        return {}
    rows = connection.exec_driver_sql(" UNION ALL ".join(queries)).all()
    return {Subtree(level, position): bytes(digest) for level, position, digest in rows}


def roots(connection: Connection, spans: Sequence[Span]) -> list[Hash]:
    """Return the roots over spans of the log; raises BrokenLog where the log lacks a hash."""
    wanted = {subtree for span in spans for subtree in subtrees(span)}
    stored = sorted({_stored(subtree) for subtree in wanted})
    known = _hashes(connection, stored)

    def hash_of(subtree: Subtree) -> Hash:
        level, start, end = _stored(subtree)
        try:
            return perfect_root([known[Subtree(level, position)] for position in range(start, end)])
        except KeyError:
            raise BrokenLog("the log lacks hashes it had: see `check`") from None

    return [root_of(span, hash_of) for span in spans]


def _stored(subtree: Subtree) -> tuple[int, int, int]:
    """Locate the stored hashes a subtree is made of: their level, the first position, the one after the last."""
    above = subtree.level % LEVELS
    return subtree.level - above, subtree.position << above, (subtree.position + 1) << above


def root(connection: Connection, size: int) -> Hash:
    """Return the root over the first `size` leaves."""
    return roots(connection, [Span(0, size)])[0]


def inclusion(connection: Connection, position: int, size: int) -> list[Hash]:
    """Return the hashes that prove that a leaf is in the tree of `size` leaves."""
    return roots(connection, inclusion_spans(position, size))


def consistency(connection: Connection, older: int, size: int) -> list[Hash]:
    """Return the hashes that prove that the tree of `older` leaves begins that of `size`."""
    return roots(connection, consistency_spans(older, size))


def leaf_of(connection: Connection, name: Name) -> Leaf | None:
    """Return a record's leaf; None while it has none."""
    x = proof_leaf.c
    row = connection.execute(
        select(x.position, x.form, x.hash).where(x.kind == name.kind, x.key == name.key)
    ).one_or_none()
    return None if row is None else Leaf(row.position, name, row.form, bytes(row.hash))


def leaves(connection: Connection, start: int, count: int) -> list[Leaf]:
    """Return the next `count` leaves from position `start` on, in order."""
    x = proof_leaf.c
    rows = connection.execute(
        select(x.position, x.kind, x.key, x.form, x.hash).where(x.position >= start).order_by(x.position).limit(count)
    )
    return [Leaf(row.position, Name(row.kind, row.key), row.form, bytes(row.hash)) for row in rows]
