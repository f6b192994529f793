"""The shapes of the proof: checkpoints, the keys that verify them, and proofs of single records."""

from typing import Annotated, Any, Literal

from sqlalchemy import Row

from billing.frame.shapes import Count, Instant, Serial, Shape, Text, about, instant
from billing.proof import checkpoints, witnesses

# A signed note (C2SP), several lines with their ends.
_Note = Annotated[str, about("The signed note (C2SP tlog-checkpoint)")]
_Hash = Annotated[str, about("RFC 6962 hash, in base64")]


class Checkpoint(Shape, frozen=True):
    """The log's head, signed: whoever keeps it can show later that nothing under it was changed or dropped."""

    number: Serial
    size: Annotated[Count, about("How many records the log had")]
    root: Annotated[_Hash, about("RFC 6962 root over them, in base64")]
    note: _Note
    verifier_keys: Annotated[list[str], about("The keys that verify its signatures: NAME+ID+KEY (C2SP signed-note)")]
    signed_at: Annotated[Instant, about("When it was signed")]

    @classmethod
    def of(cls, checkpoint: checkpoints.Checkpoint) -> "Checkpoint":
        """Return the checkpoint that is given."""
        return cls(
            number=checkpoint.id,
            size=checkpoint.size,
            root=checkpoint.root,
            note=checkpoint.note,
            verifier_keys=list(checkpoint.verifier_keys),
            signed_at=instant(checkpoint.signed_at),
        )

    @classmethod
    def of_row(cls, row: Row[Any]) -> "Checkpoint":
        """Return the checkpoint whose row is given."""
        return cls.of(checkpoints.as_checkpoint(row))


class Keys(Shape, frozen=True):
    """The keys that verify checkpoints, the newest first."""

    keys: Annotated[list[str], about("NAME+ID+KEY (C2SP signed-note)")]


class Cosignature(Shape, frozen=True):
    """A witness's cosignature of a checkpoint: it has seen that the checkpoint continues what it cosigned before."""

    checkpoint: Annotated[Serial, about("The checkpoint's number")]
    size: Annotated[Count, about("How many records the log had")]
    witness: Annotated[str, about("The key that verifies it: NAME+ID+KEY (C2SP signed-note, type 4)")]
    line: Annotated[str, about("The line under the note (C2SP tlog-cosignature)")]
    cosigned_at: Annotated[Instant, about("When it was made, by the witness's clock")]
    recorded_at: Annotated[Instant, about("When it was taken in")]

    @classmethod
    def of(cls, row: Row[Any] | witnesses.Cosigned) -> "Cosignature":
        """Return the cosignature that is given, or whose row is."""
        return cls(
            checkpoint=row.checkpoint_id,
            size=row.size,
            witness=row.witness,
            line=row.line,
            cosigned_at=instant(row.cosigned_at),
            recorded_at=instant(row.recorded_at),
        )


class Cosignatures(Shape, frozen=True):
    """What was taken in of a cosigned checkpoint."""

    cosignatures: Annotated[list[Cosignature], about("One of each witness")]


class Publication(Shape, frozen=True):
    """Where a checkpoint was published."""

    checkpoint: Annotated[Serial, about("The checkpoint's number")]
    published: Annotated[list[str], about("What was done, a sentence for each place of PROOF_PUBLISH")]


class WitnessRequest(Shape, frozen=True):
    """What a witness is asked to cosign."""

    witness: Annotated[str, about("The key of the witness: NAME+ID+KEY")]
    request: Annotated[str, about("Old size, consistency proof, a blank line, the checkpoint (C2SP tlog-witness)")]


class Inclusion(Shape, frozen=True):
    """Proof that a record is in the log: its canonical form, and the hashes that lead from it to the signed root."""

    kind: Annotated[Literal["document", "entry", "usage", "closing", "file", "act"], about("What the record is of")]
    number: Annotated[Serial, about("The number of what it is of: of a document or file its place in the books")]
    position: Annotated[Count, about("Its place in the log, from 0")]
    record: Annotated[Text, about("RFC 8785 JSON: hash it as it is, after a zero byte")]
    leaf: Annotated[_Hash, about("The hash of the record, in base64")]
    size: Annotated[Count, about("How many records the proof is over")]
    root: Annotated[_Hash, about("RFC 6962 root over them, in base64")]
    path: Annotated[list[str], about("The hashes that lead from the leaf to the root, in base64")]
    checkpoint: Annotated[str | None, about("The note that has signed the root; null: none has")]


class Consistency(Shape, frozen=True):
    """Proof that one size of the log begins another."""

    older: Annotated[Count, about("How many records the log had before")]
    older_root: Annotated[_Hash, about("RFC 6962 root over them, in base64")]
    size: Annotated[Count, about("How many records it had later")]
    root: Annotated[_Hash, about("RFC 6962 root over these, in base64")]
    path: Annotated[list[str], about("The hashes that lead from the one root to the other, in base64")]
