"""Signed notes and checkpoints as C2SP has them (signed-note, tlog-checkpoint), by Ed25519 keys kept in PEM files.

Witnesses cosign checkpoints (tlog-cosignature): the time stands before the signature, which is of time and text.
"""

import os
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ledger.errors import BadNote, BadProofKey

_ED25519, _COSIGNATURE = b"\x01", b"\x04"
_DASH = "\u2014"
_KEY_BYTES, _ID_BYTES, _HASH_BYTES, _TIME_BYTES = 32, 4, 32, 8
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_NAME = re.compile(r"[^\s+]+")
# Base64 may hold a plus itself.
_VERIFIER_KEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)", re.ASCII)
_SIZE = re.compile(r"0|[1-9][0-9]*", re.ASCII)
# A note has at most so many signatures.
_SIGNATURES_MAX = 16


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key's public half and its name: the log's origin, or what a witness calls itself."""

    name: str
    public: bytes
    is_witness: bool = False

    @property
    def id(self) -> bytes:
        """Return the four bytes that signatures name the key by."""
        return sha256(self.name.encode() + b"\n" + self._typed).digest()[:_ID_BYTES]

    @property
    def _typed(self) -> bytes:
        return (_COSIGNATURE if self.is_witness else _ED25519) + self.public

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(self._typed).decode()}"

    def has_signed(self, text: str, signature: bytes) -> bool:
        """Return whether the signature is this key's of the text."""
        if self.is_witness:
            text = f"cosignature/v1\ntime {_seconds(signature)}\n{text}"
            signature = signature[_TIME_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A key that signs checkpoints."""

    verifier: VerifierKey
    private: Ed25519PrivateKey

    def sign(self, text: str) -> str:
        """Return the signature line under a note."""
        signature = self.verifier.id + self.private.sign(text.encode())
        return f"{_DASH} {self.verifier.name} {b64encode(signature).decode()}\n"


class Signature(NamedTuple):
    """A signature line: the key's name and id, and what it made of the text."""

    name: str
    key_id: bytes
    signature: bytes


class Cosignature(NamedTuple):
    """A witness's line under a checkpoint, with its end, and the UTC instant it states."""

    line: str
    at: datetime


class TreeHead(NamedTuple):
    """The head of a log as a checkpoint states it: the log's origin, how many leaves it had, the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def new_key_file(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it to a file that only its owner may read; raises FileExistsError."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return key


def signer(private: Ed25519PrivateKey, name: str) -> SignerKey:
    """Return a key under the name of the log it signs for."""
    return SignerKey(VerifierKey(name, private.public_key().public_bytes_raw()), private)


def load_signers(path: Path, name: str) -> tuple[SignerKey, ...]:
    """Return the keys of a PEM file, in its order; each signs every checkpoint. Raises BadProofKey."""
    try:
        blocks = _PEM.findall(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadProofKey(f"PROOF_KEY_FILE: {path} cannot be read: {error}") from None
    keys = []
    for block in blocks:
        try:
            key = load_pem_private_key(block.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadProofKey(f"PROOF_KEY_FILE: {path} holds a key that can't be read, or needs a password") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadProofKey(f"PROOF_KEY_FILE: {path} holds a key that is not Ed25519")
        keys.append(signer(key, name))
    if not keys:
        raise BadProofKey(f"PROOF_KEY_FILE: {path} holds no private key: `technopark-billing proof new-key` makes one")
    return tuple(keys)


def parse_verifier_key(text: str, *, is_witness: bool = False) -> VerifierKey:
    """Return a verifier key, a log's or a witness's, from `name+id+key`; raises BadNote."""
    match = _VERIFIER_KEY.fullmatch(text.strip())
    raw = _decoded(match[3]) if match is not None else b""
    if match is not None and len(raw) == 1 + _KEY_BYTES and raw[:1] == (_COSIGNATURE if is_witness else _ED25519):
        key = VerifierKey(match[1], raw[1:], is_witness)
        if key.id.hex() == match[2]:
            return key
    what = "cosignatures (of type 4)" if is_witness else "checkpoints"
    raise BadNote(f"{text.strip()!r} is no key that verifies {what}: it is written NAME+ID+KEY")


def is_name(text: str) -> bool:
    """Return whether a text can name a log and its keys."""
    return _NAME.fullmatch(text) is not None and text.isprintable()


def signed_note(head: TreeHead, signers: Iterable[SignerKey], extension: str = "") -> str:
    """Return a checkpoint: the text, its lines of extension, a blank line, and a line of each key."""
    text = head.text() + extension
    return text + "\n" + "".join(key.sign(text) for key in signers)


def parse_note(note: str) -> tuple[TreeHead, tuple[Signature, ...]]:
    """Return what a checkpoint says and who claims to have signed it, not yet verified; raises BadNote."""
    body, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n") or any(c < " " and c != "\n" for c in note):
        raise BadNote("it is no signed note: a text, a blank line, and lines of signatures")
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > _SIGNATURES_MAX:
        raise BadNote(f"it has more than {_SIGNATURES_MAX} signatures")
    parts = body.split("\n")
    if len(parts) < 3 or not all(parts) or _SIZE.fullmatch(parts[1]) is None:
        raise BadNote("it is no checkpoint: its lines are the log's origin, its size, its root")
    root = _decoded(parts[2])
    if len(root) != _HASH_BYTES:
        raise BadNote("its root is no SHA-256 in base64")
    return TreeHead(parts[0], int(parts[1]), root), signatures


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _decoded(encoded)
    if dash != _DASH or not is_name(name) or len(raw) <= _ID_BYTES:
        raise BadNote(f"{line!r} is no signature of a note")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return b""


def _seconds(cosignature: bytes) -> int:
    return int.from_bytes(cosignature[:_TIME_BYTES])


def text_of(note: str) -> str:
    """Return what the signatures of a note are of."""
    return note.rpartition("\n\n")[0] + "\n"


def cosignature_of(note: str, witness: VerifierKey) -> Cosignature:
    """Return a witness's cosignature of a checkpoint, the newest where there are several; raises BadNote."""
    verify_note(note, [witness])
    _, signatures = parse_note(note)
    made = [s.signature for s in signatures if (s.name, s.key_id) == (witness.name, witness.id)]
    newest = max(made, key=_seconds)
    try:
        at = datetime.fromtimestamp(_seconds(newest), UTC)
    except (OverflowError, ValueError, OSError):
        raise BadNote(f"its cosignature by {witness.name} states no time that can be") from None
    return Cosignature(f"{_DASH} {witness.name} {b64encode(witness.id + newest).decode()}\n", at)


def verify_note(note: str, keys: Sequence[VerifierKey]) -> TreeHead:
    """Return what a checkpoint says, signed by at least one of the keys and by none of them wrongly; raises BadNote."""
    head, signatures = parse_note(note)
    text = text_of(note)
    known = {(key.name, key.id): key for key in keys}
    verified = 0
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.has_signed(text, signature.signature):
            raise BadNote(f"its signature by {key.name}+{key.id.hex()} does not verify")
        verified += 1
    if not verified:
        names = ", ".join(f"{s.name}+{s.key_id.hex()}" for s in signatures)
        raise BadNote(f"no known key has signed it (it is signed by {names})")
    return head
