"""The shape of the proof of a paper, which whoever holds the paper checks offline (`verify_books.py paper`)."""

from typing import Annotated, Literal

from billing.frame.shapes import Count, Serial, Shape, Text, about

_Hash = Annotated[str, about("RFC 6962 hash, in base64")]


class ProvedRecord(Shape, frozen=True):
    """A record of a paper in the log: its hash, and the hashes that lead from it to the root."""

    kind: Annotated[Literal["document", "file", "act"], about("What the record is of")]
    number: Annotated[Serial, about("The number of what it is of")]
    position: Annotated[Count, about("Its place in the log, from 0")]
    leaf: _Hash
    path: Annotated[list[str], about("The hashes that lead from the leaf to the root, in base64")]
    record: Annotated[
        Text | None,
        about("Of a file: the record itself (RFC 8785 JSON), which names the PDF by its SHA-256; null of others"),
    ]


class PaperProof(Shape, frozen=True):
    """The proof of a paper, under the newest checkpoint."""

    paper: Annotated[str, about("The number of the paper")]
    records: Annotated[list[ProvedRecord], about("Its records in the log")]
    size: Annotated[Count, about("How many records the proof is over")]
    root: _Hash
    checkpoint: Annotated[str | None, about("The note that has signed the root, cosignatures included; null: none has")]
    keys: Annotated[list[str], about("The keys that have signed checkpoints: NAME+ID+KEY; compare yours with them")]
