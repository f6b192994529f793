"""Checkpoints in the notation of C2SP, its own examples among them; keys in files; several keys at once."""

from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger.errors import BadNote, BadProofKey
from ledger.proof.merkle import EMPTY_ROOT
from ledger.proof.notes import (
    SignerKey,
    TreeHead,
    VerifierKey,
    load_signers,
    new_key_file,
    parse_note,
    parse_verifier_key,
    signed_note,
    signer,
    verify_note,
)

# The example of Go's package golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SAID = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
# The example of C2SP's tlog-checkpoint.
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
HEAD = TreeHead("books.example.ma/1", 1234, bytes(range(32)))


def key_of(seed: int, name: str = HEAD.origin) -> SignerKey:
    return signer(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), name)


def test_a_key_and_a_signature_of_another_implementation_verify() -> None:
    key = parse_verifier_key(PETER)
    assert str(key) == PETER
    raw = b64decode(SIGNED)
    assert raw[:4] == key.id
    assert key.has_signed(SAID, raw[4:])
    assert not key.has_signed(SAID + " ", raw[4:])


def test_the_checkpoint_of_the_specification_is_read() -> None:
    head, (signature,) = parse_note(SOFA)
    assert (head.origin, head.size, head.root[:2].hex()) == ("example.com/behind-the-sofa", 20852163, "0ac5")
    assert (signature.name, signature.key_id.hex(), len(signature.signature)) == (head.origin, "033de0ae", 64)
    assert head.text() == SOFA.partition("\n\n")[0] + "\n"


def test_a_checkpoint_is_signed_and_verified() -> None:
    key = key_of(1)
    note = signed_note(HEAD, [key])
    # Frozen: Ed25519 gives the same signature of the same text for ever.
    assert note == (
        "books.example.ma/1\n1234\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n"
        "\u2014 books.example.ma/1 "
        "wy8l49Ixr6bSlN0vNthQn5vLdrWLXpCq0zsjTpLC8yYQyv1rpBAs/sqpJvCjJASsQ+paOzcJdA/mewd7iQahFrxtKgM=\n"
    )
    assert verify_note(note, [key.verifier]) == HEAD
    assert verify_note(note, [parse_verifier_key(str(key.verifier))]) == HEAD


def test_while_one_key_replaces_another_both_sign_and_either_verifies() -> None:
    old, new = key_of(1), key_of(2)
    note = signed_note(HEAD, [new, old])
    for trusted in ([old.verifier], [new.verifier], [old.verifier, new.verifier]):
        assert verify_note(note, trusted) == HEAD
    with pytest.raises(BadNote, match="no known key has signed it"):
        verify_note(note, [key_of(3).verifier])


def test_a_signature_of_a_known_key_that_does_not_verify_spoils_the_note() -> None:
    old, new = key_of(1), key_of(2)
    lines = signed_note(HEAD, [new, old]).split("\n")
    other = signed_note(HEAD._replace(size=1235), [new]).split("\n")
    lines[-3] = other[-2]
    with pytest.raises(BadNote, match="does not verify"):
        verify_note("\n".join(lines), [old.verifier, new.verifier])
    assert verify_note("\n".join(lines), [old.verifier]) == HEAD


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\n\n",
        SOFA.replace("20852163", "020852163"),
        SOFA.replace("20852163", "-1"),
        SOFA.replace("CsUY", "Cs UY"),
        SOFA.replace("\u2014", "-"),
        SOFA.replace("\n\n", "\n"),
        SOFA[:-1],
        SOFA.replace("sofa\n2", "sofa\r\n2"),
        SOFA + f"\u2014 {HEAD.origin} AAAA\n",
        SOFA + "".join(SOFA.split("\n")[-2] + "\n" for _ in range(16)),
    ],
)
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(BadNote):
        parse_note(note)


def test_a_key_that_says_it_is_another_is_refused() -> None:
    for wrong in (PETER.replace("c74f20a3", "c74f20a4"), PETER[:-4], "no key", PETER.replace("ARpc", "Ahpc")):
        with pytest.raises(BadNote, match="is no key that verifies"):
            parse_verifier_key(wrong)


def test_a_new_key_is_written_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "proof.pem"
    made = new_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    (loaded,) = load_signers(path, "log")
    assert loaded.verifier == VerifierKey("log", made.public_key().public_bytes_raw())
    with pytest.raises(FileExistsError):
        new_key_file(path)


def test_a_file_may_hold_several_keys_in_their_order(tmp_path: Path) -> None:
    first, second, both = (tmp_path / name for name in ("1.pem", "2.pem", "both.pem"))
    new_key_file(first)
    new_key_file(second)
    both.write_bytes(second.read_bytes() + first.read_bytes())
    assert [key.verifier for key in load_signers(both, "log")] == [
        load_signers(path, "log")[0].verifier for path in (second, first)
    ]


def test_what_is_no_key_for_checkpoints_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "proof.pem"
    with pytest.raises(BadProofKey, match="cannot be read"):
        load_signers(path, "log")
    path.write_text("nothing")
    with pytest.raises(BadProofKey, match="holds no private key"):
        load_signers(path, "log")
    curve = generate_private_key(SECP256R1())
    path.write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(BadProofKey, match="is not Ed25519"):
        load_signers(path, "log")
    path.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(BadProofKey, match="can't be read"):
        load_signers(path, "log")


def test_an_empty_log_has_a_checkpoint_too() -> None:
    key = key_of(1)
    assert verify_note(signed_note(TreeHead(HEAD.origin, 0, EMPTY_ROOT), [key]), [key.verifier]).size == 0
