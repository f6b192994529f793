"""The proof of a paper: that its records are in the log under a signed checkpoint, told by their hashes.

What a document's record holds is not given away: the record of its file alone, which names the PDF by its SHA-256.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from billing.frame.proof_errors import NotYetProved
from billing.proof.checkpoints import known_keys
from billing.proof.forms import FILE
from billing.proof.proving import Inclusion, prove_inclusion
from billing.proof.witnesses import with_witnesses
from billing.verification import shapes
from billing.verification.papers import Paper


class PaperProof(NamedTuple):
    """The proof of a paper: each of its records by its place and hash, and the head of the log that holds them."""

    number: str
    records: Sequence[shapes.ProvedRecord]
    size: int
    root: str
    checkpoint: str | None
    keys: Sequence[str]
    # The address of the proof as a file, and the name it is saved under.
    address: str
    file_name: str


def prove_paper(connection: Connection, paper: Paper, token: str) -> PaperProof | None:
    """Prove that the records of a paper are in the log; None while none of them lies under the newest checkpoint."""
    proved = []
    for name in paper.records:
        try:
            proved.append(prove_inclusion(connection, name))
        except NotYetProved:
            continue
    if not proved:
        return None
    head = proved[0]
    return PaperProof(
        number=paper.number,
        records=[_record(inclusion) for inclusion in proved],
        size=head.size,
        root=head.root,
        checkpoint=None if head.checkpoint is None else with_witnesses(connection, head.checkpoint),
        keys=[str(key) for key in known_keys(connection)],
        address=f"{token}/proof",
        file_name=f"{paper.number}.json",
    )


def _record(inclusion: Inclusion) -> shapes.ProvedRecord:
    kind: Any = inclusion.name.kind
    text = inclusion.record.decode() if kind == FILE else None
    return shapes.ProvedRecord(kind, inclusion.name.key, inclusion.position, inclusion.leaf, list(inclusion.path), text)


def proof_shape(proof: PaperProof) -> shapes.PaperProof:
    """Return a proof as it is given away."""
    return shapes.PaperProof(
        paper=proof.number,
        records=list(proof.records),
        size=proof.size,
        root=proof.root,
        checkpoint=proof.checkpoint,
        keys=list(proof.keys),
    )
