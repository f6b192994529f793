"""Timestamps by RFC 3161: an authority of the test's own on loopback, its answers made by openssl."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from billing.frame.database import reading
from billing.frame.errors import BadConfiguration
from billing.frame.proof_errors import NoTimestamp
from billing.frame.settings import load_settings
from billing.proof.checkpoints import newest_checkpoint
from billing.proof.export import export_files
from billing.proof.timestamps import Timestamp, stamp, timestamp_of, verify_timestamp
from tests.support.proofs import Proved

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def certificate(
    name: str, key: RSAPrivateKey, issuer: str, issuing: RSAPrivateKey, *, is_authority: bool
) -> x509.Certificate:
    """A certificate: of a root, or of an authority of time."""
    now = datetime.now(UTC)

    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(called(name))
        .issuer_name(called(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuing, SHA256())


class Authority:
    """An authority of time: its folder, its address, and what it answers instead, if anything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.instead: bytes | None = None
        root, key = (generate_private_key(65537, 2048) for _ in range(2))
        ca = certificate("Racine", root, "Racine", root, is_authority=True)
        signer = certificate("Horodatage", key, "Racine", root, is_authority=False)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
        (folder / "tsa.pem").write_bytes(signer.public_bytes(Encoding.PEM))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "tsa.key").write_bytes(pem)
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))

    def answer(self, query: bytes) -> bytes:
        """A signed answer, by openssl."""
        if self.instead is not None:
            return self.instead
        (self.folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-inkey", "tsa.key"]
        subprocess.run(
            [*command, "-signer", "tsa.pem", "-out", "answer"], cwd=self.folder, check=True, capture_output=True
        )
        return (self.folder / "answer").read_bytes()


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[Authority, str]]:
    """An authority that listens on loopback, and its address."""
    folder = tmp_path / "tsa"
    folder.mkdir()
    mine = Authority(folder)

    class Handler(BaseHTTPRequestHandler):
        """Answers queries."""

        def do_POST(self) -> None:
            """One query."""
            assert self.headers["Content-Type"] == "application/timestamp-query"
            content = mine.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield mine, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


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
