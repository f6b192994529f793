"""A second witness: an auditor cosigns checkpoints by a key of his own (C2SP tlog-cosignature, tlog-witness)."""

import os
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billing.check import check
from billing.cli import main as program
from billing.frame.database import reading
from billing.frame.errors import Unknown
from billing.frame.settings import load_settings
from billing.proof.checkpoints import make_checkpoint
from billing.proof.export import export_files, write_folder
from billing.proof.verify_books import Checkpoint, Key, Witness, Wrong, is_consistent, main, new_witness_key
from billing.proof.witnesses import standings, witnesses_of
from ledger.errors import BadNote, BadProofKey
from ledger.proof.merkle import EMPTY_ROOT, Span, Subtree, consistency_spans, leaf_hash, perfect_root, root_of
from ledger.proof.notes import TreeHead, cosignature_of, parse_verifier_key, signed_note, signer
from tests.support.proofs import Proved
from tests.support.proved_park import NOW
from tests.support.spoiling import behind_its_back
from tests.support.witnesses import NAME, asked, cosigned, taken_in, with_witness

# A checkpoint of a public log of certificates, as two public witnesses cosigned it.
PUBLIC = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
"""  # noqa: E501 - signatures are as long as they are
PUBLIC_WITNESSES = (
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
)
AT = datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)


@pytest.mark.parametrize("key", PUBLIC_WITNESSES)
def test_what_public_witnesses_cosigned_is_verified_by_either_program(key: str) -> None:
    made = cosignature_of(PUBLIC, parse_verifier_key(key, is_witness=True))
    assert (made.at, made.line in PUBLIC) == (AT, True)
    ((_, signature),) = Checkpoint(PUBLIC, "it").verified([Key(key, is_witness=True)])
    assert int.from_bytes(signature[:8], "big") == AT.timestamp()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("arche2025h1", "arche2025h2"), ("1432088532", "1432088533"), ("U7WM79", "U7WM78"),
        ("AABqEiEgPl", "AABqEiEhPl"), ("DrAWfBw==", "DrAWfBg=="),
    ],
)  # fmt: skip
def test_one_changed_byte_of_text_time_or_cosignature_is_refused(before: str, after: str) -> None:
    key, spoilt = PUBLIC_WITNESSES[1], PUBLIC.replace(before, after)
    assert spoilt != PUBLIC
    with pytest.raises(BadNote, match="does not verify"):
        cosignature_of(spoilt, parse_verifier_key(key, is_witness=True))
    with pytest.raises(Wrong, match="does not verify"):
        list(Checkpoint(spoilt, "it").verified([Key(key, is_witness=True)]))


def test_a_key_of_the_one_kind_is_none_of_the_other() -> None:
    log = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    with pytest.raises(BadNote, match="cosignatures"):
        parse_verifier_key(log, is_witness=True)
    with pytest.raises(BadNote, match="checkpoints"):
        parse_verifier_key(PUBLIC_WITNESSES[0])
    with pytest.raises(BadProofKey, match="PROOF_WITNESSES"):
        witnesses_of(load_settings({"PROOF_WITNESSES": f"{PUBLIC_WITNESSES[0]} {log}"}))
    with pytest.raises(Wrong, match="checkpoints"):
        Key(PUBLIC_WITNESSES[0])


class Log:
    """A log by itself, which signs heads and asks witnesses."""

    def __init__(self, *records: bytes) -> None:
        self.leaves = [leaf_hash(record) for record in records]
        self.key = signer(Ed25519PrivateKey.from_private_bytes(bytes(32)), "books.example.ma/1")

    def _hash_of(self, subtree: Subtree) -> bytes:
        return perfect_root(self.leaves[subtree.position << subtree.level : (subtree.position + 1) << subtree.level])

    def root(self, size: int) -> bytes:
        return root_of(Span(0, size), self._hash_of)

    def path(self, older: int, size: int) -> list[bytes]:
        return [root_of(span, self._hash_of) for span in consistency_spans(older, size)]

    def request(self, older: int, size: int, path: Sequence[bytes] | None = None) -> str:
        note = signed_note(TreeHead("books.example.ma/1", size, self.root(size)), [self.key])
        lines = [b64encode(each).decode() for each in (self.path(older, size) if path is None else path)]
        return "".join(f"{line}\n" for line in (f"old {older}", *lines, "")) + note

    @property
    def keys(self) -> list[Key]:
        return [Key(str(self.key.verifier))]


RECORDS = [b"%d" % number for number in range(20)]
LOG = Log(*RECORDS)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    """A witness with a new key."""
    new_witness_key(str(tmp_path / "witness.key"), NAME)
    return Witness(str(tmp_path / "witness.key"))


def test_a_proof_of_growth_holds_for_its_sizes_and_roots_alone() -> None:
    for size in range(1, 14):
        for older in range(size + 1):
            path, older_root = LOG.path(older, size), LOG.root(older) if older else EMPTY_ROOT
            assert is_consistent(older, size, older_root, LOG.root(size), path)
            assert not is_consistent(older, size, older_root, LOG.root(size), [*path, EMPTY_ROOT])
            if 0 < older < size:
                assert not is_consistent(older, size, EMPTY_ROOT, LOG.root(size), path)
                assert not is_consistent(older, size, older_root, EMPTY_ROOT, path)
                assert not is_consistent(older, size, older_root, LOG.root(size), path[:-1])


def test_a_log_that_only_grows_is_cosigned_and_each_time_remembered(witness: Witness) -> None:
    for older, size in ((0, 3), (3, 3), (3, 8), (8, 20)):
        note = witness.cosign(LOG.request(older, size), LOG.keys, 1_790_000_000 + size)
        made = cosignature_of(note, parse_verifier_key(witness.key.text, is_witness=True))
        assert made.at == datetime.fromtimestamp(1_790_000_000 + size, UTC)
        assert witness.remembered("books.example.ma/1").read_text(encoding="utf-8") == note
    # Asked again, as when the answer was lost, it answers the same.
    assert witness.cosign(LOG.request(8, 20), LOG.keys, 1_800_000_000) == note


def test_a_log_that_shrank_is_refused_and_what_was_cosigned_stands(witness: Witness) -> None:
    note = witness.cosign(LOG.request(0, 8), LOG.keys, 1)
    for older, size in ((0, 7), (5, 7), (0, 0)):
        with pytest.raises(Wrong, match="the log has shrunk"):
            witness.cosign(LOG.request(older, size), LOG.keys, 2)
    assert witness.remembered("books.example.ma/1").read_text(encoding="utf-8") == note


@pytest.mark.parametrize("size", [8, 9, 20])
def test_a_log_that_forked_is_refused(witness: Witness, size: int) -> None:
    witness.cosign(LOG.request(0, 8), LOG.keys, 1)
    forked = Log(*RECORDS[:5], b"another", *RECORDS[6:])
    with pytest.raises(Wrong, match="the log has forked"):
        witness.cosign(forked.request(8, size), LOG.keys, 2)


def test_a_size_that_the_witness_does_not_remember_is_told(witness: Witness) -> None:
    with pytest.raises(Wrong, match="request --old 0"):
        witness.cosign(LOG.request(8, 20), LOG.keys, 1)
    witness.cosign(LOG.request(0, 8), LOG.keys, 1)
    with pytest.raises(Wrong, match="request --old 8"):
        witness.cosign(LOG.request(0, 20), LOG.keys, 2)


def test_every_changed_byte_of_a_request_is_refused(witness: Witness) -> None:
    witness.cosign(LOG.request(0, 7), LOG.keys, 1)
    request = LOG.request(7, 20)
    # What stands before the padding has bits that mean nothing.
    for place in (n for n, here in enumerate(request[:-1]) if here not in "=\n" and request[n + 1] != "="):
        spoilt = request[:place] + ("A" if request[place] != "A" else "B") + request[place + 1 :]
        with pytest.raises(Wrong):
            witness.cosign(spoilt, LOG.keys, 2)
    witness.cosign(request, LOG.keys, 2)


def test_a_key_of_another_log_signs_nothing_here(witness: Witness) -> None:
    other = Key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    with pytest.raises(Wrong, match="signed by no key that is known"):
        witness.cosign(LOG.request(0, 8), [other], 1)


def test_the_key_is_private_made_once_and_its_memory_cannot_be_forged(witness: Witness) -> None:
    path = Path(witness.path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Wrong, match="exists"):
        new_witness_key(witness.path, NAME)
    with pytest.raises(Wrong, match="without spaces"):
        new_witness_key(f"{witness.path}.2", "Cabinet Amrani")
    witness.cosign(LOG.request(0, 8), LOG.keys, 1)
    memory = witness.remembered("books.example.ma/1")
    assert memory.stat().st_mode & 0o777 == 0o600
    memory.write_text(LOG.request(0, 3).partition("\n\n")[2], encoding="utf-8")
    with pytest.raises(Wrong, match="is not what you have cosigned"):
        witness.cosign(LOG.request(3, 20), LOG.keys, 2)
    os.close(os.open(f"{memory}.new", os.O_CREAT | os.O_EXCL))
    with pytest.raises(Wrong, match="under way"):
        witness.cosign(LOG.request(3, 20), LOG.keys, 2)
    path.chmod(0o640)
    with pytest.raises(Wrong, match="chmod 600"):
        Witness(witness.path)


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The program's exit status and what it says."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out + err


def exported(proved: Proved, name: str, witnesses: Sequence[str] = ()) -> Path:
    """The export in a folder of the test's."""
    folder = proved.folder / name
    with reading(proved.engine) as connection:
        write_folder(export_files(connection, [parse_verifier_key(w, is_witness=True) for w in witnesses]), folder)
    return folder


