"""The audit bundle carries the proof of the books: whoever holds the archive alone can verify it."""

import subprocess
import sys
import zipfile
from pathlib import Path

from billing.audit.bundle.writing import audit_bundle
from billing.frame.database import reading
from tests.support.proofs import Proved


def verified(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The verifier of the bundle, run by itself."""
    command = [sys.executable, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


def test_the_bundle_is_verified_by_the_program_within_it(proved: Proved) -> None:
    bundle = proved.folder / "audit.zip"
    with reading(proved.engine) as connection, bundle.open("wb") as file:
        found = audit_bundle(connection, 2026, proved.settings.operator.party, proved.settings.terms)
        file.writelines(found.pieces)
    assert found.control.is_proved
    folder = Path(proved.folder) / "unpacked"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
        assert "verify_books.py" in archive.read("LISEZ-MOI.md").decode()
    verifier = folder / "preuve" / "verify_books.py"
    for export in (folder / "preuve", bundle):
        done = verified(verifier, export)
        assert (done.returncode, done.stdout[:8]) == (0, "proved: "), done.stderr
    records = folder / "preuve" / "records.jsonl"
    records.write_bytes(records.read_bytes().replace(b"0.00", b"0.01", 1))
    assert verified(verifier, folder / "preuve").returncode == 1
