"""An authority of time (RFC 3161) on loopback, its answers made by openssl."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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


@contextmanager
def listening(folder: Path) -> Iterator[tuple[Authority, str]]:
    """An authority that listens on loopback, and its address."""
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
    try:
        yield mine, f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
