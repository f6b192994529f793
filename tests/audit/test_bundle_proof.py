"""The audit bundle carries the proof of the books, and its files are bound to it: the archive alone can be verified."""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

import billing.proof.verify_books
from billing.audit.bundle.writing import audit_bundle
from billing.frame.database import reading
from billing.frame.settings import load_settings
from billing.proof.checkpoints import signers_of
from billing.proof.witnesses import witnesses_of
from ledger.models import entry
from tests.support.proofs import Proved
from tests.support.proved_park import NOW
from tests.support.spoiling import OpenPark
from tests.support.witnesses import NAME, asked, cosigned, taken_in, with_witness

VERIFIER = Path(billing.proof.verify_books.__file__)


def verified(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The verifier of the bundle, run by itself."""
    command = [sys.executable, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


@pytest.fixture
def bundle(proved: Proved) -> Path:
    """A bundle of the park's year as an archive, and unpacked beside it."""
    archive_path = proved.folder / "audit.zip"
    with reading(proved.engine) as connection, archive_path.open("wb") as file:
        operator, terms = proved.settings.operator.party, proved.settings.terms
        made = audit_bundle(connection, 2026, operator, terms, signers_of(proved.settings))
        file.writelines(made.pieces)
    assert made.control.is_proved
    with zipfile.ZipFile(archive_path) as archive:
        archive.extractall(proved.folder / "unpacked")
    return archive_path


def test_the_bundle_is_verified_by_the_program_within_it(bundle: Path) -> None:
    folder = bundle.parent / "unpacked"
    readme = (folder / "LISEZ-MOI.md").read_text(encoding="utf-8")
    assert "verify_books.py ." in readme
    assert "SHA256SUMS.note" in readme
    verifier = folder / "preuve" / "verify_books.py"
    files = len((folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    for export in (folder, bundle):
        done = verified(verifier, export)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("proved: ")
        assert " on 2026-09-01; the last entry is of 2026-0" in done.stdout
        assert (
            f"; the {files} files of the bundle are those that were signed, and its books and documents have "
            in done.stdout
        )
    # The log alone is proved as before.
    assert "files of the bundle" not in verified(verifier, folder / "preuve").stdout
    records = folder / "preuve" / "records.jsonl"
    records.write_bytes(records.read_bytes().replace(b"0.00", b"0.01", 1))
    assert verified(verifier, folder / "preuve").returncode == 1


def renew_sums(folder: Path) -> None:
    """Write the manifest anew, as whoever changes a file could."""
    manifest = folder / "SHA256SUMS"
    names = [line.partition("  ")[2] for line in manifest.read_text(encoding="utf-8").splitlines()]
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    manifest.write_text("".join(lines), encoding="utf-8")


def test_any_file_changed_is_named_and_a_manifest_made_anew_is_not_the_one_signed(bundle: Path) -> None:
    """In every file of the bundle, the last byte."""
    folder = bundle.parent / "unpacked"
    verifier = bundle.parent / "verify_books.py"
    verifier.write_bytes((folder / "preuve" / "verify_books.py").read_bytes())
    for path in sorted(found for found in folder.rglob("*") if found.is_file()):
        name, content = path.relative_to(folder).as_posix(), path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        done = verified(verifier, folder)
        assert done.returncode == 1, name
        assert name.rpartition("/")[2] in done.stderr or "checkpoint" in done.stderr, (name, done.stderr)
        if name == "journal/journal.csv":
            renew_sums(folder)
            done = verified(verifier, folder)
            assert "SHA256SUMS is not the one that was signed" in done.stderr
            renewed = True
        path.write_bytes(content)
        renew_sums(folder)
    assert renewed
    assert verified(verifier, folder).returncode == 0


def test_files_put_in_or_taken_away_are_named(bundle: Path) -> None:
    folder = bundle.parent / "unpacked"
    verifier = folder / "preuve" / "verify_books.py"
    (folder / "livres" / "autre.csv").write_text("x\n", encoding="utf-8")
    assert "livres/autre.csv is in the bundle, and not in its SHA256SUMS" in verified(verifier, folder).stderr
    (folder / "livres" / "autre.csv").unlink()
    (folder / "livres" / "grand-livre.csv").unlink()
    assert "livres/grand-livre.csv is missing from the bundle" in verified(verifier, folder).stderr
    (folder / "SHA256SUMS.note").unlink()
    assert verified(verifier, folder, "--unsigned").returncode == 1


FEC = f"fec/{load_settings({}).operator.party.tax_id}FEC20261231"


@pytest.mark.parametrize(
    ("name", "of_line", "says"),
    [
        ("journal/journal.csv", ",3421,", "moves account 3421 by"),
        ("livres/grand-livre.csv", "général,ligne,,3421,", "moves account 3421 by"),
        ("livres/journal-centralisateur.csv", ",VTE,Ventes,3421,", "moves account 3421 by"),
        (f"{FEC}.txt", "\t3421\t", "moves account 3421 by"),
        (f"{FEC}-analytique.txt", "PER\t", "moves account 9"),
        ("moteurs/livres.journal", "    Général:3421 ", "moves account 3421 by"),
        ("moteurs/livres.beancount", "  Assets:3421-", "moves account 3421 by"),
        ("documents/registre.csv", "facture,2026-06", "sums TTC by"),
        ("documents/registre-tva.csv", "facture,2026-06", "sums TVA by"),
        ("documents/lignes.csv", "facture,2026-06", "sums HT by"),
    ],
)
def test_a_file_that_says_other_than_the_records_is_named_even_when_nobody_signed(
    bundle: Path, name: str, of_line: str, says: str
) -> None:
    """E4: an amount is changed, and the manifest made anew."""
    folder = bundle.parent / "unpacked"
    file = folder / name
    lines = file.read_bytes().decode().splitlines(keepends=True)
    wrong = next(place for place, line in enumerate(lines) if of_line in line)
    # The first amount; of documents the last, since prices come before.
    amounts = list(re.finditer(r"(?<=[,\t ])[1-9][0-9]*[.,][0-9]{2}(?=[,\t\r\n ])", lines[wrong]))
    at = amounts[-1 if name.startswith("documents/") else 0].start()
    lines[wrong] = f"{lines[wrong][:at]}{int(lines[wrong][at]) % 9 + 1}{lines[wrong][at + 1 :]}"
    file.write_bytes("".join(lines).encode())
    renew_sums(folder)
    done = verified(folder / "preuve" / "verify_books.py", folder, "--unsigned")
    assert done.returncode == 1
    assert f"{name} {says}" in done.stderr, done.stderr


def test_entries_that_are_not_under_proof_yet_are_counted(open_park: OpenPark, tmp_path: Path) -> None:
    with open_park() as engine, reading(engine) as connection:
        settings = load_settings({})
        made = audit_bundle(connection, 2026, settings.operator.party, settings.terms)
        (tmp_path / "audit.zip").write_bytes(b"".join(made.pieces))
        entries = connection.scalar(select(func.count()).select_from(entry))
    with zipfile.ZipFile(tmp_path / "audit.zip") as archive:
        archive.extract("preuve/verify_books.py", tmp_path)
        assert "SHA256SUMS.note" not in archive.namelist()
    done = verified(tmp_path / "preuve" / "verify_books.py", tmp_path / "audit.zip", "--unsigned")
    assert done.returncode == 0, done.stderr
    assert f"but for {entries} later entries that no record holds" in done.stdout


def test_the_bundle_says_what_its_witness_has_cosigned_or_that_it_has_not(proved: Proved) -> None:
    settings = with_witness(proved.settings, proved.folder)

    def told() -> tuple[str, str]:
        path = proved.folder / "audit.zip"
        with reading(proved.engine) as connection, path.open("wb") as file:
            operator, signers, witnesses = settings.operator.party, signers_of(settings), witnesses_of(settings)
            made = audit_bundle(connection, 2026, operator, settings.terms, signers, witnesses=witnesses)
            file.writelines(made.pieces)
        with zipfile.ZipFile(path) as archive:
            readme = archive.read("LISEZ-MOI.md").decode()
        return readme, verified(VERIFIER, path).stdout

    readme, sentence = told()
    assert f"**Le témoin `{NAME}` n'a rien contresigné.**" in readme
    assert f"; NOT cosigned by {NAME}, its witness; the " in sentence
    taken_in(proved.engine, settings, cosigned(proved.engine, proved.folder, asked(proved.engine, settings), NOW), NOW)
    readme, sentence = told()
    said = "a contresigné les 27 premiers enregistrements le 1er septembre 2026 (UTC) : `preuve/cosigned/1.txt`"
    assert f"Le témoin `{NAME}` {said}" in readme
    assert f"; cosigned by {NAME} at 2026-09-01T08:00:00Z, up to record 27; the " in sentence