def test_from_the_request_to_the_export_that_names_the_witness(
    proved: Proved, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = with_witness(proved.settings, proved.folder)
    (witness,) = settings.proof_witnesses
    before = exported(proved, "before", [witness])
    code, told = said(capsys, before)
    assert (code, f"NOT cosigned by {NAME}" in told) == (0, True), told
    assert said(capsys, before, f"--witness={witness}") == (
        1,
        f"WRONG: {witness} has cosigned none of its checkpoints\n",
    )
    request = proved.folder / "request.txt"
    request.write_text(asked(proved.engine, settings), encoding="utf-8")
    (key,) = (before / "keys.txt").read_text().split()
    answer = proved.folder / "cosigned.txt"
    asks = ("cosign", proved.folder / "witness.key", request, f"--key={key}", f"--output={answer}")
    code, told = said(capsys, *asks)
    assert (code, told.startswith("cosigned: ")) == (0, True), told
    now = datetime.now(UTC)
    note = answer.read_text(encoding="utf-8")
    (taken,) = taken_in(proved.engine, settings, note, now)
    assert taken_in(proved.engine, settings, note, now)[0].line == taken.line
    with reading(proved.engine) as connection:
        (standing,) = standings(connection, witnesses_of(settings))
    assert str(standing).startswith(f"cosigned by {NAME}: checkpoint 1, {taken.size} records, at 20")
    make_checkpoint(settings, proved.engine, lambda: NOW)
    assert check(proved.engine, documents_url=settings.documents_url) == []
    # The next request continues what was cosigned; the act that took it in is the record since.
    assert asked(proved.engine, settings).startswith(f"old {taken.size}\n")
    after = exported(proved, "after")
    assert (after / "cosigned" / "1.txt").read_text(encoding="utf-8") == note
    for arguments in ((after,), (after, f"--witness={witness}", f"--key={key}"), (after, f"--checkpoint={answer}")):
        code, told = said(capsys, *arguments)
        assert (code, f"; cosigned by {NAME} at 20" in told, f"up to record {taken.size}" in told) == (0, True, True)
    spoilt = note[:-8] + ("A" if note[-8] != "A" else "B") + note[-7:]
    (after / "cosigned" / "1.txt").write_text(spoilt, encoding="utf-8")
    code, told = said(capsys, after)
    assert (code, f"cosigned/1.txt: the signature of {witness} does not verify" in told) == (1, True), told


def test_a_cosignature_that_does_not_hold_is_not_taken_in(proved: Proved) -> None:
    settings = with_witness(proved.settings, proved.folder)
    note = cosigned(proved.engine, proved.folder, asked(proved.engine, settings), NOW)
    with pytest.raises(BadNote, match="to come"):
        taken_in(proved.engine, settings, note, NOW - timedelta(hours=2))
    with pytest.raises(BadNote, match="no witness in PROOF_WITNESSES"):
        taken_in(proved.engine, proved.settings, note, NOW)
    with pytest.raises(BadNote, match="no checkpoint of these books"):
        taken_in(proved.engine, settings, note.replace("books.example.ma/1\n", "books.example.ma/2\n", 1), NOW)
    head, _, line = note.rpartition(NAME)
    with pytest.raises(BadNote, match="does not verify"):
        taken_in(proved.engine, settings, f"{head}{NAME}{line[:-8]}AAAA{line[-4:]}", NOW)
    with pytest.raises(Unknown, match="no witness is set"):
        asked(proved.engine, proved.settings)


def test_a_cosignature_changed_in_the_database_is_named(proved: Proved) -> None:
    settings = with_witness(proved.settings, proved.folder)
    taken_in(proved.engine, settings, cosigned(proved.engine, proved.folder, asked(proved.engine, settings), NOW), NOW)
    behind_its_back(proved.engine, "UPDATE proof_cosignature SET cosigned_at = '2026-09-01 09:00:00'")
    told = [problem for problem in check(proved.engine) if "cosignature" in problem]
    assert any(f"the cosignature of checkpoint 1 by {settings.proof_witnesses[0]} states another" in x for x in told)


def test_the_commands_ask_take_in_and_list(proved: Proved) -> None:
    settings = with_witness(proved.settings, proved.folder)
    environment = {
        "DATABASE_URL": proved.engine.url.render_as_string(hide_password=False),
        "DOCUMENTS_URL": settings.documents_url,
        "PROOF_WITNESSES": settings.proof_witnesses[0],
    }

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(program, ["proof", *arguments], env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    assert f"witness {NAME} has cosigned nothing" in run("witnesses")
    request = proved.folder / "request.txt"
    run("witness-request", NAME, "--output", str(request))
    note = cosigned(proved.engine, proved.folder, request.read_text(encoding="utf-8"), NOW)
    # As a mail program on another system keeps it.
    (proved.folder / "cosigned.txt").write_bytes(note.replace("\n", "\r\n").encode())
    told = run("accept-cosigned", str(proved.folder / "cosigned.txt"))
    assert f": cosigned by {NAME} at 2026-09-01T08:00:00Z" in told
    assert f"cosigned by {NAME}: checkpoint 1," in run("witnesses")
