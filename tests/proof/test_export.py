"""The export and its verifier: offline, by itself, and against whoever holds the database and even the key."""

import subprocess
import sys
from pathlib import Path

import pytest

from billing.check import check
from billing.frame.database import reading, writing
from billing.proof.checkpoints import make_checkpoint
from billing.proof.export import export_files, verifier_source, write_folder, write_zip
from billing.proof.verify_books import main
from ledger.entry import Entry, Posting
from ledger.journal import post
from tests.support.proofs import Proved
from tests.support.proved_park import DAY, NOW
from tests.support.spoiling import behind_its_back


def exported(proved: Proved, name: str = "export") -> Path:
    """The export in a folder of the test's."""
    folder = proved.folder / name
    with reading(proved.engine) as connection:
        write_folder(export_files(connection), folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The verifier's exit status and what it says."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out + err


def test_an_export_is_proved_by_the_verifier_alone(proved: Proved) -> None:
    folder = exported(proved)
    assert check(proved.engine, documents_url=proved.settings.documents_url) == []
    # In a process of its own, where our packages can't be found.
    program = (
        "import os, runpy, sys; sys.path = [p for p in sys.path if not os.path.isdir(os.path.join(p, 'billing'))]; "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__'); "
    )
    arguments = [sys.executable, "-I", "-c", program, str(folder / "verify_books.py"), str(folder)]
    found = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd="/")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("proved: ")


def test_the_verifier_imports_nothing_of_ours() -> None:
    imported = [line for line in verifier_source().decode().split("\n") if line.startswith(("import ", "from "))]
    modules = {line.split()[1].split(".")[0] for line in imported}
    assert modules - set(sys.stdlib_module_names) == {"cryptography"}


def test_a_zip_archive_says_the_same_wherever_in_it_the_files_are(
    proved: Proved, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = exported(proved)
    path = proved.folder / "export.zip"
    with reading(proved.engine) as connection, path.open("wb") as stream:
        write_zip((file._replace(path=f"preuve/{file.path}") for file in export_files(connection)), stream, NOW)
    assert said(capsys, path) == said(capsys, folder)


def test_a_checkpoint_that_was_kept_shows_that_the_end_was_dropped(
    proved: Proved, capsys: pytest.CaptureFixture[str]
) -> None:
    before = exported(proved, "before")
    postings = (Posting("5141", 10_00), Posting("4497", -10_00))
    with writing(proved.engine) as connection:
        post(connection, [Entry("X", "VTE", DAY.replace(month=8), "À nouveau", "X", postings)], recorded_at=NOW)
    (proved.folder / "kept.txt").write_text(make_checkpoint(proved.settings, proved.engine, lambda: NOW).note)
    kept = f"--checkpoint={proved.folder / 'kept.txt'}"
    assert said(capsys, exported(proved), kept)[0] == 0
    code, told = said(capsys, before, kept)
    assert (code, "the last 2 were dropped" in told) == (1, True), told


def test_whoever_holds_database_and_key_cannot_rewrite_what_a_kept_checkpoint_covers(
    proved: Proved, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = proved.folder / "kept.txt"
    with reading(proved.engine) as connection:
        kept.write_bytes(b"".join(next(x for x in export_files(connection) if x.path == "checkpoint.txt").pieces))
    tables = ("proof_timestamp", "proof_checkpoint", "proof_node", "proof_leaf")
    behind_its_back(
        proved.engine,
        "UPDATE entry SET label = 'Autre' WHERE id = 1",
        *(f"DELETE FROM {table}" for table in tables),
    )
    for path in (proved.folder / "documents" / "checkpoints").iterdir():
        path.unlink()
    make_checkpoint(proved.settings, proved.engine, lambda: NOW)
    folder = exported(proved)
    # The forger's own export proves itself ...
    assert said(capsys, folder)[0] == 0
    # ... but not against what the auditor has.
    code, told = said(capsys, folder, f"--checkpoint={kept}")
    assert (code, "is not over the records of this export" in told) == (1, True), told


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        ("records.jsonl", b'"label":"', b'"label" :"', "was changed since"),
        ("leaves.txt", b" entry 1\n", b" entry 2\n", "the record in its place says it is technopark-entry/1 1"),
        ("checkpoint.txt", b"books.example.ma/1\n", b"books.example.ma/2\n", "does not verify"),
        ("keys.txt", b"books", b"bokos", "it is"),
    ],
)
def test_a_file_that_was_changed_is_named(
    proved: Proved, capsys: pytest.CaptureFixture[str], name: str, before: bytes, after: bytes, told: str
) -> None:
    folder = exported(proved)
    content = (folder / name).read_bytes()
    assert before in content
    (folder / name).write_bytes(content.replace(before, after, 1))
    code, found = said(capsys, folder)
    assert (code, told in found) == (1, True), found


@pytest.mark.parametrize("name", ["records.jsonl", "leaves.txt", "checkpoint.txt", "keys.txt"])
def test_a_file_that_is_missing_or_cut_off_is_named(
    proved: Proved, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = exported(proved)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    assert said(capsys, folder)[0] == 1
    (folder / name).unlink()
    code, found = said(capsys, folder)
    assert code == 1
    assert name in found or name == "checkpoint.txt"


def test_another_key_than_the_one_that_was_given_is_not_believed(
    proved: Proved, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = exported(proved)
    (key,) = (folder / "keys.txt").read_text().split()
    assert said(capsys, folder, f"--key={key}")[0] == 0
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert said(capsys, folder, f"--key={other}") == (1, "WRONG: checkpoint.txt is signed by no key that is known\n")


def test_an_unsigned_export_says_so(proved: Proved, capsys: pytest.CaptureFixture[str]) -> None:
    folder = exported(proved)
    for name in ("checkpoint.txt", "checkpoints.jsonl"):
        (folder / name).unlink()
    code, found = said(capsys, folder)
    assert (code, "nobody has signed these books" in found) == (1, True)
    code, found = said(capsys, folder, "--unsigned")
    assert (code, "nobody has signed them" in found) == (0, True), found
