"""Timestamps by RFC 3161, by an authority of the test's own."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billing.check import check
from billing.frame.database import maintenance_transaction, reading
from billing.frame.errors import BadConfiguration
from billing.frame.proof_errors import NoTimestamp
from billing.frame.settings import load_settings
from billing.proof.checkpoints import newest_checkpoint
from billing.proof.export import export_files
from billing.proof.timestamps import Timestamp, stamp, timestamp_of, verify_timestamp
from tests.support.proofs import Proved
from tests.support.time_authority import Authority, listening


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[Authority, str]]:
    """An authority that listens on loopback, and its address."""
    with listening(tmp_path / "tsa") as mine:
        yield mine


def stamped(proved: Proved, authority: tuple[Authority, str]) -> Timestamp | None:
    """The newest checkpoint, stamped."""
    settings = replace(proved.settings, tsa_url=authority[1], tsa_ca_file=authority[0].ca_file)
    with reading(proved.engine) as connection:
        newest = newest_checkpoint(connection)
    assert newest is not None
    return stamp(settings, proved.engine, newest)


def test_a_checkpoint_is_stamped_once_and_the_answer_kept(
    proved: Proved, authority: tuple[Authority, str], tmp_path: Path
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    made = stamped(proved, authority)
    assert made is not None
    assert before <= made.stamped_at <= datetime.now(UTC) + timedelta(seconds=2)
    # It is not asked again, nor anything else than what is kept given out.
    authority[0].instead = b"nonsense"
    again = stamped(proved, authority)
    assert again is not None
    assert again.response == made.response
    with reading(proved.engine) as connection:
        kept = timestamp_of(connection, 1)
        exported = {file.path: b"".join(file.pieces) for file in export_files(connection)}
    assert kept is not None
    assert kept.response == exported["timestamps/1.tsr"] == made.response
    # Another program comes to the same.
    (tmp_path / "note").write_bytes(exported["checkpoint.txt"])
    (tmp_path / "1.tsr").write_bytes(exported["timestamps/1.tsr"])
    command = ["openssl", "ts", "-verify", "-data", "note", "-in", "1.tsr", "-CAfile", str(authority[0].ca_file)]
    told = subprocess.run(
        [*command, "-untrusted", str(authority[0].folder / "tsa.pem")], cwd=tmp_path, capture_output=True, check=False
    )
    assert b"Verification: OK" in told.stdout + told.stderr


def test_the_time_zone_of_the_server_changes_nothing(proved: Proved, authority: tuple[Authority, str]) -> None:
    stamped(proved, authority)
    if proved.engine.dialect.name == "postgresql":
        with maintenance_transaction(proved.engine) as connection:
            name = proved.engine.url.database
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET timezone TO 'Africa/Casablanca'")
        proved.engine.dispose()
    assert check(proved.engine) == []


def test_an_answer_that_does_not_hold_is_refused_and_not_kept(proved: Proved, authority: tuple[Authority, str]) -> None:
    authority[0].instead = b"nonsense"
    with pytest.raises(NoTimestamp, match="does not hold"):
        stamped(proved, authority)
    authority[0].instead = None
    other = Authority(_folder(authority[0].folder / "other"))
    authority[0].ca_file.write_bytes(other.ca_file.read_bytes())
    with pytest.raises(NoTimestamp, match="does not hold"):
        stamped(proved, authority)
    with reading(proved.engine) as connection:
        assert timestamp_of(connection, 1) is None


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_stamp_of_another_checkpoint_does_not_count(proved: Proved, authority: tuple[Authority, str]) -> None:
    made = stamped(proved, authority)
    assert made is not None
    with pytest.raises(NoTimestamp):
        verify_timestamp(made.response, "another note", authority[0].ca_file)


def test_an_authority_that_does_not_answer_is_told(proved: Proved, authority: tuple[Authority, str]) -> None:
    with pytest.raises(NoTimestamp, match="does not answer"):
        stamped(proved, (authority[0], "http://127.0.0.1:9/"))


def test_without_an_authority_nothing_is_stamped(proved: Proved) -> None:
    with reading(proved.engine) as connection:
        newest = newest_checkpoint(connection)
    assert newest is not None
    assert stamp(proved.settings, proved.engine, newest) is None


def test_address_and_certificates_go_together() -> None:
    with pytest.raises(BadConfiguration, match="go together"):
        load_settings({"TSA_URL": "https://tsa.example"})
    with pytest.raises(BadConfiguration, match="TSA_URL"):
        load_settings({"TSA_URL": "ftp://tsa.example", "TSA_CA_FILE": "ca.pem"})
