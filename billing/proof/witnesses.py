"""Witnesses: an auditor cosigns checkpoints by a key of his own, so that not even who holds ours can rewrite the books.

A witness cosigns only what continues what it cosigned before: it is handed a checkpoint with the proof of that (C2SP
tlog-witness), and what it cosigned (tlog-cosignature) is taken in by an act.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from billing.frame.audit_log import record_change
from billing.frame.counted import counted
from billing.frame.database import append_log
from billing.frame.errors import Unknown
from billing.frame.settings import Settings
from billing.frame.shapes import instant
from billing.proof.checkpoints import Checkpoint, newest_checkpoint
from billing.proof.tables import proof_checkpoint, proof_cosignature
from ledger.errors import BadNote, BadProofKey
from ledger.proof.notes import VerifierKey, cosignature_of, parse_note, parse_verifier_key, text_of

# The kind of thing in the audit log; its key is the checkpoint and the witness's name.
SUBJECT = "cosignatures"
COSIGNATURE_KEY = (proof_cosignature.c.checkpoint_id, proof_cosignature.c.witness)
_KEY_LENGTH_MAX = 200
# So far may a witness's clock be ahead of ours.
_AHEAD_MAX = timedelta(hours=1)


class Cosigned(NamedTuple):
    """A checkpoint that a witness has cosigned, of so many records, at an instant of its own clock (UTC)."""

    checkpoint_id: int
    size: int
    witness: str
    line: str
    cosigned_at: datetime
    recorded_at: datetime

    @property
    def name(self) -> str:
        """Return the witness's name."""
        return self.witness.partition("+")[0]


def witnesses_of(settings: Settings) -> tuple[VerifierKey, ...]:
    """Return the keys of the witnesses that the settings name; raises BadProofKey."""
    try:
        keys = tuple(parse_verifier_key(text, is_witness=True) for text in settings.proof_witnesses)
    except BadNote as error:
        raise BadProofKey(f"PROOF_WITNESSES: {error}") from None
    if any(len(str(key)) > _KEY_LENGTH_MAX for key in keys):
        raise BadProofKey(f"PROOF_WITNESSES: a key is longer than {_KEY_LENGTH_MAX} characters: take a shorter name")
    return keys


def cosignatures() -> Select[Any]:
    """Select what was cosigned; to be put in order."""
    c = proof_cosignature.c
    return select(
        c.checkpoint_id, proof_checkpoint.c.size, c.witness, c.line, c.cosigned_at, c.recorded_at
    ).join(proof_checkpoint, proof_checkpoint.c.id == c.checkpoint_id)  # fmt: skip


def newest_cosigned(connection: Connection) -> dict[str, Cosigned]:
    """Return the newest checkpoint that each witness has cosigned, by the witness's key."""
    c = proof_cosignature.c
    newest = select(c.witness, func.max(c.checkpoint_id).label("newest")).group_by(c.witness).subquery()
    rows = cosignatures().join(newest, (newest.c.witness == c.witness) & (newest.c.newest == c.checkpoint_id))
    return {row.witness: Cosigned(*row) for row in connection.execute(rows.order_by(c.witness))}


def cosigned_notes(connection: Connection) -> Iterator[tuple[int, str]]:
    """Yield each cosigned checkpoint's number and its note with the lines of its witnesses."""
    rows = connection.execute(cosignatures().add_columns(proof_checkpoint.c.note).order_by(*COSIGNATURE_KEY))
    for number, of_checkpoint in groupby(rows, key=itemgetter(0)):
        cosigned = list(of_checkpoint)
        yield number, cosigned[0].note + "".join(row.line for row in cosigned)


def with_witnesses(connection: Connection, checkpoint: Checkpoint) -> str:
    """Return a checkpoint's note with the lines of its witnesses."""
    c = proof_cosignature.c
    lines = connection.scalars(select(c.line).where(c.checkpoint_id == checkpoint.id).order_by(c.witness))
    return checkpoint.note + "".join(lines)


def chosen_witness(witnesses: Sequence[VerifierKey], name: str | None) -> VerifierKey:
    """Return the witness of that name, or the only one there is; raises Unknown."""
    if not witnesses:
        raise Unknown("no witness is set: PROOF_WITNESSES names the key of each, as the witness has shown it")
    found = [key for key in witnesses if name in (None, key.name)]
    if len(found) != 1:
        names = ", ".join(key.name for key in witnesses)
        raise Unknown(f"name one of the witnesses in PROOF_WITNESSES: {names}")
    return found[0]


def take_in(
    connection: Connection, witnesses: Sequence[VerifierKey], note: str, recorded_at: datetime
) -> list[Cosigned]:
    """Record what witnesses have cosigned, and return it; what was taken in before stays as it is.

    Raises BadNote where it is no checkpoint of ours, no witness has cosigned it, or one wrongly or in the future.
    """
    append_log(connection)
    head, signatures = parse_note(note)
    rows = connection.execute(
        select(proof_checkpoint.c.id, proof_checkpoint.c.note)
        .where(proof_checkpoint.c.size == head.size)
        .order_by(proof_checkpoint.c.id.desc())
    )
    number = next((row.id for row in rows if text_of(row.note) == text_of(note)), None)
    if number is None:
        raise BadNote(f"it is no checkpoint of these books: none of {counted(head.size, 'record')} says what it says")
    here = {(s.name, s.key_id) for s in signatures}
    cosigning = [key for key in witnesses if (key.name, key.id) in here]
    if not cosigning:
        raise BadNote("no witness in PROOF_WITNESSES has cosigned it: compare its key there with the one it has shown")
    found = []
    for key in cosigning:
        made = cosignature_of(note, key)
        if made.at > recorded_at + _AHEAD_MAX:
            raise BadNote(f"{key.name} has cosigned it at {instant(made.at)}, which is to come: its clock is wrong")
        stands = cosignatures().where(COSIGNATURE_KEY[0] == number, COSIGNATURE_KEY[1] == str(key))
        row = connection.execute(stands).one_or_none()
        if row is not None:
            found.append(Cosigned(*row))
            continue
        new = Cosigned(number, head.size, str(key), made.line, made.at, recorded_at)
        connection.execute(proof_cosignature.insert().values({k: v for k, v in new._asdict().items() if k != "size"}))
        after = {"size": head.size, "cosigned_at": instant(made.at)}
        record_change(connection, SUBJECT, f"{number}/{key.name}", None, after)
        found.append(new)
    return found


class Standing(NamedTuple):
    """The standing of a witness: its last cosignature, if any, and the number of signed records since."""

    name: str
    last: Cosigned | None
    behind: int

    def __str__(self) -> str:
        if self.last is None:
            return f"witness {self.name} has cosigned nothing: `technopark-billing proof witness-request` asks it to"
        told = f"cosigned by {self.name}: checkpoint {self.last.checkpoint_id}, {counted(self.last.size, 'record')}"
        since = f"; {counted(self.behind, 'record')} signed since" if self.behind else ""
        return f"{told}, at {instant(self.last.cosigned_at)}{since}"


def standings(connection: Connection, witnesses: Sequence[VerifierKey]) -> list[Standing]:
    """Return where each witness stands: those of the settings, then others that have cosigned."""
    newest, last = newest_checkpoint(connection), newest_cosigned(connection)
    size = 0 if newest is None else newest.size
    keys = dict.fromkeys([*map(str, witnesses), *last])
    return [
        Standing(key.partition("+")[0], last.get(key), size - last[key].size if key in last else size) for key in keys
    ]
