"""The tables of the proof: hashes of records in their order, hashes over these, signed heads; rows are only added."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from billing.frame.tables import identity, metadata

proof_leaf = Table(
    "proof_leaf",
    metadata,
    # 0, 1, 2 ... without gap: the order of audit events, and within one documents, entries, what it names, itself.
    Column("position", identity(), primary_key=True, autoincrement=False),
    # The record: its kind and number (`billing.proof.forms`), and the version of the form that was hashed.
    Column("kind", String(8), nullable=False),
    Column("key", BigInteger, nullable=False),
    Column("form", Integer, nullable=False),
    # SHA-256 of a zero byte and the record's canonical form (RFC 6962).
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("kind", "key"),
    CheckConstraint("length(hash) = 32", name="hash"),
)

proof_node = Table(
    "proof_node",
    metadata,
    # The root of 2^level leaves, the first of them `position` * 2^level; every fourth level is kept.
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", identity(), primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("length(hash) = 32", name="hash"),
    sqlite_with_rowid=False,
)

proof_checkpoint = Table(
    "proof_checkpoint",
    metadata,
    # 1, 2, 3 ... in the order they were signed.
    Column("id", identity(), primary_key=True, autoincrement=False),
    # The number of leaves the log had, and the root over them in base64, as in the note.
    Column("size", BigInteger, nullable=False, index=True),
    Column("root", String(44), nullable=False),
    # The signed note (C2SP), and the keys that verify it, one a line.
    Column("note", Text, nullable=False),
    Column("verifier_keys", Text, nullable=False),
    Column("signed_at", DateTime(timezone=True), nullable=False),
)

proof_timestamp = Table(
    "proof_timestamp",
    metadata,
    # The whole answer of a time-stamping authority about a checkpoint (RFC 3161).
    Column("checkpoint_id", identity(), ForeignKey("proof_checkpoint.id"), primary_key=True, autoincrement=False),
    Column("authority", Text, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("stamped_at", DateTime(timezone=True), nullable=False),
)

proof_cosignature = Table(
    "proof_cosignature",
    metadata,
    # A witness's cosignature of a checkpoint (C2SP): the key that verifies it, its line under the note.
    Column("checkpoint_id", identity(), ForeignKey("proof_checkpoint.id"), primary_key=True, autoincrement=False),
    Column("witness", String(200).with_variant(String(200, collation="C"), "postgresql"), primary_key=True),
    Column("line", Text, nullable=False),
    # The instant the witness states, and that of taking it in.
    Column("cosigned_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
)

# The tables whose rows the database refuses to change or delete (R22).
APPEND_ONLY = (proof_leaf, proof_node, proof_checkpoint, proof_timestamp, proof_cosignature)
